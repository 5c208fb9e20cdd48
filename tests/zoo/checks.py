"""What must hold for every structure of the zoo, checked without compiling anything."""

import warnings
from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np
import pymc as pm
import pytensor
import pytest
import xarray as xr
from pytensor.compile.mode import Mode
from pytensor.tensor.variable import TensorVariable

import foundation_priors as fp
from tests.prior.common import Point, points
from tests.zoo.structures import Structure

N, M = 24, 9
"""Real rows and answers."""
TRUST = 0.3
EXACT = {"rtol": 1e-10, "atol": 1e-10}


def evaluate(model: pm.Model, graph: TensorVariable, at: Sequence[Point]) -> list[np.ndarray]:
    """Return the values of a graph at points, op by op and without any rewriting."""
    (graph,) = model.replace_rvs_by_values([graph])
    inputs = [model.rvs_to_values[rv] for rv in model.free_RVs]
    mode = Mode(linker="py", optimizer=None)
    function = pytensor.function(inputs, graph, mode=mode, on_unused_input="ignore")
    return [function(*(point[v.name] for v in inputs)) for point in at]


def simulate(structure: Structure, rng: np.random.Generator, n: int) -> SimpleNamespace:
    """Draw rows of a structure."""
    return SimpleNamespace(**{name: draw(rng, n) for name, draw in structure.rows.items()})


def written(structure: Structure, rows: SimpleNamespace) -> pm.Model:
    """Return the published model of these rows."""
    with warnings.catch_warnings(), pm.Model(coords=dict(structure.coords)) as model:
        warnings.simplefilter("ignore", pm.exceptions.ImputationWarning)
        structure.model(rows)
    return model


def taken(rows: SimpleNamespace, positions: np.ndarray) -> SimpleNamespace:
    """Return the rows at these positions."""
    return SimpleNamespace(**{name: column[positions] for name, column in vars(rows).items()})


def said(structure: Structure, rows: SimpleNamespace, weight=1) -> fp.SyntheticData:
    """Return the rows as a language model's answers."""
    dims = {name: ("answer", f"{name}_axis") for name in vars(rows)}
    data = {name: (dims[name][: array.ndim], array) for name, array in vars(rows).items()}
    return fp.SyntheticData(xr.Dataset(data), outcome=list(structure.outcome), weight=weight)


def tilted(structure: Structure, model: pm.Model, rows: SimpleNamespace, **arguments) -> pm.Model:
    """Return the model tilted by these rows; a structure of the zoo gives no warning."""
    weight = arguments.pop("weight", 1)
    if structure.evidence is not None:
        arguments["evidence"] = list(structure.evidence)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        mine = fp.tilt(model, said(structure, rows, weight), TRUST, **arguments)  # fmt: skip
    assert not [str(w.message) for w in caught if "Potential" in str(w.message)]
    return mine


def densities(
    structure: Structure, model: pm.Model, rows: SimpleNamespace, real: SimpleNamespace, **own
):
    """Return the log density by hand, one value a row, of the model's free variables."""
    free = SimpleNamespace(**{rv.name: rv for rv in model.free_RVs} | own)
    return structure.density(free, rows, real)


def second(
    structure: Structure, real: SimpleNamespace, rows: SimpleNamespace, weight: np.ndarray
) -> pm.Model:
    """Return the model by hand in which the answers are a second, weighted likelihood."""
    model = written(structure, real)
    with model:
        free = SimpleNamespace(**{rv.name: rv for rv in model.free_RVs})
        own = {n: prior(f"{n}_synthetic", free) for n, prior in structure.private.items()}
        rows_logp = densities(structure, model, rows, real, **own)
        pm.Potential("answers", TRUST * (weight * rows_logp).sum())
    return model


def check_exact(structure: Structure, rng: np.random.Generator, count: int = 1) -> None:
    """The tilted log density, with copies and repeated rows, is that of the second model."""
    real, rows = simulate(structure, rng, N), simulate(structure, rng, M)
    rows = taken(rows, np.append(rng.permutation(M), rng.integers(0, M, 4)))
    weight = rng.uniform(0.2, 2, M + 4)
    model = written(structure, real)
    mine = tilted(structure, model, rows, weight=weight, private=list(structure.private))
    reference = second(structure, real, rows, weight)
    some = points(reference, seed=int(rng.integers(1000)), count=count)
    expected = evaluate(reference, reference.logp(), some)
    assert np.isfinite(expected).all()
    np.testing.assert_allclose(evaluate(mine, mine.logp(), some), expected, **EXACT)


def check_rows_apart(structure: Structure, rng: np.random.Generator, selections: int = 1) -> None:
    """A row's log density is its own: rows may be left out, repeated and put in another order."""
    real, rows = simulate(structure, rng, N), simulate(structure, rng, M)
    model = written(structure, real)
    point = points(model, seed=int(rng.integers(1000)), count=1)
    (each,) = evaluate(model, densities(structure, model, rows, real), point)
    assert each.shape == (M,)
    for positions in [rng.integers(0, M, 2 * N), np.array([int(rng.integers(M))])][:selections]:
        mine = tilted(structure, model, taken(rows, positions))
        loglik = evaluate(mine, mine["fp_loglik"], point)
        np.testing.assert_allclose(loglik, [each[positions].sum()], **EXACT)


def check_refused(structure: Structure, rng: np.random.Generator) -> None:
    """Rows are refused in one sentence; the structure is served with beliefs."""
    real, rows = simulate(structure, rng, N), simulate(structure, rng, M)
    model = written(structure, real)
    with pytest.raises(fp.ModelError, match=structure.refused) as caught:
        tilted(structure, model, rows)
    message = str(caught.value)
    assert "\n" not in message and message.endswith(".") and "likelihood=" in message
    belief = fp.Belief(structure.believed, quantiles={0.05: 0.2, 0.5: 0.5, 0.95: 0.9})
    assert fp.tilt(model, belief, TRUST)
