"""Normal linear regression with a normal-inverse-gamma prior."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foundation_priors.conjugate import checks
from foundation_priors.conjugate.base import Dims
from foundation_priors.conjugate.normal_core import (
    NormalConjugate,
    RegressionRows,
    least_squares,
    positive,
)
from foundation_priors.conjugate.weights import by_source
from foundation_priors.errors import ImproperPriorError

__all__ = ["NormalRegression", "RegressionRows"]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class NormalRegression(NormalConjugate):
    r"""Coefficients ``beta`` (and residual scale ``sigma``) of a normal linear regression.

    Parameters
    ----------
    prior_mean
        Of the coefficients, shape ``(coefficient,)``.
    prior_cov
        Primitive prior covariance: a matrix, a vector of variances or one variance. With known
        `sigma` it is the covariance itself, otherwise it is multiplied by the residual variance:
        :math:`\beta \mid \sigma \sim N(m_0, \sigma^2 V_0)`.
    a, b
        Shape and scale of the inverse-gamma primitive prior of :math:`\sigma^2`.
    sigma
        Residual standard deviation if known; then without `a` and `b`.
    real
        `RegressionRows` of the real data; none if omitted.
    synthetic
        The same of the answers, or ``{source: RegressionRows}``.
    names
        Labels of the coefficients; their positions if omitted.
    max_trust
        The largest trust that may be asked for.

    Notes
    -----
    With :math:`G = X'X` and unit :math:`\sigma^2`, :math:`\Lambda = V_0^{-1} + G + L \tilde G`,
    :math:`m = \Lambda^{-1}(V_0^{-1} m_0 + X'y + L \tilde X'\tilde y)`,
    :math:`a = a_0 + (n + L \tilde n)/2` and b grows by half of all weighted squares about m. The
    normaliser is :math:`(2\pi)^{-(n + L\tilde n)/2} \sqrt{|\Lambda_0| / |\Lambda|}\;
    b_0^{a_0} \Gamma(a) / (b^a \Gamma(a_0))`.

    References
    ----------
    Ibrahim, J. G. and Chen, M.-H. (2000). Statistical Science 15, 46-60.
    doi:10.1214/ss/1009212673
    Carvalho, L. M. and Ibrahim, J. G. (2021). On the normalized power prior. Statistics in
    Medicine 40, 5251-5275. doi:10.1002/sim.9124

    Examples
    --------
    >>> import numpy as np
    >>> from foundation_priors.conjugate import NormalRegression
    >>> x = np.column_stack([np.ones(4), np.arange(4.0)])
    >>> path = NormalRegression.from_data(
    ...     x, [1.0, 2.0, 3.0, 5.0], x, [1.0, 1.0, 1.0, 1.0], prior_cov=100, a=2, b=1,
    ...     names=["intercept", "slope"],
    ... )
    >>> path.mean("beta", trust=[0, 1]).sel(coefficient="slope").values.round(3)
    array([1.3  , 0.651])
    >>> path.probability("beta['slope'] > 1", trust=0).round(3).item()
    0.876
    """

    prior_mean: ArrayLike
    prior_cov: ArrayLike
    a: float | None = None
    b: float | None = None
    sigma: float | None = None
    real: RegressionRows | None = None
    synthetic: Any
    names: Sequence[str] | None = None
    max_trust: float = 1.0
    _primitive_state: tuple[Array, Array, float, float] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check and normalise prior and statistics."""
        checks.positive(max_trust=self.max_trust)
        checks.finite(prior_mean=self.prior_mean)
        mean = np.atleast_1d(np.asarray(self.prior_mean, dtype=float))
        p = len(mean)
        if self.names is not None and len(self.names) != p:
            raise ValueError(f"There are {len(self.names)} names for {p} coefficients.")
        nothing = RegressionRows(np.zeros((p, p)), np.zeros(p), 0.0, 0.0)
        real = nothing if self.real is None else checks.as_rows(RegressionRows, self.real)
        given = {"synthetic": self.synthetic} if _is_rows(self.synthetic) else self.synthetic
        sources = checks.named_sources(given, RegressionRows)
        for name, rows in checks.blocks(real, sources):
            _check_rows(name, rows, p)
        object.__setattr__(self, "real", real)
        object.__setattr__(self, "synthetic", sources)
        object.__setattr__(self, "_primitive_state", self._checked_prior(mean))

    def _checked_prior(self, mean: Array) -> tuple[Array, Array, float, float]:
        precision = np.linalg.inv(_covariance(self.prior_cov, len(mean)))
        if self.sigma is not None:
            if self.a is not None or self.b is not None:
                raise ValueError("sigma is known here: drop a and b, or drop sigma.")
            checks.positive(sigma=self.sigma)
            return mean, precision * self.sigma**2, 0.0, 0.0
        if self.a is None or self.b is None:
            raise ValueError("The residual scale has no prior: give a and b, or a known sigma.")
        checks.proper(a=self.a, b=self.b)
        return mean, precision, float(self.a), float(self.b)

    @classmethod
    def from_data(
        cls,
        X: ArrayLike,
        y: ArrayLike,
        X_synthetic: ArrayLike,
        y_synthetic: ArrayLike,
        *,
        prior_mean: ArrayLike = 0.0,
        prior_cov: ArrayLike,
        a: float | None = None,
        b: float | None = None,
        sigma: float | None = None,
        weight: ArrayLike | None = None,
        source: ArrayLike | None = None,
        names: Sequence[str] | None = None,
        max_trust: float = 1.0,
    ) -> Self:
        """Build the family from rows.

        Parameters
        ----------
        X, X_synthetic
            Covariates, shape ``(row, coefficient)``; add a column of ones for an intercept.
        y, y_synthetic
            Outcomes, flat.
        prior_mean
            As for the class, or one number for all coefficients.
        prior_cov, a, b, sigma, names, max_trust
            As for the class.
        weight
            Weight of each synthetic row, or one for all; 1 if omitted.
        source
            Label of each synthetic row's source; one source if omitted.
        """
        covariates, outcome = _matrix("X", X), checks.flat("y", y)
        asked = _matrix("X_synthetic", X_synthetic)
        answers = checks.flat("y_synthetic", y_synthetic)
        checks.same_length(X=covariates, y=outcome)
        checks.same_length(X_synthetic=asked, y_synthetic=answers)
        if covariates.shape[1] != asked.shape[1]:
            raise ValueError(
                f"X has {covariates.shape[1]} columns and X_synthetic {asked.shape[1]}: "
                "give the same columns in the same order."
            )
        synthetic = {
            name: least_squares(asked[index], answers[index], w)
            for name, index, w in by_source(len(answers), weight, source)
        }
        mean = np.asarray(prior_mean, dtype=float)
        return cls(
            prior_mean=np.broadcast_to(mean, covariates.shape[1:]) if mean.ndim == 0 else mean,
            prior_cov=prior_cov,
            a=a,
            b=b,
            sigma=sigma,
            real=least_squares(covariates, outcome),
            synthetic=synthetic,
            names=names,
            max_trust=max_trust,
        )

    @property
    def _location(self) -> str:
        return "beta"

    @property
    def _dims(self) -> Dims:
        return {"beta": ("coefficient",)} | ({} if self.sigma is not None else {"sigma": ()})

    @property
    def _coords(self) -> Mapping[str, Sequence[Any]]:
        labels = range(len(self._primitive[0])) if self.names is None else self.names
        return {"coefficient": list(labels)}

    @property
    def _known_sigma(self) -> float | None:
        return self.sigma

    @property
    def _primitive(self) -> tuple[Array, Array, float, float]:
        return self._primitive_state

    @property
    def _blocks(self) -> tuple[RegressionRows, ...]:
        assert self.real is not None
        return (self.real, *self.synthetic.values())


def _is_rows(value: Any) -> bool:
    return isinstance(value, RegressionRows)


def _covariance(prior_cov: ArrayLike, size: int) -> Array:
    given = np.asarray(prior_cov, dtype=float)
    cov = given if given.ndim == 2 else np.diag(np.broadcast_to(given, (size,)))
    if cov.shape != (size, size):
        raise ValueError(f"prior_cov has shape {cov.shape}, but there are {size} coefficients.")
    symmetric = np.all(np.isfinite(cov)) and np.allclose(cov, cov.T)
    if not symmetric or not positive(cov):
        raise ImproperPriorError(
            "prior_cov is not positive definite, so the primitive prior is improper: give finite "
            "variances above 0."
        )
    return cov


def _check_rows(name: str, rows: RegressionRows, size: int) -> None:
    checks.finite(**{name: np.concatenate([np.ravel(part) for part in rows])})
    checks.at_least(0, **{f"squares and rows of {name}": rows[2:]})
    if np.shape(rows.gram) != (size, size) or np.shape(rows.fit) != (size,):
        raise ValueError(
            f"{name} summarises {np.shape(rows.fit)} coefficients, but the prior has {size}."
        )


def _matrix(name: str, values: ArrayLike) -> Array:
    matrix = np.asarray(values, dtype=float)
    if matrix.ndim != 2:
        raise ValueError(f"{name} has {matrix.ndim} dimensions: give rows by coefficients.")
    checks.finite(**{name: matrix})
    return matrix
