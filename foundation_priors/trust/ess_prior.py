r"""Effective sample size of a prior of one parameter, NumPy in and out.

All is computed on the scale of the canonical parameter :math:`\eta` (the log odds of a
probability, the log of a rate, a mean itself), where one observation has the information
:math:`V(\eta)` and a prior's integrals converge most often.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logsumexp

from foundation_priors.conjugate import ConjugateMixture
from foundation_priors.trust.ess_density import Axis, at_end, nodes_of

__all__ = ["Family", "Law", "METHODS", "ess_of"]

type Floats = NDArray[np.float64]

METHODS = ("elir", "moment", "morita")
PANEL = 16
"""Gauss-Legendre nodes on a panel."""
DECAYED = 1e-9
"""An integrand that is this small at the ends of its nodes, against its largest, has converged."""
CELLS = 2_000_000
"""Nodes times components, at most, where there are many of them."""
THIN = 1e-6
"""The same for a variance."""
LEAST = 1e-6
"""A smaller effective sample size is none."""
PROMINENCE = 0.01
"""By how much, in nats, a mode must stand out."""


@dataclass(frozen=True)
class Family:
    """A sampling model of one observation, by its canonical parameter.

    ``bends`` are the derivatives of the variance function by the mean, at the low and the high end
    of the mean's range.
    """

    name: str
    link: str
    sigma: float = 1.0

    def information(self, eta: Floats) -> Floats:
        """Return the Fisher information of one observation about the canonical parameter."""
        if self.name == "binomial":
            return expit(eta) * expit(-eta)
        if self.name == "poisson":
            return np.exp(np.clip(eta, -700, 700))
        return np.full(np.shape(eta), self.sigma**-2.0)

    def mean(self, eta: Floats) -> Floats:
        """Return the mean of an observation."""
        if self.name == "binomial":
            return expit(eta)
        return np.exp(np.minimum(eta, 700)) if self.name == "poisson" else np.asarray(eta)

    def canonical(self, mean: Floats) -> Floats:
        """Return the canonical parameter at a mean."""
        with np.errstate(divide="ignore"):
            if self.name == "binomial":
                return np.log(mean) - np.log1p(-np.asarray(mean))
            return np.log(mean) if self.name == "poisson" else np.asarray(mean)

    @property
    def domain(self) -> tuple[float, float]:
        """Range of the mean."""
        low = 0.0 if self.name in ("binomial", "poisson") else -np.inf
        return low, 1.0 if self.name == "binomial" else np.inf


@dataclass(frozen=True)
class Law:
    r"""A prior, at nodes of the canonical parameter.

    Attributes
    ----------
    eta, mass : array, shape (node,)
        Nodes, and the prior's probability at each (they add to 1).
    curve : callable
        From the canonical parameter to the log density of it, with two derivatives.
    ends : tuple of float
        Density of the mean at the low and the high end of its range.
    mean, variance : float
        On the scale on which the prior was given.
    widest : float
        The largest standard deviation of a component.
    converges : bool
        Whether the expected local information ratio is finite on the canonical scale.
    """

    eta: Floats
    mass: Floats
    curve: Callable[[Floats], tuple[Floats, Floats, Floats]]
    ends: tuple[float, float]
    mean: float
    variance: float
    widest: float
    converges: bool

    @classmethod
    def of_mixture(cls, mixture: ConjugateMixture, family: Family) -> Law:
        """Read a mixture of conjugate priors."""

        def curve(eta: Floats) -> tuple[Floats, Floats, Floats]:
            log_f, slope, bend = mixture.canonical(eta)
            with np.errstate(divide="ignore"):
                parts = log_f + np.log(mixture.weights)
            total = logsumexp(parts, axis=-1)
            share = np.exp(parts - total[..., None])
            first = (share * slope).sum(axis=-1)
            away = (share * (slope - first[..., None]) ** 2).sum(axis=-1)
            return total, first, (share * bend).sum(axis=-1) + away

        eta, width = _panels(mixture)
        mass = np.exp(curve(eta)[0]) * width
        ends, converges = _tails(mixture)
        sds = mixture._frozen.std()[mixture.weights > 0]
        return cls(
            eta,
            mass / mass.sum(),
            curve,
            ends,
            mixture.mean,
            mixture.sd**2,
            float(np.max(sds)),
            converges,
        )

    @classmethod
    def of_density(
        cls, logpdf: Callable[[Floats], Floats], support: tuple[float, float], family: Family
    ) -> Law:
        """Read any density by its log; where the link is not the identity, of the canonical."""
        plain = family.link == "identity"

        def height(eta: Floats) -> Floats:
            if not plain:
                return logpdf(eta)
            slope = family.information(eta) if family.name != "normal" else 1.0
            return logpdf(family.mean(eta)) + np.log(slope)

        low, high = (float(family.canonical(np.array(s))) for s in support) if plain else support
        axis = Axis(low, high)
        nodes = nodes_of(height, axis)

        def curve(eta: Floats) -> tuple[Floats, Floats, Floats]:
            h = nodes.step * axis.slope(eta)
            far, near, at = (height(eta + k * h) for k in (2, 1, 0))
            back, further = (height(eta - k * h) for k in (1, 2))
            slope = (8 * (near - back) - (far - further)) / (12 * h)
            bend = (16 * (near + back) - (far + further) - 30 * at) / (12 * h**2)
            return at, slope, bend

        x = family.mean(nodes.at) if plain else nodes.at
        mean = float(nodes.mass @ x)
        terms = nodes.mass * (x - mean) ** 2
        bounded = np.isfinite(family.mean(np.array([low, high])) if plain else [low, high]).all()
        finite = bounded or max(terms[0], terms[-1]) <= THIN * terms.max()
        variance = float(terms.sum()) if finite else np.inf
        ends = (0.0, 0.0)
        if plain and family.name != "normal":
            ends = at_end(logpdf, support[0], 1), at_end(logpdf, support[1], -1)
        sd, converges = np.sqrt(variance), bool(np.isfinite(ends).all())
        return cls(nodes.at, nodes.mass, curve, ends, mean, variance, sd, converges)


def ess_of(law: Law, family: Family, method: str, vague: float) -> tuple[float, str, list[str]]:
    """Return an effective sample size, the method that gave it, and why others did not.

    ``vague`` is by how much the prior is flattened in Morita's method.
    """
    failed: list[str] = []
    chain = [method, *[m for m in ("elir", "elir_canonical", "moment") if m != method]]
    for name in chain:
        if name == "elir_canonical" and family.link != "identity":
            continue
        value, reason = _ONE[name](law, family, vague)
        if not reason and np.isfinite(value) and value > LEAST:
            return float(value), name, failed
        failed.append(f"{name}: {reason or f'it is {value:.4g}'}")
    raise ValueError(f"This prior has no effective sample size ({'; '.join(failed)}).")


def _elir_canonical(law: Law, family: Family, vague: float) -> tuple[float, str]:
    if not law.converges:
        return np.nan, "the integral diverges, since too much mass lies near an end of the range"
    _, _, bend = law.curve(law.eta)
    ratio = -bend / family.information(law.eta)
    terms = np.where(law.mass > 0, law.mass * ratio, 0.0)
    edge = max(abs(terms[0]), abs(terms[-1]))
    if not np.isfinite(terms).all() or edge > DECAYED * np.abs(terms).max() + 1e-300:
        return np.nan, "the integral diverges, or converges too slowly to be found"
    return float(terms.sum()), ""


def _elir(law: Law, family: Family, vague: float) -> tuple[float, str]:
    if family.link == "identity" and not np.isfinite(law.ends).all():
        return np.nan, "the integral diverges, since the density is infinite at an end of the range"
    value, reason = _elir_canonical(law, family, vague)
    if family.link == "identity":
        value -= sum(law.ends)
    return value, reason


def _moment(law: Law, family: Family, vague: float) -> tuple[float, str]:
    if not np.isfinite(law.variance):
        return np.nan, "the variance is infinite"
    if family.link != "identity":
        rows = law.mass / family.information(law.eta)
        return float(np.sum(rows) / law.variance), ""
    if family.name == "binomial":
        return law.mean * (1 - law.mean) / law.variance - 1, ""
    return (law.mean if family.name == "poisson" else family.sigma**2) / law.variance, ""


def _morita(law: Law, family: Family, vague: float) -> tuple[float, str]:
    """Return the information at the mode, less a flattened prior's, over that of one row."""
    at, several = _mode(law, family)
    if at is None:
        return np.nan, "the mode lies at an end of the range"
    if several:
        return np.nan, "there are several modes, so that the curvature at one means little"
    bend = float(law.curve(np.array([at]))[2][0])
    one = float(family.information(np.array([at]))[0])
    if family.link != "identity" or family.name == "normal":
        return (-bend - 1 / (vague * law.widest**2)) / one, ""
    x = float(family.mean(np.array([at]))[0])
    if family.name == "binomial":
        prior = (-bend - 2 * one) / one**2
        flat = (x / vague - 1) / x**2 + ((1 - x) / vague - 1) / (1 - x) ** 2
        return (prior - flat) / (law.mean / x**2 + (1 - law.mean) / (1 - x) ** 2), ""
    prior, flat = -bend / one**2, (x / vague - 1) / x**2
    return (prior - flat) / (law.mean / x**2), ""


_ONE: dict[str, Callable[[Law, Family, float], tuple[float, str]]] = {
    "elir": _elir,
    "elir_canonical": _elir_canonical,
    "moment": _moment,
    "morita": _morita,
}


def _mode(law: Law, family: Family) -> tuple[float | None, bool]:
    """Return where the density of the given scale is largest, and whether it has other modes."""
    from scipy.optimize import minimize_scalar
    from scipy.signal import find_peaks

    def height(eta: Any) -> Any:
        log_f = law.curve(np.atleast_1d(eta))[0]
        if family.link == "identity" and family.name != "normal":
            log_f = log_f - np.log(family.information(np.atleast_1d(eta)))
        return log_f

    eta = law.eta[law.mass > 1e-12 * law.mass.max()]
    values = height(eta)
    best = int(np.argmax(values))
    if best in (0, len(eta) - 1):
        return None, False
    peaks = len(find_peaks(values, prominence=PROMINENCE)[0])
    bounds = eta[best - 1], eta[best + 1]
    found = minimize_scalar(
        lambda e: -height(e)[0], bounds=bounds, method="bounded", options={"xatol": 1e-10}
    )
    return float(found.x), peaks > 1


def _tails(mixture: ConjugateMixture) -> tuple[tuple[float, float], bool]:
    """Return the densities at the ends of the range, and whether the ratio's integral is finite.

    Near 0 a mixture with smallest shapes :math:`a_1 < a_2` has the integrand :math:`x^{a_2 - 2}`.
    """
    if mixture.likelihood == "normal":
        return (0.0, 0.0), True
    live = mixture.weights > 0
    ends, converges = [], True
    columns = mixture._parameters
    sides = ["a", "b"] if mixture.likelihood == "binomial" else ["a"]
    for side in sides:
        shape, other = columns[side][live], columns["b" if side == "a" else "a"][live]
        distinct = np.unique(shape)
        converges &= len(distinct) == 1 or bool(distinct[1] > 1)
        flat = shape == 1
        density = np.inf if (shape < 1).any() else mixture.weights[live][flat] @ other[flat]
        ends.append(float(density))
    return (ends[0], ends[1] if len(ends) > 1 else 0.0), converges


def _panels(mixture: ConjugateMixture) -> tuple[Floats, Floats]:
    """Return Gauss-Legendre nodes and weights on panels that suit every component."""
    columns, live = mixture._parameters, mixture.weights > 0
    if mixture.likelihood == "normal":
        centre, scale = columns["mean"][live], columns["sd"][live]
        reach = 12 * scale, 12 * scale
    else:
        a, b = columns["a"][live], columns["b"][live]
        centre = np.log(a) - np.log(b)
        binomial = mixture.likelihood == "binomial"
        scale = np.sqrt(1 / a + 1 / b) if binomial else 1 / np.sqrt(a)
        right = centre + 700.0 if binomial else 6 + 12 * scale
        reach = np.full(len(a), 700.0), np.full(len(a), 700.0) if binomial else right
    marks = []
    for c, s, low, high in zip(centre, scale, *reach, strict=True):
        core = min(12.0, low / s, high / s)
        marks.append(c + s * np.linspace(-core, core, 49))
        if low > core * s:
            marks.append(c - np.geomspace(core * s, low, 30))
        if high > core * s:
            marks.append(c + np.geomspace(core * s, high, 30))
    edges = np.unique(np.concatenate(marks))
    edges = edges if mixture.likelihood == "normal" else edges[np.abs(edges) <= 700]
    most = max(CELLS // (PANEL * mixture.components), 200)
    if len(edges) > most:
        edges = edges[np.linspace(0, len(edges) - 1, most).astype(int)]
    x, w = np.polynomial.legendre.leggauss(PANEL)
    half = np.diff(edges)[:, None] / 2
    middle = (edges[:-1] + edges[1:])[:, None] / 2
    return (middle + half * x).ravel(), (half * w).ravel()
