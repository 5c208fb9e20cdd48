"""Answers that know the real outcomes beyond what the user's model lets the covariates say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import ndtri

from foundation_priors.diagnose.leakage_core import Judgement, Levels, Normal, judge
from foundation_priors.diagnose.leakage_pairs import Paired, paired
from foundation_priors.diagnose.leakage_words import reading
from foundation_priors.errors import check_probability
from foundation_priors.prior.nuts import nuts_options

if TYPE_CHECKING:
    import pandas as pd
    import pymc as pm

    from foundation_priors.path import TrustPath
    from foundation_priors.prior.columns import ColumnSpec
    from foundation_priors.synthetic import SyntheticData

__all__ = ["leakage"]

type Floats = NDArray[np.float64]

FAILS_WHEN = (
    "The test fails where the model misses how the outcome depends on its covariates (a curve, an "
    "interaction): honest answers that know of it then look like copies; and it sees nothing where "
    "the model leaves no outcome open, or where the answers are a function of its covariates."
)


def leakage(
    model: pm.Model | TrustPath,
    synthetic: SyntheticData | None = None,
    *,
    pairs: Any,
    real: pd.DataFrame | xr.Dataset | None = None,
    columns: Mapping[str, ColumnSpec] | None = None,
    by: str | None = None,
    trust: Any = 0.0,
    counted_at: Sequence[float] = (0.1, 1.0),
    level: float = 0.05,
    target_accept: float | None = None,
    backend: str | None = None,
    nuts_sampler_kwargs: Mapping[str, Any] | None = None,
    random_seed: int | None = None,
) -> xr.Dataset:
    r"""Test whether answers know the real outcomes of the units that they are about.

    Each conversation is tested apart, and all of them together.

    Parameters
    ----------
    model : pymc.Model or TrustPath
        The model of the real rows, or a path of it, which saves the sampling. The outcome is Normal
        or takes whole numbers from 0 to at most 20.
    synthetic : SyntheticData, optional
        The answers, with ``unit=`` naming whom each is about. Default: those of the path.
    pairs : array_like or str
        The unit of each real row, None (or what no answer has) for those without answers; or the
        name of a dimension or of data of the model (with ``real``, of a column) that holds it.
    real : DataFrame or Dataset, optional
        The real rows of the units, where the model does not observe them. They must be all new to
        it, or the very rows that it observes, in order.
    columns : dict, optional
        As in `tilt`. Default: those of the path.
    by : str, optional
        The factor whose levels are tested apart. Default: ``conversation`` where there is one, else
        ``framing``, else all answers are one group.
    trust : float, dict, str or rule
        For a path, the trust under which the outcomes are predicted.
    counted_at : sequence of float
        The weights at which double-counted observations are stated.
    level : float
        Groups with an adjusted p-value up to this are said to know the outcomes.
    target_accept, backend, nuts_sampler_kwargs
        As in `trust_path`, where a model is given, which has to be sampled.
    random_seed : int, optional

    Returns
    -------
    xarray.Dataset
        Over ``group``, the last one ``"all"`` where there are several:

        - ``pairs``: units with a real outcome and an answer of the group;
        - ``agreements``, ``expected_agreements``: of answers with real outcomes, a unit's answers
          shared out; the second is what the model expects. For Normal outcomes ``correlation`` of
          answers and real residuals;
        - ``p_value``, ``p_adjusted``: the chance of as large an excess if the answers know nothing
          beyond the model; and that the largest excess of all groups is as large. ``p_single``
          uses one draw of the parameters, and is uniform for few pairs too; it depends on the seed;
        - ``z``: the excess in standard deviations;
        - ``share_copied``, ``share_low``, ``share_high``: the share of answers that copy the
          outcome, with a 90% interval within 0 and 1; nan where the model leaves no outcome open;
        - ``left``: the part of the answers that the model's parameters leave, 0 to 1;
        - ``knows``: whether ``p_adjusted`` (for all together ``p_value``) is at most ``level``;
        - ``double_counted`` over (group, trust): how many real observations are counted twice.

        Attributes ``reading`` and ``fails_when``.

    Raises
    ------
    ColumnError
        When pairs do not match, there are fewer than 10, or all have the same outcome.
    ModelError
        When the outcome has another likelihood, or a path was read without its model.

    Notes
    -----
    Without leakage the real outcome y of a unit is independent of what was said about it, given the
    covariates and the parameters :math:`\theta` (whatever the answers know of :math:`\theta`). With
    :math:`a_{ik}` the share of the answers about unit i that name level k and :math:`p_{ik}` the
    probability of that level, the statistic is the score of a bonus for what was said,

    .. math:: T(y, \theta) = \sum_i \Big[ w_{i y_i} - \sum_k p_{ik}(\theta) w_{ik} \Big], \qquad
        w_{ik} = a_{ik} - Cov_\theta\Big(\sum_{jl} a_{jl} p_{jl}, \log p_{ik}\Big),

    the agreements beyond those expected, with the second term taking out what y itself teaches of
    :math:`\theta` (Neyman orthogonality). If :math:`\theta'` is drawn from the posterior given y,
    then y and fresh outcomes :math:`y' \sim p(y \mid \theta')` are exchangeable, whatever the size
    of the sample: the rank of :math:`T(y, \theta')` among the :math:`T(y', \theta')` is uniform
    when parameters and data come from the prior (``p_single``) [1]_ [2]_, but for what the
    covariance in :math:`w`, taken over the posterior, knows of y. ``p_value`` does not
    depend on one draw: it compares the mean of :math:`z = T / sd(T)` over 100 draws, divided by
    :math:`\sqrt{1 - Var_\theta(z)}` (at least :math:`\sqrt{1/2}`), with the fresh ones. For Normal
    outcomes

    .. math:: T = \sum_i w_i (y_i - m_i) / \sigma_i^2, \qquad
        w_i = s_i - \bar s - Cov_\theta\Big(\sum_j (s_j - \bar s) m_j / \sigma_j^2, m_i\Big).

    The share copied is T over its mean if every answer were the outcome, its standard error that of
    a ratio over units. Double-counted observations are the share, times the trust, times the
    answers' weights about the pairs; an answer with a private scale is worth more (see `worth`).

    References
    ----------
    .. [1] V. E. Johnson (2007). Bayesian model assessment using pivotal quantities. Bayesian
       Analysis 2. doi:10.1214/07-BA229
    .. [2] F. Gosselin (2011). A new calibrated Bayesian internal goodness-of-fit method: sampled
       posterior p-values. PLoS ONE 6. doi:10.1371/journal.pone.0014770

    Examples
    --------
    >>> import foundation_priors as fp
    >>> found = fp.diagnose.leakage(model, llm, pairs="profile")  # doctest: +SKIP
    >>> print(found.attrs["reading"])  # doctest: +SKIP
    """
    _check(counted_at, level)
    rng = np.random.default_rng(random_seed)
    options = nuts_options(target_accept, backend, nuts_sampler_kwargs)
    units = paired(model, synthetic, pairs, real, columns, by, trust, rng, options)
    test = _test(units)
    found = judge(test, rng)
    out = _dataset(units, test, found, np.asarray(counted_at, dtype=float), level)
    out.attrs |= {"reading": reading(out), "fails_when": FAILS_WHEN}
    return out


def _check(counted_at: Sequence[float], level: float) -> None:
    at = np.asarray(counted_at, dtype=float)
    if at.ndim != 1 or not np.isfinite(at).all() or (at < 0).any():
        raise ValueError(f"counted_at={counted_at} must be a list of weights of 0 or more.")
    check_probability(level, "level")


def _test(units: Paired) -> Levels | Normal:
    if units.normal:
        return Normal(units.parameters[0], units.parameters[1], units.outcome, units.said)
    return Levels(units.parameters[0], units.outcome.astype(int), units.said)


def _dataset(
    units: Paired, test: Levels | Normal, found: Judgement, at: Floats, level: float
) -> xr.Dataset:
    names, z90 = units.groups, float(ndtri(0.95))
    several = len(names) > 1
    last = np.arange(len(names)) == len(names) - 1
    adjusted = np.where(last, found.p, found.adjusted) if several else found.p
    low, high = (np.clip(found.share + side * z90 * found.se, 0, 1) for side in (-1, 1))
    share = np.clip(found.share, 0, 1)
    per_group = {
        "pairs": test.there.sum(axis=1),
        **_agreement(test),
        "z": found.z,
        "p_value": found.p,
        "p_adjusted": adjusted,
        "p_single": found.single,
        "share_copied": share,
        "share_low": low,
        "share_high": high,
        "left": np.clip(found.left, 0, 1),
        "knows": adjusted <= level,
    }
    return xr.Dataset(
        {k: ("group", v) for k, v in per_group.items()}
        | {"double_counted": (("group", "trust"), share[:, None] * units.weight[:, None] * at)},
        {"group": list(names), "trust": at},
        {
            "by": units.by or "",
            "outcome": units.name,
            "kind": "Normal" if units.normal else "levels",
            "level": level,
        },
    )


def _agreement(test: Levels | Normal) -> dict[str, Floats]:
    if isinstance(test, Levels):
        expected = np.einsum("guk,ku->g", test.said, test.probability.mean(axis=0))
        seen = test.said[:, test.units, test.outcome].sum(axis=1)
        return {"agreements": seen, "expected_agreements": expected}
    residual = (test.outcome - test.mean.mean(axis=0)) / test.sd.mean(axis=0)
    kept = [r[t] for r, t in zip(test.weight, test.there, strict=True)]
    values = [
        np.corrcoef(k, residual[t])[0, 1] if len(k) > 2 and np.ptp(k) > 0 else np.nan
        for k, t in zip(kept, test.there, strict=True)
    ]
    return {"correlation": np.array(values)}
