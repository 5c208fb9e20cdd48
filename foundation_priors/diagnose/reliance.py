"""How far a number rests on the real data, the language model and the primitive prior."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.diagnose.averaged import Averager
from foundation_priors.diagnose.components import REAL, components
from foundation_priors.diagnose.shares import shares
from foundation_priors.errors import UnreliableWarning, did_you_mean, warn
from foundation_priors.path.weighing import Weighing
from foundation_priors.trust.average import Averaged
from foundation_priors.trust.rules import UnknownRule

if TYPE_CHECKING:
    from foundation_priors.path import TrustPath
    from foundation_priors.path.draws import Quantity

__all__ = ["reliance"]

type Floats = NDArray[np.float64]

UNKNOWN = "not knowing the trust"
NODES = 41
"""Weights that stand for a distribution of the trust."""
COLUMNS = [
    "quantity",
    "component",
    "share",
    "mcse_share",
    "ratio_to_real",
    "pull",
    "mcse_pull",
    "effective_observations",
    "claim",
    "tips_at",
    "mcse_tips_at",
]


def reliance(
    path: TrustPath,
    trust: Any = "cautious",
    quantities: Quantity | Sequence[Quantity] | None = None,
    *,
    reference: float = 0.0,
    probability: float = 0.95,
) -> pd.DataFrame:
    r"""Say where the information about each quantity comes from, at one trust or under a rule.

    Parameters
    ----------
    path : TrustPath
    trust : float, dict, str or rule
        One weight, one for each source, or a rule: its name, an object of `foundation_priors.trust`
        or a `TrustPosterior`.
    quantities : str, callable or list of them, optional
        Names, expressions or functions of the draws; arrays are taken apart. By default every
        free variable of the model.
    reference : float
        The claim that may tip is that the quantity lies on its side of this value, see ``claim``.
    probability : float
        The level of that claim, which tips where its probability crosses this.

    Returns
    -------
    pandas.DataFrame
        Index (quantity, component); the components are the primitive prior, the model structure
        (layers of a hierarchy, if any), the real data, each source and, under a rule with a
        distribution of weights, not knowing the trust. Columns:

        - ``share``, ``mcse_share``: the share of the information; the shares of a quantity add
          to 1. One below 0 or above 1 is no mistake: components can work against each other.
        - ``ratio_to_real``: the share over that of the real data. In a hierarchy it depends less
          on the parameterisation than the shares do.
        - ``pull``, ``mcse_pull``: by how many posterior standard deviations the quantity's mean
          would move, at the present rate, if the component as it stands counted once more.
        - ``effective_observations``: the real rows, and the real observations each source counts
          for.
        - ``claim``: on the rows of the sources, what may tip, ``"P(beta > 0) = 0.95"``: that the
          quantity lies on that side of ``reference`` on which its mean does at this trust (or that
          the event happens), with ``probability``; empty on other rows.
        - ``tips_at``: the trust nearest to the present one at which the claim begins or ceases to
          hold, nan where there is none on the path; ``mcse_tips_at``.

    Notes
    -----
    With u the unconstrained coordinates, :math:`v = Cov(u, h)` and :math:`l_c` the log density of
    component c at its present weight (with its Jacobian, for the prior),

    .. math:: share_c = \frac{-Cov(h, v \cdot \nabla_u l_c)}{\sum_{c'} -Cov(h, v \cdot \nabla_u
        l_{c'})}, \qquad pull_c = Cov(h, l_c) / sd(h),

    all under the posterior at this trust. The denominator is :math:`E[v \cdot \nabla_u h]`,
    by parts. For Gaussian models the shares are those of the precision. Under a rule with
    posterior p of the trust, share and pull are

    .. math:: share_c = E_p[V_L\, share_c(L)] / V, \qquad pull_c = E_p[pull_c(L)],

    with :math:`V_L` the variance at a weight and V the whole; not knowing the trust has
    :math:`Var_p(E_L h) / V`. A claim tips where it does at fixed weights, nearest to the mean one.

    Examples
    --------
    >>> import foundation_priors as fp
    >>> fp.reliance(path, trust=0.1, quantities="beta")  # doctest: +SKIP
    """
    from foundation_priors.path import TrustPath

    if not isinstance(path, TrustPath):
        raise TypeError(f"reliance() takes a TrustPath, not {type(path).__name__}.")
    try:
        how = path._weighing(trust)
    except UnknownRule as unknown:
        # The second argument of other functions of a path is often a quantity.
        meant = did_you_mean(trust, path.draws.data_vars)
        raise UnknownRule(
            f"{unknown} If it is a quantity, give it as quantities=.{meant}"
        ) from None
    if how.points.shape:
        raise ValueError(
            "reliance() takes one weight, one for each source, or a rule: give a number."
        )
    point = how.points.array[0]
    how.reliable()
    parts = components(path)
    names, source_of = list(parts), {s: i for i, s in enumerate(path.sources)}
    share_of = _sharing(path, how, parts, [source_of.get(n) for n in names])
    random = isinstance(how, Averaged)
    rows = [*names, UNKNOWN] if random else names
    counts = {REAL: path.facts.n_real, **_worth(path, point)}
    said = [n in source_of for n in rows]
    real, frames = names.index(REAL), []
    for label, draws in _scalars(path, quantities):
        table = share_of(draws.astype(float), label)
        side, claim = _claim(how, label, draws, reference)
        tip, error = _tip(path, claim, point, float(np.mean(point)), probability)
        table |= {
            "ratio_to_real": table["share"] / table["share"][real],
            "effective_observations": [counts.get(n, np.nan) for n in rows],
            "claim": [f"P({side}) = {probability:g}" if own else "" for own in said],
            "tips_at": np.where(said, tip, np.nan),
            "mcse_tips_at": np.where(said, error, np.nan),
        }
        frames.append(pd.DataFrame({"quantity": label, "component": rows, **table})[COLUMNS])
    return pd.concat(frames, ignore_index=True).set_index(["quantity", "component"])


def _sharing(
    path: TrustPath, how: Weighing, parts: dict[str, Any], sources: list[int | None]
) -> Callable[[Floats, str], dict[str, Any]]:
    """Return a function from a quantity's draws to the columns of its shares and pulls."""
    values, grads = ([part[i] for part in parts.values()] for i in (0, 1))
    if isinstance(how, Averaged):
        nodes = how.rule.nodes.thinned(NODES)
        average = Averager(path.posterior, path.prior, *nodes, grads, values, sources)
    else:
        point = how.points.array[0]
        at = [1.0 if s is None else point[s] for s in sources]
        values, grads = (
            [_weighed(a, w) for a, w in zip(x, at, strict=True)] for x in (values, grads)
        )

    def columns(h: Floats, label: str) -> dict[str, Any]:
        if isinstance(how, Averaged):
            found, unknown, error = average.shares(h)
            more, nothing = ([unknown], [error]), [np.nan]
        else:
            mixture = path.posterior.mixture
            found = shares(mixture, how.points.array[0], h, path.posterior.u, grads, values)
            more, nothing = ([], []), []
        if not abs(found.total) > 4 * found.total_error:
            _warn(label)
        return {
            "share": np.append(found.share, more[0]),
            "mcse_share": np.append(found.share_error, more[1]),
            "pull": np.append(found.pull, nothing),
            "mcse_pull": np.append(found.pull_error, nothing),
        }

    return columns


def _weighed(array: Floats, weight: float) -> Floats:
    """Return weight times array; without weight, what is impossible must not matter."""
    if weight == 1:
        return array
    return weight * array if weight else np.zeros_like(array)


def _worth(path: TrustPath, point: Floats) -> dict[str, float]:
    return dict(zip(path.sources, point * np.array(path.facts.worth), strict=True))


def _scalars(
    path: TrustPath, quantities: Quantity | Sequence[Quantity] | None
) -> list[tuple[str, NDArray[Any]]]:
    from foundation_priors.path.draws import elements

    if quantities is None:
        wanted: Sequence[Quantity] = [n for n in path.draws if n in path.facts.coordinates]
    elif isinstance(quantities, str) or callable(quantities):
        wanted = [quantities]
    else:
        wanted = quantities
    return [(e.label, e.values) for quantity in wanted for e in elements(path.draws, quantity)]


def _claim(
    how: Weighing, label: str, draws: NDArray[Any], reference: float
) -> tuple[str, NDArray[np.bool_]]:
    """Return in words, and for each draw, that a quantity lies where its mean now does."""
    if draws.dtype == bool:
        return label, draws
    above = how.expect(draws[:, None].astype(float))[0, 0] > reference
    claim = draws > reference if above else draws < reference
    return f"{label} {'>' if above else '<'} {reference:g}", claim


def _tip(
    path: TrustPath,
    claim: NDArray[np.bool_],
    point: Floats,
    present: float,
    probability: float,
) -> tuple[float, float]:
    """Return the trust nearest to the present one at which a claim tips, and its error."""
    event = xr.DataArray(claim, dims="sample")
    along = None
    if point.any() and len(point) > 1:
        along = dict(zip(path.sources, (point / point.max()).tolist(), strict=True))
        present = float(point.max())
    roots = path.tipping(lambda _: event, probability, along=along)
    if not roots.sizes["root"]:
        return np.nan, np.nan
    nearest = int(np.argmin(np.abs(roots.trust.values - present)))
    return float(roots.trust[nearest]), float(roots.mcse[nearest])


def _warn(label: str) -> None:
    warn(
        f"The information about {label!r} cannot be told from 0, so its shares mean nothing: draw "
        "more, or ask about another quantity.",
        UnreliableWarning,
    )
