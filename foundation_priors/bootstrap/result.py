"""The posteriors of an estimator from ignoring the answers to believing them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.hdf5 import MAX_BYTES

if TYPE_CHECKING:
    import pandas as pd

    from foundation_priors.bootstrap.rows import Rows

__all__ = ["BootstrapPath"]

type Floats = NDArray[np.float64]
type Quantity = str | Callable[[xr.Dataset], xr.DataArray]
type Concentration = float | Sequence[float] | Floats | None


@dataclass(frozen=True, repr=False)
class BootstrapPath:
    """Every posterior of an estimator, over the concentration; see `bootstrap_path`.

    Quantities are an estimate's name (``"beta"``), an element (``"beta[educ]"``), an expression
    (``"beta > 0.5"``) or a function of the dataset of draws that keeps the dimension ``sample``.
    Results have the dimension ``concentration`` unless a single one was asked for. Between two
    concentrations of the path they are interpolated linearly. Draws at one concentration are
    independent, so Monte Carlo standard errors, the coordinate ``mcse``, are simple.

    Attributes
    ----------
    draws : xarray.Dataset
        The estimates over (concentration, sample, ...); a sample keeps its random numbers along the
        path.
    n_real, n_synthetic : int
        Numbers of rows.
    mass : float
        The sum of the answers' weights, their effective rows: the concentration of trust 1.
    rows, estimator
        What was computed with; None when the path was read from a file.
    """

    draws: xr.Dataset
    n_real: int
    n_synthetic: int
    mass: float
    rows: Rows | None = None
    estimator: Any = None

    @property
    def concentration(self) -> Floats:
        """The concentrations, in real observations."""
        return self.draws["concentration"].values

    def mean(self, quantity: Quantity, concentration: Concentration = None) -> xr.DataArray:
        """Return the posterior mean.

        Parameters
        ----------
        quantity : str or callable
        concentration : float or array, optional
            By default those of the path.

        Returns
        -------
        xarray.DataArray
            Over (concentration, ...), with the coordinate ``mcse``.
        """
        from foundation_priors.bootstrap.statistics import moment

        return moment(self, quantity, concentration, "mean")

    def sd(self, quantity: Quantity, concentration: Concentration = None) -> xr.DataArray:
        """Return the posterior standard deviation; as `mean` otherwise."""
        from foundation_priors.bootstrap.statistics import moment

        return moment(self, quantity, concentration, "sd")

    def expect(self, f: Quantity, concentration: Concentration = None) -> xr.DataArray:
        """Return the posterior expectation of a function of the draws; the same as `mean`."""
        return self.mean(f, concentration)

    def probability(self, event: Quantity, concentration: Concentration = None) -> xr.DataArray:
        """Return the posterior probability of an event, ``"beta > 0.5"``; as `mean` otherwise."""
        from foundation_priors.bootstrap.statistics import require_event

        require_event(self, event)
        return self.mean(event, concentration)

    def quantile(
        self,
        quantity: Quantity,
        q: float | Sequence[float],
        concentration: Concentration = None,
    ) -> xr.DataArray:
        """Return posterior quantiles, with the dimension ``quantile`` after ``concentration``.

        Parameters
        ----------
        quantity : str or callable
        q : float or sequence of float
            Between 0 and 1.
        concentration : float or array, optional
        """
        from foundation_priors.bootstrap.statistics import quantile

        return quantile(self, quantity, q, concentration)

    def tipping(self, event: Quantity, probability: float = 0.95) -> xr.Dataset:
        """Return every concentration at which the probability of an event crosses a level.

        Parameters
        ----------
        event : str or callable
            ``"beta > 0"``.
        probability : float
            The level.

        Returns
        -------
        xarray.Dataset
            Dimensions (..., root), with ``concentration``, its Monte Carlo standard error ``mcse``,
            ``direction`` (+1 where the probability rises, -1 where it falls) and ``trust``. No
            root at all gives a dimension of length 0; missing ones are nan. Over (...), ``lowest``
            and ``highest``, between which the probability stays.

        Notes
        -----
        A crossing counts when the probability leaves the level by a Monte Carlo standard error on
        either side; the root is that of the straight line through the points in between and one
        more on each side. What only touches the level within that error is no root.
        """
        from foundation_priors.bootstrap.tipping import tipping

        return tipping(self, event, probability)

    def shares(
        self, quantity: Quantity | None = None, concentration: Concentration = None
    ) -> xr.Dataset:
        r"""Return which part of the weight, and of the information, comes from the answers.

        Parameters
        ----------
        quantity : str or callable, optional
            Needs the estimator, so not for a path read from a file. By default, weight alone.
        concentration : float or array, optional
            By default five of the path. A quantity costs an estimate for each row and
            concentration, little for a `LinearRegression`.

        Returns
        -------
        xarray.Dataset
            ``weight`` over (concentration, component), the expected share of the weight: n / (n +
            a) and a / (n + a); and ``information`` over (concentration, component, ...).

        Notes
        -----
        With :math:`\psi_i` the influence of row i on the quantity, at the mean weights
        :math:`\alpha_i` (1 for a real row, :math:`a w_j / \sum w` for an answer), the posterior
        variance is, to first order, :math:`\sum_i \alpha_i \psi_i^2 / (n + a)^2`, and a
        component's share of the information is its part of that sum. In a regression with equal
        residual variance it is the share of the precision. The influence is computed by adding one
        observation like row i, :math:`\psi_i / (n + a) \approx \theta(\alpha + e_i) -
        \theta(\alpha)`.

        References
        ----------
        F. R. Hampel (1974). The Influence Curve and its Role in Robust Estimation. JASA 69,
        383-393. doi:10.1080/01621459.1974.10482962
        """
        from foundation_priors.bootstrap.shares import shares

        return shares(self, quantity, concentration)

    def summary(
        self,
        var_names: Sequence[str] | None = None,
        concentration: Concentration = None,
        *,
        ci_prob: float = 0.9,
    ) -> pd.DataFrame:
        """Return a table with a row for each quantity and concentration.

        Parameters
        ----------
        var_names : sequence of str, optional
            By default all estimates.
        concentration : optional
            By default five, from the lowest to the highest.
        ci_prob : float
            Of the equal-tailed interval.
        """
        from foundation_priors.bootstrap.display import summary

        return summary(self, var_names, concentration, ci_prob)

    def plot(self, var_names: Any = None, **kwargs: Any) -> Any:
        """Plot the path over trust, the concentration over the answers' effective rows.

        The axis on top counts the answers in real observations: it is the concentration. Parameters
        and return value as in `foundation_priors.plots.plot_trust_path`.
        """
        from foundation_priors.bootstrap.picture import AsTrust
        from foundation_priors.plots import plot_trust_path

        return plot_trust_path(AsTrust(self), var_names, **kwargs)

    def to_netcdf(self, path: str | os.PathLike[str]) -> None:
        """Write the path to a file; all but the rows and the estimator is kept."""
        from foundation_priors.bootstrap.files import write

        write(self, path)

    @classmethod
    def from_netcdf(cls, path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> Self:
        """Read a path from a file.

        ``max_bytes`` is the most that it may become in memory; what is wrong with a file is a
        `FileError`.
        """
        from foundation_priors.bootstrap.files import read

        return read(cls, path, max_bytes)

    def __repr__(self) -> str:
        """Return a few lines of text."""
        from foundation_priors.bootstrap.display import text

        return text(self)

    def _repr_html_(self) -> str:
        from foundation_priors.bootstrap.display import html

        return html(self)
