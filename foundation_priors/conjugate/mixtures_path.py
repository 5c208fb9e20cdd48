"""A posterior over the share of an informative prior in a robust mixture, in closed form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit

from foundation_priors.conjugate.events import parse_event
from foundation_priors.conjugate.mixtures_core import ConjugateMixture

__all__ = ["MixturePath"]

type Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MixturePath:
    r"""Every posterior between a robust prior and an informative one.

    Parameters
    ----------
    informative, robust : BetaMixture, NormalMixture or GammaMixture
        Two of the same kind.
    data : tuple
        Real data, as `posterior` of that kind takes them: an estimate and its standard error,
        successes and trials, events and exposure.

    Notes
    -----
    At the weight w of the informative part the prior is :math:`w\,p_i + (1 - w)\,p_r`, and the
    posterior is the mixture of both posteriors with

    .. math:: w' = \frac{w\,m_i(y)}{w\,m_i(y) + (1 - w)\,m_r(y)},

    so that a probability is linear in :math:`w'` and a tipping point has a closed form.

    References
    ----------
    Best, N. et al. (2021). Assessing efficacy in important subgroups in confirmatory trials: an
    example using Bayesian dynamic borrowing. Pharmaceutical Statistics 20(3).
    doi:10.1002/pst.2093

    Examples
    --------
    >>> from foundation_priors.conjugate import MixturePath, NormalMixture
    >>> informative = NormalMixture(
    ...     [0.7717324, 0.2282676], [1.4522222, 1.3625788], [0.2508704, 0.5793548]
    ... )
    >>> path = MixturePath(informative, NormalMixture(1, 0, 5.42), data=(1.02, 1.4))
    >>> path.tipping("mu > 0", probability=0.975)["weight"].values.round(5)
    array([0.70825])
    >>> path.quantile([0.025, 0.5, 0.975], weight=0.38).values.round(5)
    array([-0.92155,  1.38616,  2.84356])
    """

    informative: ConjugateMixture
    robust: ConjugateMixture
    data: Sequence[float]
    _posteriors: tuple[ConjugateMixture, ConjugateMixture] = field(init=False, repr=False)
    _log_ratio: float = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Update both parts."""
        if not isinstance(self.informative, ConjugateMixture) or type(self.robust) is not type(
            self.informative
        ):
            raise TypeError(
                f"informative is a {type(self.informative).__name__} and robust a "
                f"{type(self.robust).__name__}: give two mixtures of the same kind."
            )
        parts = self.informative, self.robust
        updated = tuple(p.posterior(*self.data) for p in parts)  # type: ignore[attr-defined]
        log_m = [float(p.log_marginal(*self.data)) for p in parts]
        object.__setattr__(self, "_posteriors", updated)
        object.__setattr__(self, "_log_ratio", log_m[0] - log_m[1])

    def posterior_weight(self, weight: ArrayLike | None = None) -> xr.DataArray:
        """Return the posterior weight of the informative part.

        Parameters
        ----------
        weight : float or array, optional
            Prior weight of the informative part, between 0 and 1; 101 even ones if omitted.
        """
        w = self._weight(weight)
        return self._label(w, self._updated(w), "posterior_weight")

    def posterior(self, weight: float) -> ConjugateMixture:
        """Return the posterior at one prior weight of the informative part."""
        w = self._weight(weight)
        if w.ndim:
            raise ValueError("weight must be one number here.")
        informative, robust = self._posteriors
        return robust._joined(informative, float(self._updated(w)))

    def mean(self, weight: ArrayLike | None = None) -> xr.DataArray:
        """Return the posterior mean over the weight of the informative part."""
        return self._each(weight, "mean")

    def sd(self, weight: ArrayLike | None = None) -> xr.DataArray:
        """Return the posterior standard deviation over the weight of the informative part."""
        return self._each(weight, "sd")

    def quantile(self, q: ArrayLike, weight: ArrayLike | None = None) -> xr.DataArray:
        """Return posterior quantiles.

        Parameters
        ----------
        q : float or array
            Probabilities.
        weight : float or array, optional
            As in `posterior_weight`.

        Returns
        -------
        xarray.DataArray
            Over ``weight`` and ``quantile`` (unless either is one number).
        """
        levels, w = np.asarray(q, dtype=float), self._weight(weight)
        if levels.ndim > 1:
            raise ValueError("q has more than one dimension: give one probability or a flat array.")
        values = [self.posterior(x).quantile(levels) for x in np.atleast_1d(w)]
        dims = (["weight"] if w.ndim else []) + (["quantile"] if levels.ndim else [])
        coords = {"weight": (dims[: w.ndim], w), "quantile": (dims[w.ndim :], levels)}
        return xr.DataArray(np.reshape(values, w.shape + levels.shape), coords, dims)

    def probability(self, event: str, weight: ArrayLike | None = None) -> xr.DataArray:
        """Return the posterior probability of an event, such as ``"mu > 0"``."""
        w = self._weight(weight)
        informative, robust = self._sides(event)
        share = self._updated(w)
        return self._label(w, share * informative + (1 - share) * robust, event)

    def tipping(self, event: str, probability: float = 0.95) -> xr.Dataset:
        """Return the weight at which an event's probability crosses a level.

        Parameters
        ----------
        event : str
            Such as ``"mu > 0"``. That the q-quantile crosses 0 is that the probability of this
            crosses 1 - q.
        probability : float
            The level, between 0 and 1.

        Returns
        -------
        xarray.Dataset
            Over ``root``, of length 0 or 1: ``weight``, its Monte Carlo error ``mcse`` (0 here)
            and ``direction``, 1 where the probability rises with the weight and -1 where it falls.
        """
        if not 0 < probability < 1:
            raise ValueError(f"probability is {probability}: give a level between 0 and 1.")
        informative, robust = self._sides(event)
        apart = informative - robust
        share = (probability - robust) / apart if apart else np.nan
        roots = [float(expit(logit(share) - self._log_ratio))] if 0 <= share <= 1 else []
        return xr.Dataset(
            {
                "weight": ("root", roots),
                "mcse": ("root", np.zeros(len(roots))),
                "direction": ("root", [int(np.sign(apart))] * len(roots)),
            },
            attrs={"event": event, "probability": probability},
        )

    def _sides(self, event: str) -> tuple[float, float]:
        parsed = parse_event(event, {self.informative.parameter: ()}, {})
        informative, robust = (float(parsed.probability(p)) for p in self._posteriors)
        return informative, robust

    def _weight(self, weight: ArrayLike | None) -> Array:
        w = np.asarray(np.linspace(0, 1, 101) if weight is None else weight, dtype=float)
        if w.ndim > 1 or not ((w >= 0) & (w <= 1)).all():
            raise ValueError(f"weight is {w}: give shares between 0 and 1, flat.")
        return w

    def _updated(self, w: Array) -> Array:
        return np.asarray(expit(logit(w) + self._log_ratio))

    def _each(self, weight: ArrayLike | None, name: str) -> xr.DataArray:
        w = self._weight(weight)
        values = [getattr(self.posterior(x), name) for x in np.atleast_1d(w)]
        return self._label(w, np.reshape(values, w.shape), name)

    def _label(self, w: Array, values: Any, name: str) -> xr.DataArray:
        dims = ("weight",) if w.ndim else ()
        return xr.DataArray(values, {"weight": (dims, w)}, dims, name=name)
