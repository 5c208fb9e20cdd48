"""How far the whole posterior lies from that without the language model, over trust."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.diagnose.reliance import _scalars
from foundation_priors.diagnose.sensitivity_core import Distance, cjs, order_of, wasserstein
from foundation_priors.path.weighing import Weighing
from foundation_priors.trust.average import Averaged

if TYPE_CHECKING:
    from foundation_priors.path import TrustPath
    from foundation_priors.path.draws import Quantity

__all__ = ["check_path", "few_weights", "sensitivity"]

type Floats = NDArray[np.float64]

POINTS = 25
STEP = 0.01
"""Relative step of the power-scaling derivative, priorsense's own."""
NOTICED = 0.05
"""Power-scaling sensitivity above which priorsense speaks of sensitivity."""
FAILS = (
    "Distances say how much the answers move the posterior, not whether they move it the right "
    "way: a distance of 0 may come from answers that agree with the data or from answers that "
    "carry no weight, and where k-hat or the effective sample size fails the distance is not known."
)


def sensitivity(
    path: TrustPath,
    quantities: Quantity | Sequence[Quantity] | None = None,
    trust: Any = None,
    *,
    reference: float = 0.0,
) -> xr.Dataset:
    r"""Return how far each quantity's posterior lies from that at trust 0.

    Parameters
    ----------
    path : TrustPath
    quantities : str, callable or list of them, optional
        Names, expressions or functions of the draws; arrays are taken apart. By default every
        free variable of the model.
    trust : number, array, dict or rule, optional
        25 of the path's weights by default; ``"cautious"`` gives one distance, that of the
        posterior averaged over the rule.
    reference : float
        The trust that distances are measured from.

    Returns
    -------
    xarray.Dataset
        Over (quantity, trust), each with its Monte Carlo standard error ``mcse_...``: ``shift``,
        the difference of the means in sds of the reference; ``spread``, the ratio of the sds;
        ``wasserstein``, in the same sds; ``cjs``, the cumulative Jensen-Shannon distance, 0 to 1;
        and ``power_scaling`` (without an error, nan under a rule), the change of that distance
        by a doubling of the trust at the present rate. Over trust: ``ess``, ``pareto_k``,
        ``reliable`` and ``effective_observations``.

    Notes
    -----
    :math:`W_1 = \int |F_L - F_0|\,dx / sd_0`. The cumulative Jensen-Shannon distance is that of
    [1]_, over the range of both posteriors' means with 4 sds on either side; ``power_scaling`` is
    its derivative by :math:`\log_2` of a factor of the trust, at factors .99 and 1.01, where [1]_
    calls more than .05 sensitive. Errors come from batch means of first-order influences, that of
    the multistate weights included; a distance that is 0 but for noise is biased upwards by about
    its error.

    References
    ----------
    .. [1] N. Kallioinen, T. Paananen, P.-C. Buerkner and A. Vehtari (2024). Detecting and
       diagnosing prior and likelihood sensitivity with power-scaling. Statistics and Computing
       34. doi:10.1007/s11222-023-10366-5, arXiv:2107.14054

    Examples
    --------
    >>> import foundation_priors as fp
    >>> fp.diagnose.sensitivity(path, "beta").attrs["reading"]  # doctest: +SKIP
    """
    check_path(path, "sensitivity()")
    how = path._weighing(few_weights(path) if trust is None else trust)
    base = Weighing(path, path.points(float(reference)))
    scalars = _scalars(path, quantities)
    if not scalars:
        raise ValueError("There are no quantities: name at least one.")
    w, w_base = how.weights(), base.weights()[0]
    scaled = _scaled(how)
    rows: dict[str, list[Floats]] = {}
    for _, draws in scalars:
        for name, values in _row(how, base, w, w_base, scaled, draws.astype(float)).items():
            rows.setdefault(name, []).append(values)
    labels = [label for label, _ in scalars]
    data = {
        name: how.wrap(np.stack(values, axis=1), ["quantity"], {"quantity": labels})
        for name, values in rows.items()
    }
    found = xr.Dataset(data).transpose("quantity", ...)
    found = found.assign(_checks(path, how, w))
    found.attrs = {"reference": float(reference), "sources": list(path.sources)}
    return found.assign_attrs(reading=_reading(found), fails_when=FAILS)


def check_path(path: Any, name: str) -> None:
    """Raise unless this is a path with draws.

    Raises
    ------
    TypeError
    """
    if not hasattr(path, "posterior") or not hasattr(path, "draws"):
        raise TypeError(
            f"{name} needs the draws of a path, which {type(path).__name__} has not: build one "
            "with trust_path()."
        )


def few_weights(path: TrustPath, count: int = POINTS) -> Floats:
    """Return some of the path's weights, evenly in arc, its ends among them."""
    return path.trust[np.linspace(0, len(path.trust) - 1, count).round().astype(int)]


def _scaled(how: Weighing) -> tuple[Floats, Floats] | None:
    """Return the draws' weights with the trust a little lower and higher."""
    if isinstance(how, Averaged):
        return None
    points = how.points.array
    return how.mixture.weights(points * (1 - STEP)), how.mixture.weights(points * (1 + STEP))


def _row(
    how: Weighing,
    base: Weighing,
    w: Floats,
    w_base: Floats,
    scaled: tuple[Floats, Floats] | None,
    x: Floats,
) -> dict[str, Floats]:
    """Return the distances of one quantity at every weight."""
    live = (w.max(axis=0) > 0) | (w_base > 0)
    x = np.where(live, x - x[live][0], 0.0)  # exactly 0 for what never varies
    centre = w_base @ x
    sd = float(np.sqrt(w_base @ (x - centre) ** 2))
    if not sd > 0:
        names = ("shift", "spread", "wasserstein", "cjs")
        nothing = np.full(len(w), np.nan)
        return dict.fromkeys([*names, *(f"mcse_{n}" for n in names), "power_scaling"], nothing)
    z = (x - centre) / sd
    out, order = _moments(how, base, w, w_base, z), order_of(z)
    for name, measure in (("wasserstein", wasserstein), ("cjs", cjs)):
        found = [measure(z, row, w_base, order) for row in w]
        if name == "wasserstein":  # in units of an sd that is estimated too
            found = [Distance(f.value, f.first, f.second - f.value * (z**2 - 1) / 2) for f in found]
        out[name] = np.array([f.value for f in found])
        out[f"mcse_{name}"] = _errors(how, base, w, w_base, found)
    out["power_scaling"] = np.full(len(w), np.nan)
    if scaled is not None:
        down, up = (
            np.array([cjs(z, b, a, order).value for a, b in zip(w, other, strict=True)])
            for other in scaled
        )
        out["power_scaling"] = (up / np.log2(1 + STEP) - down / np.log2(1 - STEP)) / 2
    return out


def _moments(
    how: Weighing, base: Weighing, w: Floats, w_base: Floats, z: Floats
) -> dict[str, Floats]:
    """Return shift and spread; z has mean 0 and sd 1 at the reference."""
    shift = w @ z
    square = w @ z**2
    spread = np.sqrt(np.maximum(square - shift**2, 0.0))
    pieces = [
        (Distance(0.0, z, -z - s * (z**2 - 1) / 2), Distance(0.0, _of_sd(z, s, r), -r * z**2 / 2))
        for s, r in zip(shift, spread, strict=True)
    ]
    errors = [_errors(how, base, w, w_base, list(part)) for part in zip(*pieces, strict=True)]
    return {
        "shift": shift,
        "mcse_shift": errors[0],
        "spread": spread,
        "mcse_spread": errors[1],
    }


def _of_sd(z: Floats, mean: float, sd: float) -> Floats:
    return (z - mean) ** 2 / (2 * sd) if sd > 0 else np.zeros_like(z)


def _errors(
    how: Weighing, base: Weighing, w: Floats, w_base: Floats, found: Sequence[Distance]
) -> Floats:
    """Return standard errors of distances whose change is E_w[first] + E_base[second]."""
    if isinstance(how, Averaged):
        own = how.estimate(np.stack([f.first for f in found], axis=1)).mcse_mean[0]
        other = base.estimate(np.stack([f.second for f in found], axis=1)).mcse_mean[0]
        return np.hypot(own, other)
    rows = [
        row * (f.first - row @ f.first) + w_base * (f.second - w_base @ f.second)
        for row, f in zip(w, found, strict=True)
    ]
    mixture = how.mixture
    return mixture.error_of(mixture.spread(np.stack(rows)))


def _checks(path: TrustPath, how: Weighing, w: Floats) -> dict[str, xr.DataArray]:
    mixture = how.mixture
    ess = 1 / (w**2 / mixture.worst_share).sum(axis=1)
    if isinstance(how, Averaged):
        k = np.array([how.pareto_k()])
    else:
        k = path.posterior.check(how.points.array).pareto_k
    worth = how.points.array @ np.array(path.facts.worth)
    each = {"ess": ess, "pareto_k": k, "reliable": how.reliable(), "effective_observations": worth}
    return {name: how.wrap(values) for name, values in each.items()}


def _reading(found: xr.Dataset) -> str:
    over = [d for d in found.wasserstein.dims if d != "quantity"]
    flat = found.stack(point=over, create_index=False) if over else found.expand_dims("point")
    last = flat.isel(point=-1)
    if not np.isfinite(last.wasserstein).any():
        return "No quantity varies under the reference posterior, so that no distance is defined."
    far = last.isel(quantity=int(last.wasserstein.fillna(-1).argmax("quantity")))
    trust = last.coords.get("trust")
    where = "there" if trust is None else _at(trust.item())
    bad = int((~flat.reliable).sum())
    words = (
        f"{where[0].upper() + where[1:]} the posterior of {far.quantity.item()} lies furthest from "
        f"that at trust {found.attrs['reference']:g}: its mean moves by "
        f"{far['shift'].item():+z.2f} sd, its sd becomes {far.spread.item():z.2f} times as large, "
        f"and the Wasserstein distance is {far.wasserstein.item():z.2f} sd (error "
        f"{far.mcse_wasserstein.item():.2g})."
    )
    noticed = last.quantity.values[(last.power_scaling > NOTICED).values]
    if len(noticed):
        words += (
            f" Doubling or halving the trust there still moves {', '.join(map(str, noticed))} "
            f"(power-scaling sensitivity above {NOTICED:g})."
        )
    if bad:
        words += f" At {bad} of {flat.sizes['point']} weights a check of the draws fails."
    return words


def _at(trust: Any) -> str:
    return f"under the rule {trust!r}" if isinstance(trust, str) else f"at trust {trust:.3g}"
