"""How a path's draws are weighed: at fixed weights of the sources, or averaged by a rule."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.path.flags import warn
from foundation_priors.path.mixture import Estimate
from foundation_priors.path.points import Points

if TYPE_CHECKING:
    from foundation_priors.path.result import TrustPath
    from foundation_priors.trust import TrustPosterior

__all__ = ["Rules", "Weighing", "is_rule"]

type Floats = NDArray[np.float64]


def is_rule(trust: Any) -> bool:
    """Say whether ``trust=`` is a rule, by name or as an object of the room ``trust``."""
    return isinstance(trust, str) or hasattr(trust, "hyperprior_nodes") or hasattr(trust, "weigh")


class Weighing:
    """The posterior at some points: normalised weights of the draws, and what follows."""

    def __init__(self, path: TrustPath, points: Points) -> None:
        self.path, self.points = path, points
        self.mixture = path.posterior.mixture

    def weights(self) -> Floats:
        """Return normalised weights of the draws, shape (point, draw)."""
        return self.mixture.weights(self.points.array)

    def estimate(self, h: Floats) -> Estimate:
        """Return means and sds of ``h``, shape (draw, quantity), with Monte Carlo errors."""
        return self.mixture.estimate(self.points.array, h)

    def expect(self, h: Floats) -> Floats:
        """Return the means of ``h`` alone, shape (point, quantity)."""
        return self.mixture.expect(self.points.array, h)

    def reliable(self) -> NDArray[np.bool_]:
        """Return where the weights can be relied on, and warn where they cannot."""
        bad = self.path.posterior.check(self.points.array).weights_fail
        warn(self.points, bad, "checks")
        return ~bad

    def prior_weights(self) -> Floats:
        """Return weights of the tilted prior's draws, shape (draw,), at a single point."""
        return self.path.prior.mixture.weights(self.points.array)[0]

    def trust_of(self, chosen: NDArray[np.int_], rng: np.random.Generator) -> Floats:
        """Return the trust of chosen draws, at a single point, broadcastable to (draw, source)."""
        return self.points.array

    def pareto_k(self) -> float:
        """Return k-hat at a single point."""
        return float(self.path.posterior.check(self.points.array).pareto_k[0])

    def label(self) -> Any:
        """Return what an attribute says of a single point."""
        point = self.points.array[0]
        return float(point[0]) if self.path.facts.single else point.tolist()

    def wrap(
        self,
        values: Floats,
        dims: Sequence[str] = (),
        coords: Mapping[str, Any] | None = None,
        name: Hashable | None = None,
        **extra: Any,
    ) -> xr.DataArray:
        """Return values of shape (point, ...) as an array over the weights."""
        return self.points.wrap(values, dims, coords, name, **extra)


class Rules:
    """What a path offers of the room ``trust``."""

    def trust_posterior(self, prior: Any = "cautious") -> TrustPosterior:
        r"""Return the posterior of a random trust, with the exact normaliser.

        Parameters
        ----------
        prior
            The hyperprior of the trust:

            - ``"cautious"``: uniform from 0 to the weight at which the answers are worth as many
              effective real observations as there are real ones (or to the path's end, or 1); with
              several sources, uniform where all together are worth no more than that.
            - ``"uniform"``: uniform from 0 to 1, or to the path's end where that is below 1.
            - ``(a, b)``: the shapes of a Beta distribution on the same interval.
            - a distribution of PyMC (``pm.Beta.dist(2, 5)``), PreliZ or SciPy (frozen).
            - a function from an array of weights to an array of densities, up to a constant.
            - for several sources a dict of these, by source; one alone is that of independent
              weights. Dependent ones: `foundation_priors.trust.exchangeable` and ``joint``.
            - ``"robust"`` or `foundation_priors.trust.robust`: 0 or one other weight.

        Returns
        -------
        TrustPosterior
            It can be given as ``trust=`` to the methods of the path, as can the names.

        Notes
        -----
        :math:`p(L \mid real) \propto p(L)\, Z_{post}(L) / Z_{prior}(L)` at nodes of its own. Any
        hyperprior can be put in place of another after the fit.

        References
        ----------
        .. [1] Y. Duan, K. Ye and E. P. Smith (2006). Evaluating water quality using power priors
           to incorporate historical information. Environmetrics 17. doi:10.1002/env.752
        """
        from foundation_priors.trust.fit import trust_posterior

        return trust_posterior(self._path(), prior)

    def _path(self) -> TrustPath:
        """Return the path that these methods are of."""
        return cast("TrustPath", self)

    def _evidence_of(self, array: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log evidence relative to trust 0 at weights of shape (point, source)."""
        return self._path().posterior.log_z(array) - self._path().prior.log_z(array)

    def _weighing(self, trust: Any, along: Mapping[str, float] | None = None) -> Weighing:
        """Return how ``trust=`` weighs the draws."""
        if not is_rule(trust):
            return Weighing(self._path(), self._path().points(trust, along))
        from foundation_priors.trust.average import weighing

        if along is not None:
            raise ValueError(
                "along= multiplies a fixed weight, and trust= is a rule: leave it out."
            )
        return weighing(self._path(), trust)
