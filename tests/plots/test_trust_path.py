"""The picture of the posterior over trust."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from foundation_priors import plots
from foundation_priors.conjugate import BetaBinomial

AT = np.array([0.0, 0.1, 0.5, 1.0])


def axes(pc, name):
    return pc.get_viz("plot", quantity=name)


def test_each_scalar_has_a_facet_that_holds_the_path(path):
    pc = plots.plot_trust_path(path, trust=AT)
    names = ["beta[0]", "beta[1]"]
    assert pc.data["quantity"].values.tolist() == names
    mean, bounds = path.mean("beta", AT), path.quantile("beta", [0.05, 0.25, 0.75, 0.95], AT)
    np.testing.assert_allclose(pc.data["mean"].transpose("trust", "quantity"), mean)
    np.testing.assert_allclose(pc.data["lower"].sel(quantity="beta[0]", prob=0.9), bounds[:, 0, 0])
    np.testing.assert_allclose(pc.data["upper"].sel(quantity="beta[1]", prob=0.5), bounds[:, 2, 1])
    line = pc.viz["mean"]["mean"].sel(quantity="beta[1]").item()
    np.testing.assert_allclose(line.get_xdata(), AT)
    np.testing.assert_allclose(line.get_ydata(), mean[:, 1])
    assert axes(pc, "beta[0]").get_title() == "beta[0]"


def test_the_top_axis_counts_effective_real_observations(path):
    pc = plots.plot_trust_path(path, "beta[1]")
    pc.get_viz("figure").canvas.draw()
    ax = axes(pc, "beta[1]")
    (top,) = ax.child_axes
    n = top.get_xticks()[1:]
    trust = n / float(path.effective_observations(1.0))
    left = ax.transData.transform(np.column_stack([trust, np.zeros_like(n)]))[:, 0]
    right = top.transData.transform(np.column_stack([n, np.zeros_like(n)]))[:, 0]
    np.testing.assert_allclose(left, right, atol=1e-6)
    assert top.get_xlabel() == "effective real observations"


@pytest.mark.parametrize("scale", ["sqrt", "arc", "linear"])
def test_axes_stay_in_units_of_trust(path, scale):
    pc = plots.plot_trust_path(path, "beta[0]", scale=scale)
    low, high = axes(pc, "beta[0]").get_xlim()
    assert -0.1 < low <= 0 and 1 <= high < 1.1


def test_expressions_and_functions(path):
    pc = plots.plot_trust_path(
        path,
        {"slope is steep": lambda d: d["beta"].isel(beta_dim_0=1) > 1.2, "twice": "2 * beta"},
        trust=AT,
    )
    steep = path.probability(lambda d: d["beta"].isel(beta_dim_0=1) > 1.2, AT)
    np.testing.assert_allclose(pc.data["mean"].sel(quantity="slope is steep"), steep)
    assert pc.data["lower"].sel(quantity="slope is steep").isnull().all()
    assert axes(pc, "slope is steep").get_ylim() == (-0.03, 1.03)
    assert "twice[1]" in pc.data["quantity"]
    pc = plots.plot_trust_path(path, "beta > 1.2", trust=AT)
    assert pc.data["quantity"].values.tolist() == ["P(beta[0] > 1.2)", "P(beta[1] > 1.2)"]


def legend(pc):
    return [t.get_text() for t in pc.get_viz("figure").legends[0].get_texts()]


def test_a_probability_is_called_one(path):
    pc = plots.plot_trust_path(path, "beta > 1.2", trust=AT)
    assert legend(pc) == ["posterior probability", "probability without the answers"]
    assert axes(pc, "P(beta[1] > 1.2)").get_ylabel() == "posterior probability"
    pc = path.plot("beta", trust=AT)
    assert legend(pc)[0] == "posterior mean" and legend(pc)[-1] == "mean without the answers"
    assert axes(pc, "beta[1]").get_ylabel() == ""
    pc = path.plot(["beta[1]", "beta[1] > 1.2"], trust=AT[1:])
    assert legend(pc)[0] == "posterior mean or probability"
    assert legend(pc)[-1] == "mean or probability at trust 0.1"
    assert axes(pc, "beta[1]").get_ylabel() == ""


def test_unreliable_weights_are_hatched(path, flagged):
    assert "unreliable" not in plots.plot_trust_path(path, "beta[0]").viz.children
    pc = plots.plot_trust_path(flagged, "beta[0]", trust=AT)
    span = pc.viz["unreliable"]["unreliable"].item()
    assert span.get_x() == pytest.approx(0.75) and span.get_width() == pytest.approx(0.25)
    assert span.get_hatch()
    texts = [t.get_text() for t in pc.get_viz("figure").legends[0].get_texts()]
    assert "unreliable" in texts


def test_marks_are_lines_with_a_legend(path):
    pc = plots.plot_trust_path(path, marks={"design effect": 0.122, "beyond": 2.0})
    found = pc.viz["marks"]["marks"]
    assert found.sizes == {"quantity": 2, "mark": 1}
    assert found[1, 0].item().get_xdata() == [0.122, 0.122]
    texts = [t.get_text() for t in pc.get_viz("figure").legends[0].get_texts()]
    assert "design effect (0.12)" in texts and not any("beyond" in t for t in texts)


def test_visuals_can_be_changed_and_left_out(path):
    pc = plots.plot_trust_path(
        path, "beta[0]", visuals={"mean": {"color": "black"}, "interval": False}
    )
    assert pc.viz["mean"]["mean"].item().get_color() == "black"
    assert "interval" not in pc.viz.children


def test_a_second_path_goes_into_the_same_picture(path):
    pc = plots.plot_trust_path(path, "beta[0]", trust=AT)
    again = plots.plot_trust_path(
        path,
        "beta[0]",
        trust=AT,
        plot_collection=pc,
        visuals={"mean": {"color": "black"}, "interval": False, "reference": False},
    )
    assert again is pc and len(axes(pc, "beta[0]").lines) == 3


def test_nothing_is_clipped_and_no_setting_changes(path):
    before = dict(plt.rcParams)
    pc = plots.plot_trust_path(path, marks={"pooling": 1})
    figure = pc.get_viz("figure")
    figure.canvas.draw()
    inside = figure.get_tightbbox().transformed(figure.dpi_scale_trans)
    assert inside.x0 >= 0 and inside.y0 >= 0
    assert inside.x1 <= figure.bbox.width and inside.y1 <= figure.bbox.height
    assert dict(plt.rcParams) == before


def test_other_backends_draw_the_same_curves(path):
    pc = plots.plot_trust_path(path, "beta[0]", trust=AT, backend="none", marks={"m": 0.5})
    drawn = pc.get_viz("plot", quantity="beta[0]")
    line = next(d for d in np.asarray(drawn).tolist() if d["function"] == "line")
    np.testing.assert_allclose(line["y"], path.mean("beta", AT)[:, 0])


def test_closed_forms_have_pictures_too():
    coin = BetaBinomial(real=(20, 100), synthetic=(70, 100))
    pc = plots.plot_trust_path(coin, trust=AT)
    np.testing.assert_allclose(pc.data["mean"][0], coin.mean(trust=AT))
    np.testing.assert_allclose(
        pc.data["lower"].sel(prob=0.9)[0], coin.quantile(None, 0.05, trust=AT)
    )


def test_bad_input(path):
    with pytest.raises(ValueError, match="'gamma' in 'gamma' is not a variable"):
        plots.plot_trust_path(path, "gamma")
    with pytest.raises(ValueError, match=r"no beta\[7\]"):
        plots.plot_trust_path(path, "beta[7]")
    with pytest.raises(ValueError, match="ci_prob=90"):
        plots.plot_trust_path(path, ci_prob=90)
    with pytest.raises(ValueError, match="runs along one trust"):
        plots.plot_trust_path(path, trust=0.5)
    with pytest.raises(ValueError, match="'m' stands at nan"):
        plots.plot_trust_path(path, marks={"m": np.nan})
