"""Rules of trust: each turns a path into a weight, or into a distribution of weights.

A rule is a small frozen object with a name and a method ``weigh``; every method of a path takes one
as ``trust=``, those without parameters by name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from foundation_priors.errors import check_number, check_probability, did_you_mean, floats

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from foundation_priors.path import TrustPath
    from foundation_priors.trust.posterior import TrustPosterior
    from foundation_priors.trust.several import Joint

__all__ = [
    "Evidence",
    "Exchangeable",
    "HeldOut",
    "Ignore",
    "JointDensity",
    "Loo",
    "Pool",
    "Robust",
    "Rule",
    "Shape",
    "UnknownRule",
    "Worth",
    "named",
]

type Floats = NDArray[np.float64]
type Weight = float | dict[str, float]


class Rule(ABC):
    """A rule of trust: a name, and what it makes of a path."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Name of the rule."""

    @abstractmethod
    def weigh(self, path: TrustPath) -> Weight | TrustPosterior:
        """Return one weight, weights by source, or a distribution of weights."""


def shared(path: TrustPath, weights: Floats) -> Weight:
    """Return weights, shape (source,), as ``trust=`` takes them."""
    if path.facts.single:
        return float(weights[0])
    return dict(zip(path.sources, weights.tolist(), strict=True))


@dataclass(frozen=True)
class Ignore(Rule):
    """Trust 0: the real data alone.

    Examples
    --------
    >>> path.mean("beta", trust="ignore")  # doctest: +SKIP
    """

    @property
    def name(self) -> str:
        """Name of the rule."""
        return "ignore"

    def weigh(self, path: TrustPath) -> Weight:
        """Return 0."""
        return shared(path, np.zeros(len(path.sources)))


@dataclass(frozen=True)
class Pool(Rule):
    """Trust 1, or the end of a shorter path: the (weighted) answers are taken for data."""

    @property
    def name(self) -> str:
        """Name of the rule."""
        return "pool"

    def weigh(self, path: TrustPath) -> Weight:
        """Return 1."""
        return shared(path, np.full(len(path.sources), min(1.0, path.max_trust)))


@dataclass(frozen=True)
class Worth(Rule):
    r"""The weight, the same for all sources, at which the answers are worth so many real rows.

    Parameters
    ----------
    observations : float
        Effective real observations; 1 makes a unit-information prior.

    Notes
    -----
    :math:`L = n / \sum_s n_{eff,s}(1)`, see `foundation_priors.worth`.

    References
    ----------
    .. [1] R. E. Kass and L. Wasserman (1995). A reference Bayesian test for nested hypotheses and
       its relationship to the Schwarz criterion. JASA 90(431). doi:10.1080/01621459.1995.10476592
    """

    observations: float

    def __post_init__(self) -> None:
        """Check the number."""
        check_number(self.observations, "observations")
        number = isinstance(self.observations, int | float | np.number)
        if not (number and np.isfinite(self.observations) and self.observations >= 0):
            raise ValueError(f"worth({self.observations!r}) must be a number of at least 0.")

    @property
    def name(self) -> str:
        """Name with the number."""
        return f"worth {self.observations:g}"

    def weigh(self, path: TrustPath) -> Weight:
        """Return the weight.

        Raises
        ------
        ValueError
            When the answers are not worth that much even at the end of the path.
        """
        total = float(np.sum(path.facts.worth))
        most = total * path.max_trust
        if not most >= self.observations:
            raise ValueError(
                f"The answers are worth {most:.3g} real observations at the path's end, less than "
                f"{self.observations:g}: ask for fewer, or build the path with a larger max_trust=."
            )
        return shared(path, np.full(len(path.sources), self.observations / total))


@dataclass(frozen=True)
class Evidence(Rule):
    r"""The weights with the largest evidence (empirical Bayes).

    Parameters
    ----------
    cap : bool
        Whether the answers may be worth at most as many observations as there are real ones.
        Without the cap the rule is known to ruin coverage.

    Notes
    -----
    :math:`\arg\max_L \log m(real \mid L)`, found by SLSQP from several starts with the gradient
    :math:`E_{post}[\ell] - E_{prior}[\ell]`, where :math:`\sum_s L_s n_{eff,s}(1) \le n_{real}`.
    """

    cap: bool = True

    def __post_init__(self) -> None:
        """Check the cap."""
        if not isinstance(self.cap, bool | np.bool_):
            raise TypeError(f"cap={self.cap!r:.80} must be True or False.")

    @property
    def name(self) -> str:
        """Name."""
        return "capped evidence" if self.cap else "evidence"

    def weigh(self, path: TrustPath) -> Weight:
        """Return the weights."""
        return shared(path, _best_evidence(path, self.cap))


@dataclass(frozen=True)
class Loo(Rule):
    """The weight, shared by all sources, with the best leave-one-out predictive score.

    Pareto-smoothed importance sampling on the path's own draws; see `loo`.
    """

    @property
    def name(self) -> str:
        """Name of the rule."""
        return "loo"

    def weigh(self, path: TrustPath) -> Weight:
        """Return the weight."""
        from foundation_priors.trust.leave_one_out import loo

        best = loo(path).elpd.idxmax("trust")
        return shared(path, np.full(len(path.sources), float(best)))


@dataclass(frozen=True, eq=False)
class HeldOut(Rule):
    """The weight, shared by all sources, that predicts other real rows best.

    Parameters
    ----------
    rows : DataFrame or Dataset
        Real rows that the model has not seen; see `TrustPath.score`.
    """

    rows: pd.DataFrame | xr.Dataset

    @property
    def name(self) -> str:
        """Name of the rule."""
        return "held-out score"

    def weigh(self, path: TrustPath) -> Weight:
        """Return the weight."""
        best = path.score(self.rows).idxmax("trust")
        return shared(path, np.full(len(path.sources), float(best)))


@dataclass(frozen=True)
class Robust(Rule):
    r"""A mixture of the foundation prior and the primitive prior.

    Parameters
    ----------
    share : float
        The prior probability of the primitive prior, which lets conflict through.
    weight : float or rule, optional
        The trust of the other component; by default the one at which the answers are worth as many
        observations as there are real ones, or the end of a shorter path.

    Notes
    -----
    :math:`(1 - share)\, \pi_L + share\, \pi_0`: a trust that is L or 0. The posterior is a mixture
    too, with :math:`P(0 \mid real) = share / (share + (1 - share)\, m(real \mid L) / m(real \mid
    0))`, which is the posterior's `probability` of ``"trust == 0"``.

    References
    ----------
    .. [1] H. Schmidli et al. (2014). Robust meta-analytic-predictive priors in clinical trials
       with historical control information. Biometrics 70(4). doi:10.1111/biom.12242
    """

    share: float = 0.2
    weight: Any = None

    def __post_init__(self) -> None:
        """Check the share."""
        check_probability(self.share, "share")

    @property
    def name(self) -> str:
        """Name."""
        return "robust"

    def weigh(self, path: TrustPath) -> TrustPosterior:
        """Return the posterior of the two weights."""
        from foundation_priors.trust.fit import of_atoms

        far = self._far(path)
        points = np.stack([np.zeros_like(far), far])
        return of_atoms(path, points, np.array([self.share, 1 - self.share]), self.name)

    def _far(self, path: TrustPath) -> Floats:
        if self.weight is None:
            worth = float(np.sum(path.facts.worth))
            top = min(1.0, path.max_trust)
            level = min(top, path.facts.n_real / worth) if worth > 0 else top
            return np.full(len(path.sources), level)
        given: Any = self.weight.weigh(path) if isinstance(self.weight, Rule) else self.weight
        return path.points(given).array.reshape(len(path.sources))


class Shape(Rule):
    """A hyperprior of several weights, to be given as ``prior=``."""

    exchangeable: ClassVar[bool] = False

    @abstractmethod
    def of_several(self, caps: Floats, top: float) -> Joint:
        """Return the hyperprior of weights up to ``top``.

        ``caps``, shape (source,), are the weights at which each source alone is worth as much as
        the real data.
        """

    @abstractmethod
    def of_one(self, top: float) -> Any:
        """Return the hyperprior of a single weight, up to ``top`` if it has a cap."""

    def weigh(self, path: TrustPath) -> TrustPosterior:
        """Return the posterior of the weights."""
        from foundation_priors.trust.fit import trust_posterior

        return trust_posterior(path, self, quiet=True)


@dataclass(frozen=True)
class Exchangeable(Shape):
    r"""Weights that are alike in an unknown degree, so that the sources inform each other's.

    Parameters
    ----------
    mean : tuple of float
        Shapes of the Beta distribution of the common mean.
    concentration : tuple of float
        Shape and rate of the Gamma distribution of the concentration: the larger it is, the more
        alike the weights.

    Notes
    -----
    :math:`L_s / c \sim Beta(\mu k, (1 - \mu) k)` with :math:`\mu` and k unknown and integrated out,
    and c the weight, the same for all, at which the answers together are worth as much as the real
    data, at most 1: together they count for no more observations than there are real ones, as under
    ``"cautious"``. There the law of the total does not depend on the number of sources. Here it
    does: by default its mean is half of the cap, and its standard deviation .36 of it for one
    source, .32, .31 and .30 for two, three and ten.
    """

    mean: tuple[float, float] = (1.0, 1.0)
    concentration: tuple[float, float] = (2.0, 0.5)

    @property
    def name(self) -> str:
        """Name of the rule."""
        return "exchangeable"

    exchangeable: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the parameters."""
        for field in ("mean", "concentration"):
            value = getattr(self, field)
            numbers = floats(value, field)
            if numbers.shape != (2,) or not (np.isfinite(numbers) & (numbers > 0)).all():
                raise ValueError(f"{field}={value} must be two positive numbers.")

    def of_several(self, caps: Floats, top: float) -> Joint:
        """Return the hyperprior of the weights."""
        from foundation_priors.trust.several import exchangeable

        together = 1 / np.sum(1 / caps)
        if not together > 0:
            raise ValueError(
                f"The weight at which the answers are worth as much as the real data is {together},"
                " so exchangeable weights have no cap: give another prior=, such as 'uniform'."
            )
        return exchangeable(len(caps), min(top, together), self.mean, self.concentration)

    def of_one(self, top: float) -> Any:
        """Return the marginal law of a weight."""
        from foundation_priors.trust.several import exchangeable

        law = exchangeable(1, 1.0, self.mean, self.concentration)

        def density(x: Floats) -> Floats:
            inside = np.clip(x[:, None] / top, 1e-300, 1 - 1e-16)
            return np.where(x < top, np.exp(law.log_density(inside)), 0.0)

        return density


@dataclass(frozen=True, eq=False)
class JointDensity(Shape):
    """Any joint hyperprior of the weights.

    Parameters
    ----------
    density : callable or distribution
        A function from weights, shape (node, source), to densities, shape (node,), up to a
        constant, or an object with ``logpdf``.
    label : str
    """

    density: Any
    label: str = "joint"

    @property
    def name(self) -> str:
        """Name."""
        return self.label

    def of_several(self, caps: Floats, top: float) -> Joint:
        """Return the hyperprior of the weights."""
        from foundation_priors.trust.several import of_density

        return of_density(self._log(), np.full(len(caps), top), self.name)

    def of_one(self, top: float) -> Any:
        """Return the density of a single weight."""
        log = self._log()
        return lambda x: np.exp(log(x[:, None]))

    def _log(self) -> Callable[[Floats], Floats]:
        if callable(getattr(self.density, "logpdf", None)):
            return self.density.logpdf
        if callable(self.density):
            return lambda x: _log_or_nan(np.asarray(self.density(x), dtype=float))
        raise TypeError(f"density={self.density!r} must be a function or a distribution.")


def _log_or_nan(density: Floats) -> Floats:
    return np.log(np.where(density >= 0, density, np.nan))


RULES: Mapping[str, Rule] = {
    rule.name: rule for rule in (Ignore(), Pool(), Evidence(), Evidence(cap=False), Loo(), Robust())
}
"""Rules that have a name of their own, beside the hyperpriors."""


class UnknownRule(ValueError):
    """A text given as trust is the name of no rule."""


def named(name: str) -> Rule:
    """Return the rule of a name."""
    from foundation_priors.trust.hyperprior import NAMES

    if name not in RULES:
        check_number(name, "trust")
        raise UnknownRule(f"{name!r} is no rule of trust.{did_you_mean(name, [*NAMES, *RULES])}")
    return RULES[name]


def _best_evidence(path: TrustPath, cap: bool) -> Floats:
    from scipy.optimize import minimize

    top, worth = min(1.0, path.max_trust), np.array(path.facts.worth)
    limited = cap and bool((worth @ np.full(len(worth), top)) > path.facts.n_real)

    def loss(x: Floats) -> tuple[float, Floats]:
        points = np.clip(x, 0, top)[None]
        slope = path.posterior.mixture.expect(points, path.posterior.mixture.ell)
        slope = slope - path.prior.mixture.expect(points, path.prior.mixture.ell)
        return -float(path._evidence_of(points)[0]), -slope[0]

    def room(x: Floats) -> float:
        return float(1 - worth @ x / path.facts.n_real)

    grid = path.trust[path.trust <= top][:, None] * np.ones(len(worth))
    grid = grid[grid @ worth <= path.facts.n_real] if limited else grid
    best = grid[np.argsort(-path._evidence_of(grid))[: 3 if len(worth) > 1 else 1]]
    kinds = [{"type": "ineq", "fun": room}] if limited else []
    found = [
        minimize(loss, x, jac=True, method="SLSQP", bounds=[(0, top)] * len(x), constraints=kinds)
        for x in best
    ]
    answers = [np.clip(f.x, 0, top) for f in found] + [best[0]]
    return min(answers, key=lambda x: loss(x)[0])
