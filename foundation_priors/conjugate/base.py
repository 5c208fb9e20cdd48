"""What every conjugate family shares: one exponential tilt, read at any trust."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from foundation_priors.conjugate.arc import arc_grid
from foundation_priors.conjugate.average import trust_nodes
from foundation_priors.conjugate.events import Event, parse_event
from foundation_priors.conjugate.weights import Trust, Weights, resolve
from foundation_priors.errors import did_you_mean, floats

__all__ = ["ConjugatePath"]

Array = NDArray[np.float64]
Dims = Mapping[str, tuple[str, ...]]


class ConjugatePath(ABC):
    r"""A trust path in closed form.

    Notes
    -----
    Real rows enter as the likelihood, synthetic rows as an exponential tilt of the primitive
    prior,

    .. math::

        \pi(\theta \mid L) = \pi_0(\theta)\, e^{\sum_s L_s \ell_s(\theta)} / Z(L), \qquad
        p(\theta \mid y, L) \propto p(y \mid \theta)\, \pi(\theta \mid L),

    and in a conjugate family both keep the form of :math:`\pi_0`, with the sufficient statistics
    of source s multiplied by its trust :math:`L_s`.

    Every method takes ``trust=``: nothing (the default grid of 101 weights, even in Fisher-Rao
    arc), a number, a flat array, or ``{source: number or array}``. A number or an array is the
    same weight for every source; an answer at an array has the dim ``trust``.

    References
    ----------
    Misra, S. (2025). Foundation priors. arXiv:2512.01107.
    Ibrahim, J. G. and Chen, M.-H. (2000). Power prior distributions for regression models.
    Statistical Science 15, 46-60. doi:10.1214/ss/1009212673
    """

    synthetic: Any
    max_trust: float

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the synthetic sources."""
        return tuple(self.synthetic)

    @property
    @abstractmethod
    def _dims(self) -> Dims:
        """Each parameter's dims, the one that matters most first."""

    @property
    def _coords(self) -> Mapping[str, Sequence[Any]]:
        return {}

    @abstractmethod
    def _log_z(self, weights: Array) -> Array:
        """Log of the integral of pi0 exp(weights . ell), weights ``(trust, real + sources)``."""

    @abstractmethod
    def _ell_variance(self, weights: Array) -> Array:
        """Variance of the sources' summed log-likelihood, shape ``(trust,)``."""

    @abstractmethod
    def _marginal(self, name: str, weights: Array) -> Any:
        """Frozen univariate distributions that broadcast over ``(trust, *dims)``."""

    @abstractmethod
    def _joint(self, weights: Array) -> dict[str, Any]:
        """Frozen distribution of each parameter at weights of shape ``(real + sources,)``."""

    @abstractmethod
    def _draw(self, weights: Array, draws: int, rng: np.random.Generator) -> dict[str, Array]:
        """Draws of all parameters together at weights of shape ``(real + sources,)``."""

    @abstractmethod
    def _worth(self) -> Array:
        """Effective real observations of each source at trust 1."""

    @abstractmethod
    def _moments(self, name: str, weights: Array) -> tuple[Array, Array]:
        """Mean and standard deviation, each of shape ``(trust, *dims)``."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters; the first is what methods read when no name is given."""
        return tuple(self._dims)

    @cached_property
    def trust(self) -> Array:
        """Default grid: 101 weights even in Fisher-Rao arc, 0 and 1 among them."""
        return self._grid(101)

    @cached_property
    def _fine_trust(self) -> Array:
        return self._grid(1001)

    def mean(self, name: str | None = None, trust: Trust = None) -> xr.DataArray:
        """Posterior mean.

        Parameters
        ----------
        name
            A parameter; the family's first one if omitted.
        trust
            Where to read the path, see the class.

        Returns
        -------
        xarray.DataArray
            Over ``trust`` (unless that is one number) and the parameter's dims.
        """
        return self._read(0, name, trust)

    def sd(self, name: str | None = None, trust: Trust = None) -> xr.DataArray:
        """Posterior standard deviation; parameters and answer as for `mean`."""
        return self._read(1, name, trust)

    def quantile(self, name: str | None, q: ArrayLike, trust: Trust = None) -> xr.DataArray:
        """Posterior quantiles.

        Parameters
        ----------
        name
            A parameter; the family's first one if None.
        q
            One probability or a flat array of them.
        trust
            Where to read the path, see the class.

        Returns
        -------
        xarray.DataArray
            Over ``trust``, ``quantile`` (unless either is one number) and the parameter's dims.
        """
        name, at = self._name(name), self._at(trust)
        levels = np.atleast_1d(floats(q, "q"))
        if levels.ndim > 1 or not np.all((levels >= 0) & (levels <= 1)):
            raise ValueError(f"q is {levels}: give probabilities between 0 and 1.")
        marginal = self._marginal(name, self._posterior(at.values))
        values = np.stack([marginal.ppf(level) for level in levels], axis=1)
        answer = at.label(
            values, name, ("quantile", *self._dims[name]), quantile=levels, **self._labels(name)
        )
        return answer.isel(quantile=0) if np.ndim(q) == 0 else answer

    def probability(self, event: str, trust: Trust = None) -> xr.DataArray:
        """Posterior probability that a parameter lies above or below a number.

        Parameters
        ----------
        event
            ``"theta > 0.5"``, ``"beta[0] < 1"`` or ``"beta['age'] < 1"``; a vector without an
            index gives one probability per element.
        trust
            Where to read the path, see the class.

        Returns
        -------
        xarray.DataArray
            Over ``trust`` and, for a vector without an index, its dims.
        """
        at, parsed = self._at(trust), parse_event(event, self._dims, self._coords)
        kept = parsed.position is None
        return at.label(
            self._probability(parsed, at.values),
            event,
            self._dims[parsed.name] if kept else (),
            **(self._labels(parsed.name) if kept else {}),
        )

    def log_normalizer(self, trust: Trust = None) -> xr.DataArray:
        """Log of Z(L), the integral of the tilted primitive prior, which is 0 at trust 0."""
        at = self._at(trust)
        return at.label(self._log_z(self._prior(at.values)), "log_normalizer")

    def log_evidence(self, trust: Trust = None) -> xr.DataArray:
        """Log evidence of the real data, less that at trust 0.

        See `evidence` for the evidence itself.
        """
        at = self._at(trust)
        values = self._log_evidence(at.values) - self._log_evidence(0 * at.values[:1])
        return at.label(values, "log_evidence")

    def evidence(self, trust: Trust = None) -> xr.DataArray:
        r"""Evidence :math:`m(y \mid L)`, the density of the real data under the tilted prior."""
        at = self._at(trust)
        return at.label(np.exp(self._log_evidence(at.values)), "evidence")

    def effective_observations(self, trust: Trust = None) -> xr.DataArray:
        r"""How many real observations the answers are worth, summed over sources.

        Notes
        -----
        :math:`\sum_s L_s\, n_{real} (\det I_s / \det I_{real})^{1/d}` with the information
        matrices of the d parameters at trust 0 in unconstrained coordinates, or the ratio of
        :math:`\mathrm{tr}(V I)` with the posterior covariance V at trust 0 where one of them is
        not positive definite. For exchangeable rows it is the trust times the sum of weights.
        """
        at = self._at(trust)
        return at.label(at.values @ self._worth(), "effective_observations")

    def at(self, trust: float | Mapping[str, float]) -> dict[str, Any]:
        """Posterior at one trust, as frozen SciPy distributions.

        Parameters
        ----------
        trust
            One number, or one per source.

        Returns
        -------
        dict
            ``{parameter: frozen distribution}``, multivariate for a vector; each is the marginal
            of that parameter.
        """
        return self._joint(self._posterior(self._one(trust))[0])

    def sample(
        self,
        trust: float | Mapping[str, float],
        draws: int = 1000,
        random_seed: int | np.random.Generator | None = None,
    ) -> xr.Dataset:
        """Draw independently from the posterior at one trust.

        Parameters
        ----------
        trust
            One number, or one per source.
        draws
            How many.
        random_seed
            Anything that `numpy.random.default_rng` takes.

        Returns
        -------
        xarray.Dataset
            One variable per parameter over ``draw`` and its dims.
        """
        rng = np.random.default_rng(random_seed)
        values = self._draw(self._posterior(self._one(trust))[0], draws, rng)
        return xr.Dataset(
            {name: (("draw", *self._dims[name]), value) for name, value in values.items()},
            coords={"draw": np.arange(draws), **self._coords},
        )

    def tipping(self, event: str, probability: float = 0.95) -> xr.Dataset:
        """Every trust between 0 and `max_trust` at which an event's probability crosses a level.

        Parameters
        ----------
        event
            As for `probability`, about one number.
        probability
            The level, between 0 and 1.

        Returns
        -------
        xarray.Dataset
            Over ``root``: ``trust``, its Monte Carlo error ``mcse`` (0 here) and ``direction``,
            1 where the probability rises through the level as trust grows and -1 where it falls.
            With several sources the path runs along equal weights.
        """
        parsed = parse_event(event, self._dims, self._coords)
        if parsed.position is None and self._dims[parsed.name]:
            raise ValueError(
                f"The event {event!r} is about a vector: name one element, as in "
                f"'{parsed.name}[0] > {parsed.cut:g}'."
            )
        if not 0 < probability < 1:
            raise ValueError(f"probability is {probability}: give a level between 0 and 1.")

        def excess(trust: ArrayLike) -> Array:
            return self._probability(parsed, self._equal(np.atleast_1d(trust))) - probability

        roots, directions = _roots(excess, self._fine_trust)
        return xr.Dataset(
            {
                "trust": ("root", roots),
                "mcse": ("root", np.zeros(len(roots))),
                "direction": ("root", directions),
            },
            attrs={"event": event, "probability": probability},
        )

    def average(self, prior: str | tuple[float, float] = "uniform") -> xr.Dataset:
        """Posterior under a random trust, with the exact normaliser.

        Parameters
        ----------
        prior
            ``"uniform"`` on 0 to `max_trust`, or the two shapes of a Beta distribution of
            ``trust / max_trust``.

        Returns
        -------
        xarray.Dataset
            ``trust`` and every parameter over ``statistic`` ("mean", "sd"). With several sources
            the trust is one weight for all of them.

        References
        ----------
        Duan, Y., Ye, K. and Smith, E. P. (2006). Environmetrics 17, 95-106. doi:10.1002/env.752
        Carvalho, L. M. and Ibrahim, J. G. (2021). Statistics in Medicine 40, 5251-5275.
        doi:10.1002/sim.9124

        Examples
        --------
        >>> from foundation_priors.conjugate import BetaBinomial
        >>> path = BetaBinomial(real=(20, 100), synthetic=(20, 100))
        >>> path.average().trust.values.round(6)
        array([0.573149, 0.268337])
        """
        trust, probability = trust_nodes(
            lambda trust: self._log_evidence(self._equal(trust)), prior, self.max_trust
        )
        weights = self._posterior(self._equal(trust))
        summary: dict[str, Any] = {
            "trust": ("statistic", _mixed(probability, trust, np.zeros_like(trust)))
        }
        for name, dims in self._dims.items():
            moments = self._moments(name, weights)
            summary[name] = (("statistic", *dims), _mixed(probability, *moments))
        return xr.Dataset(summary, coords={"statistic": ["mean", "sd"], **self._coords})

    def _grid(self, n: int) -> Array:
        def sd_at(trust: Array) -> Array:
            variance = self._ell_variance(self._posterior(self._equal(trust)))
            return np.sqrt(np.maximum(variance, 0.0))

        return arc_grid(sd_at, self.max_trust, n)

    def _read(self, moment: int, name: str | None, trust: Trust) -> xr.DataArray:
        name, at = self._name(name), self._at(trust)
        values = self._moments(name, self._posterior(at.values))[moment]
        return at.label(values, name, self._dims[name], **self._labels(name))

    def _name(self, name: str | None) -> str:
        if name is None:
            return self.parameters[0]
        if name not in self._dims:
            raise ValueError(f"No parameter is named {name!r}.{did_you_mean(name, self._dims)}")
        return name

    def _labels(self, name: str) -> dict[str, Sequence[Any]]:
        return {dim: self._coords[dim] for dim in self._dims[name]}

    def _at(self, trust: Trust) -> Weights:
        return resolve(self.trust if trust is None else trust, self.sources, self.max_trust)

    def _one(self, trust: float | Mapping[str, float]) -> Array:
        at = self._at(trust)
        if not at.scalar:
            raise ValueError("trust must be one number, or one per source, here.")
        return at.values

    def _equal(self, trust: Array) -> Array:
        return np.repeat(np.asarray(trust)[:, None], len(self.sources), axis=1)

    def _prior(self, trust: Array) -> Array:
        return np.insert(trust, 0, 0.0, axis=1)

    def _posterior(self, trust: Array) -> Array:
        return np.insert(trust, 0, 1.0, axis=1)

    def _log_evidence(self, trust: Array) -> Array:
        return self._log_z(self._posterior(trust)) - self._log_z(self._prior(trust))

    def _probability(self, event: Event, trust: Array) -> Array:
        values = event.probability(self._marginal(event.name, self._posterior(trust)))
        return np.asarray(values)


def _roots(excess: Any, grid: Array) -> tuple[list[float], list[int]]:
    height = excess(grid)
    sign = np.where(height >= 0, 1, -1)
    crossings = np.flatnonzero(np.diff(sign))
    roots = [
        float(brentq(lambda t: excess(t)[0], grid[i], grid[i + 1], xtol=1e-15, rtol=1e-13))
        for i in crossings
    ]
    return roots, [int(sign[i + 1]) for i in crossings]


def _mixed(probability: Array, mean: Array, sd: Array) -> Array:
    centre = np.tensordot(probability, mean, axes=1)
    spread = np.tensordot(probability, sd**2 + (mean - centre) ** 2, axes=1)
    return np.stack([centre, np.sqrt(spread)])
