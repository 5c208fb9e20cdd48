"""How an answer depends on the true outcome of its unit: the error models, in PyMC.

Both give the log-likelihood of the answers of pairs, where the outcome is known, and of the
others, where it is integrated out under the user's own likelihood.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from foundation_priors.errors import ColumnError, ModelError
from foundation_priors.prior.density import row_logp, rows_variable
from foundation_priors.prior.model import replaced
from foundation_priors.prior.rows import RowArrays, is_discrete
from foundation_priors.prior.start import values_nearby

if TYPE_CHECKING:
    import pymc as pm
    from pytensor.tensor.variable import TensorVariable

__all__ = ["Answers", "confusion", "level_logp", "levels_of_support", "linear", "normal_parameters"]

type Floats = NDArray[np.float64]

MOST_LEVELS = 21
FAR_LEVEL = 1000
POINTS = 5
WIDTH = 2.5
"""Prior sds: of coefficients and scales in sds of the real outcome, and of log odds."""
EXACT = 1e-7
"""Residual sd, in sds of the answers, below which they follow a line exactly."""


@dataclass(frozen=True)
class Answers:
    """What the error model needs of the paired units (index 0) and of the others (index 1).

    Attributes
    ----------
    said : tuple of arrays, shape (unit,)
        The summary of each unit's answers: a mean, or the number of a level.
    truth : array, shape (pair,)
        The real outcomes of the pairs.
    given : tuple of arrays, shape (unit, column)
        Standardised covariates on which the error may depend.
    centre, scale : float
        Mean and sd of all real outcomes.
    """

    said: tuple[np.ndarray, np.ndarray]
    truth: np.ndarray
    given: tuple[Floats, Floats]
    centre: float
    scale: float


def normal_parameters(
    model: pm.Model, observed: TensorVariable, rows: RowArrays
) -> tuple[TensorVariable, TensorVariable] | None:
    """Return mean and sd of a Normal outcome for other rows; None for another distribution."""
    from pytensor.tensor.random.basic import NormalRV

    row_logp(model, observed, rows, tag="_anchored")  # Raises where rows cannot be replaced.
    stand_ins: dict[Any, Any] = {rv: rv.type(name=rv.name) for rv in model.free_RVs}
    back = {stand_in: rv for rv, stand_in in stand_ins.items()}
    outcome = rows_variable(model, observed, rows, stand_ins, "_anchored")
    if not isinstance(outcome.owner.op, NormalRV):
        return None
    mean, sd = cast(Any, outcome.owner.op.dist_params(outcome.owner))
    return replaced(mean, back), replaced(sd, back)


def level_logp(
    model: pm.Model, observed: TensorVariable, rows: RowArrays, levels: np.ndarray
) -> TensorVariable:
    """Return the log probability of each level in each row, shape (level, row)."""
    size = len(rows.outcome)
    tiled = rows.take(np.tile(np.arange(size), len(levels)))
    tiled = RowArrays(np.repeat(levels, size).astype(float), tiled.data)
    logp = row_logp(model, observed, tiled, tag="_levels")
    return logp.reshape((len(levels), size))


def levels_of_support(model: pm.Model, observed: TensorVariable, rows: RowArrays) -> int:
    """Return how many levels, counted from 0, the outcome can take.

    Raises
    ------
    ModelError
        When it is neither Normal nor confined to a few levels.
    """
    kind = type(observed.owner.op).__name__.removesuffix("RV")
    refusal = ModelError(
        f"The outcome {observed.name!r} ({kind}) is neither Normal nor a whole number from 0 to at "
        f"most {MOST_LEVELS - 1}, and the true outcome of a unit cannot be integrated out of other "
        "likelihoods: model it as Normal (the logarithm of a wage, say) or in levels."
    )
    if not is_discrete(observed):
        raise refusal
    levels = np.append(np.arange(MOST_LEVELS + 1), FAR_LEVEL)
    possible = np.zeros(len(levels), dtype=bool)
    for values in values_nearby(model, level_logp(model, observed, rows, levels), POINTS):
        possible |= (values > -np.inf).any(axis=1)
    if possible[MOST_LEVELS:].any() or not possible[:2].any():
        raise refusal
    return int(np.flatnonzero(possible)[-1]) + 1


def linear(answers: Answers, unknown: Any) -> tuple[TensorVariable, TensorVariable]:
    r"""Add a linear error model: :math:`s = a + b (y - \bar y) + x c + e`, e ~ Normal(0, tau).

    Parameters
    ----------
    answers : Answers
    unknown
        How to integrate the truth out: (mean, sd) of a Normal, or log probabilities of levels.

    Returns
    -------
    tuple
        The log-likelihoods of the pairs' answers, (pair,), and of the others', (unit,).
    """
    import pymc as pm
    import pytensor.tensor as pt

    _check_scatter(answers)
    centre, scale = answers.centre, answers.scale
    a = pm.Normal("fp_error_intercept", centre, WIDTH * scale)
    b = pm.Normal("fp_error_slope", 0, 2)
    tau = pm.HalfNormal("fp_error_scale", WIDTH * scale)
    base = [a, a]
    if answers.given[0].shape[1]:
        c = pm.Normal("fp_error_given", 0, WIDTH * scale, dims="fp_given")
        base = [a + pt.dot(x, c) for x in answers.given]
    pairs = pm.logp(pm.Normal.dist(base[0] + b * (answers.truth - centre), tau), answers.said[0])
    said = answers.said[1]
    if isinstance(unknown, tuple):
        mean, sd = unknown
        total = pt.sqrt((b * sd) ** 2 + tau**2)
        pm.Deterministic("fp_error_correlation", pt.mean(b * sd / total))
        return pairs, pm.logp(pm.Normal.dist(base[1] + b * (mean - centre), total), said)
    levels = np.arange(unknown.type.shape[0] or unknown.shape[0].eval())[:, None]
    spread = _level_spread(unknown, levels)
    pm.Deterministic(
        "fp_error_correlation", pt.mean(b * spread / pt.sqrt((b * spread) ** 2 + tau**2))
    )
    each = pm.logp(pm.Normal.dist(base[1] + b * (levels - centre), tau), said)
    return pairs, pm.math.logsumexp(unknown + each, axis=0, keepdims=False)


def _level_spread(log_probability: TensorVariable, levels: np.ndarray) -> TensorVariable:
    import pytensor.tensor as pt

    p = pt.exp(log_probability)
    return pt.sqrt((p * levels**2).sum(0) - (p * levels).sum(0) ** 2)


def confusion(answers: Answers, unknown: TensorVariable) -> tuple[TensorVariable, TensorVariable]:
    r"""Add a confusion matrix: the chance of each answer (a column), given the truth (a row).

    Without covariates the rows have a Dirichlet(1, ..., 1) prior; with them the log odds are
    :math:`A_{ks} + x D_s`, all Normal(0, 2.5).
    """
    import pymc as pm
    import pytensor.tensor as pt

    dims = ("fp_truth", "fp_answer")
    said, truth = answers.said, answers.truth.astype(int)
    if not answers.given[0].shape[1]:
        columns = len(pm.modelcontext(None).coords["fp_answer"])
        rates = pm.Dirichlet("fp_error_rates", np.ones(columns), dims=dims)
        log = pt.log(rates)
        return log[truth, said[0]], pt.logsumexp(unknown + log[:, said[1]], axis=0)
    odds = pm.Normal("fp_error_odds", 0, WIDTH, dims=dims)
    slopes = pm.Normal("fp_error_given", 0, WIDTH, dims=("fp_given", "fp_answer"))
    pm.Deterministic("fp_error_rates", pt.special.softmax(odds, axis=-1), dims=dims)
    shifts = [pt.dot(x, slopes) for x in answers.given]
    pairs = pt.special.log_softmax(odds[truth] + shifts[0], axis=-1)
    others = pt.special.log_softmax(odds[:, None] + shifts[1][None], axis=-1)
    column = np.arange(len(said[1]))
    each = unknown + others[:, column, said[1]]
    return pairs[np.arange(len(truth)), said[0]], pt.logsumexp(each, axis=0)


def _check_scatter(answers: Answers) -> None:
    """Raise where the answers lie on a line exactly: tau = 0 would have infinite density."""
    said = np.concatenate(answers.said)
    spread = said.std()
    known = np.column_stack([np.ones(len(answers.truth)), answers.truth, answers.given[0]])
    every = np.column_stack([np.ones(len(said)), np.concatenate(answers.given)])
    for design, values in ((known, answers.said[0]), (every, said)):
        if len(values) <= design.shape[1]:
            continue
        fitted = design @ np.linalg.lstsq(design, values, rcond=None)[0]
        if (values - fitted).std() <= EXACT * (spread or 1.0):
            raise ColumnError(
                "The answers follow the real outcomes or the covariates without any scatter "
                "(copied outcomes, a constant, or a formula), so their error cannot be learned: "
                "check what was asked, or leave such answers out."
            )
