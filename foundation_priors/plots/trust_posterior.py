"""The posterior of a random trust."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from foundation_priors.plots.plain import lettered

if TYPE_CHECKING:
    from foundation_priors.trust import TrustPosterior

__all__ = ["plot_trust_posterior"]

BLUE, GREY, ORANGE = "#0072B2", "#7f7f7f", "#D55E00"


def plot_trust_posterior(posterior: TrustPosterior, *, ci_prob: float = 0.9, ax: Any = None) -> Any:
    """Plot the trust beside the hyperprior and, once there is one, the placebo.

    Parameters
    ----------
    posterior : TrustPosterior
    ci_prob : float
        Of the shaded equal-tailed interval.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        Densities for a continuous trust of one source; probabilities for one of a few weights; for
        several sources each one's distribution function.
    """
    import matplotlib.pyplot as plt

    axes = plt.subplots(figsize=(6.4, 3.9), layout="constrained")[1] if ax is None else ax
    if len(posterior.path.sources) > 1:
        _several(posterior, axes)
    elif posterior.nodes.t is None:
        _atoms(posterior, axes)
    else:
        _density(posterior, axes, ci_prob)
    axes.set_xlabel("trust")
    axes.legend(frameon=False)
    return axes


def _density(posterior: TrustPosterior, axes: Any, ci_prob: float) -> None:
    trust, density, before = posterior.densities
    low, high = posterior.quantile([(1 - ci_prob) / 2, (1 + ci_prob) / 2]).values
    axes.plot(trust, before, color=GREY, ls="--", label=posterior.hyperprior)
    axes.plot(trust, density, color=BLUE, lw=2, label="posterior")
    # The ends lie between the nodes.
    inside = np.concatenate([[low], trust[(trust > low) & (trust < high)], [high]])
    label = f"{100 * ci_prob:.3g}% interval"
    axes.fill_between(inside, np.interp(inside, trust, density), color=BLUE, alpha=0.2, label=label)
    shown = density[np.abs(np.cumsum(posterior.nodes.probability) - 0.5) < 0.495]
    top = max(float(shown.max()), float(np.median(before)))
    others = posterior.placebo.posteriors if posterior.placebo is not None else ()
    titles = {"-": "placebo", ":": "placebo, whose checks fail"}
    for other in (o for o in others if o.nodes.t is not None):
        x, y, _ = other.densities
        line = ":" if other.checked[1].any() else "-"
        axes.plot(x, y, color=ORANGE, lw=1, ls=line, alpha=0.8, label=titles.pop(line, None))
    axes.set_ylim(0, 1.15 * top)
    axes.set_ylabel("density")


def _atoms(posterior: TrustPosterior, axes: Any) -> None:
    after, before = posterior.nodes, posterior.hyperprior_nodes
    axes.vlines(after.trust, 0, after.probability, color=BLUE, lw=4, label="posterior")
    axes.plot(before.trust, before.probability, "_", color=GREY, ms=18, label="prior")
    axes.set_ylim(0, 1)
    axes.set_ylabel("probability")


def _several(posterior: TrustPosterior, axes: Any) -> None:
    n = posterior.nodes
    for source, x in zip(posterior.path.sources, n.points.T, strict=True):
        order = np.argsort(x)
        level = np.cumsum(n.probability[order])
        axes.step(np.append(0, x[order]), np.append(0, level), where="post", label=lettered(source))
    axes.set_ylim(0, 1)
    axes.set_ylabel("probability of a smaller trust")
