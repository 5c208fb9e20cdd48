"""A hyperprior of the trust, in any of the forms in which it is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln

from foundation_priors.errors import check_number, did_you_mean

__all__ = ["NAMES", "Hyperprior", "hyperprior"]

type Floats = NDArray[np.float64]

NAMES = ("cautious", "uniform")


@dataclass(frozen=True)
class Hyperprior:
    """A density on ``[low, high]``, the log of which takes and returns shape (node,).

    ``proper`` says that it is normalised already, so that mass outside the path can be told.
    """

    name: str
    log_density: Callable[[Floats], Floats]
    low: float
    high: float
    proper: bool = False


def hyperprior(prior: Any, end: float, cap: float) -> Hyperprior:
    """Read a hyperprior.

    Parameters
    ----------
    prior
        As in `TrustPath.trust_posterior`.
    end : float
        The end of the path.
    cap : float
        The weight at which the answers are worth as much as the real data.
    """
    top = min(1.0, end)
    if isinstance(prior, str):
        if prior not in NAMES:
            check_number(prior, "prior")
            raise ValueError(f"{prior!r} is no rule of trust.{did_you_mean(prior, NAMES)}")
        if prior == "uniform":
            return _uniform("uniform", top)
        if not cap > 0:
            raise ValueError(
                f"The weight at which the answers are worth as much as the real data is {cap}, so "
                "there is no cautious rule: give another prior=, such as 'uniform'."
            )
        return _uniform("cautious", min(top, cap))
    if isinstance(prior, tuple | list):
        return _beta(prior, top)
    return _density(prior, end)


def _uniform(name: str, high: float) -> Hyperprior:
    return Hyperprior(name, lambda x: np.full(len(x), -np.log(high)), 0.0, high, True)


def _beta(shapes: Any, top: float) -> Hyperprior:
    try:
        a, b = (float(s) for s in shapes)
    except (TypeError, ValueError):
        raise ValueError(f"prior={shapes!r} must be the two shapes of a Beta, (a, b).") from None
    if not (a > 0 and b > 0 and np.isfinite(a + b)):
        raise ValueError(f"Beta({a:g}, {b:g}) is not normalisable: give shapes above 0.")

    def log_density(x: Floats) -> Floats:
        z = x / top
        return (a - 1) * np.log(z) + (b - 1) * np.log1p(-z) - betaln(a, b) - np.log(top)

    return Hyperprior(f"Beta({a:g}, {b:g})", log_density, 0.0, top, True)


def _density(prior: Any, end: float) -> Hyperprior:
    """Read an object with a density, or a function, and find where it is above 0."""
    from_density, proper = _reader(prior)

    def log_density(x: Floats) -> Floats:
        with np.errstate(divide="ignore"):
            out = np.asarray(from_density(x), dtype=float)
        if out.shape not in ((), x.shape):
            raise ValueError(
                f"prior={_name(prior)} gives densities of shape {out.shape} for {len(x)} weights: "
                "it must be a density of a single weight."
            )
        out = np.broadcast_to(out, x.shape)
        if np.isnan(out).any():
            bad = float(x[np.isnan(out)][0])
            raise ValueError(
                f"prior={_name(prior)} has no density at trust {bad:.3g}: it must be 0 or more "
                f"everywhere between 0 and {end:g}."
            )
        return out

    low, high = _support(log_density, end, _name(prior))
    return Hyperprior(_name(prior), log_density, low, high, proper)


def _name(prior: Any) -> str:
    if hasattr(prior, "owner"):
        return f"{getattr(prior.owner.op, '_print_name', ('PyMC distribution',))[0]}"
    found = getattr(prior, "__name__", None) or getattr(getattr(prior, "dist", None), "name", None)
    return str(found or type(prior).__name__)


def _reader(prior: Any) -> tuple[Callable[[Floats], Any], bool]:
    """Return a log density, and whether it is normalised."""
    if getattr(prior, "owner", None) is not None:
        import pymc as pm

        if getattr(prior, "ndim", 0):
            raise ValueError(f"prior={_name(prior)} has {prior.ndim} dimensions: give a scalar.")
        from foundation_priors.prior.model import numpy_mode

        return lambda x: pm.logp(prior, x).eval(mode=numpy_mode()), True
    if callable(getattr(prior, "logpdf", None)):
        return prior.logpdf, True
    if callable(getattr(prior, "pdf", None)):
        return lambda x: np.log(prior.pdf(x)), True
    if callable(prior):
        return lambda x: _log(np.asarray(prior(x), dtype=float)), False
    raise TypeError(
        f"prior={prior!r} is no hyperprior: give a name, the two shapes of a Beta, a distribution "
        "of PyMC, PreliZ or SciPy, or a function that returns densities."
    )


def _log(density: Floats) -> Floats:
    return np.log(np.where(density >= 0, density, np.nan))


def _support(log_density: Callable[[Floats], Floats], end: float, name: str) -> tuple[float, float]:
    """Return the ends of the interval in which a density is above 0, by bisection."""
    tiny = 1e-12 * end
    grid = np.concatenate([[tiny], np.linspace(0, end, 2049)[1:-1], [end - tiny]])
    live = np.flatnonzero(log_density(grid) > -np.inf)
    if not len(live):
        raise ValueError(f"prior={name} is 0 everywhere between 0 and {end:g}.")
    low, high = 0.0, end
    if live[0] > 0:
        low = _edge(log_density, grid[live[0]], grid[live[0] - 1])
    if live[-1] < len(grid) - 1:
        high = _edge(log_density, grid[live[-1]], grid[live[-1] + 1])
    return low, high


def _edge(log_density: Callable[[Floats], Floats], inside: float, outside: float) -> float:
    for _ in range(50):
        middle = (inside + outside) / 2
        if log_density(np.array([middle]))[0] > -np.inf:
            inside = middle
        else:
            outside = middle
    return float(inside)
