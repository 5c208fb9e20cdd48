"""Whether other rows can be put in the place of the real ones, each for itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from foundation_priors.errors import ModelError
from foundation_priors.prior.facts import REFUSALS, grows
from foundation_priors.prior.model import lies_above, numpy_mode, replaced
from foundation_priors.prior.rows import RowArrays, is_one_row, n_rows, real_rows, row_data
from foundation_priors.prior.start import values_nearby

if TYPE_CHECKING:
    import pymc as pm
    from pytensor.graph.basic import Variable
    from pytensor.tensor.variable import TensorVariable

__all__ = ["check_rows_replaceable"]

CURE = "state beliefs about the parameters (fp.Belief), or pass a likelihood= callable"
PANEL, POINTS = 3, 21
LONG, FAR = 2000, 3
"""Rows at most in the long order, enough for most breaks and lags, few enough to be quick also
where each looks at all others; and points at which rows that pass are looked at in full length."""
SAME = 1e-6
"""A relative difference of log densities that rounding does not explain in double precision."""
SHAKE, NOISE = 20, 1000
"""By how many roundings values are shaken, and how often what that changes does not count: in a
tail where digits cancel, rounding alone moves a density."""


def check_rows_replaceable(
    model: pm.Model,
    observed: TensorVariable,
    rows: RowArrays,
    logp: Callable[[RowArrays], TensorVariable],
    size: int,
) -> None:
    """Raise unless other rows can be put in the place of the real ones, each for itself.

    The log densities of a few rows, answers and real ones, are worked out at random values of the
    free variables: together, one alone, and in other company, repeated and in another order, also
    repeated ``size`` times, since a break, a lag or a count may show far along only. They must not
    differ. Lengths say only what to name in an error, since a group can be as long as the rows by
    chance.

    Parameters
    ----------
    model : pymc.Model
    observed : TensorVariable
    rows : RowArrays
        Some of the answers' rows; without their data the real rows do.
    logp : callable
        The log density of each of some rows, a graph of the free variables.
    size : int
        More than there are real rows and answers.

    Raises
    ------
    ModelError
        Naming the array, the data container or the latent variable that belongs to the real rows,
        or saying that rows look at each other.
    """
    if is_one_row(observed):
        return
    axes, n = row_data(model, observed), n_rows(model, observed)
    above = lies_above(observed, model)
    for rv in model.free_RVs:
        if rv in above and grows(model, rv, axes, n):
            raise _of_the_rows(rv, model, observed)
    panel, orders = _panel(model, observed, rows, n, size)
    near = [*orders[:2], orders[2][: LONG + (n == LONG)]]
    for some, points in [(near, POINTS), (orders, FAR)][: 1 + (size > LONG)]:
        found, together, reason = _found(model, logp, panel, some, points)
        if reason:
            break
        _check_independent(found, together, observed)
    else:
        return
    for suspect in _as_long_as_the_rows(model, observed):
        raise _of_the_rows(suspect, model, observed)
    raise ModelError(
        f"The likelihood of {observed.name!r} cannot be worked out for other rows than the real "
        f"ones ({reason}): {CURE}."
    )


def _panel(
    model: pm.Model, observed: TensorVariable, rows: RowArrays, n: int, size: int
) -> tuple[RowArrays, list[np.ndarray]]:
    """Return a few rows and the orders, as positions, in which to look at them.

    None is as long as the real rows, so that what has their length cannot pass.
    """
    real = real_rows(model, observed)
    parts = [real.take(_spread(len(real.outcome), PANEL + 1))]
    if set(rows.data) == set(real.data):
        parts.insert(0, rows.take(_spread(len(rows.outcome), PANEL)))
    panel = RowArrays(
        np.concatenate([part.outcome for part in parts]),
        {name: np.concatenate([part.data[name] for part in parts]) for name in real.data},
    )
    every = np.arange(len(panel.outcome))
    together = [every, np.concatenate([every[::-1], every[:2]])]
    # The last row makes up half of them: what counts equal rows may begin to differ at many.
    draws = np.random.default_rng(0).integers(0, 2 * len(every), size)
    together.append(np.minimum(draws, every[-1]))
    longer = [np.append(order, order[0]) if len(order) == n else order for order in together]
    return panel, longer


def _spread(size: int, most: int) -> np.ndarray:
    return np.unique(np.linspace(0, size - 1, min(most, size)).astype(int))


def _found(
    model: pm.Model,
    logp: Callable[[RowArrays], TensorVariable],
    panel: RowArrays,
    orders: list[np.ndarray],
    points: int,
) -> tuple[list[np.ndarray], list[np.ndarray], str]:
    """Return densities of rows at points, in which orders they are, or why there are none.

    A row alone is looked at too where the model takes it.
    """
    reason = ""
    for some in ([*orders, orders[0][:1]], orders):
        try:
            graphs = [logp(panel.take(order)) for order in some]
            found = list(_densities(model, [*graphs, _shaken(model, graphs[0])], points))
        except REFUSALS as error:
            reason = reason or str(error).splitlines()[0].rstrip(".:") or type(error).__name__
            continue
        if found[0].shape == np.concatenate([*some, some[0]]).shape:
            return found, some, ""
        reason = "it does not give one value a row"
    return [], [], reason


def _densities(model: pm.Model, graphs: list[TensorVariable], most: int) -> Iterator[np.ndarray]:
    """Yield the densities of all rows at random points, until one where all are finite."""
    import pytensor.tensor as pt

    points = values_nearby(model, pt.concatenate(graphs), most)
    yield next(points)
    for values in points:
        yield values
        if np.isfinite(values).all():
            return


def _shaken(model: pm.Model, logp: TensorVariable) -> TensorVariable:
    """Return densities at values of the free variables that differ by more than rounding does."""
    return replaced(logp, {rv: rv * _scalar(1 + SHAKE * _epsilon(rv), rv) for rv in model.free_RVs})


def _scalar(number: float, like: TensorVariable) -> np.ndarray:
    return np.asarray(number, dtype=like.dtype)


def _epsilon(values: Any) -> float:
    return float(np.finfo(values.dtype).eps)


def _check_independent(
    found: list[np.ndarray], orders: list[np.ndarray], observed: TensorVariable
) -> None:
    """Raise when a row has one density here and another there, beyond what rounding explains."""
    number = np.concatenate(orders)
    rows = int(number.max()) + 1
    for each in found:
        values, shaken = each[: len(number)], each[len(number) :][:rows]
        first = values[:rows]
        with np.errstate(invalid="ignore"):
            rounding = NOISE * np.abs(shaken - first)
            allowed = max(SAME, 1e3 * _epsilon(each)) * (1 + np.abs(first)) + rounding
            away = np.abs(values - first[number]) > allowed[number]
        changed = np.isfinite(values) != np.isfinite(first[number])
        steady = np.isfinite(shaken) == np.isfinite(first)
        if ((away | changed) & steady[number]).any():
            raise ModelError(
                f"The rows of {observed.name!r} look at each other (through a lag, a running sum, "
                "a rank, a trend or the like), so the density of a row depends on which others are "
                f"there and none can be put in, taken out or repeated: {CURE}."
            )


def _as_long_as_the_rows(model: pm.Model, observed: TensorVariable) -> list[Variable]:
    """Return free variables, then data, then plain arrays of the length of the real rows."""
    from pytensor.compile import SharedVariable
    from pytensor.graph.basic import Constant
    from pytensor.graph.traversal import ancestors

    rows, replaced = n_rows(model, observed), row_data(model, observed)
    found: list[tuple[int, Variable]] = []
    value = model.rvs_to_values[observed]
    for variable in lies_above(observed, model) - {observed, *ancestors([value])}:
        if variable in model.free_RVs:
            shape, rank = _shape(variable), 0
        elif isinstance(variable, SharedVariable) and variable.name not in replaced:
            shape = np.shape(variable.get_value(borrow=True))
            rank = 1 if variable in model.data_vars else 2
        elif isinstance(variable, Constant):
            shape, rank = np.shape(variable.data), 2
        else:
            continue
        if rows in shape:
            found.append((rank, variable))
    return [variable for _, variable in sorted(found, key=lambda pair: pair[0])]


def _shape(variable: Any) -> tuple[int, ...]:
    return tuple(variable.shape.eval(mode=numpy_mode()))


def _of_the_rows(suspect: Variable, model: pm.Model, observed: TensorVariable) -> ModelError:
    if suspect in model.free_RVs:
        return ModelError(
            f"The free variable {suspect.name!r} belongs to the rows of {observed.name!r}, so new "
            "rows would need their own: write the model without a latent variable per row, or pass "
            "a likelihood= callable."
        )
    if suspect in model.data_vars:
        dims = model.named_vars_to_dims.get(observed.name) or ("obs",)
        return ModelError(
            f"The data {suspect.name!r} run along the rows of {observed.name!r} but do not say so, "
            f"so the answers' rows cannot replace them: give both the dimension {dims[0]!r}."
        )
    return ModelError(
        f"The model of {observed.name!r} holds a plain array of length {n_rows(model, observed)}, "
        "one value a row, which the answers' rows cannot replace: wrap it in pm.Data, or pass a "
        "likelihood= callable."
    )
