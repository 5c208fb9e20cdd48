"""From a PyMC model and a language model's answers to the tilted PyMC model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from foundation_priors.errors import ColumnError, check_number, warn
from foundation_priors.prior.beliefs import check_sum
from foundation_priors.prior.build import build
from foundation_priors.prior.columns import ColumnSpec
from foundation_priors.prior.informs import Informs
from foundation_priors.prior.linkage import Link, Private
from foundation_priors.prior.speech import Likelihood
from foundation_priors.prior.tilted import LOGLIK, SOURCE, TRUST, Tilted

if TYPE_CHECKING:
    import pymc as pm

    from foundation_priors.beliefs import Belief
    from foundation_priors.synthetic import SyntheticData

__all__ = [
    "LOGLIK",
    "SOURCE",
    "TRUST",
    "Likelihood",
    "Tilted",
    "build",
    "check_trust",
    "chosen_trust",
    "tilt",
]


def tilt(
    model: pm.Model,
    synthetic: SyntheticData | Belief | Sequence[Belief],
    trust: float | Mapping[str, float] | None = None,
    *,
    columns: Mapping[str, ColumnSpec] | None = None,
    private: Private = (),
    commensurate: Link = (),
    informs: Informs | None = None,
    by: str | None = None,
    likelihood: Likelihood | None = None,
    evidence: Sequence[str] | None = None,
    max_trust: float = 1.0,
) -> pm.Model:
    r"""Tilt the prior of a PyMC model towards what a language model said.

    Parameters
    ----------
    model : pymc.Model
        Any model with observed variables whose covariates are `pymc.Data`, and whose rows are
        independent given the parameters. It is not changed. What it takes from its rows as a
        whole, such as the mean of a covariate, stays that of the real rows.
    synthetic : SyntheticData, Belief or list of Belief
        The answers, or what was said about quantities of the model. They enter the prior only.
    trust : float or dict
        The weight :math:`L \ge 0` of the answers, or one for each source, ``{source: weight}``.
        0 ignores them, 1 takes their (weighted) rows for data. It must be given, except with
        ``commensurate``, where it is 1 unless given: the spread discounts the answers already.
    columns : dict, optional
        From names of the model's data containers and observed variables to columns of the
        answers: a column's name; a list of names for a matrix; a function from the dataset to an
        array (to standardise by the *real* data's mean, say); or `codes`. By default equal names;
        the only outcome is taken for the only observed variable with a warning.
    private : sequence of str, or dict
        Free variables of which the answers get a copy of their own with the same prior, such as
        a residual scale: a language model scatters less than people do. With ``by``, also
        ``{source: names}``, where a source that is not named shares them.
    commensurate : dict or sequence of str
        From free variables to how far the answers' copy of them may lie from the original, in
        unconstrained coordinates: a positive spread; an array of spreads; a distribution, such as
        ``pm.HalfNormal.dist(0.5)``, to learn it; "learned", for ``HalfNormal(1)``, also where only
        names are listed; a `Commensurate`; or with ``by`` ``{source: any of these}``.
    informs : str, sequence of str, or dict, optional
        The free variables that the answers may inform: of all others they get a private copy, of
        hyperparameters too, unless they lie behind an informed variable. ``{"beta": ["party"]}``
        names elements, by coordinate or position along its dimension, ``{"beta": {dim: labels}}``
        along several.
    by : str, optional
        A design factor ("framing", "source"): each of its levels becomes a source with a trust of
        its own, and a private copy of its own.
    likelihood : callable, optional
        For models whose covariates cannot be replaced: maps the free variables, by name, and the
        answers' dataset to one log-likelihood value a row.
    evidence : sequence of str, optional
        Potentials of the model that stand for real data, censored rows for instance; all others
        belong to the prior. Their rows count among the real ones. By default none, with a warning
        for those that seem to hold data, which ``[]`` silences.
    max_trust : float
        The largest weight to accept; above 1 the answers count for more than data.

    Returns
    -------
    pymc.Model
        An ordinary model, with the trust as the data container ``fp_trust`` and the summed
        synthetic log-likelihood of each source as the deterministic ``fp_loglik``. Coordinates
        that samplers and files cannot hold (intervals, tuples, labels of several kinds) become
        their text, ``"(18, 30]"``.

    Raises
    ------
    ColumnError
        When a column does not fit the model.
    ModelError
        When the model cannot be tilted; when its rows look at each other, as with lags and running
        sums, which `Belief` and ``likelihood=`` serve.
    ImproperPriorError
        When the primitive prior or the tilt has an infinite integral.
    SyntheticAsEvidenceError
        When the model's observed rows are the answers.

    Notes
    -----
    The tilted prior is [1]_

    .. math:: \pi(\theta \mid L) \propto \pi_0(\theta) \exp\Bigl(\sum_s L_s \sum_{i \in s}
        w_i \log p(y_i \mid x_i, \theta)\Bigr),

    with, for a source's private and commensurate copies, those in place of the parameters, and
    with row weights :math:`w_i` from `SyntheticData.weights`; for one source this is a power prior
    [2]_.

    References
    ----------
    .. [1] S. Misra (2025). Foundation Priors. arXiv:2512.01107.
    .. [2] J. G. Ibrahim and M.-H. Chen (2000). Power prior distributions for regression models.
       Statistical Science 15(1). doi:10.1214/ss/1009212673

    Examples
    --------
    >>> import foundation_priors as fp
    >>> import pandas as pd, pymc as pm
    >>> with pm.Model() as coin:
    ...     theta = pm.Beta("theta", 1, 1)
    ...     toss = pm.Bernoulli("toss", theta, observed=[1, 1, 1, 1, 0])
    >>> answers = pd.DataFrame({"toss": [1, 0] * 5})
    >>> llm = fp.SyntheticData.from_dataframe(answers, outcome="toss", weight=1)
    >>> tilted = fp.tilt(coin, llm, trust=0.2)
    >>> float(tilted["fp_trust"].get_value())
    0.2
    """
    parts = build(
        model,
        synthetic,
        columns=columns,
        private=private,
        commensurate=commensurate,
        informs=informs,
        by=by,
        likelihood=likelihood,
        evidence=evidence,
    )
    weights = chosen_trust(trust, parts, max_trust)
    parts.model[TRUST].set_value(np.asarray(parts.vector(weights)))
    return parts.model


def chosen_trust(
    trust: float | Sequence[float] | Mapping[str, float] | None, tilted: Tilted, max_trust: float
) -> np.ndarray:
    """Return one weight a source: those given, or 1 where commensurate links discount the answers.

    A learned spread with a trust below 1 is warned of: the answers do not tell the two apart.
    """
    if trust is None and not tilted.commensurate:
        raise TypeError(
            "trust= is missing: give a number from 0 (ignore the answers) to 1 (take them for "
            "data), or one for each source."
        )
    weights = check_trust(1.0 if trust is None else trust, tilted.sources, max_trust)
    if tilted.spoken is not None:
        check_sum(weights, tilted.spoken.same, max_trust)
    learned = [n for n, text in tilted.commensurate.items() if text.startswith("learned")]
    if learned and ((weights > 0) & (weights < 1)).any():
        warn(
            f"trust={weights.min():g} and the learned spread of {', '.join(map(repr, learned))} "
            "discount the answers twice, and the answers do not tell the two apart: leave trust= "
            "at 1, or give the spread.",
            UserWarning,
        )
    return weights


def check_trust(
    trust: float | Sequence[float] | Mapping[str, float], sources: Sequence[str], max_trust: float
) -> np.ndarray:
    """Return one weight a source, or raise for names and numbers that cannot be weights."""
    check_number(trust, "trust")
    if isinstance(trust, str) or hasattr(trust, "weigh") or hasattr(trust, "hyperprior_nodes"):
        what = repr(trust) if isinstance(trust, str) else getattr(trust, "name", "the posterior")
        raise TypeError(
            f"trust= is a rule, {what}, but a tilted model has a fixed trust: give a number, or "
            "one for each source, and use rules in the methods of a trust_path()."
        )
    if isinstance(trust, Mapping):
        for name in [*trust, *sources]:
            if name not in sources or name not in trust:
                raise ColumnError(
                    f"trust= must give a weight to each source, {', '.join(sources)}, and it "
                    f"{'misses' if name in sources else 'names'} {name!r}; by= says what they are."
                )
        trust = [trust[s] for s in sources]
    values = np.asarray(trust, dtype=float)
    if values.shape not in ((), (len(sources),)):
        raise ValueError(
            f"trust= has shape {values.shape}, but there are {len(sources)} sources: give one "
            "number, or one for each source."
        )
    values = np.broadcast_to(values, (len(sources),))
    if not np.isfinite(values).all() or (values < 0).any():
        raise ValueError(f"trust={values.min()} is not a weight: give a number from 0 upwards.")
    if values.max() > max_trust:
        raise ValueError(
            f"trust={values.max():g} exceeds {max_trust:g}, which would count the answers for more "
            "than data: lower it, or allow it with max_trust=."
        )
    return np.array(values)
