"""The posterior of a random trust, with the exact normaliser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from foundation_priors.display import count, titled, titled_html
from foundation_priors.errors import StatementError, brief, did_you_mean, floats
from foundation_priors.statements import Name, compute, label_of, locate, parse
from foundation_priors.trust.average import FEW, blend
from foundation_priors.trust.nodes import NODES, Nodes

if TYPE_CHECKING:
    from foundation_priors.path import TrustPath
    from foundation_priors.trust.placebo import Placebo

__all__ = ["TrustPosterior"]

type Floats = NDArray[np.float64]
type Number = float | xr.DataArray

CHECKED = 41
"""How many weights of the support are checked, evenly in probability."""
TAIL = 0.0005
"""Of each tail that does not count as support."""


@dataclass(frozen=True, repr=False, eq=False)
class TrustPosterior:
    r"""The posterior of a random trust; made by `TrustPath.trust_posterior`.

    It is a rule: give it as ``trust=`` to the methods of its path, which then average over it. With
    several sources, what is said of the trust has the dimension ``source``.

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
    def mean(self) -> Number:
        """Posterior mean of the trust, a number or over ``source``."""
        return self._number(self._mean, "mean")

    @property
    def sd(self) -> Number:
        """Posterior standard deviation of the trust, a number or over ``source``."""
        return self._number(self._sd, "sd")

    @property
    def worth(self) -> float:
        """Posterior mean of the effective real observations that the answers count for."""
        return float(self._mean @ np.array(self.path.facts.worth))

    @property
    def log_marginal_evidence(self) -> float:
        r"""Log of :math:`\int m(real \mid L)\, p(L)\, dL / m(real \mid 0)`."""
        return self.nodes.log_integral - self.hyperprior_nodes.log_integral

    @property
    def mcse(self) -> dict[str, Any]:
        """Monte Carlo standard errors of ``mean``, ``sd`` and ``log_marginal_evidence``.

        Those of the first two are numbers, or arrays over ``source``.
        """
        points, p = self.nodes.thinned(FEW)
        away = points - p @ points
        sd = np.where(self._sd > 0, self._sd, np.inf)
        rows = np.vstack([(p[:, None] * away).T, (p[:, None] * (away**2 - sd**2) / (2 * sd)).T, p])
        errors = self._errors(points, rows)
        k, within = len(sd), self._sd / np.sqrt(self.nodes.size)
        return {
            "mean": self._number(np.hypot(errors[:k], within), "mcse_mean"),
            "sd": self._number(np.hypot(errors[k : 2 * k], within / np.sqrt(2)), "mcse_sd"),
            "log_marginal_evidence": float(np.hypot(errors[-1], self.nodes.size**-0.5)),
        }

    def quantile(self, q: float | Sequence[float]) -> xr.DataArray:
        """Return quantiles of the trust, over ``quantile`` (and ``source``).

        For one source the coordinate ``mcse`` holds their Monte Carlo standard errors.
        """
        levels = np.atleast_1d(floats(q, "q"))
        if levels.ndim > 1 or not ((levels >= 0) & (levels <= 1)).all():
            raise ValueError(f"q={q} must lie between 0 and 1.")
        if self.nodes.t is not None and len(self.path.sources) == 1:
            out = self._of_density(levels)
        else:
            columns = [_quantiles(x, self.nodes.probability, levels) for x in self.nodes.points.T]
            out = xr.DataArray(
                np.stack(columns, axis=1),
                {"quantile": levels, "source": list(self.path.sources)},
                ("quantile", "source"),
                name="trust",
            )
            out = out.isel(source=0, drop=True) if len(self.path.sources) == 1 else out
        return out.isel(quantile=0).drop_vars("quantile") if np.ndim(q) == 0 else out

    def probability(self, event: str) -> float:
        """Return the posterior probability of an event of the weights, ``"plain > roleplay"``.

        Parameters
        ----------
        event : str
            A statement (`foundation_priors.statements`) about ``trust`` where there is one weight,
            or else about the sources' names, ``trust[plain]`` where a name is no identifier.
        """
        columns = dict(zip(self.path.sources, self.nodes.points.T, strict=True))
        weights = {"trust": self.nodes.trust} if self.path.facts.single else columns

        def lookup(name: Name) -> Floats:
            if name.place is not None and name.name == "trust":
                return self.nodes.points[:, locate("trust", name.place, [self.path.sources])[0]]
            if name.place is not None or name.name not in weights:
                raise StatementError(
                    f"{brief(label_of(name.name, name.place or ()))} in {brief(event)} is no "
                    f"weight of this path.{did_you_mean(name.name, weights)}"
                )
            return weights[name.name]

        found = compute(parse(event), lookup, text=brief(event))
        if found.dtype != bool or not found.ndim:
            raise ValueError(f"{brief(event)} is not an event: write a comparison of the weights.")
        return float(self.nodes.probability @ found)

    def _of_density(self, levels: Floats) -> xr.DataArray:
        values = np.interp(levels, *self._cumulative)
        n = self.nodes
        below = n.trust <= values[:, None]
        density = np.interp(values, n.trust, self._density)
        rows = n.probability * (below - (below @ n.probability)[:, None])
        error = self._errors(n.points, rows) / np.maximum(density, 1e-300)
        coords = {"quantile": levels, "mcse": ("quantile", error)}
        return xr.DataArray(values, coords, ("quantile",), name="trust")

    @cached_property
    def dataset(self) -> xr.Dataset:
        """The posterior at its nodes, over ``trust``, or for several sources over ``node``.

        ``probability`` (that of the nodes), ``log_evidence`` and ``effective_observations``; the
        weights, over (node, source); for a density of one weight also ``density`` with
        ``mcse_density`` and ``hyperprior`` (a density too). The summaries are attributes.
        """
        n, one = self.nodes, len(self.path.sources) == 1
        dim = "trust" if one else "node"
        data: dict[str, Any] = {
            "probability": (dim, n.probability),
            "log_evidence": (dim, self.log_evidence),
            "effective_observations": (dim, n.points @ np.array(self.path.facts.worth)),
        }
        coords: dict[str, Any] = {"trust": n.trust} if one else {"source": list(self.path.sources)}
        if not one:
            data["weight"] = (("node", "source"), n.points)
        if one and n.t is not None:
            rows = np.eye(len(n.points)) - n.probability
            _, density, before = self.densities
            data["density"] = (dim, density)
            data["mcse_density"] = (dim, density * self._errors(n.points, rows))
            data["hyperprior"] = (dim, before)
        attrs = {
            "prior": self.hyperprior,
            "mean": _plain(self.mean),
            "sd": _plain(self.sd),
            "log_marginal_evidence": self.log_marginal_evidence,
            "reliable": int(not self.checked[1].any()),
            **{f"mcse_{k}": _plain(v) for k, v in self.mcse.items()},
        }
        return xr.Dataset(data, coords, attrs)

    @property
    def placebo(self) -> Placebo | None:
        """The placebo of the path, once `foundation_priors.trust.placebo` has made it."""
        return self.path.__dict__.get("_placebo")

    def plot(self, *, ci_prob: float = 0.9, ax: Any = None) -> Any:
        """Plot the trust beside the hyperprior and, once there is one, the placebo.

        Parameters
        ----------
        ci_prob : float
            Of the shaded equal-tailed interval.
        ax : matplotlib.axes.Axes, optional

        Returns
        -------
        matplotlib.axes.Axes
        """
        from foundation_priors.plots.trust_posterior import plot_trust_posterior

        return plot_trust_posterior(self, ci_prob=ci_prob, ax=ax)

    @cached_property
    def draw_weights(self) -> Floats:
        """Weights of the posterior's draws, averaged over the trust, shape (draw,)."""
        n = self.nodes
        return blend(self.path.posterior.mixture, n.points, n.probability[None])[0]

    @cached_property
    def checked(self) -> tuple[Floats, NDArray[np.bool_]]:
        """Weights of the support, shape (weight, source), and where a check fails."""
        if self.nodes.t is not None and len(self.path.sources) == 1:
            levels, values = self._cumulative
            array = np.interp(np.linspace(TAIL, 1 - TAIL, CHECKED), levels, values)[:, None]
        else:
            array, p = self.nodes.thinned(CHECKED)
            array = array[p > TAIL]
        bad = self.path._evidence(array)[3]
        return array, bad | self.path.posterior.check(array).weights_fail

    @property
    def _mean(self) -> Floats:
        return self.nodes.probability @ self.nodes.points

    @property
    def _sd(self) -> Floats:
        return np.sqrt(self.nodes.probability @ (self.nodes.points - self._mean) ** 2)

    def _number(self, values: Floats, name: str) -> Number:
        if self.path.facts.single:
            return float(values[0])
        return xr.DataArray(values, {"source": list(self.path.sources)}, ("source",), name=name)

    @property
    def densities(self) -> tuple[Floats, Floats, Floats]:
        """Weights of the only source, and the densities of the posterior and the hyperprior."""
        before = np.exp(self.log_hyperprior - self.hyperprior_nodes.log_integral)
        return self.nodes.trust, self._density, before

    @property
    def _density(self) -> Floats:
        n = self.nodes
        assert n.t is not None and n.slope is not None
        return n.probability / ((n.t[1] - n.t[0]) * n.slope)

    @cached_property
    def _cumulative(self) -> tuple[Floats, Floats]:
        """Probabilities and the quantiles at them, from a spline finer than the nodes."""
        n = self.nodes
        assert n.t is not None
        fine = np.linspace(n.t[0], n.t[-1], 16 * (NODES - 1) + 1)
        mass = CubicSpline(n.t, n.probability).antiderivative()(fine)
        trust = CubicSpline(n.t, n.trust)(fine)
        rising = np.maximum.accumulate(mass / mass[-1])
        return rising, np.maximum.accumulate(np.clip(trust, n.trust[0], n.trust[-1]))

    def _errors(self, points: Floats, rows: Floats) -> Floats:
        """Return the errors of sums over points of ``rows``, (row, point), times log evidence."""
        total = np.zeros(len(rows))
        for ladder in (self.path.posterior, self.path.prior):
            mixture = ladder.mixture
            weights = blend(mixture, points, rows)
            rest = rows.sum(axis=1, keepdims=True) * mixture.weights(ladder.zero[None])
            total = total + mixture.error_of(mixture.spread(weights - rest)) ** 2
        return np.sqrt(total)

    def _lines(self) -> dict[str, str]:
        error, facts = self.mcse, self.path.facts
        bad, size = int(self.checked[1].sum()), len(self.checked[1])
        lines = {"hyperprior": self.hyperprior, **self._weights_in_words(error)}
        lines["worth"] = (
            f"{self.worth:.3g} effective real observations on average, beside "
            f"{count(facts.n_real, 'real one')}"
        )
        lines["log evidence"] = (
            f"{self.log_marginal_evidence:.3g} (error {error['log_marginal_evidence']:.1g}) "
            "against trust 0"
        )
        lines["placebo"] = placebo_in_words(self.path)
        lines["checks"] = f"{bad} of {size} weights are unreliable" if bad else "all hold"
        return lines

    def _weights_in_words(self, error: dict[str, Any]) -> dict[str, str]:
        out = {}
        low, high = np.atleast_2d(self.quantile([0.05, 0.95]).values.T).T
        names = ["trust"] if self.path.facts.single else list(self.path.sources)
        errors = np.atleast_1d(np.asarray(error["mean"]))
        for s, name in enumerate(names):
            out[name] = (
                f"mean {self._mean[s]:.3g} (error {errors[s]:.1g}), sd {self._sd[s]:.3g}, "
                f"90% interval {low[s]:.3g} to {high[s]:.3g}"
            )
        return out

    def __repr__(self) -> str:
        """Return a few lines of text."""
        lines = self._lines()
        return titled("trust.TrustPosterior", lines, max(map(len, lines)) + 2)

    def _repr_html_(self) -> str:
        return titled_html("TrustPosterior", self._lines())


def placebo_in_words(path: TrustPath) -> str:
    """Return what the placebo of a path found, or why there is none to tell of."""
    from foundation_priors.beliefs import Beliefs

    found: Placebo | None = path.__dict__.get("_placebo")
    if found is not None:
        return found.in_words()
    if isinstance(path.synthetic, Beliefs):
        return "none, since beliefs about quantities have no rows to permute"
    if path.engine is None:
        return "not known, since the file that this path was read from does not hold it"
    return "not run: foundation_priors.trust.placebo(path)"


def _plain(value: Any) -> Any:
    return value.values.tolist() if isinstance(value, xr.DataArray) else value


def _quantiles(x: Floats, probability: Floats, levels: Floats) -> Floats:
    """Return quantiles of a distribution on points."""
    order = np.argsort(x, kind="stable")
    mass = np.cumsum(probability[order])
    at = np.searchsorted(mass / mass[-1], levels * (1 - 1e-12))
    return x[order[np.minimum(at, len(x) - 1)]]
