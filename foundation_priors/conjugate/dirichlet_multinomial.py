"""Shares of categories with a Dirichlet prior."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.special import gammaln, polygamma

from foundation_priors.conjugate import checks
from foundation_priors.conjugate.base import ConjugatePath, Dims
from foundation_priors.conjugate.weights import DEFAULT_SOURCE, by_source

__all__ = ["CategoryRows", "DirichletMultinomial"]

Array = NDArray[np.float64]


class CategoryRows(NamedTuple):
    """Sufficient statistics of choices among categories, in their order.

    Attributes
    ----------
    counts
        How often each category was chosen (weighted for answers), shape ``(category,)``.
    """

    counts: Array


@dataclass(frozen=True, kw_only=True, eq=False)
class DirichletMultinomial(ConjugatePath):
    r"""Shares ``p`` of K categories with a Dirichlet prior.

    Parameters
    ----------
    concentration
        Concentrations of the primitive prior, shape ``(category,)``.
    real
        Counts of the real data, shape ``(category,)``; none if omitted.
    synthetic
        The same of the answers, or ``{source: counts}``.
    categories
        Labels of the categories; their positions if omitted.
    max_trust
        The largest trust that may be asked for.

    Notes
    -----
    The posterior at trust L is :math:`\mathrm{Dirichlet}(\alpha + n + L \tilde n)`, with
    :math:`\log Z = \sum_k \log\Gamma(\alpha_k) - \log\Gamma(\sum_k \alpha_k)` at the updated less
    that at the primitive concentrations.

    References
    ----------
    Misra, S. (2025). Foundation priors. arXiv:2512.01107.
    Ibrahim, J. G. and Chen, M.-H. (2000). Statistical Science 15, 46-60.
    doi:10.1214/ss/1009212673

    Examples
    --------
    >>> from foundation_priors.conjugate import DirichletMultinomial
    >>> path = DirichletMultinomial(
    ...     concentration=[1, 1, 1],
    ...     real=[3, 1, 0],
    ...     synthetic=[0, 0, 10],
    ...     categories=["a", "b", "c"],
    ... )
    >>> path.mean("p", trust=[0, 1]).values.round(3)
    array([[0.571, 0.286, 0.143],
           [0.235, 0.118, 0.647]])
    >>> path.tipping("p['c'] > 0.5", probability=0.5)["trust"].values.round(3)
    array([0.5])
    """

    concentration: ArrayLike
    real: Any = None
    synthetic: Any
    categories: Sequence[Any] | None = None
    max_trust: float = 1.0
    _alpha: Array = field(init=False, repr=False)
    _counts: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check and normalise the counts."""
        checks.proper(concentration=self.concentration)
        checks.positive(max_trust=self.max_trust)
        alpha = np.atleast_1d(np.asarray(self.concentration, dtype=float))
        if alpha.ndim > 1 or len(alpha) < 2:
            raise ValueError("concentration must hold one number for each of 2 or more categories.")
        sources = self.synthetic if isinstance(self.synthetic, Mapping) else None
        named = {DEFAULT_SOURCE: self.synthetic} if sources is None else dict(sources)
        real = np.zeros_like(alpha) if self.real is None else self.real
        rows = {name: _counts(name, value, len(alpha)) for name, value in named.items()}
        if not rows:
            raise ValueError("synthetic names no source: give at least one.")
        if self.categories is not None and len(self.categories) != len(alpha):
            raise ValueError(
                f"There are {len(self.categories)} categories for {len(alpha)} concentrations."
            )
        object.__setattr__(self, "real", CategoryRows(_counts("real", real, len(alpha))))
        object.__setattr__(self, "synthetic", {k: CategoryRows(v) for k, v in rows.items()})
        object.__setattr__(self, "_alpha", alpha)
        object.__setattr__(self, "_counts", np.stack([self.real.counts, *rows.values()]))

    @classmethod
    def from_data(
        cls,
        y: ArrayLike,
        y_synthetic: ArrayLike,
        *,
        categories: Sequence[Any],
        concentration: ArrayLike = 1.0,
        weight: ArrayLike | None = None,
        source: ArrayLike | None = None,
        max_trust: float = 1.0,
    ) -> Self:
        """Build the family from rows.

        Parameters
        ----------
        y, y_synthetic
            The category of each row, one of `categories`.
        categories
            All categories, in their order.
        concentration
            As for the class, or one number for all categories.
        weight
            Weight of each synthetic row, or one for all; 1 if omitted.
        source
            Label of each synthetic row's source; one source if omitted.
        max_trust
            As for the class.
        """
        size = len(categories)
        real, answers = _codes("y", y, categories), _codes("y_synthetic", y_synthetic, categories)
        synthetic = {
            name: np.bincount(answers[index], w, minlength=size)
            for name, index, w in by_source(len(answers), weight, source)
        }
        return cls(
            concentration=np.broadcast_to(np.asarray(concentration, dtype=float), (size,)),
            real=np.bincount(real, minlength=size),
            synthetic=synthetic,
            categories=categories,
            max_trust=max_trust,
        )

    @property
    def _dims(self) -> Dims:
        return {"p": ("category",)}

    @property
    def _coords(self) -> Mapping[str, Sequence[Any]]:
        labels = range(len(self._alpha)) if self.categories is None else self.categories
        return {"category": list(labels)}

    def _shapes(self, weights: Array) -> Array:
        return np.asarray(self._alpha + weights @ self._counts)

    def _log_z(self, weights: Array) -> Array:
        return np.asarray(_log_beta(self._shapes(weights)) - _log_beta(self._alpha))

    def _ell_variance(self, weights: Array) -> Array:
        alpha, counts = self._shapes(weights), self._counts[1:].sum(axis=0)
        within = polygamma(1, alpha) @ counts**2
        return np.asarray(within - counts.sum() ** 2 * polygamma(1, alpha.sum(axis=-1)))

    def _moments(self, name: str, weights: Array) -> tuple[Array, Array]:
        alpha = self._shapes(weights)
        total = alpha.sum(axis=-1, keepdims=True)
        mean = alpha / total
        return mean, np.sqrt(mean * (1 - mean) / (total + 1))

    def _marginal(self, name: str, weights: Array) -> Any:
        alpha = self._shapes(weights)
        return stats.beta(alpha, alpha.sum(axis=-1, keepdims=True) - alpha)

    def _joint(self, weights: Array) -> dict[str, Any]:
        return {"p": stats.dirichlet(self._shapes(weights))}

    def _draw(self, weights: Array, draws: int, rng: np.random.Generator) -> dict[str, Array]:
        return {"p": rng.dirichlet(self._shapes(weights), draws)}

    def _worth(self) -> Array:
        return np.asarray(self._counts[1:].sum(axis=1))


def _log_beta(alpha: Array) -> Array:
    return np.asarray(gammaln(alpha).sum(axis=-1) - gammaln(alpha.sum(axis=-1)))


def _counts(name: str, rows: Any, size: int) -> Array:
    counts = np.asarray(rows.counts if isinstance(rows, CategoryRows) else rows, dtype=float)
    checks.at_least(0, **{name: counts})
    if counts.shape != (size,):
        raise ValueError(
            f"{name} has counts of shape {counts.shape}: give one for each of {size} categories."
        )
    return counts


def _codes(name: str, y: ArrayLike, categories: Sequence[Any]) -> NDArray[np.intp]:
    position = {label: i for i, label in enumerate(categories)}
    values = np.asarray(y).tolist()
    unknown = sorted({str(value) for value in values if value not in position})
    if unknown:
        raise ValueError(f"{name} has values that are not among the categories: {unknown}.")
    return np.array([position[value] for value in values], dtype=np.intp)
