"""Every posterior between ignoring a language model and believing it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.errors import floats
from foundation_priors.hdf5 import MAX_BYTES
from foundation_priors.path.draws import Quantity, evaluate, like, weighted_quantiles
from foundation_priors.path.facts import Facts
from foundation_priors.path.flags import warn
from foundation_priors.path.ladder import LOG_Z_LIMIT, Checks, Ladder
from foundation_priors.path.points import Points, Trust, resolve
from foundation_priors.path.weighing import Rules

if TYPE_CHECKING:
    import pandas as pd
    import pymc as pm

    from foundation_priors.beliefs import Beliefs
    from foundation_priors.path.engine import Engine
    from foundation_priors.path.trust_path import Recipe
    from foundation_priors.prior.columns import ColumnSpec
    from foundation_priors.synthetic import SyntheticData

__all__ = ["Facts", "TrustPath"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class TrustPath(Rules):
    """Every posterior between ignoring a language model and believing it; see `trust_path`.

    Quantities (``"beta"``, ``"beta > 0.5"``, a function of the dataset of draws) keep their
    dimensions, and every result has the dimension ``trust`` unless a single weight was asked for.
    ``trust=`` is None for the path's own grid, a number or an array (for several sources, one
    weight shared by all), a dict from each source to its weights, or a rule (``"cautious"``,
    ``"uniform"`` or what `trust_posterior` returned), over whose distribution `mean`, `sd`, `mcse`,
    `quantile`, `probability`, `expect`, `at`, `score` and `effective_observations` average. A
    coordinate ``reliable`` says where all checks hold; where one does not, there is also an
    `UnreliableWarning`.

    Attributes
    ----------
    trust : numpy.ndarray, shape (trust,)
        The grid, evenly spaced in Fisher-Rao arc.
    draws, prior_draws : xarray.Dataset
        The draws of all anchors, of the posterior and of the tilted prior, over ``sample``.
    facts : Facts
        Sources, numbers of rows, the answers' worth, and so on.
    model : pymc.Model or None
        The user's model; None when the path was read from a file without it.
    """

    posterior: Ladder
    prior: Ladder
    draws: xr.Dataset
    prior_draws: xr.Dataset
    trust: Floats
    facts: Facts
    synthetic: SyntheticData | Beliefs
    model: pm.Model | None = None
    engine: Engine | None = None
    columns: Mapping[str, ColumnSpec] = field(default_factory=dict)
    gradients: Mapping[str, Floats] | None = None
    recipe: Recipe | None = None

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the sources, each with a weight of its own."""
        return self.facts.sources

    @property
    def max_trust(self) -> float:
        """The largest weight of the path."""
        return self.facts.max_trust

    def points(self, trust: Trust = None, along: Mapping[str, float] | None = None) -> Points:
        """Turn ``trust=`` into weights of the sources, shape (point, source)."""
        points = resolve(trust, self.sources, self.trust, self.max_trust, along)
        if not len(points.array):
            raise ValueError("trust= is empty: give at least one weight.")
        return points

    def mean(
        self, quantity: Quantity, trust: Trust = None, *, along: Mapping[str, float] | None = None
    ) -> xr.DataArray:
        """Return the posterior mean over trust.

        Parameters
        ----------
        quantity : str or callable
            A variable, an expression, or a function of the draws.
        trust : number, array or dict, optional
        along : dict, optional
            With several sources, the multiples of a shared weight, ``{"roleplay": 1}``.

        Returns
        -------
        xarray.DataArray
            Dimensions (trust, ...), with the Monte Carlo standard error as coordinate ``mcse``
            when the quantity is a scalar.
        """
        return self._moment(quantity, trust, along, "mean")

    def sd(
        self, quantity: Quantity, trust: Trust = None, *, along: Mapping[str, float] | None = None
    ) -> xr.DataArray:
        """Return the posterior standard deviation over trust; as `mean` otherwise."""
        return self._moment(quantity, trust, along, "sd")

    def expect(
        self, f: Quantity, trust: Trust = None, *, along: Mapping[str, float] | None = None
    ) -> xr.DataArray:
        """Return the posterior expectation of a function of the draws; the same as `mean`."""
        return self._moment(f, trust, along, "mean")

    def probability(
        self, event: Quantity, trust: Trust = None, *, along: Mapping[str, float] | None = None
    ) -> xr.DataArray:
        """Return the posterior probability of an event, ``"beta > 0.5"``, over trust."""
        if evaluate(self.draws.isel(sample=slice(2)), event).dtype != bool:
            raise ValueError(
                f"{event!r} is not an event: write a comparison, such as 'beta > 0.5'."
            )
        return self._moment(event, trust, along, "mean")

    def mcse(
        self,
        quantity: Quantity,
        trust: Trust = None,
        *,
        kind: str = "mean",
        along: Mapping[str, float] | None = None,
    ) -> xr.DataArray:
        """Return the Monte Carlo standard error of a mean, or with ``kind="sd"`` of an sd."""
        if kind not in ("mean", "sd"):
            raise ValueError(f"kind={kind!r} must be 'mean' or 'sd'.")
        how, value = self._weighing(trust, along), evaluate(self.draws, quantity)
        h = value.values.reshape(len(value), -1).astype(float)
        estimate = how.estimate(h)
        errors = estimate.mcse_mean if kind == "mean" else estimate.mcse_sd
        return how.wrap(errors.reshape(-1, *value.shape[1:]), name="mcse", **like(value))

    def quantile(
        self,
        quantity: Quantity,
        q: float | Sequence[float],
        trust: Trust = None,
        *,
        along: Mapping[str, float] | None = None,
    ) -> xr.DataArray:
        """Return posterior quantiles over trust, with the dimension ``quantile`` after ``trust``.

        Parameters
        ----------
        quantity : str or callable
        q : float or sequence of float
            Between 0 and 1.
        trust, along
            As in `mean`.
        """
        levels = np.atleast_1d(floats(q, "q"))
        if not ((levels >= 0) & (levels <= 1)).all():
            raise ValueError(f"q={q} must lie between 0 and 1.")
        how, value = self._weighing(trust, along), evaluate(self.draws, quantity)
        flat = value.values.reshape(len(value), -1).astype(float)
        weights = how.weights()
        out = np.stack([weighted_quantiles(h, weights, levels) for h in flat.T], axis=-1)
        shaped = out.reshape(len(out), len(levels), *value.shape[1:])
        own = like(value)
        result = how.wrap(
            shaped,
            ["quantile", *own["dims"]],
            {"quantile": levels, **own["coords"]},
            value.name,
            reliable=how.reliable(),
        )
        return result.isel(quantile=0, drop=True) if np.ndim(q) == 0 else result

    def _moment(
        self, quantity: Quantity, trust: Trust, along: Mapping[str, float] | None, kind: str
    ) -> xr.DataArray:
        how, value = self._weighing(trust, along), evaluate(self.draws, quantity)
        h = value.values.reshape(len(value), -1).astype(float)
        extra: dict[str, Any] = {"reliable": how.reliable()}
        if h.shape[1] == 1:
            estimate = how.estimate(h)
            out, error = (
                (estimate.mean, estimate.mcse_mean)
                if kind == "mean"
                else (estimate.sd, estimate.mcse_sd)
            )
            extra |= {"mcse": error[:, 0]} if value.ndim == 1 else {}
        else:
            centre = np.mean(h, axis=0, where=np.isfinite(h))
            mean = how.expect(h - centre)
            out = mean + centre
            if kind == "sd":
                second = how.expect((h - centre) ** 2)
                out = np.sqrt(np.maximum(second - mean**2, 0))
        return how.wrap(out.reshape(-1, *value.shape[1:]), name=value.name, **like(value), **extra)

    def _reliable(self, points: Points) -> NDArray[np.bool_]:
        """Return where the weights can be relied on, and warn where they cannot."""
        bad = self.posterior.check(points.array).weights_fail
        warn(points, bad, "checks")
        return ~bad

    def _evidence(self, array: Floats) -> tuple[Checks, Checks, Floats, NDArray[np.bool_]]:
        """Return both ladders' checks, the error of the log evidence and where it fails."""
        posterior, prior = self.posterior.check(array), self.prior.check(array)
        error = np.hypot(posterior.mcse_log_z, prior.mcse_log_z)
        bad = posterior.log_z_fails | prior.log_z_fails | ~(error <= LOG_Z_LIMIT)
        return posterior, prior, error, bad

    def log_evidence(
        self, trust: Trust = None, *, along: Mapping[str, float] | None = None
    ) -> xr.DataArray:
        r"""Return :math:`\log m(real \mid L) - \log m(real \mid 0)` over trust.

        Notes
        -----
        :math:`m(real \mid L) = Z_{post}(L) / Z_{prior}(L)`, with both normalisers from all anchors
        at once. The Monte Carlo standard error is the coordinate ``mcse``.
        """
        points = self.points(trust, along)
        posterior, prior, error, bad = self._evidence(points.array)
        value = posterior.log_z - prior.log_z
        warn(points, bad, "checks of the log evidence")
        return points.wrap(value, name="log_evidence", reliable=~bad, mcse=error)

    def log_normalizer(
        self, trust: Trust = None, *, along: Mapping[str, float] | None = None
    ) -> xr.DataArray:
        r"""Return :math:`\log Z_{prior}(L)` of the tilted prior over trust; it is 0 at 0."""
        points = self.points(trust, along)
        checks = self.prior.check(points.array)
        warn(points, checks.log_z_fails, "checks of the normaliser")
        return points.wrap(
            checks.log_z,
            name="log_normalizer",
            reliable=~checks.log_z_fails,
            mcse=checks.mcse_log_z,
        )

    def effective_observations(
        self, trust: Trust = None, *, along: Mapping[str, float] | None = None
    ) -> xr.DataArray:
        """Return how many real observations the answers count for, over trust, or under a rule."""
        how = self._weighing(trust, along)
        values = how.points.array @ np.array(self.facts.worth)
        return how.wrap(values, name="effective_observations")

    def tipping(
        self,
        event: Quantity,
        probability: float = 0.95,
        *,
        along: Mapping[str, float] | None = None,
    ) -> xr.Dataset:
        """Return every trust at which the probability of an event crosses a level.

        Parameters
        ----------
        event : str or callable
            ``"beta > 0"``.
        probability : float
            The level.
        along : dict, optional

        Returns
        -------
        xarray.Dataset
            Dimensions (..., root), with ``trust``, its Monte Carlo standard error ``mcse``,
            ``direction`` (+1 where the probability rises with trust, -1 where it falls) and
            ``reliable``. No root at all gives a dimension of length 0; missing ones are nan. Over
            (...), ``lowest`` and ``highest``, between which the probability stays on the path.
        """
        from foundation_priors.path.tipping import tipping

        return tipping(self, event, probability, along)

    def at(self, trust: Trust, random_seed: Any = None) -> xr.DataTree:
        """Return draws at one trust, for use with ArviZ.

        Parameters
        ----------
        trust : float, dict or rule
            Under a rule each draw has a trust of its own, ``trust`` in ``sample_stats``, and the
            group ``prior`` is averaged over the hyperprior.
        random_seed : int, optional
            Defaults to the path's own seed.

        Returns
        -------
        xarray.DataTree
            Groups ``posterior``, ``prior`` (the tilted one), ``primitive_prior``, ``sample_stats``,
            ``synthetic_data``, ``observed_data``, ``log_likelihood`` and ``log_prior`` (each
            source's weighted log-likelihood beside the parameters' log priors). The last three
            need the model; where a file was read without it, the attribute ``missing_groups`` names
            them. There are as many draws as the effective sample size, which is in the attributes
            with k-hat; r-hat makes no sense for them and is in `diagnostics`.
        """
        from foundation_priors.path.groups import tree

        return tree(self, trust, random_seed)

    def score(
        self,
        held_out: pd.DataFrame | xr.Dataset,
        trust: Trust = None,
        *,
        columns: Mapping[str, ColumnSpec] | None = None,
        along: Mapping[str, float] | None = None,
    ) -> xr.DataArray:
        r"""Return the log predictive score of other real rows, over trust.

        Parameters
        ----------
        held_out : DataFrame or Dataset
            Real rows that the model has not seen.
        trust, along
            As in `mean`.
        columns : dict, optional
            As in `tilt`; by default those of the path.

        Returns
        -------
        xarray.DataArray
            :math:`\sum_i \log E_L[p(y_i \mid x_i, \theta)]`. Its Monte Carlo standard error is the
            coordinate ``mcse``, the number of rows is in ``attrs``.
        """
        from foundation_priors.path.score import score

        return score(self, held_out, trust, columns, along)

    def diagnostics(self, trust: Trust = None) -> xr.Dataset:
        """Return the checks of every weight and every anchor.

        Returns
        -------
        xarray.Dataset
            Over ``trust``: ``ess``, ``pareto_k``, ``mcse_mean`` and ``mcse_sd`` (of the least
            precise unconstrained coordinate, in its sds), ``mcse_log_normalizer``,
            ``mcse_log_evidence``, ``effective_observations``, ``reliable``, ``evidence_reliable``.
            Over ``anchor``: ``ladder``, ``kind`` ("independent" draws from a reference or the
            primitive prior, "sampled" ones, or those of a "pilot" that references were fitted to),
            ``anchor_trust``, ``draws``, ``r_hat``, ``ess_bulk``, ``divergences``, ``gradients``,
            ``seconds``, ``linked``, ``leave_one_out`` (the move of the log normaliser without the
            draws of a sampled anchor, in standard errors) and ``surprise`` (how far a pilot's mean
            of ell lies from the path's, in standard errors). Over ``stage``: ``stage_seconds``,
            ``stage_gradients`` and ``stage_fits``, what each stage of the building took:
            ``compiling``, ``draws of the prior``, the fits at the ``ends``, ``references``,
            ``references thrown away``, anchors ``between``, those ``added for means`` and ``added
            for evidence``, ``chains that went on`` since they did not agree, and ``statistics``,
            all else.
        """
        from foundation_priors.path.summary import diagnostics

        return diagnostics(self, trust)

    def summary(
        self,
        var_names: Sequence[str] | None = None,
        trust: Trust = None,
        *,
        ci_prob: float = 0.9,
    ) -> pd.DataFrame:
        """Return a table with a row for each quantity and trust.

        Parameters
        ----------
        var_names : sequence of str, optional
            Defaults to the free variables of the model.
        trust : optional
            Defaults to a few weights, from 0 to the largest.
        ci_prob : float
            Of the equal-tailed interval.
        """
        from foundation_priors.path.summary import summary

        return summary(self, var_names, trust, ci_prob)

    def plot(self, var_names: Sequence[str] | None = None, **kwargs: Any) -> Any:
        """Plot the path; see `foundation_priors.plots.plot_trust_path`."""
        from foundation_priors.plots import plot_trust_path

        return plot_trust_path(self, var_names, **kwargs)

    def to_netcdf(self, path: str | os.PathLike[str]) -> None:
        """Write the path to a file; all but the model and the functions in ``columns=`` is kept."""
        from foundation_priors.path.files import write

        write(self, path)

    @classmethod
    def from_netcdf(
        cls,
        path: str | os.PathLike[str],
        model: pm.Model | None = None,
        *,
        max_bytes: int = MAX_BYTES,
    ) -> Self:
        """Read a path from a file; give the model to score other rows or get its likelihood.

        ``max_bytes`` is the most that it may become in memory; what is wrong with a file is a
        `FileError`.
        """
        from foundation_priors.path.files import read

        return read(cls, path, model, max_bytes)

    def __repr__(self) -> str:
        """Return a few lines of text."""
        from foundation_priors.path.summary import text

        return text(self)

    def _repr_html_(self) -> str:
        from foundation_priors.path.summary import html

        return html(self)
