"""Operating characteristics: closed forms, published figures, executors and bad input."""

from bisect import bisect_left
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import cache
from multiprocessing import get_context

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats
from scipy.special import betainc, betaln

from foundation_priors.conjugate import BetaBinomial, NormalMean
from foundation_priors.trust.coverage import coverage
from foundation_priors.trust.coverage_level import calibrated
from foundation_priors.trust.coverage_rates import decision_rates, interval_rates

QUIET = {"progressbar": False, "random_seed": 1}
N, SAID, TRUTH = 10, 20, 0.3
RULES = {"ignore": 0.0, "a quarter": 0.25, "believe": 1.0}
Z90 = stats.norm.ppf(0.95)


def normal(y):
    """Return the path of ten observations with sd 1 and twenty answers with mean 0."""
    return NormalMean.from_data(y, np.zeros(SAID), sigma=1.0, prior_mean=0.0, prior_sd=1.0)


def ten(truth, rng):
    return rng.normal(truth["mu"], 1, N)


def exact(trust, truth=TRUTH):
    """Return bias, RMSE, coverage and width of the normal model."""
    precision = 1 + N + trust * SAID
    bias, spread = N * truth / precision - truth, np.sqrt(N) / precision
    half = Z90 / np.sqrt(precision)
    inside = stats.norm(bias, spread).cdf(half) - stats.norm(bias, spread).cdf(-half)
    return {
        "bias": bias,
        "rmse": np.hypot(bias, spread),
        "coverage": inside,
        "width": 2 * half,
        "relative_rmse": np.hypot(bias, spread) / np.hypot(TRUTH / (1 + N), np.sqrt(N) / (1 + N)),
    }


@pytest.fixture(scope="module")
def found():
    return coverage(normal, ten, {"mu": TRUTH}, rules=RULES, repeats=300, **QUIET)


@pytest.mark.parametrize("rule", RULES)
def test_closed_forms_of_the_normal_model(found, rule):
    for name, truth in exact(RULES[rule]).items():
        cell = found.sel(rule=rule, quantity="mu")
        error = float(cell[f"mcse_{name}"])
        assert abs(float(cell[name]) - truth) < 4 * error + 1e-9, name
        assert error < 0.1


def test_the_dataset_holds_every_repetition(found):
    assert found.sizes == {"repeat": 300, "rule": 3, "quantity": 1}
    assert found.attrs == {"repeats": 300, "ci_prob": 0.9}
    again = ((found.low <= found.truth) & (found.truth <= found.high)).mean("repeat")
    np.testing.assert_allclose(again.transpose("rule", "quantity"), found.coverage)


def test_decisions_have_errors_of_both_kinds():
    """At mu = 0 the event does not hold, at mu = .3 it does; both rates in closed form."""
    for mu, name in ((0.0, "type_1_error"), (0.3, "type_2_error")):
        made = coverage(
            normal, ten, {"mu": mu}, rules=[0.0], decisions={"mu > 0": 0.95}, repeats=250, **QUIET
        )
        precision = 1 + N
        # P(mu > 0) >= .95 where the posterior mean exceeds z / sqrt(precision).
        rate = stats.norm(N * mu / precision, np.sqrt(N) / precision).sf(Z90 / np.sqrt(precision))
        cell = made.sel(rule="0", decision="mu > 0")
        assert abs(cell.declared_rate - rate) < 4 * cell.mcse_declared_rate
        expected = rate if mu == 0 else 1 - rate
        assert abs(cell[name] - expected) < 4 * cell[f"mcse_{name}"]
        other = {"type_1_error": "type_2_error", "type_2_error": "type_1_error"}[name]
        assert np.isnan(cell[other])


def test_truths_drawn_from_the_prior_are_covered():
    """With truths from the primitive prior, ignoring the answers covers exactly the level."""
    made = coverage(
        normal,
        ten,
        lambda rng: {"mu": rng.normal()},
        rules=[0.0],
        repeats=400,
        ci_prob=0.8,
        **QUIET,
    )
    assert abs(made.coverage - 0.8).item() < 4 * made.mcse_coverage.item()
    assert made.truth.std() > 0.5


def means(y):
    """A plain function: the mean and its interval, and one decision."""
    half = Z90 * y.std(ddof=1) / np.sqrt(len(y))
    return {"plain": {"mean": (y.mean(), y.mean() - half, y.mean() + half), "above": y.mean() > 0}}


@pytest.mark.parametrize("kind", [pd.DataFrame, xr.Dataset, np.asarray])
def test_resampling_real_rows(kind):
    y = np.random.default_rng(3).normal(1, 1, 400)
    table = {pd.DataFrame: pd.DataFrame({"y": y}), xr.Dataset: xr.Dataset({"y": ("row", y)})}
    rows = table.get(kind, y)
    made = coverage(
        (lambda d: means(np.asarray(d)))
        if kind is np.asarray
        else (lambda d: means(d["y"].values)),
        rows,
        {"mean": y.mean(), "above": True},
        n=[25, 100],
        repeats=300,
        **QUIET,
    )
    assert made.n.values.tolist() == [25, 100]
    ratio = made.rmse.sel(n=25) / made.rmse.sel(n=100)
    assert ratio.item() == pytest.approx(2, rel=0.25)
    assert (made.coverage > 0.84).all() and (made.type_2_error < 0.02).all()


@pytest.mark.parametrize("make", ["threads", "processes"])
def test_results_do_not_depend_on_the_executor(make):
    options = {"rules": [0.0, 0.5], "repeats": 12, **QUIET}
    plain = coverage(normal, ten, {"mu": TRUTH}, **options)
    context = get_context("fork")  # nothing here has started threads that fork could break
    pool = (
        ThreadPoolExecutor(2) if make == "threads" else ProcessPoolExecutor(1, mp_context=context)
    )
    with pool:
        # A lambda, which pickle alone could not send.
        other = coverage(lambda y: normal(y), ten, {"mu": TRUTH}, executor=pool, **options)
    xr.testing.assert_identical(plain, other)


def test_vectors_become_one_quantity_an_element():
    class Path:
        """Whatever has mean and quantile over named dims."""

        def mean(self, name, trust):
            return xr.DataArray([0.0, 1.0], {"who": ["a", "b"]}, ["who"])

        def quantile(self, name, q, trust):
            ends = xr.DataArray([-1.0, 1.0], {"quantile": q}, ["quantile"])
            return self.mean(name, trust) + ends

    made = coverage(
        lambda _: Path(), lambda *_: 0, {"beta": [0.0, 5.0]}, rules=[0], repeats=2, **QUIET
    )
    assert made["quantity"].values.tolist() == ["beta[a]", "beta[b]"]
    assert made.coverage.values.tolist() == [[1.0, 0.0]]
    with pytest.raises(ValueError, match="has 3 values, and beta has 2"):
        coverage(lambda _: Path(), lambda *_: 0, {"beta": [0.0] * 3}, rules=[0], repeats=2, **QUIET)


def test_rules_may_be_functions_of_the_path():
    rules = {"ten": lambda path: 10 / path.effective_observations(1.0).item(), "half": 0.5}
    made = coverage(normal, ten, {"mu": TRUTH}, rules=rules, repeats=10, **QUIET)
    np.testing.assert_allclose(made["mean"].sel(rule="ten"), made["mean"].sel(rule="half"))


def success(y_t, n_t, y_c, n_c):
    """Say whether P(p_t - p_c < .041) >= .95, the control's posterior from `BetaBinomial`."""
    historical = {"one": (44, 535), "two": (33, 304)}
    control = BetaBinomial(a=1e-4, b=1e-4, real=(y_c, n_c), synthetic=historical)
    a, b = control.at(0.3)["theta"].args
    mean = a / (a + b)
    reach = 7 * np.sqrt(mean * (1 - mean) / (a + b))
    grid = np.linspace(max(mean - reach, 1e-9), mean + reach, 101)
    density = np.exp((a - 1) * np.log(grid) + (b - 1) * np.log1p(-grid) - betaln(a, b))
    below = betainc(1e-4 + y_t, 1e-4 + n_t - y_t, grid + 0.041)
    return float(np.trapezoid(density * below, grid)) >= 0.95


@cache
def most(n_t, y_c, n_c):
    """Return the most events among the treated with which the trial succeeds."""
    return bisect_left(range(n_t // 3), True, key=lambda y: not success(y, n_t, y_c, n_c)) - 1


@pytest.mark.parametrize(
    ("treated", "power", "error"), [(750, 0.84, 0.03), (810, 0.856, 0.027), (900, 0.884, 0.028)]
)
def test_power_and_type_1_error_of_a_trial(treated, power, error):
    """Chen et al. (2011), doi:10.1111/j.1541-0420.2011.01561.x, as BayesPPD tests them."""
    control, repeats = treated // 3, 10_000

    def arms(truth, rng):
        return rng.binomial(treated, truth["treated"]), rng.binomial(control, truth["control"])

    def decide(data):
        return {"trust .3": {"success": data[0] <= most(treated, data[1], control)}}

    for rate, name, published in ((0.092, "declared_rate", power), (0.133, "type_1_error", error)):
        truth = {"treated": rate, "control": 0.092, "success": rate < 0.1}
        made = coverage(decide, arms, truth, repeats=repeats, **QUIET)
        cell = made[name].item()
        assert abs(cell - published) < 0.01, (name, cell)


def test_the_largest_trust_that_keeps_its_coverage():
    """In the normal model the coverage at each trust is known, so the answer is too."""
    trust = np.linspace(0, 1, 6)
    truth = np.array([exact(t)["coverage"] for t in trust])
    made = calibrated(normal, ten, {"mu": TRUTH}, trust=trust, slack=0.02, repeats=100, **QUIET)
    reached = made.coverage.sel(quantity="mu")
    assert (np.abs(reached - truth) < 4 * made.mcse_coverage.sel(quantity="mu")).all()
    enough = min(0.9, reached[0].item()) - 0.02
    number = made.attrs["trust"]
    assert (reached[made.trust <= number] >= enough).all()
    assert reached[int(np.searchsorted(trust, number)) + 1] < enough
    assert made.kept.values.tolist() == (trust <= number).tolist()
    scaled = calibrated(
        normal, ten, {"mu": TRUTH}, trust=2 * trust, rule=lambda c: c / 2, repeats=10, **QUIET
    )
    plain = calibrated(normal, ten, {"mu": TRUTH}, trust=trust, repeats=10, **QUIET)
    assert scaled.attrs["trust"] == pytest.approx(2 * plain.attrs["trust"])


def test_rates_of_few_repetitions():
    one = np.zeros((1, 1, 1))
    rates = interval_rates(one, one - 1, one + 1, np.zeros((1, 1)))
    assert rates["coverage"] == 1 and rates["mcse_coverage"] > 0.3 and np.isnan(rates["mcse_bias"])
    made = decision_rates(np.array([[[True]], [[False]]]), np.array([[0.0], [np.nan]]))
    assert made["type_1_error"] == 1 and np.isnan(made["type_2_error"])
    assert made["declared_rate"] == 0.5


BASE = {"rules": [0.0], "repeats": 2, **QUIET}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"analyse": 3}, "must be a function"),
        ({"simulate": [1, 2]}, "real rows"),
        ({"simulate": xr.Dataset({"y": (("a", "b"), np.ones((2, 2)))})}, "its rows alone"),
        ({"truth": {}}, "true value"),
        ({"rules": None}, "rules= must say"),
        ({"rules": []}, "one rule at least"),
        ({"rules": [0.1, 0.1]}, "none twice"),
        ({"rules": "cautious"}, "must be a mapping"),
        ({"rules": {"grid": [0.1, 0.2]}}, "several weights"),
        ({"ci_prob": 1.0}, "between 0 and 1"),
        ({"repeats": 0}, "1 or more"),
        ({"n": [5, 5]}, "different sizes"),
        ({"n": 0}, "different sizes"),
        ({"decisions": {"mu > 0": 95}}, "between 0 and 1"),
        ({"truth": {"nu": 1.0}, "simulate": lambda t, r: r.normal(size=N)}, "nu"),
        ({"analyse": lambda y: {"a": 1.0}}, "a mapping from"),
        ({"analyse": lambda y: {"a": {"mu": 1.0}}}, "mean, low, high"),
        ({"analyse": lambda y: {"a": {"nu": (0, 0, 0)}}}, "says nothing"),
        ({"analyse": lambda y: {"a": {"mu": (0, np.nan, 0)}}}, "no finite interval"),
        ({"analyse": lambda y: {str(y[0]): {"mu": (0, 0, 0)}}}, "other rules"),
    ],
)
def test_bad_input(change, says):
    given = {"analyse": normal, "simulate": ten, "truth": {"mu": TRUTH}, **BASE, **change}
    with pytest.raises((ValueError, TypeError, KeyError), match=says):
        coverage(given.pop("analyse"), given.pop("simulate"), given.pop("truth"), **given)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"trust": [0.2, 0.1]}, "rising"),
        ({"trust": [0.2]}, "rising"),
        ({"over": "all"}, "'average' or 'worst'"),
        ({"slack": -1}, "slack"),
        ({"n": [5, 10]}, "single size"),
        ({"rules": [0.1]}, "leave it out"),
    ],
)
def test_bad_input_to_calibration(change, says):
    with pytest.raises((ValueError, TypeError), match=says):
        calibrated(normal, ten, {"mu": TRUTH}, **QUIET, **change)


def test_an_error_says_in_which_repetition():
    def fails(y):
        raise RuntimeError("no luck")

    with pytest.raises(RuntimeError, match="no luck") as caught:
        coverage(fails, ten, {"mu": TRUTH}, **BASE)
    assert "repetition 0" in caught.value.__notes__[0]


def test_progress_is_shown(capsys):
    coverage(normal, ten, {"mu": TRUTH}, rules=[0.0], repeats=3, random_seed=1)
    assert "3/3" in capsys.readouterr().out
