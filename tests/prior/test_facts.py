"""What a model takes from its real rows as a whole stays theirs when others are put in."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
import xarray as xr
from scipy.stats import norm

import foundation_priors as fp
from foundation_priors.path.score import _densities
from foundation_priors.prior.columns import Table
from foundation_priors.prior.density import row_logp
from foundation_priors.prior.model import copy_model
from foundation_priors.prior.rows import RowArrays, real_rows, row_facts
from foundation_priors.prior.start import evaluate
from foundation_priors.trust.anchored_errors import normal_parameters
from foundation_priors.trust.leave_one_out import row_densities
from tests.prior.common import answers, loglik, points, value

RNG = np.random.default_rng(4)
N, B = 8, 0.7
X, Z, Y = RNG.normal(3, 2, N), RNG.normal(-1, 1, N), RNG.normal(size=N)
G = np.array([0, 0, 1, 2, 2, 2, 1, 0])
WEIGHT = np.linspace(1, 2, N)
MEANS = np.array([X[G == k].mean() for k in range(3)])


def model(mean, scale=lambda d: 1.0, dims=None) -> pm.Model:
    coords = {"obs": range(N)} if dims else {}
    with pm.Model(coords=coords) as made:
        data = {n: pm.Data(n, v, dims=dims) for n, v in {"x": X, "z": Z, "g": G}.items()}
        data = SimpleNamespace(**data, b=pm.Normal("b", 0, 2, initval=B))
        pm.Normal("y", mean(data), scale(data), observed=Y, dims=dims)
    return made


def by_bincount(d):
    return (pt.bincount(d.g, weights=d.x, minlength=3) / pt.bincount(d.g, minlength=3))[d.g]


def by_increments(d):
    total = pt.inc_subtensor(pt.zeros(3)[d.g], d.x)
    return (total / pt.inc_subtensor(pt.zeros(3)[d.g], 1.0))[d.g]


def by_indicators(d):
    return ((pt.eye(3)[d.g].T @ d.x) / pt.eye(3)[d.g].sum(axis=0))[d.g]


def by_loop(d):
    return pytensor.scan(
        lambda x, n: x / n, [d.x], non_sequences=[d.x.shape[0]], return_updates=False
    )


STATISTICS = {
    "mean": (lambda d: d.x - d.x.mean(), lambda x, g: x - X.mean()),
    "standardised": (
        lambda d: (d.x - d.x.mean()) / d.x.std(),
        lambda x, g: (x - X.mean()) / X.std(),
    ),
    "maximum": (lambda d: d.x / d.x.max(), lambda x, g: x / X.max()),
    "first": (lambda d: d.x - d.x[0], lambda x, g: x - X[0]),
    "kept axis": (lambda d: d.x - d.x.mean(keepdims=True), lambda x, g: x - X.mean()),
    "other data": (lambda d: d.x - d.z.mean(), lambda x, g: x - Z.mean()),
    "by hand": (lambda d: d.x - d.x.sum() / d.x.shape[0], lambda x, g: x - X.mean()),
    "length": (lambda d: d.x / pt.sqrt(d.z.shape[0]), lambda x, g: x / np.sqrt(N)),
    "weights that are constants": (
        lambda d: d.x - (d.x * WEIGHT).sum() / WEIGHT.sum(),
        lambda x, g: x - X @ WEIGHT / WEIGHT.sum(),
    ),
    "of the predictor": (lambda d: d.x - (d.b * d.x).mean() / d.b, lambda x, g: x - X.mean()),
    "by bincount": (lambda d: d.x - by_bincount(d), lambda x, g: x - MEANS[g]),
    "by increments": (lambda d: d.x - by_increments(d), lambda x, g: x - MEANS[g]),
    "by indicators": (lambda d: d.x - by_indicators(d), lambda x, g: x - MEANS[g]),
    "sizes": (lambda d: d.x + pt.zeros(d.z.shape[0]), lambda x, g: x),
    "full of a length": (
        lambda d: d.x / pt.full((d.x.shape[0],), d.x.shape[0]),
        lambda x, g: x / N,
    ),
    "a length that is broadcast": (
        lambda d: d.x / pt.broadcast_to(d.x.shape[0], (d.z.shape[0],)),
        lambda x, g: x / N,
    ),
    "a length that is set": (
        lambda d: d.x / pt.set_subtensor(pt.ones_like(d.x)[:], d.x.shape[0]),
        lambda x, g: x / N,
    ),
    "a length in a loop": (by_loop, lambda x, g: x / N),
    "a full array": (lambda d: d.x * pt.full((d.x.shape[0],), 2.0), lambda x, g: 2 * x),
}
SAID = RowArrays(
    np.array([-3.0, 0.5, 1.0, 0.5]),
    {"x": np.array([20.0, 1.0, -4.0, 1.0]), "g": np.array([1, 2, 2, 2])},
)


def used_by(rows: RowArrays, made: pm.Model) -> RowArrays:
    used = row_facts(made, made["y"]).used
    return RowArrays(rows.outcome, {n: v for n, v in rows.data.items() if n in used})


DIMS = [(name, None) for name in STATISTICS] + [("standardised", "obs"), ("by bincount", "obs")]


@pytest.mark.parametrize(("name", "dims"), DIMS)
def test_a_statistic_is_that_of_the_real_rows(name, dims):
    """For one answer alone, in company and repeated, and for real rows."""
    build, by_hand = STATISTICS[name]
    made = copy_model(model(lambda d: d.b * build(d), dims=dims))
    real = RowArrays(Y, {"x": X, "z": Z, "g": G})
    for rows in (SAID.take(np.array([0])), SAID, real, real.take(np.arange(3))):
        found = evaluate(made, row_logp(made, made["y"], used_by(rows, made)))
        mean = B * by_hand(rows.data["x"], rows.data["g"])
        np.testing.assert_allclose(found, norm.logpdf(rows.outcome, mean), rtol=1e-12)


def test_a_number_of_rows_in_a_scale_is_the_real_one():
    made = copy_model(model(lambda d: d.b * d.x, lambda d: 2 / pt.sqrt(d.x.shape[0])))
    found = evaluate(made, row_logp(made, made["y"], used_by(SAID, made)))
    expected = norm.logpdf(SAID.outcome, B * SAID.data["x"], 2 / np.sqrt(N))
    np.testing.assert_allclose(found, expected)


def test_a_matrix_is_centred_by_the_means_of_its_real_columns():
    real = RNG.normal(2, 1, (N, 2))
    with pm.Model() as made:
        x = pm.Data("x", real)
        b = pm.Normal("b", 0, 1, shape=2, initval=[0.5, -1.0])
        pm.Normal("y", (x - x.mean(axis=0)) / x.std(axis=0) @ b, 1, observed=Y)
    made = copy_model(made)
    some = RowArrays(np.array([1.0, 2.0, 0.0]), {"x": RNG.normal(size=(3, 2))})
    found = evaluate(made, row_logp(made, made["y"], some))
    mean = (some.data["x"] - real.mean(axis=0)) / real.std(axis=0) @ [0.5, -1.0]
    np.testing.assert_allclose(found, norm.logpdf(some.outcome, mean))


def test_the_mean_of_another_outcome_is_that_of_the_real_rows():
    with pm.Model() as made:
        x, b = pm.Data("x", X), pm.Normal("b", initval=B)
        m = pm.Normal("m", b * x, 1, observed=Z)
        pm.Normal("y", b * (m - m.mean()) + x, 1, observed=Y)
    made = copy_model(made)
    some = RowArrays(np.array([1.0, 2.0]), {"x": np.array([0.0, 3.0]), "m": np.array([5.0, 1.0])})
    found = evaluate(made, row_logp(made, made["y"], some))
    mean = B * (some.data["m"] - Z.mean()) + some.data["x"]
    np.testing.assert_allclose(found, norm.logpdf(some.outcome, mean))


# Through the doors


def centred() -> pm.Model:
    return model(lambda d: d.b * (d.x - d.x.mean()) + d.z.mean())


def by_hand(x, y, b=B):
    return norm.logpdf(y, b * (np.asarray(x) - X.mean()) + Z.mean())


@pytest.mark.filterwarnings("ignore:The answers' 'x' runs from")
@pytest.mark.parametrize("rows", [[0], [0, 1, 2, 3], [3, 3, 3]])
def test_the_tilt_needs_no_column_for_what_enters_through_a_mean(rows):
    x, y = SAID.data["x"][rows], SAID.outcome[rows]
    tilted = fp.tilt(centred(), answers(x=x, y=y), 1)
    for point in points(tilted):
        np.testing.assert_allclose(loglik(tilted, point), by_hand(x, y, point["b"]).sum())


def test_sources_and_private_copies_keep_the_real_mean():
    frame = pd.DataFrame({"x": SAID.data["x"], "y": SAID.outcome, "framing": list("aabb")})
    llm = fp.SyntheticData.from_dataframe(frame, outcome="y", weight=1)
    tilted = fp.tilt(centred(), llm, {"a": 1, "b": 1}, by="framing", private=["b"])
    for point in points(tilted):
        each = [
            by_hand(part.x, part.y, point[f"b_{name}"]) for name, part in frame.groupby("framing")
        ]
        np.testing.assert_allclose(loglik(tilted, point), [e.sum() for e in each])


def test_held_out_and_left_out_rows_keep_the_real_mean():
    draws = xr.Dataset({"b": ("sample", [0.1, 0.4, -2.0])})
    held_out = pd.DataFrame({"x": SAID.data["x"][:2], "y": SAID.outcome[:2]})
    found = _densities(centred(), Table.from_real(held_out), {}, draws, answers(y=[0.0]))
    for each, b in zip(found, draws.b.values, strict=True):
        np.testing.assert_allclose(each, by_hand(held_out.x, held_out.y, b))
    left_out, every = row_densities(SimpleNamespace(model=centred(), draws=draws))
    assert every == 1
    for each, b in zip(left_out, draws.b.values, strict=True):
        np.testing.assert_allclose(each, by_hand(X, Y, b))


def test_units_without_an_outcome_keep_the_real_mean():
    """As anchored calibration and the leakage test see them."""
    made = copy_model(centred())
    rows = used_by(SAID, made)
    mean, sd = normal_parameters(made, made["y"], rows)
    expected = B * (SAID.data["x"] - X.mean()) + Z.mean()
    np.testing.assert_allclose(evaluate(made, mean), expected)
    assert evaluate(made, sd) == 1


# Priors built from the real rows


def test_a_prior_built_from_the_real_rows_is_served():
    """The g-prior's covariance is that of the real rows, the answers' rows enter as themselves."""
    real, said = RNG.normal(size=(N, 2)), RNG.normal(size=(5, 2))
    with pm.Model() as made:
        x, sigma = pm.Data("X", real), pm.HalfNormal("sigma")
        cov = N * sigma**2 * pt.linalg.inv(x.T @ x)
        b = pm.MvNormal("b", np.zeros(2), cov=cov)
        pm.Normal("y", x @ b, sigma, observed=Y)
    llm = answers(X=said, y=RNG.normal(size=5))
    tilted = fp.tilt(made, llm, 1, columns={"X": ["X0", "X1"]})
    for point in points(tilted):
        sd = np.exp(point["sigma_log__"])
        expected = norm.logpdf(llm.column("y"), said @ point["b"], sd).sum()
        np.testing.assert_allclose(loglik(tilted, point), expected)
    own = fp.tilt(made, llm, 1, columns={"X": ["X0", "X1"]}, private=["b"])
    (point,) = points(own, count=1)
    point["b_synthetic"] = point["b"]
    one, two = (value(own, own.logp(vars=[own[n]]), point) for n in ("b", "b_synthetic"))
    np.testing.assert_allclose(two, one)


def test_a_prior_as_wide_as_the_matrix_is_served():
    with pm.Model() as made:
        x = pm.Data("X", RNG.normal(size=(N, 2)))
        pm.Normal("y", x @ pm.Normal("b", 0, 1 / x.std(), shape=x.shape[1]), 1, observed=Y)
    llm = answers(X=RNG.normal(size=(5, 2)), y=RNG.normal(size=5))
    assert fp.tilt(made, llm, 1, columns={"X": ["X0", "X1"]})


def test_real_rows_hold_what_each_row_needs():
    made = centred()
    rows = real_rows(made, made["y"])
    assert set(rows.data) == {"x"}
    np.testing.assert_array_equal(rows.data["x"], X)
