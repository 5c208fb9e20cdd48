"""What acting on the posterior costs if the language model should have been ignored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.diagnose.sensitivity import check_path, few_weights
from foundation_priors.path.draws import Quantity, evaluate

if TYPE_CHECKING:
    from foundation_priors.path import TrustPath

__all__ = ["decision"]

type Floats = NDArray[np.float64]
type Utility = Callable[[xr.Dataset, Any], xr.DataArray]

CLEAR = 2.0
"""Monte Carlo errors by which the best action leads where it is known."""
FAILS = (
    "The cost is judged by the posterior at trust 0, in the user's own model and under the user's "
    "own utility: where that posterior is wrong, so is the cost, and a cost of 0 says only that "
    "the answers did not change which action is best."
)


def decision(
    path: TrustPath,
    actions: Mapping[str, Quantity | float] | Sequence[Any],
    utility: Utility | None = None,
    *,
    trust: Any = None,
    reference: float = 0.0,
) -> xr.Dataset:
    r"""Return what acting on the posterior costs if the truth is the posterior at trust 0.

    Parameters
    ----------
    path : TrustPath
    actions : dict or sequence
        A utility for each action by name: an expression (``"1000 * beta - 50"``), a function of the
        draws or a number. Or a sequence of actions, with ``utility=``.
    utility : callable, optional
        From the dataset of draws and an action to its utility for each draw.
    trust : number, array, dict or rule, optional
        25 of the path's weights by default.
    reference : float
        The trust of the posterior that the cost is judged by.

    Returns
    -------
    xarray.Dataset
        Over trust: ``chosen``, the action with the largest expected utility there; ``cost`` and
        ``mcse_cost``, in units of the utility; ``forgone``, what ignoring the answers would cost if
        the posterior at this trust were the truth, and ``mcse_forgone``; ``margin``, by how much
        the chosen action is better than the next, and ``mcse_margin``; ``reliable``. Over (action,
        trust): ``expected_utility``.

    Notes
    -----
    With :math:`a_L = \arg\max_a E_L[u(a)]`,

    .. math:: cost(L) = E_0[u(a_0)] - E_0[u(a_L)] \ge 0, \qquad
        forgone(L) = E_L[u(a_L)] - E_L[u(a_0)] \ge 0 .

    Under squared error, with actions dense enough, the cost is the squared distance of the two
    posterior means. Errors are those of the difference of the two actions' utilities; where the
    best action is not known, because the margin is within its error, so is the cost.

    References
    ----------
    .. [1] J. O. Berger (1994). An overview of robust Bayesian analysis. Test 3(1).
       doi:10.1007/BF02562676

    Examples
    --------
    >>> import foundation_priors as fp
    >>> actions = {"build": "1000 * beta - 50", "wait": 0}
    >>> fp.diagnose.decision(path, actions).cost  # doctest: +SKIP
    """
    check_path(path, "decision()")
    names, u = _utilities(path, actions, utility)
    how = path._weighing(few_weights(path) if trust is None else trust)
    base = path._weighing(float(reference))
    expected, origin = how.expect(u), base.expect(u)[0]
    best, chosen = int(origin.argmax()), expected.argmax(axis=1)
    cost, forgone = origin[best] - origin[chosen], expected.max(axis=1) - expected[:, best]
    rows = np.arange(len(chosen))
    others = expected.copy()
    others[rows, chosen] = -np.inf
    second = others.argmax(axis=1)
    data = {
        "chosen": np.array(names, dtype=object)[chosen],
        "cost": cost,
        "mcse_cost": _errors(base, u, np.full(len(chosen), best), chosen, np.zeros_like(rows)),
        "forgone": forgone,
        "mcse_forgone": _errors(how, u, chosen, np.full(len(chosen), best), rows),
        "margin": expected[rows, chosen] - expected[rows, second],
        "mcse_margin": _errors(how, u, chosen, second, rows),
        "reliable": how.reliable(),
    }
    out = xr.Dataset({k: how.wrap(v) for k, v in data.items()})
    wide = how.wrap(expected, ["action"], {"action": names})
    out = out.assign(expected_utility=wide)
    out.attrs = {"reference": float(reference), "best": names[best]}
    return out.assign_attrs(reading=_reading(out), fails_when=FAILS)


def _utilities(path: TrustPath, actions: Any, utility: Utility | None) -> tuple[list[str], Floats]:
    """Return the actions' names and utilities, shape (draw, action)."""
    if not hasattr(actions, "__len__") or isinstance(actions, str) or len(actions) < 2:
        raise ValueError(
            "A decision needs at least two actions: give a dict from each to its utility, or a "
            "sequence of actions with utility=."
        )
    if isinstance(actions, Mapping) == (utility is not None):
        raise ValueError(
            "Give either a dict from each action to its utility, or a sequence of actions with "
            "utility=, a function of the draws and the action."
        )
    columns = []
    for action in actions:
        own = actions[action] if isinstance(actions, Mapping) else _called(utility, action)
        if isinstance(own, int | float | np.number):
            columns.append(np.full(path.draws.sizes["sample"], float(own)))
            continue
        value = evaluate(path.draws, own)
        if value.ndim != 1:
            raise ValueError(
                f"The utility of {action!r} has dimensions {', '.join(map(str, value.dims[1:]))}: "
                "give one number for each draw."
            )
        columns.append(value.values.astype(float))
    return [str(a) for a in actions], np.stack(columns, axis=1)


def _called(utility: Any, action: Any) -> Callable[[xr.Dataset], xr.DataArray]:
    return lambda draws: utility(draws, action)


def _errors(
    how: Any, u: Floats, one: NDArray[Any], other: NDArray[Any], rows: NDArray[Any]
) -> Floats:
    """Return standard errors of E[u(one) - u(other)], one pair for each weight."""
    pairs, index = np.unique(np.stack([one, other]), axis=1, return_inverse=True)
    found = how.estimate(u[:, pairs[0]] - u[:, pairs[1]]).mcse_mean
    return found[rows, index.ravel()]


def _reading(found: xr.Dataset) -> str:
    best, zero = found.attrs["best"], found.attrs["reference"]
    if found.cost.ndim == 0:
        cost = found
        where = f"under {str(found.trust.item())!r}" if "trust" in found.coords else "there"
    else:
        cost = found.stack(point=found.cost.dims, create_index=False)
        same = (cost.chosen == best).values
        if same.all():
            return (
                f"{best} is the best action at every trust looked at, so that acting on the "
                f"answers costs nothing{_unsure(found)}."
            )
        cost = cost.isel(point=int(np.nanargmax(cost.cost.values)))
        where = "at some weights" if "trust" not in cost.coords else f"at trust {cost.trust:.3g}"
    if cost.chosen.item() == best:
        return (
            f"{best} is the best action {where} as at trust {zero:g}: acting on it costs nothing"
            f"{_unsure(found)}."
        )
    return (
        f"At trust {zero:g} {best} is best; {where} it is {cost.chosen.item()}. If the answers "
        f"should have been ignored that costs {cost.cost.item():.3g} (error "
        f"{cost.mcse_cost.item():.1g}) in expected utility, and if they were right, ignoring them "
        f"would cost {cost.forgone.item():.3g}{_unsure(cost)}."
    )


def _unsure(found: xr.Dataset) -> str:
    """Say where the best action is not known, because it leads by less than its error."""
    close = (found.margin < CLEAR * found.mcse_margin).values
    if not close.any():
        return ""
    where = f"at {int(close.sum())} of {close.size} weights" if close.ndim else "there"
    return f"; {where} the best action leads by less than the Monte Carlo error, and may be another"
