"""Weighted least squares over all concentrations from shared weighted moments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.bootstrap.process import increments, real_weights, smallest_jump, solve
from foundation_priors.bootstrap.rows import Rows
from foundation_priors.errors import ColumnError, did_you_mean

__all__ = ["LinearRegression", "linear_regression"]

type Floats = NDArray[np.float64]

SINGULAR = 1e-10


@dataclass(frozen=True)
class LinearRegression:
    """Weighted least squares; see `linear_regression`.

    Calling it with a frame and weights gives the estimate at these weights. `bootstrap_path` does
    not call it, but solves for all draws at once.
    """

    outcome: str
    covariates: tuple[str, ...]
    intercept: bool = True

    @property
    def size(self) -> int:
        """Count the coefficients."""
        return len(self.covariates) + self.intercept

    def __call__(self, rows: pd.DataFrame, weights: Floats) -> dict[str, Any]:
        """Return the estimate at some weights, shape (row,)."""
        design, outcome = self.arrays(rows)
        root = np.sqrt(weights)
        found = np.linalg.lstsq(design * root[:, None], outcome * root, rcond=None)[0]
        return {
            str(name): value.isel(sample=0, drop=True)
            for name, value in self.dataset(found[None], ("sample",)).data_vars.items()
        }

    def arrays(self, rows: pd.DataFrame) -> tuple[Floats, Floats]:
        """Return the design, shape (row, coefficient), and the outcome, shape (row,)."""
        for name in (self.outcome, *self.covariates):
            if name not in rows.columns:
                raise ColumnError(
                    f"The real rows and the answers do not both have a column {name!r}."
                    f"{did_you_mean(name, rows.columns)}"
                )
            if not pd.api.types.is_numeric_dtype(rows[name]):
                raise ColumnError(f"The column {name!r} holds no numbers: code it as numbers.")
        ones = [np.ones(len(rows))] if self.intercept else []
        columns = [rows[n].to_numpy(dtype=float) for n in self.covariates]
        return np.column_stack([*ones, *columns]), rows[self.outcome].to_numpy(dtype=float)

    def dataset(self, estimates: Floats, dims: Sequence[str]) -> xr.Dataset:
        """Name estimates of shape (..., coefficient) over ``dims`` and their own."""
        out: dict[str, Any] = {}
        if self.intercept:
            out["intercept"] = tuple(dims), estimates[..., 0]
        if self.covariates:
            out["beta"] = (*dims, "covariate"), estimates[..., int(self.intercept) :]
        coords = {"covariate": list(self.covariates)} if self.covariates else {}
        return xr.Dataset(out, coords)

    def draw(
        self,
        rows: Rows,
        grid: Floats,
        draws: int,
        rng: np.random.Generator,
        report: Callable[[int], None] = lambda _: None,
    ) -> xr.Dataset:
        r"""Draw from the posterior at every concentration.

        Parameters
        ----------
        rows : Rows
        grid : numpy.ndarray, shape (concentration,)
        draws : int
        rng : numpy.random.Generator
        report : callable, optional
            Called with the number of concentrations done since the last call.

        Returns
        -------
        xarray.Dataset
            ``intercept`` over (concentration, sample) and ``beta`` over (..., covariate).

        Notes
        -----
        The weighted moments :math:`\sum_i w_i x_i x_i^T` and :math:`\sum_i w_i x_i y_i` are linear
        in the weights: those of the real rows are computed once, and the answers' grow by the jumps
        of `increments`. The design is first made orthonormal over all rows.
        """
        design, outcome = self.arrays(rows.frame)
        white, back = self._whiten(design, rows, grid)
        products = _moments(white, outcome)
        n = rows.n_real
        total = np.concatenate([w @ products[:n] for w in real_weights(rng, draws, n)]).T.copy()
        smallest = smallest_jump(grid[-1], (n + rows.n_synthetic) / 4)
        out = np.empty((len(grid), draws, self.size))
        for k, jumps in enumerate(increments(rng, grid, draws, rows.base, smallest)):
            for part in jumps:
                total += (part @ products[n:]).T
            out[k] = solve(total.copy(), self.size).T @ back.T
            report(1)
        _require_finite(out, grid)
        return self.dataset(out, ("concentration", "sample"))

    def with_one_more(self, rows: Rows, concentration: float) -> xr.Dataset:
        r"""Return estimates at the mean weights, and with one observation more of each row.

        Returns
        -------
        xarray.Dataset
            Over ``sample``, first the one at the mean weights, then one for each row:
            :math:`\beta + M^{-1} x_i (y_i - x_i^T \beta) / (1 + x_i^T M^{-1} x_i)`.
        """
        design, outcome = self.arrays(rows.frame)
        weights = np.concatenate([np.ones(rows.n_real), concentration * rows.base])
        white, back = self._whiten(design, rows, np.array([concentration]))
        moment = (white * weights[:, None]).T @ white
        beta = np.linalg.solve(moment, white.T @ (weights * outcome))
        reach = np.linalg.solve(moment, white.T).T
        leverage = np.einsum("ij,ij->i", white, reach)
        moved = beta + reach * ((outcome - white @ beta) / (1 + leverage))[:, None]
        return self.dataset(np.vstack([beta, moved]) @ back.T, ("sample",))

    def _whiten(self, design: Floats, rows: Rows, grid: Floats) -> tuple[Floats, Floats]:
        """Return an orthonormal design times the root of its length, and the way back."""
        scale = np.sqrt(np.mean(design**2, axis=0))
        names = ["the intercept"] * self.intercept + list(self.covariates)
        if not scale.all():
            raise ColumnError(f"The column {names[int(np.argmin(scale))]!r} is zero in every row.")
        triangle = np.linalg.qr(design / scale, mode="r") / np.sqrt(len(design))
        small = np.abs(np.diag(triangle)) < np.sqrt(SINGULAR)
        if small.any():
            raise ColumnError(
                f"{names[int(np.argmax(small))]!r} is a linear combination of the columns before "
                "it in all rows: leave it out."
            )
        back = np.linalg.inv(triangle) / scale[:, None]
        white = design @ back
        real = white[: rows.n_real]
        if grid[0] == 0 and np.linalg.eigvalsh(real.T @ real / rows.n_real)[0] < SINGULAR:
            raise ValueError(
                "At concentration 0 the real rows alone must determine the regression, and they do "
                "not: leave out a covariate, or start concentrations= above 0."
            )
        return white, back


def linear_regression(
    outcome: str, covariates: Sequence[str] = (), *, intercept: bool = True
) -> LinearRegression:
    """Return weighted least squares as an estimator for `bootstrap_path`, fast over all of it.

    Parameters
    ----------
    outcome : str
        A column of numbers.
    covariates : sequence of str, optional
        Columns of numbers; none at all gives the weighted mean of the outcome.
    intercept : bool
        Whether there is one.

    Returns
    -------
    LinearRegression
        Its estimates are ``intercept`` and ``beta`` over ``covariate``.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"x": [0.0, 1.0, 2.0], "y": [1.0, 3.0, 5.0]})
    >>> linear_regression("y", ["x"])(rows, np.ones(3))["beta"].values.round(6)
    array([2.])
    """
    names = (covariates,) if isinstance(covariates, str) else tuple(covariates)
    if len(set(names)) != len(names) or outcome in names:
        raise ColumnError(
            f"covariates={list(names)} names a column twice, or the outcome {outcome!r}."
        )
    if not names and not intercept:
        raise ColumnError("A regression needs an intercept or at least one covariate.")
    return LinearRegression(outcome, names, intercept)


def _moments(design: Floats, outcome: Floats) -> Floats:
    """Return each row's products, in the order of `solve`."""
    parts = [
        np.column_stack([design[:, i:] * column[:, None], column * outcome])
        for i, column in enumerate(design.T)
    ]
    return np.hstack(parts)


def _require_finite(estimates: Floats, grid: Floats) -> None:
    bad = ~np.isfinite(estimates).all(axis=(1, 2))
    if bad.any():
        raise ValueError(
            f"At concentration {grid[np.argmax(bad)]:.3g} some draws do not determine the "
            "regression: leave out a covariate that hardly varies among the real rows."
        )
