"""The posterior of a random trust, with the exact normaliser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from foundation_priors.path.flags import warn
from foundation_priors.path.points import Points
from foundation_priors.trust.average import blend
from foundation_priors.trust.hyperprior import hyperprior as read
from foundation_priors.trust.nodes import NODES, Nodes, place

if TYPE_CHECKING:
    from foundation_priors.path import TrustPath

__all__ = ["TrustPosterior", "trust_posterior"]

type Floats = NDArray[np.float64]

CHECKED = 41
"""How many weights of the support are checked, evenly in probability."""
OUTSIDE = 1e-3
"""Largest mass of a hyperprior that may lie outside the path."""
TAIL = 0.0005
"""Of each tail that does not count as support."""


@dataclass(frozen=True, repr=False, eq=False)
class TrustPosterior:
    r"""The posterior of a random trust; made by `TrustPath.trust_posterior`.

    It is a rule: give it as ``trust=`` to the methods of its path, which then average over it.

    Attributes
    ----------
    path : TrustPath
    hyperprior : str
        The name of the hyperprior.
    nodes, hyperprior_nodes : Nodes
        Weights and probabilities of the posterior and of the hyperprior, each at nodes of its own.
    log_evidence : numpy.ndarray, shape (node,)
        Relative to trust 0.

    Examples
    --------
    >>> posterior = path.trust_posterior("cautious")  # doctest: +SKIP
    >>> path.mean("beta", trust=posterior)  # doctest: +SKIP
    """

    path: TrustPath
    hyperprior: str
    nodes: Nodes
    hyperprior_nodes: Nodes
    log_evidence: Floats
    log_hyperprior: Floats

    @property
    def mean(self) -> float:
        """Posterior mean of the trust."""
        return float(self.nodes.probability @ self.nodes.trust)

    @property
    def sd(self) -> float:
        """Posterior standard deviation of the trust."""
        return float(np.sqrt(self.nodes.probability @ (self.nodes.trust - self.mean) ** 2))

    @property
    def log_marginal_evidence(self) -> float:
        r"""Log of :math:`\int m(real \mid L)\, p(L)\, dL / m(real \mid 0)`."""
        return self.nodes.log_integral - self.hyperprior_nodes.log_integral

    @property
    def mcse(self) -> dict[str, float]:
        """Monte Carlo standard errors of ``mean``, ``sd`` and ``log_marginal_evidence``."""
        p, away = self.nodes.probability, self.nodes.trust - self.mean
        rows = np.stack([p * away, p * (away**2 - self.sd**2) / (2 * self.sd), p])
        names = ("mean", "sd", "log_marginal_evidence")
        return dict(zip(names, map(float, self._errors(rows)), strict=True))

    def quantile(self, q: float | Sequence[float]) -> xr.DataArray:
        """Return quantiles of the trust, over ``quantile``, with the coordinate ``mcse``."""
        levels = np.atleast_1d(np.asarray(q, dtype=float))
        if levels.ndim > 1 or not ((levels >= 0) & (levels <= 1)).all():
            raise ValueError(f"q={q} must lie between 0 and 1.")
        values = np.interp(levels, *self._cumulative)
        below = self.nodes.trust <= values[:, None]
        density = np.interp(values, self.nodes.trust, self._density)
        rows = self.nodes.probability * (below - (below @ self.nodes.probability)[:, None])
        error = self._errors(rows) / np.maximum(density, 1e-300)
        out = xr.DataArray(
            values,
            {"quantile": levels, "mcse": ("quantile", error)},
            ("quantile",),
            name="trust",
        )
        return out.isel(quantile=0).drop_vars("quantile") if np.ndim(q) == 0 else out

    @cached_property
    def dataset(self) -> xr.Dataset:
        """The posterior at its nodes, over ``trust``.

        ``density`` with ``mcse_density``, ``hyperprior`` (a density too), ``probability`` (the
        nodes' quadrature weights), ``log_evidence`` and ``effective_observations``; the summaries
        are attributes.
        """
        n = self.nodes
        p = n.probability
        rows = np.eye(len(p)) - p
        data = {
            "density": self._density,
            "mcse_density": self._density * self._errors(rows),
            "hyperprior": np.exp(self.log_hyperprior - self.hyperprior_nodes.log_integral),
            "probability": p,
            "log_evidence": self.log_evidence,
            "effective_observations": n.trust * self.path.facts.worth[0],
        }
        errors = {f"mcse_{k}": v for k, v in self.mcse.items()}
        return xr.Dataset(
            {k: ("trust", v) for k, v in data.items()},
            {"trust": n.trust},
            {
                "prior": self.hyperprior,
                "mean": self.mean,
                "sd": self.sd,
                "log_marginal_evidence": self.log_marginal_evidence,
                "reliable": int(not self.checked[1].any()),
                **errors,
            },
        )

    def plot(self, *, ci_prob: float = 0.9, ax: Any = None) -> Any:
        """Plot the density of the trust beside the hyperprior; return matplotlib's axes.

        Parameters
        ----------
        ci_prob : float
            Of the shaded equal-tailed interval.
        ax : matplotlib.axes.Axes, optional
        """
        import matplotlib.pyplot as plt

        axes = plt.subplots(figsize=(6.4, 3.9), layout="constrained")[1] if ax is None else ax
        d = self.dataset
        low, high = self.quantile([(1 - ci_prob) / 2, (1 + ci_prob) / 2]).values
        axes.plot(d.trust, d.hyperprior, color="#7f7f7f", ls="--", label=self.hyperprior)
        axes.plot(d.trust, d.density, color="#0072B2", lw=2, label="posterior")
        inside = (d.trust >= low) & (d.trust <= high)
        label = f"{100 * ci_prob:.3g}% interval"
        axes.fill_between(d.trust, d.density, where=inside, color="#0072B2", alpha=0.2, label=label)
        shown = d.density.values[np.abs(np.cumsum(self.nodes.probability) - 0.5) < 0.495]
        axes.set_ylim(0, 1.15 * max(shown.max(), float(d.hyperprior.median())))
        axes.set(xlabel="trust", ylabel="density")
        axes.legend(frameon=False)
        return axes

    @cached_property
    def draw_weights(self) -> Floats:
        """Weights of the posterior's draws, averaged over the trust, shape (draw,)."""
        n = self.nodes
        return blend(self.path.posterior.mixture, n.trust[:, None], n.probability[None])[0]

    @cached_property
    def checked(self) -> tuple[Floats, NDArray[np.bool_]]:
        """Weights of the support, shape (weight, source), and where a check fails."""
        levels, values = self._cumulative
        array = np.interp(np.linspace(TAIL, 1 - TAIL, CHECKED), levels, values)[:, None]
        bad = self.path._evidence(array)[3]
        return array, bad | self.path.posterior.check(array).weights_fail

    @property
    def _density(self) -> Floats:
        n = self.nodes
        return n.probability / ((n.t[1] - n.t[0]) * n.slope)

    @cached_property
    def _cumulative(self) -> tuple[Floats, Floats]:
        """Probabilities and the quantiles at them, from a spline finer than the nodes."""
        n = self.nodes
        fine = np.linspace(n.t[0], n.t[-1], 16 * (NODES - 1) + 1)
        mass = CubicSpline(n.t, n.probability).antiderivative()(fine)
        trust = CubicSpline(n.t, n.trust)(fine)
        rising = np.maximum.accumulate(mass / mass[-1])
        return rising, np.maximum.accumulate(np.clip(trust, n.trust[0], n.trust[-1]))

    def _errors(self, rows: Floats) -> Floats:
        """Return the errors of sums over nodes of ``rows``, (row, node), times log evidence."""
        points = self.nodes.trust[:, None]
        total = np.zeros(len(rows))
        for ladder in (self.path.posterior, self.path.prior):
            mixture = ladder.mixture
            weights = blend(mixture, points, rows)
            rest = rows.sum(axis=1, keepdims=True) * mixture.weights(ladder.zero[None])
            total = total + mixture.error_of(mixture.spread(weights - rest)) ** 2
        return np.sqrt(total)

    def _lines(self) -> dict[str, str]:
        low, high = self.quantile([0.05, 0.95]).values
        error, worth = self.mcse, self.path.facts.worth[0]
        bad = int(self.checked[1].sum())
        return {
            "hyperprior": self.hyperprior,
            "trust": f"mean {self.mean:.3g} (error {error['mean']:.1g}), sd {self.sd:.3g}, "
            f"90% interval {low:.3g} to {high:.3g}",
            "worth": f"{self.mean * worth:.3g} effective real observations on average, beside "
            f"{self.path.facts.n_real} real ones",
            "log evidence": f"{self.log_marginal_evidence:.3g} "
            f"(error {error['log_marginal_evidence']:.1g}) against trust 0",
            "checks": f"{bad} of {CHECKED} weights are unreliable" if bad else "all hold",
        }

    def __repr__(self) -> str:
        """Return a few lines of text."""
        rows = [f"    {k + ':':<14}{v}" for k, v in self._lines().items()]
        return "\n".join(["<foundation_priors.trust.TrustPosterior>", *rows])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{escape(k)}</th>"
            f"<td style='text-align:left'>{escape(v)}</td></tr>"
            for k, v in self._lines().items()
        )
        return f"<div><strong>TrustPosterior</strong><table>{rows}</table></div>"


def trust_posterior(
    path: TrustPath, prior: Any = "cautious", *, quiet: bool = False
) -> TrustPosterior:
    """Return the posterior of a random trust; see `TrustPath.trust_posterior`.

    ``quiet`` leaves the warning about unreliable weights to who uses it.
    """
    if isinstance(prior, TrustPosterior):
        raise TypeError("prior= is the posterior of a trust: give the hyperprior it came from.")
    if len(path.sources) > 1:
        raise ValueError(
            f"A random trust is defined for a path with one weight, and this has "
            f"{len(path.sources)}, {', '.join(path.sources)}: build the path with by=None."
        )
    worth = path.facts.worth[0]
    cap = path.facts.n_real / worth if worth > 0 else np.inf if worth == 0 else np.nan
    law = read(prior, path.max_trust, cap)
    before = place(law.log_density, law.low, law.high, f"prior={law.name}")
    if law.proper and abs(np.expm1(before.log_integral)) > OUTSIDE:
        raise ValueError(
            f"prior={law.name} puts {-np.expm1(before.log_integral):.2g} of its mass outside the "
            f"path, 0 to {path.max_trust:g}: truncate it, or build the path with a larger "
            "max_trust=."
        )

    def log_evidence(trust: Floats) -> Floats:
        points = trust[:, None]
        return path.posterior.log_z(points) - path.prior.log_z(points)

    after = place(lambda x: law.log_density(x) + log_evidence(x), law.low, law.high)
    found = TrustPosterior(
        path, law.name, after, before, log_evidence(after.trust), law.log_density(after.trust)
    )
    if not quiet:
        checked, bad = found.checked
        points = Points(checked, (len(checked),), ("trust",), {})
        warn(points, bad, f"checks under the hyperprior {law.name!r}")
    return found
