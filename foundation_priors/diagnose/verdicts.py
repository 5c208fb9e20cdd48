"""What the verdicts of a judge or critic know, gain and cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.diagnose.verdicts_core import concordance, gap, information, kish
from foundation_priors.diagnose.verdicts_truth import Anchored, anchored
from foundation_priors.diagnose.voices_columns import require_answers
from foundation_priors.errors import ColumnError, UnreliableWarning, check_probability, warn

if TYPE_CHECKING:
    from foundation_priors.diagnose.verdicts_truth import Truth
    from foundation_priors.synthetic import SyntheticData

__all__ = ["verdicts"]

type Floats = NDArray[np.float64]

RESAMPLES = 500
FAILS_WHEN = (
    "The units with a known truth may be easier than the others, and a judge who shares the errors"
    " of the answers approves of them: where nobody knows the truth the gain is unproved."
)


def verdicts(
    llm: SyntheticData,
    verdict: str | np.ndarray,
    truth: Truth,
    *,
    judge: str | None = None,
    weight: Callable[[Floats], Floats] | None = None,
    utility: Callable[[Floats, Floats], Floats] | None = None,
    outcome: str | None = None,
    item: str | None = None,
    prob: float = 0.9,
    random_seed: int | None = 0,
) -> xr.Dataset:
    r"""Ask what a column of verdicts knows of the truth, what it gains, and what it costs.

    Parameters
    ----------
    llm : SyntheticData
    verdict : str or array
        A column of the answers, or its values, shape (answer,): numbers (1 accepted, 0 not; a
        score), truth values, or ordered levels; higher is better.
    truth : mapping, Series or DataArray
        The real value by item, of the units where it is known (anchored ones).
    judge : str, optional
        Who gave the verdicts: a model's name, compared with those who answered.
    weight : callable, optional
        From verdicts to weights that are not negative. Default: the verdicts.
    utility : callable, optional
        From answers and truths, numbers of shape (answer,), to how good an answer is. Default: 1
        right, 0 wrong for levels and two-valued answers, else minus the absolute error.
    outcome, item : str, optional
        Default: the first outcome, the unit.
    prob : float
        Of the intervals, by resampling units.
    random_seed : int, optional

    Returns
    -------
    xarray.Dataset
        ``estimate``, ``lower`` and ``upper`` over ``figure``: ``auc`` (.5 knows nothing),
        ``information`` (bits), ``utility`` (of all anchored answers), ``gap`` (added by weighting),
        ``kish`` (answers left, of all) and ``kept``, its share. Attributes: ``warnings``,
        ``anchored`` and ``units``.

    Warns
    -----
    UnreliableWarning
        If the verdicts do not differ, or come from the model that answered.

    Raises
    ------
    ColumnError
        If the verdicts are missing or unordered.
    ModelError
        If no unit is anchored.
    ValueError
        If a weight is negative.

    Notes
    -----
    The gap is :math:`E[wu]/E[w] - E[u] = Cov(w, u)/E[w]`; the price is :math:`(\sum w)^2/\sum w^2`
    answers in place of all. ``auc`` is the chance that the better of two answers has the higher
    verdict (among answers of different utility, ties half).

    References
    ----------
    Price, G. R. (1970), doi:10.1038/227520a0. Kish, L. (1965). Survey Sampling. Wiley.

    Examples
    --------
    >>> from foundation_priors.synthetic import SyntheticData
    >>> frame = pd.DataFrame({"who": range(8), "vote": list("aabbaabb")})
    >>> llm = SyntheticData.from_dataframe(frame, outcome="vote", unit="who")
    >>> critic = np.array([1, 1, 1, 0, 1, 0, 0, 0])
    >>> found = verdicts(llm, critic, dict(enumerate("aaaaaaaa")), judge="critic")
    >>> found["estimate"].sel(figure=["auc", "gap", "kish"]).values.tolist()
    [0.75, 0.25, 4.0]
    """
    require_answers(llm, "verdicts")
    check_probability(prob, "prob")
    values = _numbers(llm, verdict)
    held = anchored(llm, truth, outcome, item)
    good = _utility(held, utility)
    weights = values if weight is None else np.asarray(weight(values), dtype=float)
    if weights.shape != values.shape or not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError(
            "Weights must be finite and not negative, one for each answer: give weight=, a function"
            " from verdicts to weights."
        )
    notes = _notes(llm, values, weights[held.rows], judge)
    for note in notes:
        warn(note, UnreliableWarning)
    figures = _figures(values[held.rows], weights[held.rows], good, weights)
    edges = _interval(held, values, weights, good, prob, np.random.default_rng(random_seed))
    result = xr.Dataset(
        {
            "estimate": ("figure", list(figures.values())),
            "lower": ("figure", edges[0]),
            "upper": ("figure", edges[1]),
        },
        {"figure": list(figures)},
        {
            "verdict": verdict if isinstance(verdict, str) else "verdict",
            "judge": judge or "not said",
            "answers": len(llm),
            "anchored": len(held.rows),
            "units": held.items,
            "prob": prob,
            "warnings": notes,
        },
    )
    result.attrs |= {"reading": _reading(result), "fails_when": FAILS_WHEN}
    return result


def _numbers(llm: SyntheticData, verdict: str | np.ndarray) -> Floats:
    """Return verdicts as numbers."""
    values = llm.column(verdict) if isinstance(verdict, str) else np.asarray(verdict)
    if values.shape != (len(llm),):
        raise ColumnError(f"Verdicts of shape {values.shape} must be one for each of {len(llm)}.")
    missing = np.asarray(pd.isna(values))
    if missing.any():
        raise ColumnError(f"{missing.sum()} verdicts are missing: leave these answers out.")
    if values.dtype.kind in "biuf":
        found = values.astype(float)
        if not np.isfinite(found).all():
            raise ColumnError("Some verdicts are infinite: leave these answers out.")
        return found
    name = verdict if isinstance(verdict, str) else "verdict"
    levels = llm.levels.get(name)
    if levels is None:
        raise ColumnError(
            f"The verdicts {name!r} are words without levels: give levels=, in order."
        )
    return pd.Categorical(values, categories=list(levels)).codes.astype(float)


def _utility(held: Anchored, utility: Callable[[Floats, Floats], Floats] | None) -> Floats:
    if utility is not None:
        if held.said.shape[1] > 1:
            raise ValueError("utility= takes numbers, and the outcome has unordered levels.")
        found = np.asarray(utility(held.said[:, 0], held.real[:, 0]), dtype=float)
        if found.shape != held.rows.shape or not np.isfinite(found).all():
            raise ValueError("utility= must return one finite number for each answer.")
        return found
    away = np.abs(held.errors())
    return (away == 0).astype(float) if held.wrong_or_right else -away


def _notes(llm: SyntheticData, values: Floats, weights: Floats, judge: str | None) -> list[str]:
    notes = []
    if np.ptp(values) == 0:
        notes.append(
            f"All {len(values)} verdicts are equal: they say nothing, whatever their agreement with"
            " the truth."
        )
    elif np.ptp(weights) == 0:
        notes.append(
            "All verdicts on answers with a known truth are equal: nothing can be learned."
        )
    if judge is not None and _same(judge, _answerers(llm)):
        notes.append(
            f"The verdicts come from the model that answered ({judge}): it shares the errors that"
            " it should find."
        )
    return notes


def _answerers(llm: SyntheticData) -> list[str]:
    """Name everyone who may have answered."""
    names: list[Any] = [*llm.sources]
    if "model" in llm.factors:
        names += pd.unique(llm.column("model")).tolist()
    names.append(llm.provenance.get("model"))
    return [n for n in names if isinstance(n, str) and n != "not recorded"]


def _same(judge: str, names: list[str]) -> bool:
    return judge.strip().casefold() in {name.strip().casefold() for name in names}


def _figures(v: Floats, w: Floats, good: Floats, every: Floats) -> dict[str, float]:
    silent = not w.sum() > 0
    left = kish(every) if every.sum() > 0 else 0.0
    return {
        "auc": concordance(v, good),
        "information": information(v, good),
        "utility": float(good.mean()),
        "gap": float("nan") if silent else gap(w, good),
        "kish": left,
        "kept": left / len(every),
    }


def _interval(
    held: Anchored,
    values: Floats,
    weights: Floats,
    good: Floats,
    prob: float,
    rng: np.random.Generator,
) -> Floats:
    """Resample units with all their answers; Kish's size is a fact of the weights and has none."""
    order = np.argsort(held.item, kind="stable")
    times = np.bincount(held.item)
    starts = np.concatenate([[0], np.cumsum(times)[:-1]])
    v, w = values[held.rows], weights[held.rows]
    found = []
    for _ in range(RESAMPLES):
        unit = rng.integers(held.items, size=held.items)
        first = np.concatenate([[0], np.cumsum(times[unit])[:-1]])
        at = order[np.arange(times[unit].sum()) + np.repeat(starts[unit] - first, times[unit])]
        found.append(list(_figures(v[at], w[at], good[at], weights).values()))
    drawn = np.array(found)
    tails = [(1 - prob) / 2, (1 + prob) / 2]
    out = np.full((2, drawn.shape[1]), np.nan)
    for k, column in enumerate(drawn.T):
        known = column[np.isfinite(column)]
        if len(known) > RESAMPLES / 2:
            out[:, k] = np.quantile(known, tails)
    return out


def _reading(result: xr.Dataset) -> str:
    attrs = result.attrs
    at = {k: result.sel(figure=k) for k in result["figure"].values.tolist()}

    def said(key: str, form: str) -> str:
        one = at[key]
        return (
            f"{float(one['estimate']):{form}} ({attrs['prob']:z.0%} interval"
            f" {float(one['lower']):{form}} to {float(one['upper']):{form}})"
        )

    text = (
        f"On {attrs['anchored']} answers about {attrs['units']} units of known truth, the better of"
        f" two answers has the higher verdict with chance {said('auc', '.2f')}. Following the"
        f" verdicts adds {said('gap', '+z.3f')} to a utility of"
        f" {float(at['utility']['estimate']):z.3f} and leaves"
        f" {float(at['kish']['estimate']):.0f} of {attrs['answers']} answers."
    )
    return " ".join([text, *attrs["warnings"]])
