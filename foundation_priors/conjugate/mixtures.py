"""Mixtures of Beta, normal and Gamma priors, updated in closed form."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.special import betaln, gammaln, log_expit, xlogy

from foundation_priors.conjugate import checks
from foundation_priors.conjugate.mixtures_core import ConjugateMixture

__all__ = ["BetaMixture", "GammaMixture", "NormalMixture"]

type Array = NDArray[np.float64]


class BetaMixture(ConjugateMixture):
    r"""A mixture of Beta priors of a probability ``theta``.

    Parameters
    ----------
    weights : array, shape (component,)
        They add to 1.
    a, b : array, shape (component,)
        Shapes of the components Beta(a, b).

    Notes
    -----
    With s successes in n trials the components become :math:`\mathrm{Beta}(a + s, b + n - s)`, and
    the weights are multiplied by :math:`B(a + s, b + n - s) / B(a, b)`; see `ConjugateMixture`.

    References
    ----------
    Weber, S. et al. (2021). Applying meta-analytic-predictive priors with the R Bayesian evidence
    synthesis tools. Journal of Statistical Software 100(19). doi:10.18637/jss.v100.i19

    Examples
    --------
    >>> from foundation_priors.conjugate import BetaMixture
    >>> informative = BetaMixture([0.7, 0.3], [19, 8], [133, 40])
    >>> prior = informative.robustify(0.2, mean=0.5)
    >>> posterior = prior.posterior(14, 100)
    >>> posterior.weights.round(6)
    array([0.731344, 0.237059, 0.031597])
    >>> round(posterior.mean, 6), round(posterior.probability("theta > 0.2"), 4)
    (0.135656, 0.0149)
    """

    parameter, likelihood = "theta", "binomial"

    def __init__(self, weights: ArrayLike, a: ArrayLike, b: ArrayLike) -> None:
        found = self._adopt(weights, a=a, b=b)
        checks.proper(**found)
        self.a, self.b = found["a"], found["b"]

    @property
    def _parameters(self) -> dict[str, Array]:
        return {"a": self.a, "b": self.b}

    @cached_property
    def _frozen(self) -> Any:
        return stats.beta(self.a, self.b)

    def posterior(self, successes: float, trials: float) -> Self:
        """Return the mixture after so many successes in so many trials."""
        return self._posterior(successes, trials)

    def robustify(self, weight: float, mean: float = 0.5, n: float = 1) -> Self:
        """Add a component with little information.

        Parameters
        ----------
        weight : float
            Of the new component; the others share the rest.
        mean : float
            Of the new component.
        n : float
            How many observations it is worth. It is Beta(mean (n + 1), (1 - mean) (n + 1)), as in
            RBesT, so that the default is uniform.
        """
        if not 0 < mean < 1 or not (np.isfinite(n) and n > -1):
            raise ValueError(f"mean={mean}, n={n}: give a mean between 0 and 1, and n from 0 up.")
        return self._robustified(weight, a=mean * (n + 1), b=(1 - mean) * (n + 1))

    def _check_data(self, *data: Array) -> None:
        successes, trials = data
        checks.finite(successes=successes, trials=trials)
        if not np.all((successes >= 0) & (successes <= trials)):
            raise ValueError("successes must lie between 0 and the trials.")

    def _updated(self, *data: Array) -> tuple[dict[str, Array], Array]:
        s, n = data
        a, b = self.a + s, self.b + n - s
        choose = gammaln(n + 1) - gammaln(s + 1) - gammaln(n - s + 1)
        return {"a": a, "b": b}, betaln(a, b) - betaln(self.a, self.b) + choose

    def canonical(self, eta: Array) -> tuple[Array, Array, Array]:
        """Return each component's log density of the log odds, with two derivatives."""
        t = np.asarray(eta)[..., None]
        a, b = self.a, self.b
        log_p, log_q = log_expit(t), log_expit(-t)
        curvature = -(a + b) * np.exp(log_p + log_q)
        slope = a * np.exp(log_q) - b * np.exp(log_p)
        return a * log_p + b * log_q - betaln(a, b), slope, curvature


class NormalMixture(ConjugateMixture):
    r"""A mixture of normal priors of a mean ``mu``.

    Parameters
    ----------
    weights : array, shape (component,)
        They add to 1.
    mean, sd : array, shape (component,)
        Of the components, in the outcome's unit; kept as ``means`` and ``sds``.
    sigma : float, optional
        Known standard deviation of one observation: the unit of effective sample sizes.

    Notes
    -----
    An estimate with standard error e gives components of precision :math:`1/s^2 + 1/e^2`, and the
    weights are multiplied by its density under :math:`N(m, s^2 + e^2)`; see `ConjugateMixture`.

    References
    ----------
    Weber, S. et al. (2021). Journal of Statistical Software 100(19). doi:10.18637/jss.v100.i19

    Examples
    --------
    >>> from foundation_priors.conjugate import NormalMixture
    >>> prior = NormalMixture([0.5, 0.5], [1, 0], [0.5, 5], sigma=2)
    >>> posterior = prior.posterior(0.8, standard_error=0.4)
    >>> posterior.weights.round(3), round(posterior.mean, 3)
    (array([0.883, 0.117]), 0.868)
    """

    parameter, likelihood = "mu", "normal"

    def __init__(
        self, weights: ArrayLike, mean: ArrayLike, sd: ArrayLike, *, sigma: float | None = None
    ) -> None:
        found = self._adopt(weights, mean=mean, sd=sd)
        checks.proper(sd=found["sd"])
        if sigma is not None:
            checks.positive(sigma=sigma)
        self.means, self.sds, self.sigma = found["mean"], found["sd"], sigma

    @property
    def _parameters(self) -> dict[str, Array]:
        return {"mean": self.means, "sd": self.sds}

    @cached_property
    def _frozen(self) -> Any:
        return stats.norm(self.means, self.sds)

    def _with(self, weights: Array, parameters: dict[str, Array]) -> dict[str, Any]:
        return {"weights": weights, **parameters, "sigma": self.sigma}

    def posterior(self, mean: float, standard_error: float) -> Self:
        """Return the mixture after an estimate of mu with this standard error."""
        return self._posterior(mean, standard_error)

    def robustify(self, weight: float, mean: float | None = None, n: float = 1) -> Self:
        """Add a component with little information.

        Parameters
        ----------
        weight : float
            Of the new component; the others share the rest.
        mean : float, optional
            Of the new component; the mixture's own mean if omitted.
        n : float
            How many observations it is worth: its sd is ``sigma / sqrt(n)``.
        """
        if self.sigma is None:
            raise ValueError("A robust component is worth n observations: give sigma=, their sd.")
        checks.positive(n=n)
        centre = self.mean if mean is None else mean
        return self._robustified(weight, mean=centre, sd=self.sigma / np.sqrt(n))

    def _check_data(self, *data: Array) -> None:
        mean, standard_error = data
        checks.finite(mean=mean)
        checks.positive(standard_error=standard_error)

    def _updated(self, *data: Array) -> tuple[dict[str, Array], Array]:
        mean, error = data
        total = self.sds**2 + error**2
        centre = (self.means * error**2 + mean * self.sds**2) / total
        spread = self.sds * error / np.sqrt(total)
        return {"mean": centre, "sd": spread}, stats.norm.logpdf(mean, self.means, np.sqrt(total))

    def canonical(self, eta: Array) -> tuple[Array, Array, Array]:
        """Return each component's log density, with two derivatives."""
        z = (np.asarray(eta)[..., None] - self.means) / self.sds
        log_density = -0.5 * z**2 - np.log(self.sds) - 0.5 * np.log(2 * np.pi)
        return log_density, -z / self.sds, np.broadcast_to(-(self.sds**-2.0), z.shape)


class GammaMixture(ConjugateMixture):
    r"""A mixture of Gamma priors of an event rate ``rate``.

    Parameters
    ----------
    weights : array, shape (component,)
        They add to 1.
    a, b : array, shape (component,)
        Shape and inverse scale of the components, mean ``a / b``.

    Notes
    -----
    With y events in exposure E the components become :math:`\mathrm{Gamma}(a + y, b + E)`, and the
    weights are multiplied by :math:`\Gamma(a + y) b^a / (\Gamma(a) (b + E)^{a + y})`; see
    `ConjugateMixture`.

    References
    ----------
    Weber, S. et al. (2021). Journal of Statistical Software 100(19). doi:10.18637/jss.v100.i19

    Examples
    --------
    >>> from foundation_priors.conjugate import GammaMixture
    >>> prior = GammaMixture([0.6, 0.4], [4, 2], [2, 1]).robustify(0.1, mean=2)
    >>> prior.posterior(30, 10).weights.round(3)
    array([0.586, 0.324, 0.09 ])
    """

    parameter, likelihood = "rate", "poisson"

    def __init__(self, weights: ArrayLike, a: ArrayLike, b: ArrayLike) -> None:
        found = self._adopt(weights, a=a, b=b)
        checks.proper(**found)
        self.a, self.b = found["a"], found["b"]

    @property
    def _parameters(self) -> dict[str, Array]:
        return {"a": self.a, "b": self.b}

    @cached_property
    def _frozen(self) -> Any:
        return stats.gamma(self.a, scale=1 / self.b)

    def posterior(self, events: float, exposure: float = 1.0) -> Self:
        """Return the mixture after so many events in so much exposure."""
        return self._posterior(events, exposure)

    def robustify(self, weight: float, mean: float | None = None, n: float = 1) -> Self:
        """Add a component with little information.

        Parameters
        ----------
        weight : float
            Of the new component; the others share the rest.
        mean : float, optional
            Of the new component; the mixture's own mean if omitted.
        n : float
            How many units of exposure it is worth: it is Gamma(n mean, n).
        """
        centre = self.mean if mean is None else mean
        checks.positive(mean=centre, n=n)
        return self._robustified(weight, a=n * centre, b=n)

    def _check_data(self, *data: Array) -> None:
        events, exposure = data
        checks.at_least(0, events=events)
        checks.positive(exposure=exposure)

    def _updated(self, *data: Array) -> tuple[dict[str, Array], Array]:
        y, e = data
        a, b = self.a + y, self.b + e
        log_m = gammaln(a) - gammaln(self.a) + self.a * np.log(self.b) - a * np.log(b)
        return {"a": a, "b": b}, log_m + xlogy(y, e) - gammaln(y + 1)

    def canonical(self, eta: Array) -> tuple[Array, Array, Array]:
        """Return each component's log density of the log rate, with two derivatives."""
        t = np.asarray(eta)[..., None]
        a, b = self.a, self.b
        heavy = b * np.exp(np.minimum(t, 700))
        return a * t - heavy + a * np.log(b) - gammaln(a), a - heavy, -heavy
