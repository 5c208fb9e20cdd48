"""The largest trust that keeps its coverage, by simulation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import xarray as xr

from foundation_priors.trust.coverage import coverage

__all__ = ["calibrated"]


def calibrated(
    analyse: Callable[[Any], Any],
    simulate: Any,
    truth: Any,
    *,
    trust: Sequence[float] | None = None,
    rule: Callable[[float], Any] | None = None,
    over: Literal["average", "worst"] = "average",
    slack: float = 0.01,
    **options: Any,
) -> xr.Dataset:
    r"""Find the largest trust at which simulated intervals keep their coverage.

    Parameters
    ----------
    analyse, simulate, truth
        As in `coverage`; simulate from your own model, at truths that you would not want to miss.
    trust : sequence of float, optional
        Rising numbers to try, the first of which is taken for safe; by default 0, .1, ..., 1.
    rule : callable, optional
        From such a number to what `coverage` takes as a rule, where it is not the trust itself:
        the multiple of a cap, for instance.
    over : {"average", "worst"}
        Whether the coverage is averaged over quantities, or that of the worst one counts.
    slack : float
        How far below may the coverage fall.
    **options
        As in `coverage`: ``n`` (a single one), ``repeats``, ``ci_prob``, ``random_seed``,
        ``executor``, ``progressbar``.

    Returns
    -------
    xarray.Dataset
        What `coverage` returns with the coordinate ``trust`` on its rules, and ``kept``, whether
        the coverage is kept there and below. The largest such number is ``attrs["trust"]``.

    Notes
    -----
    The coverage has to reach :math:`\min(c, c_0) - slack`, with the nominal level c and the
    coverage :math:`c_0` at the first number: where ignoring the answers does not cover either, the
    answers are not to blame. Its Monte Carlo error is about :math:`\sqrt{c(1-c)/R}` with R
    repetitions, .009 for 1,000 of a 90% interval; the repetitions are shared by all numbers, so
    that differences between them are known better.

    Examples
    --------
    Answers that say .6 about a coin that is fair:

    >>> from foundation_priors.conjugate import BetaBinomial
    >>> from foundation_priors.trust.coverage_level import calibrated
    >>> found = calibrated(
    ...     lambda heads: BetaBinomial(real=(heads, 50), synthetic=(60, 100)),
    ...     lambda truth, rng: rng.binomial(50, truth["theta"]),
    ...     truth={"theta": 0.5},
    ...     trust=[0, 0.1, 0.3, 1],
    ...     repeats=200,
    ...     random_seed=1,
    ...     progressbar=False,
    ... )
    >>> found.attrs["trust"]
    0.3
    """
    numbers = np.linspace(0, 1, 11) if trust is None else np.asarray(trust, dtype=float)
    if numbers.ndim != 1 or len(numbers) < 2 or not (np.diff(numbers) > 0).all():
        raise ValueError(f"trust={trust!r} must be two or more rising numbers.")
    if over not in ("average", "worst"):
        raise ValueError(f"over={over!r} must be 'average' or 'worst'.")
    if not 0 <= slack < 1:
        raise ValueError(f"slack={slack} must lie between 0 and 1.")
    if options.get("n") is not None and np.ndim(options["n"]):
        raise ValueError("n= must be a single size here: calibrate each size for itself.")
    if "rules" in options:
        raise TypeError("rules= are made from trust= and rule= here: leave it out.")
    rules = {f"{x:g}": float(x) if rule is None else rule(float(x)) for x in numbers}
    found = coverage(analyse, simulate, truth, rules=rules, **options)
    if "coverage" not in found or found.sizes["rule"] != len(numbers):
        raise ValueError("analyse= must return a path, of a truth= with quantities, here.")
    reached = (
        found.coverage.mean("quantity") if over == "average" else found.coverage.min("quantity")
    )
    enough = min(found.attrs["ci_prob"], float(reached[0])) - slack
    kept = np.minimum.accumulate(reached.values >= enough)
    found = found.assign_coords(trust=("rule", numbers)).assign(kept=("rule", kept))
    found.attrs["trust"] = float(numbers[kept][-1])
    return found
