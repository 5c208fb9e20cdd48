"""What anchored calibration gives: posteriors with and without the unpaired answers."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.display import count, titled, titled_html
from foundation_priors.hdf5 import MAX_BYTES
from foundation_priors.netcdf import Kind, names, need, parse, whole
from foundation_priors.path.draws import SAMPLE, Quantity, evaluate, like, weighted_quantiles
from foundation_priors.path.mixture import Anchor, Mixture

if TYPE_CHECKING:
    import pandas as pd
    import pymc as pm

__all__ = ["Anchored", "R_HAT", "least_ess"]

type Floats = NDArray[np.float64]

FORMAT, VERSION = "foundation_priors.Anchored", 1
KIND = Kind("Anchored", "to_netcdf(...)")
R_HAT = 1.05
WITH, WITHOUT = "posterior", "without_answers"
HIDDEN = "fp_loglik"
ENDS = np.array([[0.0], [1.0]])


@dataclass(frozen=True, repr=False, eq=False)
class Anchored:
    r"""Posteriors of a model whose answers are anchored by pairs; made by `anchored`.

    Attributes
    ----------
    data : xarray.DataTree
        ``posterior``, with the answers about units that have no real outcome, and
        ``without_answers``, with the real data and the pairs alone: draws over (chain, draw).
        Variables of the error model begin with ``fp_error``. The counts are attributes.
    model : pymc.Model or None
        The joint model, an ordinary one: its data ``fp_answers`` is 1 and leaves the unpaired
        answers out when set to 0. None after `from_netcdf`.

    Examples
    --------
    >>> found = fp.trust.anchored(model, llm, pairs=ids)  # doctest: +SKIP
    >>> found.effective_size("beta")  # doctest: +SKIP
    """

    data: xr.DataTree
    model: pm.Model | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """The counts, the outcome, the error model and the covariates on which it depends."""
        return json.loads(self.data.attrs["facts"])

    @property
    def posterior(self) -> xr.Dataset:
        """Draws with the answers, over (chain, draw)."""
        return self.data[WITH].to_dataset().drop_vars(HIDDEN)

    def mean(self, quantity: Quantity, *, answers: bool = True) -> xr.DataArray:
        """Return a posterior mean, with its Monte Carlo error as the coordinate ``mcse``.

        Parameters
        ----------
        quantity : str or callable
            A variable, an expression of variables such as ``"b - a"`` or ``"b > 0"``, or a
            function of the draws, a Dataset over ``sample``.
        answers : bool
            With the answers about units without a real outcome (the default), or without.
        """
        return self._moment(quantity, "mean", answers)

    def sd(self, quantity: Quantity, *, answers: bool = True) -> xr.DataArray:
        """Return a posterior standard deviation; see `mean`."""
        return self._moment(quantity, "sd", answers)

    def quantile(self, quantity: Quantity, q: Any, *, answers: bool = True) -> xr.DataArray:
        """Return posterior quantiles over a first dimension ``quantile``; see `mean`."""
        levels = np.atleast_1d(np.asarray(q, dtype=float))
        if not ((levels >= 0) & (levels <= 1)).all():
            raise ValueError(f"q={q} must lie between 0 and 1.")
        value = evaluate(self._draws, quantity)
        flat = value.values.reshape(len(value), -1).astype(float)
        weights = self._mixture.weights(ENDS[[int(answers)]])
        rows = np.stack([weighted_quantiles(column, weights, levels)[0] for column in flat.T], -1)
        out = like(value)
        return xr.DataArray(
            rows.reshape(len(levels), *value.shape[1:]),
            {**out["coords"], "quantile": levels},
            ("quantile", *out["dims"]),
            name=str(value.name or quantity),
        )

    def effective_size(self, quantity: Quantity) -> xr.Dataset:
        r"""Return how many real observations the unpaired answers are worth for a quantity.

        Parameters
        ----------
        quantity : str or callable
            As in `mean`.

        Returns
        -------
        xarray.Dataset
            With the dims of the quantity: ``effective_size``, in real observations; ``per_unit``,
            that over the number of units with answers only; the Monte Carlo standard error of
            each, ``mcse`` and ``mcse_per_unit``; and ``sd_without`` and ``sd_with``.

        Notes
        -----
        With n real rows, and variances without and with the unpaired answers,

        .. math:: n_{eff} = n \Bigl(\frac{Var_{without}}{Var_{with}} - 1\Bigr),

        since a posterior variance falls as 1/n where the prior is weak. Both have the pairs, so
        what is counted is what the unpaired answers add. It can be slightly negative by Monte
        Carlo error, and truly so where the answers reveal conflict.

        For the mean of an outcome that correlates :math:`\rho` with the answers, with n pairs and
        m more answers, prediction-powered inference [1]_ has variance
        :math:`\sigma^2 (1 - \rho^2 m / (n + m)) / n` at its best weight, so that
        :math:`n_{eff} / m = \rho^2 n / (n + m (1 - \rho^2))`, which tends to :math:`\rho^2` as n
        grows; the same count is the effective human sample size of a mixed-subjects design [2]_.

        References
        ----------
        .. [1] A. N. Angelopoulos et al. (2023). Prediction-powered inference. Science 382.
           doi:10.1126/science.adi6000
        .. [2] D. Broska, M. Howes and A. van Loon (2025). The mixed subjects design: treating
           large language models as potentially informative observations. Sociological Methods &
           Research 54. doi:10.1177/00491241251326865
        """
        value = evaluate(self._draws, quantity)
        flat = value.values.reshape(len(value), -1).astype(float)
        est = self._mixture.estimate(ENDS, flat)
        if not (est.sd > 0).all():
            raise ValueError(
                f"{quantity!r} does not vary over the draws: it has no effective size."
            )
        ratio = (est.sd[0] / est.sd[1]) ** 2
        n, units = self.facts["n_real"], self.facts["n_units"]
        error = n * self._ratio_error(flat, est.mean, est.sd)
        total = n * (ratio - 1)
        named = {
            "effective_size": total,
            "mcse": error,
            "per_unit": total / units,
            "mcse_per_unit": error / units,
            "sd_without": est.sd[0],
            "sd_with": est.sd[1],
        }
        out = like(value)
        shape = value.shape[1:]
        arrays = {k: (out["dims"], v.reshape(shape)) for k, v in named.items()}
        return xr.Dataset(arrays, out["coords"], {"n_real": n, "n_units": units})

    @cached_property
    def errors(self) -> pd.DataFrame:
        """The error model's parameters: mean, sd and 90% interval of each, by name."""
        import pandas as pd

        from foundation_priors.path.draws import labels

        rows: dict[str, list[float]] = {}
        for key in [str(k) for k in self._draws if str(k).startswith("fp_error")]:
            name = key.removeprefix("fp_error_")
            low, high = self.quantile(key, [0.05, 0.95]).values.reshape(2, -1)
            parts = (self.mean(key).values.ravel(), self.sd(key).values.ravel(), low, high)
            for label, *numbers in zip(labels(self._draws[key], name), *parts, strict=True):
                rows[label] = [float(v) for v in numbers]
        return pd.DataFrame.from_dict(rows, orient="index", columns=["mean", "sd", "q05", "q95"])

    def summary(self) -> pd.DataFrame:
        """Return each parameter of the user's model with and without the answers.

        Columns: ``mean``, ``sd``, ``mean_without``, ``sd_without``, ``effective_size``, ``mcse``.
        """
        import pandas as pd

        from foundation_priors.path.draws import labels

        rows: dict[str, dict[str, float]] = {}
        for key in [str(k) for k in self._draws if not str(k).startswith("fp_")]:
            try:
                size = self.effective_size(key)
            except ValueError:
                continue
            means = [self.mean(key, answers=a).values.ravel() for a in (True, False)]
            for i, label in enumerate(labels(self._draws[key], key)):
                rows[label] = {
                    "mean": means[0][i],
                    "sd": size.sd_with.values.ravel()[i],
                    "mean_without": means[1][i],
                    "sd_without": size.sd_without.values.ravel()[i],
                    "effective_size": size.effective_size.values.ravel()[i],
                    "mcse": size.mcse.values.ravel()[i],
                }
        return pd.DataFrame.from_dict(rows, orient="index")

    def sample(self, **kwargs: Any) -> xr.DataTree:
        """Sample the joint model anew with `pymc.sample`, whose arguments these are."""
        import pymc as pm

        if self.model is None:
            raise ValueError("A file holds draws and no model: build it again with anchored(...).")
        return pm.sample(model=self.model, **kwargs)

    def to_netcdf(self, path: str | os.PathLike[str]) -> None:
        """Write everything but the model to a NetCDF file; an existing file is replaced."""
        self.data.to_netcdf(path, engine="h5netcdf")

    @classmethod
    def from_netcdf(cls, path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> Self:
        """Read what `to_netcdf` wrote; ``model`` is None then.

        Parameters
        ----------
        path : str or path
        max_bytes : int
            The most bytes that the file may become in memory.

        Raises
        ------
        FileNotFoundError, FileError
            If the file is missing, cut short, damaged or no NetCDF file, or holds something else.
        """
        with KIND.reading(path, max_bytes) as groups:
            attrs = groups[""].attrs
            if attrs.get("format") != FORMAT:
                raise KIND.foreign(path, groups)
            groups = KIND.upgraded(path, attrs.get("version"), VERSION, groups)
            _check_facts(parse(attrs["facts"], "its facts"))
            decoded = {f"/{p}": xr.decode_cf(d) for p, d in groups.items()}
            for group in (WITH, WITHOUT):
                _check_draws(decoded[f"/{group}"], decoded[f"/{WITH}"])
            return cls(xr.DataTree.from_dict(decoded))

    @classmethod
    def _of(cls, runs: dict[float, xr.Dataset], facts: dict[str, Any], model: pm.Model) -> Self:
        tree = xr.DataTree.from_dict({WITH: runs[1.0], WITHOUT: runs[0.0]})
        tree.attrs.update(format=FORMAT, version=VERSION, facts=json.dumps(facts))
        return cls(tree, model)

    @cached_property
    def _draws(self) -> xr.Dataset:
        """All draws over ``sample``, those without the answers first."""
        both = [self.data[group].to_dataset() for group in (WITHOUT, WITH)]
        flat = [d.stack({SAMPLE: ("chain", "draw")}, create_index=False) for d in both]
        joined = xr.concat([d.drop_vars(["chain", "draw"]) for d in flat], SAMPLE, join="exact")
        return joined.drop_vars(HIDDEN).transpose(SAMPLE, ...)

    @cached_property
    def _mixture(self) -> Mixture:
        anchors = []
        for trust, group in zip(ENDS, (WITHOUT, WITH), strict=True):
            run = self.data[group].to_dataset()
            ell = run[HIDDEN].transpose("chain", "draw").values[..., None]
            ess = least_ess(run[[HIDDEN]])[0]
            anchors.append(Anchor(trust, ell, ess, min(ess, least_ess(run)[0])))
        return Mixture(anchors)

    def _moment(self, quantity: Quantity, which: str, answers: bool) -> xr.DataArray:
        value = evaluate(self._draws, quantity)
        flat = value.values.reshape(len(value), -1).astype(float)
        est = self._mixture.estimate(ENDS[[int(answers)]], flat)
        out, shape = like(value), value.shape[1:]
        result = xr.DataArray(
            getattr(est, which)[0].reshape(shape),
            out["coords"],
            out["dims"],
            name=str(value.name or quantity),
        )
        return result.assign_coords(
            mcse=(out["dims"], getattr(est, f"mcse_{which}")[0].reshape(shape))
        )

    def _ratio_error(self, h: Floats, mean: Floats, sd: Floats) -> Floats:
        """Return the standard errors of the ratios of variances, (quantity,).

        Both variances use the same draws, so their errors are not independent: the influence of a
        draw on the ratio is taken as a whole.
        """
        m = self._mixture
        w = m.weights(ENDS)
        ratio = (sd[0] / sd[1]) ** 2
        errors = []
        for i in range(h.shape[1]):
            away = [((h[:, i] - mean[k, i]) / sd[k, i]) ** 2 - 1 for k in (0, 1)]
            influence = (w[0] * away[0] - w[1] * away[1])[None]
            errors.append(m.error_of(m.spread(influence))[0])
        return ratio * np.array(errors)

    def _lines(self) -> dict[str, str]:
        f = self.facts
        given = ", ".join(f["given"]) or "none"
        slope = self.errors.round(3)
        shown = [i for i in ("slope", "scale", "correlation") if i in slope.index]
        lines = {
            "outcome": f"{f['outcome']}, {count(f['n_real'], 'real row')}",
            "pairs": f"{count(f['n_pairs'], 'unit')} with a real outcome and answers",
            "unpaired": f"{count(f['n_units'], 'unit')} with answers only "
            f"({count(f['n_answers'], 'answer')})",
            "error model": f"{f['error']}; covariates: {given}",
        }
        for name in shown:
            row = slope.loc[name]
            lines[name] = f"{row['mean']:.3g} ({row['q05']:.3g} to {row['q95']:.3g})"
        return lines

    def __repr__(self) -> str:
        """Return a few lines of text."""
        return titled("trust.Anchored", self._lines())

    def _repr_html_(self) -> str:
        return titled_html("Anchored", self._lines())


def _check_facts(facts: Any) -> None:
    """Raise unless facts are what `anchored` found out."""
    need(isinstance(facts, dict), "its facts are no table")
    for name in ("n_real", "n_pairs", "n_units", "n_answers"):
        whole(facts[name], name)
    need(isinstance(facts["outcome"], str), "the name of its outcome is no text")
    need(isinstance(facts["error"], str), "its error model is no text")
    names(facts["given"], "its covariates")


def _check_draws(run: xr.Dataset, other: xr.Dataset) -> None:
    """Raise unless a run holds the numbers that the other holds, over (chain, draw)."""
    need(min(run.sizes.get("chain", 0), run.sizes.get("draw", 0)) > 0, "it holds no draws")
    need(set(run.data_vars) == set(other.data_vars), "its two runs hold different variables")
    for name, value in run.data_vars.items():
        need({"chain", "draw"} <= set(value.dims), f"{name!r} does not run over chain and draw")
        need(value.dims == other[name].dims, f"{name!r} has different dimensions in its runs")
        bare = set(value.dims) - {"chain", "draw"}
        alike = {d: value.sizes[d] for d in bare} == {d: other[name].sizes[d] for d in bare}
        need(alike and value.dtype.kind in "biuf", f"{name!r} has different shapes in its runs")
        need(not np.isnan(value.values).any(), f"draws of {name!r} are not numbers")
    need(HIDDEN in run and set(run[HIDDEN].dims) == {"chain", "draw"}, f"{HIDDEN!r} is missing")


def least_ess(run: xr.Dataset) -> tuple[float, float]:
    """Return the smallest effective sample size and the largest r-hat of a run's variables."""
    from arviz_stats.base import array_stats

    total = float(run.sizes["chain"] * run.sizes["draw"])
    parts = [v.transpose("chain", "draw", ...).values for v in run.data_vars.values()]
    flat = np.concatenate([p.reshape(*p.shape[:2], -1).astype(float) for p in parts], axis=-1)
    varying = flat[..., np.ptp(flat, axis=(0, 1)) > 0]
    axes = {"chain_axis": 0, "draw_axis": 1}
    ess = np.nan_to_num(np.atleast_1d(array_stats.ess(varying, method="bulk", **axes)), nan=1.0)
    r_hat = np.atleast_1d(array_stats.rhat(varying, **axes))
    worst = float(np.nan_to_num(r_hat, nan=np.inf).max(initial=1.0))
    return float(np.clip(ess.min(initial=total), 1.0, total)), worst
