"""Every variant of a prompt, against closed forms."""

import numpy as np
import pandas as pd
import pytest

import foundation_priors as fp
from foundation_priors.diagnose.circularity import circularity
from foundation_priors.diagnose.multiverse import multiverse
from foundation_priors.elicit.anticipation import Anticipation
from foundation_priors.errors import ColumnError
from foundation_priors.plots.circularity import plot_circularity
from foundation_priors.plots.multiverse import plot_multiverse
from tests.path import models

ANSWERS = {0: [1.0, 2.0, 1.5], 1: [3.0, 2.5, 3.5]}


@pytest.fixture(scope="module")
def answers() -> fp.SyntheticData:
    rows = [{"revision": k, "y": v} for k, values in ANSWERS.items() for v in values]
    return fp.SyntheticData.from_dataframe(
        pd.DataFrame(rows), outcome="y", cluster="revision", weight=1
    )


@pytest.fixture(scope="module")
def path() -> fp.TrustPath:
    return models.normal("framing")


REAL, FRAMED = models.normal_data()
SAID = {name: group.y.to_numpy() for name, group in FRAMED.groupby("framing")}


@pytest.fixture(scope="module")
def revised() -> fp.SyntheticData:
    """Return the path's answers, as those to two revisions of a prompt."""
    frame = FRAMED.rename(columns={"framing": "revision"})
    return fp.SyntheticData.from_dataframe(frame, outcome="y", cluster="revision", weight=1)


def exact(trust: dict[str, float], real: bool) -> tuple[float, float]:
    """Return mean and sd of mu at weights of the revisions."""
    m0, s0, sigma = models.KNOWN.values()
    rows = len(REAL) * real + sum(len(SAID[k]) * w for k, w in trust.items())
    total = REAL.sum() * real + sum(w * SAID[k].sum() for k, w in trust.items())
    precision = 1 / s0**2 + rows / sigma**2
    return (m0 / s0**2 + total / sigma**2) / precision, precision**-0.5


@pytest.mark.parametrize("trust", [0.4, 1.0])
def test_a_path_without_refits(path, trust):
    table = multiverse(path, "mu", trust, prob=0.8)
    weights = {"no answers": {}, "all": dict.fromkeys(SAID, trust)}
    for k in SAID:
        weights[k] = {k: trust}
        weights[f"without {k}"] = {j: trust for j in SAID if j != k}
    assert set(table["variant"].values) == set(weights)
    for label, given in weights.items():
        for data, real in (("with real data", True), ("answers alone", False)):
            row, (mean, sd) = table.sel(variant=label, data=data), exact(given, real)
            # The draws are worth a thousand independent ones at least.
            assert abs(row["mean"] - mean) < 4 * sd / np.sqrt(1000)
            assert abs(row["sd"] - sd) < 4 * sd / np.sqrt(2 * 1000)
            assert abs(row["lower"] - (mean - 1.2816 * sd)) < 0.18 * sd
            assert abs(row["upper"] - (mean + 1.2816 * sd)) < 0.18 * sd
    assert table["reliable"].all()
    agree = path.mean("mu", trust)
    at = table["mean"].sel(variant="all", data="with real data")
    np.testing.assert_allclose(at, agree, rtol=1e-10)


def test_leaving_out_agrees_with_the_room_of_trust(path):
    out = fp.trust.leave_one_source_out(path, "mu", 0.5)
    table = multiverse(path, "mu", 0.5).sel(data="with real data")
    for name in path.sources:
        mine = table["mean"].sel(variant=f"without {name}")
        np.testing.assert_allclose(mine, out["mean"].sel(left_out=name), rtol=1e-10)


def test_a_rule_learns_the_weights_of_those_that_speak(path):
    table = multiverse(path, "mu")
    mine = table["mean"].sel(data="with real data")
    np.testing.assert_allclose(mine.sel(variant="plain"), mine.sel(variant="without roleplay"))
    low, none, high = (mine.sel(variant=v) for v in ("plain", "no answers", "roleplay"))
    assert SAID["plain"].mean() < low < none < high < SAID["roleplay"].mean()
    assert "at trust cautious" in table.attrs["reading"]


def test_one_weight_for_each(path):
    trust = {"plain": 0.5, "roleplay": 0.0}
    table = multiverse(path, "mu", trust).sel(data="with real data")["mean"]
    np.testing.assert_allclose(table.sel(variant="roleplay"), table.sel(variant="no answers"))
    np.testing.assert_allclose(table.sel(variant="all"), path.mean("mu", trust))


def test_several_paths_are_compared(path):
    table = multiverse({"a": path, "b": path}, "mu", 0.5)
    assert table["variant"].values.tolist() == ["no answers", "a", "b"]
    at = table["mean"].sel(data="with real data")
    np.testing.assert_allclose(at.sel(variant="a"), path.mean("mu", 0.5))


def test_circularity_with_the_posterior(path, revised):
    given = Anticipation("y", value=5, when=None)
    found = circularity(revised, given, path=path, quantity="mu", trust=1.0)
    at = found["posterior_mean"].sel(data="with real data")
    for prompt, weights in (("none", {}), ("first", {"plain": 1}), ("last", {"roleplay": 1})):
        mean, sd = exact(weights, True)
        assert abs(at.sel(prompt=prompt) - mean) < 4 * sd / np.sqrt(1000)
    assert found["share"] == 1
    assert "under the first prompt" in found.attrs["reading"]
    axes = plot_circularity(found, real=REAL.mean())
    assert axes.get_ylabel() == "mean of y"


def test_circularity_with_a_path_of_other_names(path, answers):
    with pytest.raises(ValueError, match="no weight for the revision 0"):
        circularity(answers, path=path, quantity="mu")


def test_answers(answers):
    table = multiverse(answers, by="revision")
    np.testing.assert_allclose(table["mean"], [1.5, 3.0])
    # One pooled variance, 1/4, with 4 degrees of freedom.
    half = 2.1318 * np.sqrt(0.25 / 3)
    np.testing.assert_allclose(table["upper"] - table["mean"], half, rtol=1e-4)
    assert "runs from 1.5 (0) to 3 (1) over 2 variants" in table.attrs["reading"]


def test_votes_are_compared_as_shares():
    llm = fp.datasets.load("anes96").synthetic
    table = multiverse(llm, "vote", event="Clinton")
    assert table["variant"].values.tolist() == ["forecast", "plain", "roleplay"]
    np.testing.assert_allclose(1 - table["mean"], multiverse(llm, "vote")["mean"])
    assert table.attrs["noise"] == "conversations"


def test_refine_by_user_and_round():
    llm = fp.datasets.load("refine").synthetic
    crossed = multiverse(llm, "return_percent")
    assert crossed.sizes["variant"] == 12
    assert crossed["mean"].sel(variant="low, 5").item() == 2.875
    assert multiverse(llm, by="persona").sizes["variant"] == 2


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda p, d: multiverse(p), ValueError, "Name the quantity"),
        (lambda p, d: multiverse(p, "mu", [0, 1]), ValueError, "not normalisable"),
        (lambda p, d: multiverse(p, "mu", "evidence"), ValueError, "must be a weight"),
        (lambda p, d: multiverse(p, "mu", 3.0), ValueError, "beyond the path"),
        (lambda p, d: multiverse(p, "mu", by="revision"), ValueError, "are of answers"),
        (lambda p, d: multiverse(p, "mu", prob=2), ValueError, "prob=2"),
        (lambda p, d: multiverse({"a": 1, "b": 2}, "mu"), TypeError, "takes a TrustPath"),
        (lambda p, d: multiverse(3, "mu"), TypeError, "takes a TrustPath"),
        (lambda p, d: multiverse(d, "x"), ColumnError, "names no outcome: name one with quantity="),
        (lambda p, d: multiverse(d, lambda v: v), TypeError, "name of an outcome"),
        (lambda p, d: multiverse(d, by="framing"), ColumnError, "no factor"),
        (lambda p, d: multiverse(d.sel(revision=1)), ValueError, "nothing to compare"),
        (lambda p, d: multiverse(d.sel(revision=1), by="revision"), ValueError, "nothing to com"),
    ],
)
def test_bad_input(path, answers, call, error, message):
    with pytest.raises(error, match=message):
        call(path, answers)


def test_arrays_are_refused(path):
    with pytest.raises(ValueError, match="name one element"):
        multiverse(path, lambda draws: draws["mu"].expand_dims(k=2, axis=1), 1.0)


def test_pictures(path, answers):
    import matplotlib.pyplot as plt

    table = multiverse(path, "mu", 1.0)
    axes = plot_multiverse(table, real=(0.5, 0.1, 0.9))
    shown = [t.get_text() for t in axes.get_yticklabels()]
    assert shown == ["no answers", "plain", "roleplay", "all", "without roleplay", "without plain"]
    axes.figure.canvas.draw()
    plot_multiverse(table, prior=False, ax=plt.subplots()[1], xlabel="mu").figure.canvas.draw()
    given = Anticipation("y", quantiles={0.1: 3, 0.9: 5}, when=None)
    drift = circularity(answers, given)
    axes = plot_circularity(drift, real=(0.5, 0.1, 0.9), ylabel="y", ax=plt.subplots()[1])
    labels = [t.get_text() for t in axes.get_legend().get_texts()]
    assert labels == ["anticipated", "answers", "real data"]
    plot_circularity(circularity(answers)).figure.canvas.draw()
    plt.close("all")


@pytest.mark.parametrize("real", [(1, 2), np.nan, [1, 2, np.inf]])
def test_pictures_of_bad_input(answers, real):
    table, drift = multiverse(answers), circularity(answers)
    with pytest.raises(ValueError, match="must be an estimate"):
        plot_multiverse(table, real)
    with pytest.raises(ValueError, match="must be an estimate"):
        plot_circularity(drift, real)
    with pytest.raises(ValueError, match="what multiverse"):
        plot_multiverse(drift)
    with pytest.raises(ValueError, match="what circularity"):
        plot_circularity(table)
