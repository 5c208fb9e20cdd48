"""Evidence and held-out score over trust."""

import numpy as np
import pytest

from foundation_priors import plots


def legend(pc):
    return [t.get_text() for box in pc.get_viz("figure").legends for t in box.get_texts()]


def texts(pc):
    (ax,) = np.unique(pc.viz["plot"].values)
    return [t.get_text() for t in ax.texts]


def test_evidence_is_drawn_with_its_error_and_its_highest_point(path):
    pc = plots.plot_evidence(path, trust=path.trust)
    expected = path.log_evidence()
    np.testing.assert_allclose(pc.data["curve"][0], expected)
    np.testing.assert_allclose(pc.data["mcse"][0], expected.mcse)
    point = pc.viz["points"]["points"].item().get_offsets()[0]
    assert point.tolist() == [float(path.trust[expected.argmax("trust")]), float(expected.max())]
    assert any(t.strip().startswith("highest at trust") for t in texts(pc))
    assert "two Monte Carlo standard errors" in legend(pc)


def test_unreliable_evidence_is_hatched(flagged):
    pc = plots.plot_evidence(flagged)
    assert pc.viz["unreliable"]["unreliable"].item().get_hatch() and "unreliable" in legend(pc)


def test_score_names_the_best_trust_ignoring_and_pooling(path, score):
    pc = plots.plot_score(path, score, marks={"half": 0.5})
    np.testing.assert_allclose(pc.data["curve"][0].sel(trust=score.trust), score)
    labels = [t.split(":")[0].strip() for t in texts(pc)]
    best = float(path.trust[score.argmax("trust")])
    named = {0.0: "ignoring is best", 1.0: "pooling is best"}.get(best)
    assert (named in labels) if named else any(t.startswith("best at trust") for t in labels)
    assert sum("ignoring" in t or "pooling" in t for t in labels) == 2
    (ax,) = np.unique(pc.viz["plot"].values)
    assert ax.get_ylabel() == "log score of 20 rows (nats)"


def test_rows_are_scored_on_the_way(path, line):
    pc = plots.plot_score(path, line[2], trust=[0, 0.5, 1])
    np.testing.assert_allclose(pc.data["curve"][0], path.score(line[2], [0, 0.5, 1]))


def test_both_panels_share_the_weights(path, score):
    pc = plots.plot_evidence_and_score(path, score)
    at = pc.data["trust"].values
    np.testing.assert_allclose(pc.data["curve"][0], path.log_evidence(at))
    shown = pc.data.sel(quantity=pc.data["quantity"][1], trust=score.trust)
    np.testing.assert_allclose(shown["curve"], score)
    np.testing.assert_allclose(shown["mcse"], score.mcse)


@pytest.mark.parametrize("given", ["rows", "a score"])
def test_no_curve_has_a_kink_near_zero(path, line, score, given):
    """On the axis, the drawn slope from 0 changes in small steps, and starts where it is flat."""
    pc = plots.plot_evidence_and_score(path, score if given == "a score" else line[2])
    for curve in pc.data["curve"]:
        x, y = np.sqrt(curve["trust"].values), curve.values
        slope = np.diff(y) / np.diff(x)
        assert np.abs(np.diff(slope))[:12].max() < 0.3 * np.abs(slope).max()
        assert abs(slope[0]) < 0.2 * np.abs(slope).max()


def test_a_score_is_joined_linearly_in_trust_where_all_is_known(path, score):
    bad = score.assign_coords(reliable=score["trust"] > 0)
    pc = plots.plot_score(path, bad[::-1])
    shown, first = pc.data.isel(quantity=0), float(score["trust"][1])
    inner = shown.sel(trust=slice(1e-12, 0.999 * first))
    assert inner.sizes["trust"] == 5 and not inner["reliable"].any()
    straight = score[0] + (score[1] - score[0]) * inner["trust"] / first
    np.testing.assert_allclose(inner["curve"], straight)
    same = plots.plot_score(path, score, scale="linear")
    np.testing.assert_array_equal(same.data["trust"], score["trust"])


def test_a_flat_curve_and_the_none_backend(path, score):
    plots.plot_score(path, score * 0).get_viz("figure").canvas.draw()
    pc = plots.plot_evidence(path, backend="none")
    assert pc.data.sizes["quantity"] == 1


def test_a_score_at_one_weight_is_refused(path, score):
    with pytest.raises(ValueError, match="runs along one trust"):
        plots.plot_score(path, score[0])
