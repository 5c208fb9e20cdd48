"""How far a number rests on the real data, the language model and the primitive prior."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.diagnose.components import REAL, components
from foundation_priors.diagnose.shares import shares
from foundation_priors.errors import UnreliableWarning

if TYPE_CHECKING:
    from foundation_priors.path import TrustPath
    from foundation_priors.path.draws import Quantity

__all__ = ["reliance"]

type Floats = NDArray[np.float64]


def reliance(
    path: TrustPath,
    trust: float | Mapping[str, float],
    quantities: Quantity | Sequence[Quantity] | None = None,
    *,
    reference: float = 0.0,
    probability: float = 0.95,
) -> pd.DataFrame:
    r"""Say where the information about each quantity comes from, at one trust.

    Parameters
    ----------
    path : TrustPath
    trust : float or dict
        One weight, or one for each source.
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
        (layers of a hierarchy, if any), the real data and each source. Columns:

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
    by parts. For Gaussian models the shares are those of the precision.

    Examples
    --------
    >>> import foundation_priors as fp
    >>> fp.reliance(path, trust=0.1, quantities="beta")  # doctest: +SKIP
    """
    points = path.points(trust)
    if points.shape:
        raise ValueError("reliance() takes one weight, or one for each source: give a number.")
    point = points.array[0]
    path._reliable(points)
    parts = components(path)
    weight = dict(zip(path.sources, point, strict=True))
    values, grads = (
        np.stack([_weighed(part[i], weight.get(name, 1.0)) for name, part in parts.items()])
        for i in (0, 1)
    )
    present = float(np.mean(point))
    frames = []
    for label, draws in _scalars(path, quantities):
        h = draws.astype(float)
        result = shares(path.posterior.mixture, point, h, path.posterior.u, grads, values)
        if not abs(result.total) > 4 * result.total_error:
            _warn(label)
        side, claim = _claim(path, label, draws, point, reference)
        tip, error = _tip(path, claim, point, present, probability)
        told = f"P({side}) = {probability:g}"
        real = list(parts).index(REAL)
        counts = {REAL: path.facts.n_real, **_worth(path, point)}
        frames.append(
            pd.DataFrame(
                {
                    "quantity": label,
                    "component": list(parts),
                    "share": result.share,
                    "mcse_share": result.share_error,
                    "ratio_to_real": result.share / result.share[real],
                    "pull": result.pull,
                    "mcse_pull": result.pull_error,
                    "effective_observations": [counts.get(n, np.nan) for n in parts],
                    "claim": [told if n in weight else "" for n in parts],
                    "tips_at": [tip if n in weight else np.nan for n in parts],
                    "mcse_tips_at": [error if n in weight else np.nan for n in parts],
                }
            )
        )
    return pd.concat(frames, ignore_index=True).set_index(["quantity", "component"])


def _weighed(array: Floats, weight: float) -> Floats:
    """Return weight times array; without weight, what is impossible must not matter."""
    return weight * array if weight else np.zeros_like(array)


def _worth(path: TrustPath, point: Floats) -> dict[str, float]:
    return dict(zip(path.sources, point * np.array(path.facts.worth), strict=True))


def _scalars(
    path: TrustPath, quantities: Quantity | Sequence[Quantity] | None
) -> list[tuple[str, NDArray[Any]]]:
    from foundation_priors.path.draws import evaluate, labels

    if quantities is None:
        wanted: Sequence[Quantity] = [n for n in path.draws if n in path.facts.coordinates]
    elif isinstance(quantities, str) or callable(quantities):
        wanted = [quantities]
    else:
        wanted = quantities
    out = []
    for quantity in wanted:
        value = evaluate(path.draws, quantity)
        name = quantity if isinstance(quantity, str) else str(value.name or "quantity")
        flat = value.values.reshape(len(value), -1)
        out += list(zip(labels(value, name), flat.T, strict=True))
    return out


def _claim(
    path: TrustPath, label: str, draws: NDArray[Any], point: Floats, reference: float
) -> tuple[str, NDArray[np.bool_]]:
    """Return in words, and for each draw, that a quantity lies where its mean now does."""
    if draws.dtype == bool:
        return label, draws
    above = path.posterior.mixture.expect(point[None], draws[:, None])[0, 0] > reference
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
    warnings.warn(
        f"The information about {label!r} cannot be told from 0, so its shares mean nothing: draw "
        "more, or ask about another quantity.",
        UnreliableWarning,
        stacklevel=3,
    )
