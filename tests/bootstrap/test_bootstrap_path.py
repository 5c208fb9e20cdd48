"""The posteriors, against closed forms, loops and each other."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from foundation_priors.bootstrap import BootstrapPath, bootstrap_path, linear_regression
from foundation_priors.bootstrap.linear import LinearRegression
from foundation_priors.bootstrap.process import increments, real_weights, smallest_jump
from foundation_priors.bootstrap.rows import combine
from foundation_priors.synthetic import SyntheticData
from tests.bootstrap.conftest import REGRESSION

QUIET = {"progressbar": False}


def weighted_mean(rows: pd.DataFrame, weights: np.ndarray) -> float:
    return float(weights @ rows["y"].to_numpy() / weights.sum())


def dirichlet_mean(real: np.ndarray, answers: np.ndarray, base: np.ndarray, a: float) -> tuple:
    """Return mean and variance of a mean under the Dirichlet process posterior."""
    values, mass = np.concatenate([real, answers]), np.concatenate([np.ones(len(real)), a * base])
    share = mass / mass.sum()
    mean = share @ values
    return mean, share @ (values - mean) ** 2 / (mass.sum() + 1)


@pytest.fixture(scope="module")
def weighted(answers: pd.DataFrame) -> SyntheticData:
    """Return answers with weights of their own."""
    weight = np.linspace(0.2, 1.4, len(answers))
    return SyntheticData.from_dataframe(answers, outcome="y", weight=weight)


@pytest.mark.parametrize("estimator", [linear_regression("y"), weighted_mean], ids=["fast", "any"])
def test_a_mean_has_the_posterior_of_the_dirichlet_process(
    estimator: object, real: pd.DataFrame, weighted: SyntheticData
) -> None:
    grid = [0.0, 1.0, 10.0, 32.0]
    path = bootstrap_path(estimator, real, weighted, concentrations=grid, random_seed=1, **QUIET)
    name = next(iter(path.draws.data_vars))
    mean, sd = path.mean(name), path.sd(name)
    base = weighted.weights() / weighted.weights().sum()
    for k, a in enumerate(grid):
        expected, variance = dirichlet_mean(real.y.to_numpy(), weighted.column("y"), base, a)
        assert abs(mean[k] - expected) < 4 * mean.mcse[k]
        assert abs(sd[k] - np.sqrt(variance)) < 4 * sd.mcse[k]


def test_a_regression_equals_a_loop_with_the_same_weights(
    real: pd.DataFrame, weighted: SyntheticData
) -> None:
    rows, grid, draws = combine(real, weighted), np.array([0.0, 5.0, 30.0]), 50
    found = REGRESSION.draw(rows, grid, draws, np.random.default_rng(8))
    rng = np.random.default_rng(8)
    observed = np.concatenate(list(real_weights(rng, draws, len(real))))
    smallest = smallest_jump(grid[-1], len(rows.frame) / 4)
    steps = increments(rng, grid, draws, rows.base, smallest)
    for k, more in enumerate(np.cumsum([sum(p.toarray() for p in s) for s in steps], axis=0)):
        for d in range(draws):
            one = REGRESSION(rows.frame, np.concatenate([observed[d], more[d]]))
            here = found.isel(concentration=k, sample=d)
            np.testing.assert_allclose(here.beta, one["beta"], rtol=1e-8)
            np.testing.assert_allclose(here.intercept, one["intercept"], rtol=1e-8)


def test_the_fast_way_and_the_general_way_agree(
    real: pd.DataFrame, llm: SyntheticData, path: BootstrapPath
) -> None:
    def general(rows: pd.DataFrame, weights: np.ndarray) -> np.ndarray:
        design = np.column_stack([np.ones(len(rows)), rows[["x", "z"]].to_numpy()])
        return np.linalg.solve((design.T * weights) @ design, design.T @ (weights * rows["y"]))

    grid = path.concentration[[0, 50, 100]]
    other = bootstrap_path(
        general, real, llm, concentrations=grid, draws=1000, random_seed=2, **QUIET
    )
    fast = path.draws.beta.sel(concentration=grid, covariate="x").values
    for one, two in zip(fast, other.draws.estimate.values[:, :, 1], strict=True):
        assert stats.ks_2samp(one, two).pvalue > 0.001


def test_nothing_of_the_answers_is_in_the_posterior_at_zero(
    real: pd.DataFrame, llm: SyntheticData, answers: pd.DataFrame, path: BootstrapPath
) -> None:
    other = SyntheticData.from_dataframe(answers.assign(y=answers.y + 100), outcome="y", weight=1)
    moved = bootstrap_path(REGRESSION, real, other, random_seed=3, **QUIET)
    np.testing.assert_allclose(moved.draws.beta[0], path.draws.beta[0], rtol=1e-6)
    assert (moved.mean("intercept", [20.0]) > 10).all()


def test_the_default_grid_runs_to_the_effective_rows_in_even_steps_of_weight(
    path: BootstrapPath,
) -> None:
    grid = path.concentration
    assert (len(grid), grid[0], grid[-1], path.mass) == (101, 0.0, 40.0, 40.0)
    np.testing.assert_allclose(np.diff(grid / (60 + grid)), 0.004, rtol=1e-9)


def test_seeds_reproduce_and_executors_change_nothing(
    real: pd.DataFrame, llm: SyntheticData
) -> None:
    given = {"concentrations": [0, 20], "draws": 60, "random_seed": 9, **QUIET}
    first = bootstrap_path(weighted_mean, real, llm, **given)
    with ThreadPoolExecutor(2) as pool:
        second = bootstrap_path(weighted_mean, real, llm, executor=pool, **given)
    assert first.draws.identical(second.draws)
    fast = [bootstrap_path(linear_regression("y"), real, llm, **given).draws for _ in range(2)]
    assert fast[0].identical(fast[1])


class Model:
    """Least squares with the interface of scikit-learn."""

    def fit(self, X: pd.DataFrame, y: np.ndarray, sample_weight: np.ndarray) -> "Model":
        rows = pd.DataFrame(X).assign(y=y)
        found = LinearRegression("y", tuple(X.columns))(rows, sample_weight)
        self.coef_, self.intercept_ = found["beta"].values, found["intercept"].item()
        return self


def test_a_model_with_fit_and_coefficients_is_an_estimator(
    real: pd.DataFrame, llm: SyntheticData
) -> None:
    given = {"concentrations": [0, 20], "draws": 60, "random_seed": 9, **QUIET}
    model = Model()
    fitted = bootstrap_path(model, real, llm, **given)
    assert not hasattr(model, "coef_")

    def same(rows: pd.DataFrame, weights: np.ndarray) -> dict:
        return REGRESSION(rows, weights)

    called = bootstrap_path(same, real, llm, **given)
    np.testing.assert_allclose(fitted.draws.beta, called.draws.beta, rtol=1e-8)
    assert list(fitted.draws.covariate.values) == ["x", "z"]


@pytest.mark.parametrize(
    ("result", "dims"),
    [
        (lambda w: w[0], ()),
        (lambda w: w[:2], ("estimate_dim_0",)),
        (lambda w: pd.Series(w[:2], index=["a", "b"]), ("coefficient",)),
    ],
    ids=["number", "array", "series"],
)
def test_results_of_any_kind_keep_their_shape(
    result: object, dims: tuple, real: pd.DataFrame, llm: SyntheticData
) -> None:
    path = bootstrap_path(
        lambda rows, w: result(w), real, llm, concentrations=[0, 5], draws=50, **QUIET
    )
    assert path.draws["estimate"].dims == ("concentration", "sample", *dims)


def test_strings_with_levels_become_the_codes_of_the_real_column() -> None:
    frame = pd.DataFrame({"vote": ["Dole", "Clinton", "Dole"], "age": [30, 40, 50]})
    llm = SyntheticData.from_dataframe(
        frame, outcome="vote", weight=1, levels={"vote": ["Clinton", "Dole"]}
    )
    real = pd.DataFrame({"vote": [0, 1], "age": [20, 60], "other": [1, 2]})
    rows = combine(real, llm)
    assert rows.frame["vote"].tolist() == [0, 1, 1, 0, 1]
    assert (rows.outcomes, rows.covariates) == (("vote",), ("age",))
