"""How a rule of trust fares over many data sets: operating characteristics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from foundation_priors.errors import check_probability
from foundation_priors.trust.coverage_rates import decision_rates, interval_rates
from foundation_priors.trust.coverage_runs import Answer, Job, run

__all__ = ["coverage"]


def coverage(
    analyse: Callable[[Any], Any],
    simulate: Any,
    truth: Mapping[str, Any] | Callable[[np.random.Generator], Mapping[str, Any]],
    *,
    rules: Mapping[str, Any] | Sequence[Any] | None = None,
    decisions: Mapping[str, float] | None = None,
    n: int | Sequence[int] | None = None,
    repeats: int = 200,
    ci_prob: float = 0.9,
    random_seed: int | None = None,
    executor: Executor | None = None,
    progressbar: bool = True,
) -> xr.Dataset:
    r"""Repeat an analysis over many data sets and say how each rule of trust fares.

    Parameters
    ----------
    analyse : callable
        From data to a path (of `trust_path` or of `foundation_priors.conjugate`), or to a mapping
        ``{rule: {quantity: (mean, low, high), decision: bool}}`` of your own making.
    simulate : callable or table
        ``simulate(truth, rng)``, or ``simulate(truth, rng, n)`` where ``n`` is given, makes data
        under the truth. Or real rows (DataFrame, array, or Dataset over its rows), of which ``n``
        are drawn with replacement.
    truth : dict or callable
        The true value of each quantity, an array for a vector; it may also say whether an event
        or decision holds. ``truth(rng)`` draws a truth anew for every repetition.
    rules : dict or sequence, optional
        Names and what stands for them as ``trust=``: a number, ``{source: weight}``, the name of a
        rule, or a function of the path that returns one of these. RMSEs are relative to the first.
        Needed where ``analyse`` returns a path.
    decisions : dict, optional
        From an event, ``"beta > 0"``, to the posterior probability from which on it is declared.
    n : int or sequence of int, optional
        Sizes of the data.
    repeats : int
        Data sets of each size.
    ci_prob : float
        Of the equal-tailed intervals.
    random_seed : int, optional
        Each repetition has its own stream, so that results do not depend on the executor.
    executor : concurrent.futures.Executor, optional
        Runs repetitions in parallel. Functions may be lambdas; with processes that are spawned, a
        script needs its ``if __name__ == "__main__":``.
    progressbar : bool

    Returns
    -------
    xarray.Dataset
        Over (n, rule, quantity), without ``n`` where it was a single number or None: ``bias``,
        ``rmse``, ``relative_rmse``, ``coverage`` and ``width``; over (n, rule, decision):
        ``declared_rate``, ``type_1_error`` (declared where the event does not hold) and
        ``type_2_error`` (not declared where it does). Each has its Monte Carlo error,
        ``mcse_bias`` and so on. The repetitions themselves are ``mean``, ``low``, ``high``,
        ``truth``, ``declared`` and ``holds``, over ``repeat`` too.

    Raises
    ------
    ValueError, TypeError
        For arguments that make no sense. What ``analyse`` raises is raised again, with a note that
        says in which repetition.

    See Also
    --------
    foundation_priors.trust.calibrated : the largest trust that keeps its coverage.

    References
    ----------
    .. [1] T. P. Morris, I. R. White and M. J. Crowther (2019). Using simulation studies to evaluate
       statistical methods. Statistics in Medicine 38. doi:10.1002/sim.8086

    Examples
    --------
    A coin that is fair, and answers that say otherwise:

    >>> from foundation_priors.conjugate import BetaBinomial
    >>> from foundation_priors.trust.coverage import coverage
    >>> found = coverage(
    ...     lambda heads: BetaBinomial(real=(heads, 20), synthetic=(80, 100)),
    ...     lambda truth, rng: rng.binomial(20, truth["theta"]),
    ...     truth={"theta": 0.5},
    ...     rules={"ignore": 0, "a tenth": 0.1, "believe": 1},
    ...     repeats=100,
    ...     random_seed=1,
    ...     progressbar=False,
    ... )
    >>> found.coverage.sel(quantity="theta").values.round(2).tolist()
    [0.86, 0.77, 0.0]
    """
    names = _rules(rules)
    levels = dict(decisions or {})
    sizes = _check(analyse, simulate, truth, levels, n, repeats, ci_prob)
    job = Job(analyse, simulate, truth, names, levels, ci_prob)
    answers = run(job, sizes, repeats, random_seed, executor, progressbar)
    found = xr.concat([_dataset(some) for some in answers], "n", join="exact")
    found = found.assign_coords(n=[-1 if s is None else s for s in sizes])
    found.attrs = {"repeats": repeats, "ci_prob": ci_prob}
    return found.isel(n=0, drop=True) if n is None or np.ndim(n) == 0 else found


def _rules(rules: Any) -> dict[str, Any] | None:
    if rules is None:
        return None
    if isinstance(rules, str) or not isinstance(rules, Mapping | Sequence | np.ndarray):
        raise TypeError(f"rules={rules!r} must be a mapping from names to weights, or a list.")
    if isinstance(rules, Mapping):
        named = {str(k): v for k, v in rules.items()}
    else:
        named = {rule if isinstance(rule, str) else f"{rule:g}": rule for rule in rules}
    if not named or len(named) < len(rules):
        raise ValueError(f"rules={rules!r} must hold one rule at least, and none twice.")
    return named


def _check(
    analyse: Any,
    simulate: Any,
    truth: Any,
    decisions: Mapping[str, float],
    n: Any,
    repeats: int,
    ci_prob: float,
) -> list[int | None]:
    """Return the sizes of the data."""
    if not callable(analyse):
        raise TypeError(f"analyse={analyse!r} must be a function from data to a path or a mapping.")
    if not callable(simulate) and not isinstance(
        simulate, pd.DataFrame | pd.Series | xr.Dataset | np.ndarray
    ):
        raise TypeError(
            f"simulate= is {type(simulate).__name__}: give simulate(truth, rng), or real rows as a "
            "DataFrame, a Dataset or an array."
        )
    if not callable(truth) and not (isinstance(truth, Mapping) and truth):
        raise TypeError(
            f"truth={truth!r} must give the true value of each quantity, or be a function of a "
            "generator that draws them."
        )
    check_probability(ci_prob, "ci_prob")
    if repeats < 1:
        raise ValueError(f"repeats={repeats} must be 1 or more.")
    for event, level in decisions.items():
        check_probability(level, f"decisions[{event!r}]")
    if n is None:
        return [None]
    sizes = [int(size) for size in np.atleast_1d(np.asarray(n))]
    if not sizes or min(sizes) < 1 or len(set(sizes)) < len(sizes):
        raise ValueError(f"n={n} must hold different sizes of 1 or more.")
    return [*sizes]


def _dataset(answers: Sequence[Answer]) -> xr.Dataset:
    """Return the repetitions of one size and what follows from them."""
    first = answers[0]
    rules = list(first.intervals)
    quantities = list(first.intervals[rules[0]])
    decisions = list(first.decisions[rules[0]])
    for number, answer in enumerate(answers):
        _same(number, answer, rules, quantities, decisions)
    parts: dict[str, Any] = {}
    if quantities:
        values = np.array(
            [[[a.intervals[r][q] for q in quantities] for r in rules] for a in answers]
        )
        if not np.isfinite(values).all():
            i, j, k = np.argwhere(~np.isfinite(values).all(-1))[0]
            raise ValueError(
                f"Repetition {i} has no finite interval for {quantities[k]!r} under {rules[j]!r}."
            )
        truth = np.array([[a.truth[q] for q in quantities] for a in answers])
        mean, low, high = np.moveaxis(values, -1, 0)
        cells = ("repeat", "rule", "quantity")
        parts |= {k: (cells, v) for k, v in (("mean", mean), ("low", low), ("high", high))}
        parts["truth"] = (("repeat", "quantity"), truth)
        rates = interval_rates(mean, low, high, truth)
        parts |= {k: (cells[1:], v) for k, v in rates.items()}
    if decisions:
        made = np.array([[[a.decisions[r][d] for d in decisions] for r in rules] for a in answers])
        holds = np.array([[a.truth[d] for d in decisions] for a in answers])
        parts["declared"] = (("repeat", "rule", "decision"), made)
        parts["holds"] = (("repeat", "decision"), holds)
        rates = decision_rates(made, holds)
        parts |= {k: (("rule", "decision"), v) for k, v in rates.items()}
    coords = {"rule": rules}
    coords |= {"quantity": quantities} if quantities else {}
    coords |= {"decision": decisions} if decisions else {}
    return xr.Dataset(parts, coords)


def _same(
    number: int, answer: Answer, rules: list[str], quantities: list[str], decisions: list[str]
) -> None:
    same = list(answer.intervals) == rules and all(
        list(answer.intervals[r]) == quantities and list(answer.decisions[r]) == decisions
        for r in rules
    )
    if not same:
        raise ValueError(
            f"Repetition {number} has other rules, quantities or decisions than the first: "
            "analyse= must return the same ones in the same order, under every rule."
        )
