"""Anchored calibration, against closed forms, sums by hand and a sampler written in NumPy."""

import sys

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from scipy import stats
from scipy.special import expit, log_softmax, logsumexp

import foundation_priors as fp
from foundation_priors.errors import (
    ColumnError,
    ModelError,
    SyntheticAsEvidenceError,
    UnreliableWarning,
)
from foundation_priors.prior.model import numpy_mode
from foundation_priors.trust.anchored import Anchored, anchored
from foundation_priors.trust.anchored_model import ELL, join
from foundation_priors.trust.anchored_units import majorities, means

N, M = 60, 120
"""Pairs, and units with answers only."""


def said(outcome, values, unit=None, weight=None, **more):
    frame = pd.DataFrame({outcome: values, **more})
    frame["person"] = np.arange(len(frame)) if unit is None else unit
    return fp.SyntheticData.from_dataframe(frame, outcome=outcome, unit="person", weight=weight)


def mean_model(y, sigma=None):
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 10)
        sd = pm.HalfNormal("sigma", 5) if sigma is None else sigma
        pm.Normal("y", mu, sd, observed=y)
    return model


def joined(model, llm, pairs, **how):
    return join(
        model, llm, pairs, how.pop("columns", {}), how.pop("given", None), how.pop("error", None)
    )


def parts(model, **values):
    """Return the log-likelihoods of the pairs' answers and of the others' at given parameters."""
    graphs = [next(p for p in model.potentials if p.name == "fp_pairs"), model[ELL]]
    inputs = [rv for rv in model.free_RVs if rv.name in values]
    function = pm.pytensorf.compile(inputs, graphs, mode=numpy_mode(), on_unused_input="ignore")
    return [float(v) for v in function(*(np.asarray(values[rv.name], float) for rv in inputs))]


def line(a, b, tau, mu):
    return {"fp_error_intercept": a, "fp_error_slope": b, "fp_error_scale": tau, "mu": mu}


def world(rng, n=N, m=M, rho=0.8):
    y = rng.normal(2, 1, n + m)
    return y, 1 + rho * y + np.sqrt(1 - rho**2) * rng.normal(size=n + m)


@pytest.mark.parametrize(("b", "tau"), [(0.8, 0.6), (-0.4, 0.9), (1.0, 1e-5), (0.0, 1.0)])
def test_each_unpaired_answer_is_worth_rho_squared_real_ones(rng, b, tau):
    """With a known error, y + e is one more Normal reading of the mean: precision by hand."""
    y, s = rng.normal(2, 1, N), rng.normal(size=N + M)
    model = joined(mean_model(y, 1.0), said("y", s), np.arange(N)).model
    grid = np.linspace(-40, 40, 8)
    # A parabola is known by three points, and three more confirm it.
    ell = np.array([parts(model, **line(1.0, b, tau, mu))[1] for mu in grid])
    curve = np.polynomial.Polynomial.fit(grid, ell, 2).convert().coef
    rho2 = b**2 / (b**2 + tau**2)
    np.testing.assert_allclose(-2 * curve[2] / M, rho2, rtol=1e-6, atol=1e-9)
    if b:
        centre = -curve[1] / (2 * curve[2])
        np.testing.assert_allclose(centre, (s[N:].mean() - 1) / b + y.mean(), rtol=1e-4)
        # The posterior of the mean by hand, and its effective size.
        precision = [N + 0.01, N + 0.01 + M * rho2]
        size = N * (precision[1] / precision[0] - 1)
        assert size / M == pytest.approx(rho2, rel=0.001)


def test_linear_error_by_hand_with_covariates(rng):
    x, z = rng.normal(3, 2, N + M), rng.integers(0, 2, N + M)
    y, s = rng.normal(size=N + M), rng.normal(size=N + M)
    with pm.Model() as model:
        slope = pm.Normal("slope")
        mean = slope * pm.Data("x", x[:N]) + pm.Normal("z_", shape=2)[pm.Data("z", z[:N])]
        pm.Normal("y", mean, 0.7, observed=y[:N])
    found = joined(model, said("y", s, x=x, z=z), np.arange(N))
    assert found.given == ("x", "z") and found.model.coords["fp_given"] == ("x", "z[0]", "z[1]")
    c, levels = np.array([0.3, -0.2, 0.5]), np.array([1.0, -1.0])
    point = {"fp_error_intercept": 0.4, "fp_error_slope": 0.6, "fp_error_scale": 0.5}
    pairs, others = parts(found.model, **point, fp_error_given=c, slope=0.2, z_=levels)
    design = np.column_stack([(x - x[:N].mean()) / x[:N].std(), z == 0, z == 1])
    base = 0.4 + design @ c
    centre = y[:N].mean()
    by_hand = stats.norm.logpdf(s[:N], base[:N] + 0.6 * (y[:N] - centre), 0.5).sum()
    assert pairs == pytest.approx(by_hand)
    mu = 0.2 * x + levels[z]
    total = np.hypot(0.6 * 0.7, 0.5)
    by_hand = stats.norm.logpdf(s[N:], (base + 0.6 * (mu - centre))[N:], total).sum()
    assert others == pytest.approx(by_hand)


def votes(rng, n=12, m=8):
    x = rng.normal(size=n + m)
    vote = rng.integers(0, 2, n + m)
    unit = np.repeat(np.arange(n + m), 3)
    answers = rng.integers(0, 2, 3 * (n + m))
    with pm.Model() as model:
        pm.Bernoulli("vote", logit_p=pm.Normal("b") * pm.Data("x", x[:n]), observed=vote[:n])
    return model, said("vote", answers, unit, x=x[unit]), x, vote, answers.reshape(-1, 3)


@pytest.mark.parametrize("given", [(), None])
def test_confusion_by_hand(rng, given):
    model, llm, x, vote, answers = votes(rng)
    found = joined(model, llm, np.arange(12), given=given)
    most = (answers.sum(axis=1) > 1.5).astype(int)
    p = expit(0.7 * x[12:])
    truth = np.log([1 - p, p])
    if given == ():
        rates = np.array([[0.8, 0.2], [0.1, 0.9]])
        log = np.broadcast_to(np.log(rates)[:, None], (2, 20, 2))
        pairs, others = parts(found.model, fp_error_rates=rates, b=0.7)
    else:
        odds, slopes = rng.normal(size=(2, 2)), rng.normal(size=(1, 2))
        z = (x - x[:12].mean()) / x[:12].std()
        log = log_softmax(odds[:, None] + z[:, None] * slopes, axis=-1)
        point = {"fp_error_odds": odds, "fp_error_given": slopes, "b": 0.7}
        pairs, others = parts(found.model, **point)
    assert pairs == pytest.approx(sum(log[vote[i], i, most[i]] for i in range(12)))
    each = np.array([log[:, 12 + j, most[12 + j]] for j in range(8)]).T
    assert others == pytest.approx(logsumexp(truth + each, axis=0).sum())


def test_equal_rows_of_the_confusion_matrix_add_nothing(rng):
    model, llm, *_ = votes(rng)
    found = joined(model, llm, np.arange(12), given=())
    rates = np.full((2, 2), 0.5)
    ells = [parts(found.model, fp_error_rates=rates, b=b)[1] for b in (-3.0, 0.0, 2.0)]
    np.testing.assert_allclose(ells, ells[0])


def test_levels_of_an_ordered_outcome_and_a_linear_error(rng):
    y, s = rng.integers(0, 4, 15), rng.integers(0, 4, 25)
    with pm.Model() as model:
        eta = pm.Normal("eta")
        cuts = np.array([-1.0, 0.0, 1.0])
        pm.OrderedLogistic("y", eta=eta, cutpoints=cuts, observed=y)
    p = np.diff(np.concatenate([[0], expit(cuts - 0.3), [1]]))
    found = joined(model, said("y", s), np.arange(15), error="linear")
    _, others = parts(found.model, **{**line(1.2, 0.5, 0.8, 0), "eta": 0.3})
    mean = 1.2 + 0.5 * (np.arange(4) - y.mean())
    density = stats.norm.pdf(s[15:, None], mean, 0.8) @ p
    assert others == pytest.approx(np.log(density).sum())
    found = joined(model, said("y", s), np.arange(15))
    assert found.error == "confusion" and len(found.model.coords["fp_truth"]) == 4


def test_a_small_binomial_has_levels_too(rng):
    with pm.Model() as model:
        pm.Binomial("y", 3, pm.Beta("p", 1, 1), observed=rng.integers(0, 4, 15))
    found = joined(model, said("y", rng.integers(0, 4, 25)), np.arange(15))
    rates = rng.dirichlet(np.ones(4), size=4)
    _, others = parts(found.model, fp_error_rates=rates, p=0.3)
    answers = found.model.coords["fp_answer"]
    assert answers == ("0", "1", "2", "3") and np.isfinite(others)


def test_copies_are_no_news(rng):
    y, s = world(rng, 20, 30)
    s, unit = np.concatenate([s, s + 0.1]), np.tile(np.arange(50), 2)
    once = said("y", s, unit)
    often = said("y", np.tile(s, 10), np.tile(unit, 10))
    model = mean_model(y[:20])
    point = {**line(1.0, 0.7, 0.5, 1.8), "sigma": 0.9}
    one, ten = (parts(joined(model, llm, np.arange(20)).model, **point) for llm in (once, often))
    np.testing.assert_allclose(one, ten, rtol=1e-12)


def test_summaries_of_a_unit():
    number, weight = np.array([0, 0, 0, 1, 1, 2]), np.array([1.0, 1, 2, 1, 1, 1])
    np.testing.assert_allclose(means(np.array([1.0, 3, 0, 2, 4, 7]), number, weight), [1, 3, 7])
    levels = np.array([1.0, 1, 0, 0, 1, 1])
    assert majorities(levels, number, weight, 2).tolist() == [2, 2, 1]


def test_a_tie_is_an_answer_of_its_own(rng):
    with pm.Model() as model:
        ids = pm.Data("ids", np.arange(6))
        pm.Bernoulli("y", pm.Beta("p", 1, 1), observed=[0, 1, 1, 0, 1, 0])
    llm = said("y", [0, 1, 1, 1] * 5, np.repeat(np.arange(10), 2))
    found = joined(model, llm, ids.name)
    assert found.model.coords["fp_answer"] == ("0", "1", "tie")
    rates = np.array([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1]])
    _, others = parts(found.model, fp_error_rates=rates, p=0.4)
    assert others == pytest.approx(2 * np.log([0.6 * 0.2 + 0.4 * 0.1, 0.6 * 0.3 + 0.4 * 0.8]).sum())


def gibbs(rng, y, s, sweeps):
    """Sample worlds at once, y of shape (world, n) and s (world, n + m); return draws of the mean.

    Priors are flat, and 1/variance for the scales.
    """
    worlds, n = y.shape
    size = s.shape[1]
    full = np.concatenate([y, np.repeat(y.mean(1, keepdims=True), size - n, 1)], axis=1)
    mu, var = y.mean(1), y.var(1)
    draws = []
    for _ in range(sweeps):
        x = full - full.mean(1, keepdims=True)
        sxx = (x**2).sum(1)
        fit = (x * s).sum(1) / sxx
        rest = ((s - s.mean(1, keepdims=True) - fit[:, None] * x) ** 2).sum(1)
        tau2 = rest / rng.chisquare(size - 2, worlds)
        b = fit + rng.normal(size=worlds) * np.sqrt(tau2 / sxx)
        a = s.mean(1) - b * full.mean(1) + rng.normal(size=worlds) * np.sqrt(tau2 / size)
        precision = 1 / var + b**2 / tau2
        centre = (mu / var)[:, None] + (b / tau2)[:, None] * (s[:, n:] - a[:, None])
        noise = rng.normal(size=(worlds, size - n)) / np.sqrt(precision)[:, None]
        full[:, n:] = centre / precision[:, None] + noise
        var = ((full - full.mean(1, keepdims=True)) ** 2).sum(1) / rng.chisquare(size - 1, worlds)
        mu = full.mean(1) + rng.normal(size=worlds) * np.sqrt(var / size)
        draws.append(mu)
    return np.array(draws[sweeps // 4 :])


def test_intervals_cover_in_simulated_worlds(rng):
    """Coverage of the 90% interval is .90 up to four standard errors, and it is the narrower."""
    worlds = 400
    y, s = np.array([world(rng, 20, 40) for _ in range(worlds)]).transpose(1, 0, 2)
    draws = gibbs(rng, y[:, :20], s, 1200)
    low, high = np.quantile(draws, [0.05, 0.95], axis=0)
    covered = ((low < 2) & (high > 2)).mean()
    assert abs(covered - 0.9) < 4 * np.sqrt(0.09 / worlds)
    alone = 2 * stats.t.ppf(0.95, 19) * y[:, :20].std(1, ddof=1) / np.sqrt(20)
    assert np.median((high - low) / alone) < 0.9


@pytest.fixture(scope="module")
def found():
    rng = np.random.default_rng(7)
    y, s = world(rng)
    model = mean_model(y[:N])
    return anchored(model, said("y", s), pairs=np.arange(N), random_seed=1), model, y, s


def test_sampling_agrees_with_numpy(found, rng):
    result, _, y, s = found
    draws = gibbs(rng, np.tile(y[:N], (8, 1)), np.tile(s, (8, 1)), 3000)
    sd = draws.std()
    # The priors differ, flat against weak, by less than a twentieth of an sd here.
    assert abs(float(result.mean("mu")) - draws.mean()) < 0.1 * sd
    assert float(result.sd("mu")) == pytest.approx(sd, rel=0.07)
    assert float(result.mean("fp_error_correlation")) == pytest.approx(0.8, abs=0.1)
    alone = float(result.sd("mu", answers=False))
    exact = y[:N].std(ddof=1) / np.sqrt(N) * np.sqrt((N - 1) / (N - 3))
    assert alone == pytest.approx(exact, rel=0.04)


def test_effective_size(found):
    result = found[0]
    size = result.effective_size("mu")
    n_eff = N * ((size.sd_without / size.sd_with) ** 2 - 1)
    assert float(size.effective_size) == pytest.approx(float(n_eff))
    assert float(size.per_unit) == pytest.approx(float(n_eff) / M)
    assert 0 < float(size.mcse) < 0.2 * N
    assert float(size.per_unit) > 4 * float(size.mcse_per_unit)
    twice = result.effective_size("2 * mu + 1")
    assert float(twice.effective_size) == pytest.approx(float(size.effective_size), rel=1e-6)
    with pytest.raises(ValueError, match="does not vary"):
        result.effective_size(lambda d: 0 * d["mu"])
    with pytest.raises(ValueError, match="not a variable of the model"):
        result.effective_size("nu")


def test_results_are_shown_and_kept(found, tmp_path):
    result, model, *_ = found
    assert {"mu", "sigma"} == {rv.name for rv in model.free_RVs}
    assert list(result.summary().index) == ["mu", "sigma"]
    assert list(result.errors.index) == ["intercept", "slope", "scale", "correlation"]
    low, high = result.quantile("mu", [0.05, 0.95]).values
    assert low < float(result.mean("mu")) < high
    assert "120 units with answers only" in repr(result) and "<table>" in result._repr_html_()
    assert set(result.posterior.dims) >= {"chain", "draw"} and result.model is not None
    file = tmp_path / "anchored.nc"
    result.to_netcdf(file)
    again = Anchored.from_netcdf(file)
    assert again.data.identical(result.data) and again.model is None
    assert repr(again) == repr(result)
    pd.testing.assert_frame_equal(again.summary(), result.summary())
    with pytest.raises(ValueError, match="holds draws and no model"):
        again.sample()
    with pytest.raises(AttributeError):
        result.model = None
    with pytest.raises(ValueError, match="between 0 and 1"):
        result.quantile("mu", 2)


def test_files_that_are_not_results(found, tmp_path):
    with pytest.raises(FileNotFoundError, match="no file"):
        Anchored.from_netcdf(tmp_path / "none.nc")
    file = tmp_path / "cut.nc"
    found[0].to_netcdf(file)
    file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(OSError, match="not a readable NetCDF"):
        Anchored.from_netcdf(file)
    other = tmp_path / "other.nc"
    pd.DataFrame({"a": [1.0]}).to_xarray().to_netcdf(other, engine="h5netcdf")
    with pytest.raises(ValueError, match="does not hold an Anchored"):
        Anchored.from_netcdf(other)


BAD = {
    "another length": (lambda m, s: (m, s, np.arange(5)), ColumnError, "observes 60 real rows"),
    "no unit in common": (lambda m, s: (m, s, np.arange(N) + 1000), ColumnError, "nothing to cali"),
    "no pairs": (lambda m, s: (m, s, [None] * N), ColumnError, "nothing to calibrate"),
    "text for numbers": (lambda m, s: (m, s, [str(i) for i in range(N)]), ColumnError, r"\(str\)"),
    "twice": (lambda m, s: (m, s, [0, *range(N - 1)]), ColumnError, "real rows 0 and 1"),
    "no such name": (lambda m, s: (m, s, "people"), ColumnError, "neither a dimension"),
    "the answers": (lambda m, s: (m, s, s), SyntheticAsEvidenceError, "never evidence"),
}


@pytest.mark.parametrize("name", BAD)
def test_pairs_that_do_not_match(rng, name):
    make, error, message = BAD[name]
    y, s = world(rng)
    model, llm, pairs = make(mean_model(y[:N]), said("y", s))
    with pytest.raises(error, match=message):
        anchored(model, llm, pairs=pairs)


def test_pairs_by_a_dimension_of_the_model(rng):
    y, s = world(rng, 6, 4)
    with pm.Model(coords={"person": list("abcdef")}) as model:
        pm.Normal("y", pm.Normal("mu"), 1, observed=y[:6], dims="person")
    found = joined(model, said("y", s, list("fedcbaxyzu")), "person")
    assert (found.n_pairs, found.n_units) == (6, 4)


def test_pairs_with_other_covariates(rng):
    x = rng.normal(size=N + M)
    with pm.Model() as model:
        pm.Normal("y", pm.Normal("b") * pm.Data("x", x[:N]), 1, observed=x[:N])
    moved = np.where(np.arange(N + M) == 3, 9.0, x)
    with pytest.raises(ColumnError, match="do not match: unit 3 has 'x' = "):
        joined(model, said("y", rng.normal(size=N + M), x=moved), np.arange(N))
    twice = said("y", rng.normal(size=4), [0, 0, 70, 71], x=[x[0], 5.0, 1.0, 2.0])
    with pytest.raises(ColumnError, match="answers about unit 0 differ in 'x'"):
        joined(model, twice, np.arange(N))
    llm = said("y", rng.normal(size=N + M), x=x)
    with pytest.raises(ColumnError, match="given= names 'w'"):
        joined(model, llm, np.arange(N), given=["w"])
    with pytest.raises(TypeError, match="must be a list"):
        joined(model, llm, np.arange(N), given="x")
    with pytest.raises(ValueError, match="no error model"):
        joined(model, llm, np.arange(N), error="other")


def test_answers_that_cannot_be_anchored(rng):
    y, s = world(rng)
    model, pairs = mean_model(y[:N]), np.arange(N)
    with pytest.raises(ColumnError, match="do not say which unit"):
        frame = pd.DataFrame({"y": s})
        joined(model, fp.SyntheticData.from_dataframe(frame, outcome="y"), pairs)
    with pytest.raises(ColumnError, match="no answer is left"):
        joined(model, said("y", s[:N]), pairs)
    with pytest.raises(SyntheticAsEvidenceError, match="copied from the other"):
        joined(model, said("y", y), pairs)
    with pytest.raises(ColumnError, match="without any scatter"):
        joined(model, said("y", 2 * y + 1), pairs)
    with pytest.raises(ColumnError, match="without any scatter"):
        joined(model, said("y", np.ones(N + M)), pairs)
    with pytest.raises(TypeError, match="must be a SyntheticData"):
        joined(model, pd.DataFrame(), pairs)
    with pytest.raises(TypeError, match=r"must be a pymc\.Model"):
        joined(None, said("y", s), pairs)
    again = joined(model, said("y", s), pairs).model
    with pytest.raises(ModelError, match="already"):
        joined(again, said("y", s), pairs)
    with pytest.raises(ValueError, match="draws=3"):
        anchored(model, said("y", s), pairs=pairs, draws=3)


def test_likelihoods_of_other_kinds(rng):
    s = said("y", rng.integers(0, 3, N + M))
    with pm.Model() as counts:
        pm.Poisson("y", pm.HalfNormal("rate"), observed=rng.integers(0, 3, N))
    with pm.Model() as heavy:
        pm.StudentT("y", nu=4, mu=pm.Normal("mu"), sigma=1, observed=rng.normal(size=N))
    with pm.Model() as whole:
        pm.Binomial("y", 10, pm.Beta("p", 1, 1), observed=4)
    for model in (counts, heavy):
        with pytest.raises(ModelError, match="neither Normal nor a whole number"):
            joined(model, s, np.arange(N))
    with pytest.raises(ModelError, match="one value for each real unit"):
        joined(whole, s, [0])
    with pytest.raises(ModelError, match="error='confusion' needs"):
        joined(mean_model(rng.normal(size=N)), s, np.arange(N), error="confusion")
    with pm.Model() as coin:
        pm.Bernoulli("y", pm.Beta("p", 1, 1), observed=rng.integers(0, 2, N))
    with pytest.raises(ColumnError, match="takes the levels 0 to 1"):
        joined(coin, s, np.arange(N))


def test_few_pairs_are_told(rng, monkeypatch):
    y, s = world(rng, 3, 10)
    module = sys.modules["foundation_priors.trust.anchored"]  # The function has its name too.
    monkeypatch.setattr(module, "_sample", lambda *_: {})
    monkeypatch.setattr(Anchored, "_of", lambda *_: None)
    with pytest.warns(UnreliableWarning, match="With 3 pairs the"):
        anchored(mean_model(y[:3]), said("y", s), pairs=np.arange(3))
