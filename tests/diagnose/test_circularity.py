"""Drift over revisions: the built-in study, hand-made answers, journals, bad input."""

import warnings
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import foundation_priors as fp
from foundation_priors.diagnose.circularity import circularity
from foundation_priors.diagnose.circularity_figures import p_still
from foundation_priors.diagnose.circularity_rows import means_of
from foundation_priors.elicit.anticipation import Anticipation
from foundation_priors.elicit.design import Study
from foundation_priors.elicit.journal import Journal, read
from foundation_priors.errors import ColumnError, JournalError, UnreliableWarning

TARGETS = {"low": 3.0, "high": 15.0}


def expects(value: float, when: str | None = None, **more) -> Anticipation:
    return Anticipation(more.pop("quantity", "return_percent"), value=value, when=when, **more)


def made(means, n=2, noise=0.0, seed=0, **columns) -> fp.SyntheticData:
    """Return n answers a revision whose mean is exactly what it should be."""
    rng = np.random.default_rng(seed)
    rows = []
    for number, mean in enumerate(means):
        error = rng.normal(size=n) * noise
        values = mean + error - error.mean()
        rows += [{"revision": number, "y": v, "who": i} for i, v in enumerate(values)]
    frame = pd.DataFrame(rows).drop(columns=[] if columns.get("unit") else ["who"])
    return fp.SyntheticData.from_dataframe(frame, outcome="y", cluster="revision", **columns)


@pytest.fixture(scope="module")
def refine() -> fp.SyntheticData:
    return fp.datasets.load("refine").synthetic


@pytest.fixture(scope="module")
def both(refine) -> xr.Dataset:
    given = {name: expects(value, who=name) for name, value in TARGETS.items()}
    return circularity(refine, given, user="persona")


def test_refine(both):
    assert both["share"].values.round(2).tolist() == [0.90, 1.00]
    # Of 2.485 + 1.835 + .105 + 1.505 + .430: away .105 and what is below 3, .555.
    assert both["share"].sel(user="low").item() == pytest.approx(5.70 / 6.36)
    np.testing.assert_allclose(both["mean"].isel(revision=0), [8.165, 8.29])
    np.testing.assert_allclose(both["mean"].isel(revision=-1), [2.875, 13.94])
    assert (both["share_lower"] > 0.75).all() and (both["p_still"] < 1e-9).all()
    steps = (both["towards"] + both["away"]).isel(revision=slice(1, None))
    np.testing.assert_allclose(steps, abs(both["mean"].diff("revision")))
    net = both["towards"].sum("revision") - both["away"].sum("revision")
    np.testing.assert_allclose(both["net"], net)
    assert "persona low: Over 5 revisions" in both.attrs["reading"]
    assert both.attrs["fails_when"].endswith("answered.") and both.attrs["prob"] == 0.9


def test_one_user_is_the_same_as_among_several(refine, both):
    one = circularity(refine.sel(persona="low"), expects(3))
    xr.testing.assert_allclose(one, both.sel(user="low", drop=True))


@pytest.mark.parametrize(
    ("means", "target", "share", "net", "refined"),
    [
        ([8, 5, 6, 2], 3, 0.75, 4.0, 6 / 14),
        ([8, 9, 10], 3, 0.0, -2.0, 2 / 10),
        ([2, 4], 3, 0.5, 0.0, 2 / 4),
    ],
)
def test_hand_made_drifts(means, target, share, net, refined):
    found = circularity(made(means, n=3, noise=1e-6), expects(target, quantity="y"))
    assert found["share"].item() == pytest.approx(share, abs=1e-9)
    assert found["net"].item() == pytest.approx(net, abs=1e-9)
    assert found["refined"].item() == pytest.approx(refined)
    assert found["change"].item() == pytest.approx(means[-1] - means[0])
    # The noise is a millionth, and so are the intervals.
    for name in ("share", "net", "refined"):
        width = found[f"{name}_upper"] - found[f"{name}_lower"]
        assert abs(width.item()) < 1e-5


@pytest.mark.parametrize(
    ("means", "words"),
    [
        ([8, 6, 4], "it repeats what the user expected"),
        ([8, 10, 12], "led away from what the user expected"),
        ([2, 4, 2], "does not tell aim from aimless movement"),
    ],
)
def test_readings(means, words):
    found = circularity(made(means, n=20, noise=0.3), expects(3, quantity="y"))
    assert words in found.attrs["reading"]


def test_noise_alone_is_not_read_as_aim():
    found = circularity(made([5.0, 4.9, 5.1], n=10, noise=2.0), expects(3, quantity="y"))
    assert found["p_still"] > 0.05
    assert "no further than noise" in found.attrs["reading"]
    assert found["share_lower"] < 0.2 and found["share_upper"] > 0.8


def test_nothing_moves():
    found = circularity(made([5, 5]), expects(3, quantity="y"))
    assert np.isnan(found["share"]) and "nothing has moved" in found.attrs["reading"]


def test_one_answer_each_has_no_interval():
    found = circularity(made([8, 6, 4], n=1), expects(3, quantity="y"))
    assert found["share"] == 1 and np.isnan(found["share_lower"])
    assert "noise is not judged" in found.attrs["not_judged"]


def test_without_anticipation_only_the_movement_is_judged(refine):
    found = circularity(refine.sel(persona="low"))
    assert np.isnan(found["share"]) and found["change"] == pytest.approx(-5.29)
    assert "nobody wrote down" in found.attrs["not_judged"]


@pytest.mark.parametrize("noise", ["answers", "units"])
def test_the_size_of_the_test_of_no_movement(noise):
    """120 still drifts: .05 within three standard errors."""
    rng, hits = np.random.default_rng(5), 0
    unit = np.tile(np.arange(8), 3) if noise == "units" else ""
    frame = pd.DataFrame({"revision": np.repeat([0, 1, 2], 8), "weight": 1.0, "conversation": ""})
    for _ in range(120):
        own = rng.normal(size=8)[unit] if noise == "units" else 0
        means = means_of(frame.assign(unit=unit, value=own + rng.normal(size=24)))
        assert means.noise == noise
        hits += p_still(means) < 0.05
    assert abs(hits / 120 - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 120)


def test_conversations_make_the_noise_where_there_are_several():
    frame = pd.DataFrame(
        {
            "revision": np.repeat([0, 1], 8),
            "conversation": np.repeat(["a", "b", "c", "d"], 4),
            "y": np.repeat([1.0, 3.0, 5.0, 6.0], 4),
        }
    )
    llm = fp.SyntheticData.from_dataframe(frame, outcome="y", weight=1)
    found = circularity(llm, expects(0, quantity="y"))
    assert found.attrs["noise"] == "conversations"
    # Variances 2 and 1/2 between two conversations, pooled: 5/4, over 2.
    np.testing.assert_allclose(found["se"], np.sqrt(1.25 / 2))


def test_units_asked_every_time_are_paired():
    llm = made([8, 6, 4], n=10, noise=2.0, unit="who")
    found = circularity(llm, expects(3, quantity="y"))
    assert found.attrs["noise"] == "units"


def test_weights_count():
    frame = pd.DataFrame({"revision": [0, 0, 1], "y": [1.0, 4.0, 5.0], "w": [2.0, 1.0, 1.0]})
    llm = fp.SyntheticData.from_dataframe(frame, outcome="y", weight="w")
    assert circularity(llm)["mean"].values.tolist() == [2.0, 5.0]


def test_a_category_is_followed_as_a_share():
    votes = ["Dole", "Clinton", "Clinton", "Clinton", "Dole", "Dole", "Dole", "Clinton"]
    frame = pd.DataFrame({"revision": [0] * 4 + [1] * 4, "vote": votes})
    llm = fp.SyntheticData.from_dataframe(frame, outcome="vote")
    found = circularity(llm, expects(1, quantity="vote"), event="Dole")
    assert found["mean"].values.tolist() == [0.25, 0.75] and found["share"] == 1
    assert found.attrs["outcome"] == "vote = Dole"
    with pytest.raises(ColumnError, match="No answer says vote='Perot'"):
        circularity(llm, event="Perot")


def test_of_more_than_two_categories_one_must_be_named():
    frame = pd.DataFrame({"revision": [0, 0, 1], "mode": ["car", "bus", "air"]})
    llm = fp.SyntheticData.from_dataframe(frame, outcome="mode")
    with pytest.raises(ColumnError, match="are words"):
        circularity(llm)
    assert circularity(llm, event="car")["mean"].values.tolist() == [0.5, 0.0]


def test_revisions_named_in_words_keep_their_order():
    frame = pd.DataFrame({"version": ["v2", "v10"], "y": [1.0, 2.0]})
    llm = fp.SyntheticData.from_dataframe(frame, outcome="y", cluster="version")
    assert circularity(llm)["revision"].values.tolist() == ["v2", "v10"]


def test_a_journal_has_its_versions(tmp_path, both):
    journal = fp.datasets.journal("refine-low", tmp_path / "answers.jsonl")
    found = circularity(journal, expects(3))
    np.testing.assert_allclose(found["mean"], both["mean"].sel(user="low"))
    np.testing.assert_allclose(found["share"], both["share"].sel(user="low"))
    assert "nobody wrote down" in circularity(str(journal)).attrs["not_judged"]


def test_an_anticipation_in_the_journal_is_found(tmp_path):
    journal = fp.datasets.journal("refine-low", tmp_path / "answers.jsonl")
    models = {"m": fp.Endpoint("http://localhost:9/v1")}
    survey = fp.Elicitation("?", answer={"return_percent": fp.Number()}, models=models)
    with pytest.warns(UnreliableWarning, match="holds answers already"):
        expects(3, when="2020-01-01").write(journal, survey)
    found = circularity(journal)
    assert found["anticipated"] == 3 and found["written_before"] == 1
    assert found.sizes["revision"] == 6  # the version that nobody answered moves nothing


def test_a_journal_that_begins_with_an_anticipation(tmp_path):
    known = fp.datasets.journal("refine-low", tmp_path / "known.jsonl")
    head, *rest = read(known)
    asked, path = SimpleNamespace(_study=Study.from_record(head)), tmp_path / "answers.jsonl"
    expects(3, when="2026-11-21").write(path, asked)
    with Journal(path) as journal:
        for line in rest:
            journal.write(line)
    found = circularity(path)
    assert found["written_before"] == 1 and not found.attrs["not_judged"]
    np.testing.assert_allclose(found["mean"], circularity(known)["mean"])
    mine, theirs = (fp.elicit.replay(p, version=head["version"]) for p in (path, known))
    np.testing.assert_array_equal(mine.column("return_percent"), theirs.column("return_percent"))


def test_dates(refine):
    one = refine.sel(persona="low")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert circularity(one, expects(3, when="2026-11-21"))["written_before"] == 1
        assert np.isnan(circularity(one, expects(3, when="2026-11-22"))["written_before"])
    with pytest.warns(UnreliableWarning, match="after the first answer"):
        late = circularity(one, expects(3, when="2026-11-23"))
    assert late["written_before"] == 0 and late["share"].item() == pytest.approx(0.896, abs=1e-3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda d: circularity(d.sel(round=0, persona="low")), ValueError, "one revision"),
        (lambda d: circularity(d, revision="rund"), ColumnError, "Did you mean 'round'"),
        (lambda d: circularity(d, outcome="percent"), ColumnError, "names no outcome"),
        (lambda d: circularity(d, expects(3), user="persona"), ValueError, "must map the levels"),
        (lambda d: circularity(d, {"lo": expects(3)}, user="persona"), ColumnError, "'low'"),
        (lambda d: circularity(d, user="person"), ColumnError, "Did you mean 'persona'"),
        (lambda d: circularity(d, {"a": expects(1), "b": expects(2)}), ValueError, "one Antici"),
        (lambda d: circularity(d, prob=90), ValueError, "prob=90"),
        (lambda d: circularity([1, 2]), TypeError, "path of a journal"),
        (lambda d: circularity("nowhere.jsonl"), JournalError, "cannot be read"),
        (lambda d: circularity("nowhere.jsonl", user="persona"), ValueError, "one user"),
        (lambda d: circularity(d, path=object(), user="persona"), ValueError, "path= speaks"),
        (lambda d: circularity(d, path=object()), ValueError, "needs quantity="),
    ],
)
def test_bad_input(refine, call, error, message):
    with pytest.raises(error, match=message):
        call(refine)


def test_answers_that_name_no_revision():
    llm = fp.SyntheticData.from_dataframe(pd.DataFrame({"y": [1.0, 2.0]}), outcome="y")
    with pytest.raises(ValueError, match="do not say which revision"):
        circularity(llm)
