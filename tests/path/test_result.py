"""What a path offers: moments, quantiles, events, tables."""

import numpy as np
import pytest
import xarray as xr

import foundation_priors as fp
from tests.path import models
from tests.path.test_trust_path import TRUSTS, assert_near


def test_quantiles_follow_the_closed_form():
    path, exact = models.normal(), models.normal_exact()
    found = path.quantile("mu", [0.05, 0.5, 0.95], TRUSTS)
    assert found.dims == ("trust", "quantile")
    for q in (0.05, 0.5, 0.95):
        truth, sd = exact.quantile("mu", q, TRUSTS), exact.sd("mu", TRUSTS)
        # The error of a quantile is that of its probability over the density there.
        ess = path.diagnostics(TRUSTS).ess
        error = np.sqrt(q * (1 - q) / ess) / (0.1 if q != 0.5 else 0.39) * sd
        assert_near(found.sel(quantile=q), truth, error)
    median = path.quantile("mu", 0.5, 0.2)
    assert median.shape == () and "quantile" not in median.coords


def test_quantiles_lie_between_0_and_1():
    with pytest.raises(ValueError, match="must lie between 0 and 1"):
        models.normal().quantile("mu", [0.5, 1.2])


def test_probabilities_follow_the_closed_form():
    found = models.normal().probability("mu > 0.7", TRUSTS)
    truth = models.normal_exact().probability("mu > 0.7", TRUSTS)
    assert_near(found, truth)


@pytest.mark.parametrize("ask", ["probability", "tipping"])
def test_an_event_is_a_comparison(ask):
    with pytest.raises(ValueError, match="'mu' is not an event"):
        getattr(models.normal(), ask)("mu")


def test_vectors_keep_their_dimensions():
    path = models.regression()
    mean = path.mean("beta", [0.0, 1.0])
    assert mean.dims == ("trust", "covariate") and mean.covariate.values.tolist() == [
        "age",
        "income",
    ]
    assert path.mean("beta", 0.3).dims == ("covariate",)
    assert path.quantile("beta", [0.1, 0.9]).dims == ("trust", "quantile", "covariate")
    assert path.probability("beta > 0", 0.1).shape == (2,)
    for kind in ("mean", "sd"):
        vector = path.mcse("beta", [0.0, 0.4], kind=kind)
        scalar = getattr(path, kind)(lambda d: d.beta.sel(covariate="age"), [0.0, 0.4])
        np.testing.assert_allclose(vector.sel(covariate="age"), scalar.mcse, rtol=1e-8)
        np.testing.assert_allclose(
            getattr(path, kind)("beta", [0.0, 0.4]).sel(covariate="age"), scalar, rtol=1e-10
        )
    assert path.expect("beta", 0.3).equals(path.mean("beta", 0.3))


def test_mcse_is_of_a_mean_or_an_sd():
    with pytest.raises(ValueError, match="kind='median'"):
        models.coin().mcse("theta", kind="median")


def test_a_source_worth_little_is_read_as_such():
    worth = models.regression().effective_observations(1.0).item()
    assert worth > 40  # 20 answers with a quarter of the residual scale


def test_summary_is_a_table_over_quantities_and_trust():
    path = models.regression()
    table = path.summary()
    assert table.index.names == ["quantity", "trust"]
    names = set(table.index.get_level_values("quantity"))
    assert names == {"a", "beta[age]", "beta[income]", "sigma", "sigma_synthetic"}
    assert table.loc[("beta[age]", 0.5), "mean"] == pytest.approx(
        path.mean("beta", 0.5).sel(covariate="age").item()
    )
    assert {"sd", "eti90_lb", "eti90_ub", "mcse_mean", "reliable"} <= set(table.columns)
    wide = path.summary("beta", trust=0.2, ci_prob=0.95)
    assert len(wide) == 2 and "eti95_lb" in wide
    both = models.normal("framing").summary(trust={"plain": [0, 1], "roleplay": 0.5})
    assert len(both) == 2


def test_diagnostics_of_weights_and_anchors():
    path = models.normal("framing")
    found = path.diagnostics()
    assert {"ess", "pareto_k", "reliable", "evidence_reliable"} <= set(found.data_vars)
    assert found.ess.dims == ("trust",) and (found.ess > 1000).all()
    assert set(found.ladder.values) == {"posterior", "prior"}
    assert found.anchor_trust.dims == ("anchor", "source")
    assert found.linked.all() and (found.r_hat < 1.05).all()
    one = path.diagnostics({"plain": 0.2, "roleplay": 0.1})
    assert one.ess.shape == ()
    np.testing.assert_allclose(one.effective_observations, 0.2 * 9 + 0.1 * 5, rtol=1e-6)


@pytest.mark.parametrize("path", [models.coin, models.regression])
def test_the_display_says_what_matters(path):
    text, html = repr(path()), path()._repr_html_()
    assert "101 weights: all checks hold" in text and "real observations" in text
    assert "private" in html and html.startswith("<div>") and html.endswith("</div>")


def test_tipping_finds_the_root_of_the_closed_form():
    """P(theta > .5) falls through .8 at L = .664."""
    found = models.coin().tipping("theta > 0.5", probability=0.8)
    truth = models.coin_exact().tipping("theta > 0.5", probability=0.8)
    assert found.sizes["root"] == truth.sizes["root"] == 1
    assert_near(found.trust, truth.trust, found.mcse)
    assert found.mcse.item() < 0.2 and found.direction.item() == -1
    assert found.reliable.item()


def test_tipping_of_a_normal_mean():
    path, exact = models.normal("framing"), models.normal_exact("framing")
    for level in (0.3, 0.8):
        found, truth = (p.tipping("mu > 0.7", probability=level) for p in (path, exact))
        assert found.sizes["root"] == truth.sizes["root"]
        assert_near(found.trust, truth.trust, found.mcse)


def test_a_claim_that_never_tips_has_no_root():
    found = models.coin().tipping("theta > 0.5", probability=0.999)
    assert found.sizes["root"] == 0 and found.trust.shape == (0,)


def test_a_claim_can_tip_more_than_once():
    """Along a path from mean .5 to 1.7 the mean passes an interval between them."""
    path = models.normal("framing")
    ends = path.mean("mu", [0.0, 1.0], along={"roleplay": 1}).values
    middle, width = ends.mean(), np.ptp(ends) / 3

    def near(d):
        return np.abs(d.mu - middle) < width

    p = path.probability(near, along={"roleplay": 1})
    level = float((p.max() + max(p[0], p[-1])) / 2)
    roots = path.tipping(near, level, along={"roleplay": 1})
    assert roots.direction.values.tolist() == [1, -1]
    assert (np.diff(roots.trust) > 0).all() and roots.reliable.all()


def test_tipping_of_a_vector_fills_up_with_missing_roots():
    path = models.regression()
    ends = path.probability("beta > 0.8", [0.0, 1.0])
    level = float(ends.sel(covariate="age").mean())
    found = path.tipping("beta > 0.8", level)
    assert found.trust.dims == ("covariate", "root")
    own = found.trust.sel(covariate="age").values
    back = path.probability("beta > 0.8", own[np.isfinite(own)]).sel(covariate="age")
    np.testing.assert_allclose(back, level, atol=1e-9)


@pytest.mark.parametrize("level", [0, 1, -0.1, np.nan])
def test_the_level_lies_between_0_and_1(level):
    with pytest.raises(ValueError, match="must lie between 0 and 1"):
        models.coin().tipping("theta > 0.5", probability=level)


def test_the_errors_of_roots_are_calibrated():
    """Paths made of independent draws, of which the closed form is known."""
    from dataclasses import replace

    from scipy.optimize import brentq
    from scipy.stats import norm

    from foundation_priors.path.engine import Run
    from foundation_priors.path.fits import Fit
    from foundation_priors.path.ladder import Ladder
    from tests.path.gaussian import Family

    base, family, z = models.normal(), Family([3.0], [4.0]), []
    ratio = lambda t: float(family.mean(np.array([t])) / family.sd(np.array([t])))  # noqa: E731
    truth = brentq(lambda t: norm.cdf(ratio(t)) - 0.7, 0.01, 0.9)
    points = np.array([[0.0], [0.3], [1.0]])
    for seed in range(60):
        rng = np.random.default_rng(seed)
        xs = [family.draw(p, (4, 200), rng) for p in points]
        fits = []
        for point, x in zip(points, xs, strict=True):
            run = Run(x[..., None], {}, family.ell(x), 0 * x, 0 * x, 0, 0, 0.0)
            fits.append(Fit(point, 1.0, run, 800.0, 800.0, 1.0))
        draws = xr.Dataset({"x": ("sample", np.concatenate([x.ravel() for x in xs]))})
        path = replace(base, posterior=Ladder(fits), draws=draws)
        root = path.tipping("x > 0", 0.7)
        z.append((root.trust.item() - truth) / root.mcse.item())
    assert 0.75 < np.std(z) < 1.3 and abs(np.mean(z)) < 4 / np.sqrt(60)


def test_a_path_with_unreliable_weights_warns(monkeypatch):
    monkeypatch.setattr("foundation_priors.path.ladder.ESS_FLOOR", 1e9)
    path = models.normal()
    for read in (
        lambda: path.mean("mu", 0.2),
        lambda: path.quantile("mu", 0.5, 0.2),
        lambda: path.at(0.2),
        lambda: path.summary(trust=0.2),
        lambda: path.tipping("mu > 0.7", 0.7),
    ):
        with pytest.warns(fp.UnreliableWarning, match="fail the path's checks"):
            read()
    with pytest.warns(fp.UnreliableWarning):
        assert not path.mean("mu", 0.2).reliable
    assert "unreliable" in repr(path)


def test_unreliable_normalisers_warn(monkeypatch):
    monkeypatch.setattr("foundation_priors.path.ladder.LOG_Z_LIMIT", 1e-9)
    path = models.normal()
    for read in (path.log_evidence, path.log_normalizer):
        with pytest.warns(fp.UnreliableWarning, match="fail the path's checks"):
            found = read([0.0, 0.5])
        assert found.reliable.values.tolist() == [True, False]
