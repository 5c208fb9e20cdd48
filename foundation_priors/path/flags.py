"""Warnings about weights at which a check fails."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foundation_priors.errors import UnreliableWarning
from foundation_priors.errors import warn as warn_caller
from foundation_priors.path.fits import DIVERGENT, R_HAT
from foundation_priors.path.ladder import ESS_FLOOR, Ladder
from foundation_priors.path.points import Points

__all__ = ["advise", "warn"]


def warn(points: Points, bad: NDArray[np.bool_], what: str) -> None:
    """Warn if any weight fails a check, and say where."""
    if bad.any():
        where = points.array[bad].mean(axis=1)
        warn_caller(
            f"{int(bad.sum())} of {len(bad)} weights fail the path's {what} (trust "
            f"{where.min():.3g} to {where.max():.3g}): see path.diagnostics(), or build the path "
            "with more draws or a larger max_anchors=.",
            UnreliableWarning,
        )


def advise(points: NDArray[np.float64], posterior: Ladder, prior: Ladder) -> None:
    """Warn where every weight of a path fails, and say what would help most."""
    checks = posterior.check(points, leave_out=False)
    if not checks.weights_fail.all():
        return
    fits = [fit for ladder in (posterior, prior) for fit in ladder.fits]
    diverging = max(fit.run.divergences / fit.draws for fit in fits)
    worst = max(fit.r_hat for fit in fits)
    if diverging > DIVERGENT:
        what = f"{diverging:.1%} of an anchor's draws diverge"
        cure = "raise target_accept=, or write the model in another parameterisation"
    elif worst > R_HAT:
        what = f"chains disagree (r-hat up to {worst:.3g})"
        cure = "tune longer (tune=) and draw more (draws=); where modes lie apart, that cannot help"
    elif not (posterior.linked.all() and prior.linked.all()):
        what, cure = "anchors do not overlap", "allow for more of them (max_anchors=)"
    elif ((checks.ess < ESS_FLOOR) | ~(checks.imprecise <= 1)).any():
        what, cure = "the draws are too few", "draw more (draws=)"
    else:
        what = "anchors contradict one another, or weights have heavy tails"
        cure = "see path.diagnostics() and draw more (draws=)"
    warn_caller(
        f"Every weight of the path fails a check: {what}. To mend it, {cure}.",
        UnreliableWarning,
    )
