r"""The primitive prior density of a quantity, exactly where it is known.

It is exact for a strictly monotone function t of one independent variable x, or one element of it,
:math:`\pi_0(q) = p(x) / |t'(x)|`, and of a linear combination of independent or jointly normal
variables. Everything else is estimated from draws.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foundation_priors.beliefs.density import Density
from foundation_priors.beliefs.support import LINE, Support
from foundation_priors.beliefs.table import Table
from foundation_priors.errors import ModelError
from foundation_priors.prior.forward import check_forward, forward
from foundation_priors.prior.model import numpy_mode

if TYPE_CHECKING:
    import pymc as pm
    from pytensor.tensor.variable import TensorVariable

__all__ = ["Primitive", "primitive"]

type Floats = NDArray[np.float64]

PROBES, DRAWS = 200, 100_000
PARALLEL = 1e-8
NEAR, FAR, HUGE = 300.0, 700.0, 1e100


@dataclass(frozen=True, eq=False)
class Primitive:
    """The prior of one quantity.

    Attributes
    ----------
    value : TensorVariable
        The quantity.
    logp : TensorVariable
        Its log prior density, at its value.
    support : Support
        Where the prior lets it lie, as far as that can be told.
    touched : frozenset of (str, int)
        Elements of the free variables that it depends on, parents included.
    spread : float
        The width of the central 90%, from draws.
    line : dict or None
        For a function of a combination of normals, the coefficients of each variable.
    table : Table or None
        The estimate, from so many ``draws``.
    """

    value: Any
    logp: Any
    support: Support
    touched: frozenset[tuple[str, int]]
    spread: float
    line: dict[str, Floats] | None = None
    table: Table | None = None
    draws: int = 0

    def note(self, label: str, belief: Density) -> str:
        """Say how the density is known, and how well where the belief lies."""
        if self.table is None:
            return f"prior density of {label}: exact"
        error = float(self.table.error(belief.quantile([0.01, 0.05, 0.5, 0.95, 0.99])).max())
        size = f"standard error of its log at most {error:.2g} within 98% of the belief"
        return f"prior density of {label}: estimated from {self.draws} draws, {size}"


def primitive(
    model: pm.Model, value: TensorVariable, label: str, given: Support | None, evidence: Any
) -> Primitive:
    """Work out the prior density of a quantity of the model.

    Parameters
    ----------
    model : pymc.Model
    value : TensorVariable
        The quantity, a scalar.
    label : str
    given : Support or None
        Where the user says that it lies; it serves where the density is estimated.
    evidence : sequence of str
        Potentials that are data.

    Raises
    ------
    ModelError
        When it depends on no free variable, or its prior cannot be known.
    """
    slopes = _Slopes(model, value, label)
    touched = slopes.touched()
    check_forward(model, sorted({name for name, _ in touched}), evidence)
    direction = slopes.direction()
    if direction is None:
        return _estimated(model, value, label, given, touched)
    if sum(np.count_nonzero(c) for c in direction.values()) == 1:
        found = _of_one(model, slopes, direction)
    else:
        found = _of_normals(model, slopes, direction)
    if found is None:
        return _estimated(model, value, label, given, touched)
    logp, line = found
    support = _support(model, slopes, direction)
    return Primitive(
        value, logp - slopes.log_slope(direction), support, touched, _spread(model, value), line
    )


class _Slopes:
    """The gradient of a quantity, at draws from the prior and as a graph."""

    def __init__(self, model: pm.Model, value: TensorVariable, label: str) -> None:
        import pytensor
        import pytensor.tensor as pt
        from pytensor.graph.replace import graph_replace
        from pytensor.graph.traversal import ancestors

        self.model, self.label = model, label
        above = set(ancestors([value]))
        self.rvs: list[Any] = [rv for rv in model.free_RVs if rv in above]
        stand_ins = {rv: rv.type(name=rv.name) for rv in self.rvs}
        plain: Any = graph_replace(value, stand_ins, strict=False)
        _check_own(plain, label, bool(self.rvs))
        inputs = list(stand_ins.values())
        gradients: Any = pt.grad(plain, inputs, disconnected_inputs="ignore")
        back = {v: k for k, v in stand_ins.items()}
        self.gradients: dict[str, Any] = {
            rv.name: graph_replace(g, back, strict=False)
            for rv, g in zip(self.rvs, gradients, strict=True)
        }
        self.function = pytensor.function(
            inputs, [plain, *gradients], mode=numpy_mode(), on_unused_input="ignore"
        )
        self.points = forward(model, self.rvs, PROBES, seed=1)
        with np.errstate(all="ignore"):
            rows = [self.function(*point) for point in zip(*self.points, strict=True)]
        self.values = np.array([row[0] for row in rows])
        self.found = {
            rv.name: np.array([row[1 + i] for row in rows]).reshape(len(rows), -1)
            for i, rv in enumerate(self.rvs)
        }

    def touched(self) -> frozenset[tuple[str, int]]:
        """Return the elements that the quantity depends on, and those that they depend on."""
        from pytensor.graph.traversal import ancestors

        out: set[tuple[str, int]] = set()
        for rv in self.rvs:
            moved = np.flatnonzero((np.nan_to_num(self.found[rv.name], nan=1) != 0).any(axis=0))
            parents = [p for p in self.model.free_RVs if p in set(ancestors([rv])) and p is not rv]
            if not len(moved):
                continue
            whole = range(self.found[rv.name].shape[1]) if rv.owner.op.ndim_supp else moved
            out |= {(rv.name, int(i)) for i in whole}
            for parent in parents:
                size = int(np.prod(parent.shape.eval(mode=numpy_mode()), dtype=int))
                out |= {(parent.name, i) for i in range(size)}
        if not out:
            raise ModelError(
                f"The quantity {self.label!r} does not depend on any free variable of the model, "
                "so no belief can inform it: speak about a parameter, or what is made of them."
            )
        return frozenset(out)

    def direction(self) -> dict[str, Floats] | None:
        """Return the unit direction of all gradients, if they share one and never turn round."""
        all_ = np.concatenate([self.found[rv.name] for rv in self.rvs], axis=1)
        norms = np.linalg.norm(all_, axis=1)
        if not (np.isfinite(norms).all() and (norms > 0).all()):
            return None
        unit = all_ / norms[:, None]
        if np.abs(unit - unit[0]).max() > PARALLEL:
            return None
        first = np.where(np.abs(unit[0]) > PARALLEL, unit[0], 0.0)
        cuts = np.cumsum([self.found[rv.name].shape[1] for rv in self.rvs])[:-1]
        parts = np.split(first, cuts)
        return {rv.name: p for rv, p in zip(self.rvs, parts, strict=True) if p.any()}

    def log_slope(self, direction: dict[str, Floats]) -> Any:
        """Return log |dq / d eta| for eta the combination of variables in this direction."""
        import pytensor.tensor as pt

        each: list[Floats] = [self.found[name] @ part for name, part in direction.items()]
        numbers = np.sum(each, axis=0)
        if np.ptp(numbers) <= 1e-10 * np.abs(numbers).max():
            return float(np.log(np.abs(numbers[0])))
        graph = sum((self.gradients[n].flatten() * p).sum() for n, p in direction.items())
        return pt.log(pt.abs(graph))

    def along(self, steps: Floats, at: dict[str, Floats]) -> Floats:
        """Return the quantity where the variables take these values, over steps."""
        out = []
        for step in range(len(steps)):
            point = [
                at[rv.name][step].reshape(p.shape[1:]) if rv.name in at else p[0]
                for rv, p in zip(self.rvs, self.points, strict=True)
            ]
            with np.errstate(all="ignore"):
                out.append(float(self.function(*point)[0]))
        return np.array(out)


def _check_own(plain: Any, label: str, depends: bool) -> None:
    """Raise when random variables are left that are not free variables of this model."""
    from pymc.pytensorf import rvs_in_graph

    if rvs_in_graph([plain]):
        raise ModelError(
            f"The quantity {label!r} depends on observed or foreign random variables: compute it "
            "from the variables that the function receives, free ones and deterministics."
        )
    if not depends:
        raise ModelError(
            f"The quantity {label!r} does not depend on any free variable of the model, so no "
            "belief can inform it: speak about a parameter, or about what is made of them."
        )


def _layered(model: pm.Model, rv: Any) -> bool:
    from pytensor.graph.traversal import ancestors

    return bool(set(ancestors(rv.owner.inputs)) & set(model.free_RVs))


def _of_one(model: pm.Model, slopes: _Slopes, direction: dict[str, Floats]) -> Any:
    """Return the log density of the one element, if it has a density of its own."""
    import pymc as pm

    ((name, part),) = direction.items()
    rv: Any = model[name]
    if rv.owner.op.ndim_supp or _layered(model, rv):
        return _of_normals(model, slopes, direction)
    logp: Any = pm.logp(rv, rv)
    line = direction if normal_moments(model, name) is not None else None
    return logp.flatten()[int(np.flatnonzero(part)[0])], line


def _of_normals(model: pm.Model, slopes: _Slopes, direction: dict[str, Floats]) -> Any:
    """Return the log density of a combination of normals, if they are all normal."""
    moments = combined(model, [direction])
    if moments is None:
        return None
    (mean,), ((variance,),) = moments
    eta = combination(model, direction)
    return -0.5 * ((eta - mean) ** 2 / variance + np.log(2 * np.pi * variance)), direction


def combination(model: pm.Model, line: dict[str, Floats]) -> Any:
    """Return the combination of variables with these coefficients."""
    terms: list[Any] = []
    for name, part in line.items():
        variable: Any = model[name]
        terms.append((variable.flatten() * part).sum())
    return sum(terms[1:], terms[0])


def combined(model: pm.Model, lines: list[dict[str, Floats]]) -> tuple[Floats, Floats] | None:
    """Return means and covariance of combinations of normals; None where one is not normal."""
    mean, covariance = np.zeros(len(lines)), np.zeros((len(lines), len(lines)))
    for name in sorted({n for line in lines for n in line}):
        moments = normal_moments(model, name)
        if moments is None:
            return None
        zero = np.zeros(len(moments[0]))
        coefs = np.array([line.get(name, zero) for line in lines])
        mean += coefs @ moments[0]
        covariance += coefs @ moments[1] @ coefs.T
    return mean, covariance


def normal_moments(model: pm.Model, name: str) -> tuple[Floats, Floats] | None:
    """Return mean and covariance of a free variable's elements; None unless it is normal."""
    import pymc as pm
    from pytensor.tensor.random.basic import MvNormalRV, NormalRV

    rv: Any = model[name]
    op = rv.owner.op
    if not isinstance(op, NormalRV | MvNormalRV) or _layered(model, rv):
        return None
    parameters = pm.draw([*op.dist_params(rv.owner), rv.shape], mode=numpy_mode(), random_seed=0)
    first, second, shape = map(np.asarray, parameters)
    mean = np.broadcast_to(first, shape).astype(float).ravel()
    if isinstance(op, NormalRV):
        return mean, np.diag(np.broadcast_to(second, shape).astype(float).ravel() ** 2)
    size = int(shape[-1])
    blocks = np.broadcast_to(second, (*shape[:-1], size, size)).reshape(-1, size, size)
    covariance = np.zeros((len(mean), len(mean)))
    for i, block in enumerate(blocks):
        covariance[i * size : (i + 1) * size, i * size : (i + 1) * size] = block
    return mean, covariance


def _support(model: pm.Model, slopes: _Slopes, direction: dict[str, Floats]) -> Support:
    """Return the limits of a monotone quantity, from far out in the unconstrained variable."""
    steps = np.array([-FAR, -NEAR, NEAR, FAR])
    ends: list[Floats] = []
    if len(direction) == 1 and np.count_nonzero(next(iter(direction.values()))) == 1:
        ends = [_backward(model, next(iter(direction)), step) for step in steps]
    at = {}
    for i, rv in enumerate(slopes.rvs):
        base = np.ravel(slopes.points[i][0])
        part = direction.get(rv.name)
        if part is None:
            continue
        moved = [base + step * part for step in steps]
        if ends:
            moved = [np.where(part != 0, e, base) for e in ends]
        at[rv.name] = np.array(moved)
    q = slopes.along(steps, at)
    limits = [_limit(q[1], q[0]), _limit(q[2], q[3])]
    low, high = sorted(limits)
    return Support(float(low), float(high)) if low < high else LINE


def _backward(model: pm.Model, name: str, step: float) -> Floats:
    """Return a variable's elements far out in its unconstrained coordinate."""
    rv: Any = model[name]
    transform: Any = model.rvs_to_transforms[rv]
    shape = rv.shape.eval(mode=numpy_mode())
    if transform is None:
        return np.full(int(np.prod(shape, dtype=int)), step)
    with np.errstate(all="ignore"):
        graph = transform.backward(np.full(shape, step), *rv.owner.inputs)
        return np.ravel(graph.eval(mode=numpy_mode())).astype(float)


def _limit(near: float, far: float) -> float:
    """Return the limit that values approach, or infinity."""
    if not np.isfinite(far) or abs(far) > HUGE or abs(far - near) > 1e-6 * max(1.0, abs(far)):
        return float(np.copysign(np.inf, far if np.isfinite(far) else near))
    return 0.0 if abs(far) < 1 / HUGE else far


def _estimated(
    model: pm.Model, value: Any, label: str, given: Support | None, touched: Any
) -> Primitive:
    """Estimate the density from draws."""
    (draws,) = forward(model, [value], DRAWS, seed=2)
    support = given or LINE
    if not np.isfinite(draws).all():
        raise ModelError(
            f"The quantity {label!r} is not finite at some draws from its prior, so its density "
            "cannot be estimated: speak about a transform of it, or tighten the prior."
        )
    if not support.contains(draws).all():
        outside = draws[~support.contains(draws)][0]
        raise ModelError(
            f"The belief about {label!r} is confined to {support}, but its prior allows "
            f"{outside:.4g}, which any trust however small would rule out: widen support=, or "
            "bound the prior."
        )
    if len(np.unique(draws)) < 0.99 * len(draws):
        raise ModelError(
            f"The quantity {label!r} takes some values with positive probability, so it has no "
            "prior density: speak about a quantity that varies continuously."
        )
    table = Table.from_draws(draws, support)
    return Primitive(
        value, table.logpdf(value), support, touched, _width(draws), table=table, draws=len(draws)
    )


def _spread(model: pm.Model, value: Any) -> float:
    (draws,) = forward(model, [value], DRAWS, seed=2)
    return _width(draws)


def _width(draws: Floats) -> float:
    low, high = np.quantile(draws, [0.05, 0.95])
    return float(high - low)
