"""The demonstration's pictures; matplotlib is used without its global state."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from foundation_priors.cli.findings import Findings
from foundation_priors.cli.pilot import Pilot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from foundation_priors.path import TrustPath

__all__ = ["draw", "slide"]

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#6b6b6b"
DPI = 110


def draw(out: Path, pilot: Pilot, path: TrustPath, findings: Findings) -> list[str]:
    """Write the pictures.

    Parameters
    ----------
    out : pathlib.Path
        An existing folder.
    pilot : Pilot
    path : TrustPath
    findings : Findings

    Returns
    -------
    list of str
        The names of the files.
    """
    from foundation_priors import plots

    marks = {name: weight for name, weight in findings.marks.items() if 0 < weight < 1}
    for name in ("half", "best score"):
        marks.pop(name, None)
    collections = {
        "trust_path.png": plots.plot_trust_path(path, "beta", marks=marks, col_wrap=2),
        "shares.png": plots.plot_shares(path, "beta", marks=marks, col_wrap=2),
        "evidence_and_score.png": plots.plot_evidence_and_score(path, findings.score, marks=marks),
    }
    figures = {"slide.png": slide(pilot, path, findings)}
    figures |= {name: _figure(collection) for name, collection in collections.items()}
    for name, figure in figures.items():
        figure.savefig(out / name, dpi=DPI)
        _forget(figure)
    return list(figures)


def _figure(collection: Any) -> Figure:
    return collection.get_viz("figure")


def _forget(figure: Figure) -> None:
    """Drop a figure that pyplot may hold."""
    from matplotlib import pyplot as plt

    plt.close(figure)


def slide(pilot: Pilot, path: TrustPath, findings: Findings) -> Figure:
    """Draw the two panels that tell the story: the estimate, and how well it predicts.

    Parameters
    ----------
    pilot : Pilot
    path : TrustPath
    findings : Findings

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.9), layout="constrained")
    left, right = figure.subplots(1, 2)
    _estimate(left, pilot, path, findings)
    _scores(right, findings)
    for axes in (left, right):
        _dress(axes, path, findings)
    return figure


def _estimate(axes: Axes, pilot: Pilot, path: TrustPath, findings: Findings) -> None:
    def party(draws: xr.Dataset) -> xr.DataArray:
        return draws["beta"].sel(covariate="party", drop=True)

    low, high = path.quantile(party, [0.05, 0.95]).values.T
    axes.fill_between(path.trust, low, high, color=BLUE, alpha=0.22, lw=0, label="90% interval")
    axes.plot(path.trust, path.mean(party), color=BLUE, lw=2, label="pilot and answers")
    estimate, error = findings.of_everybody("party")
    axes.axhspan(estimate - 1.645 * error, estimate + 1.645 * error, color=ORANGE, alpha=0.2, lw=0)
    axes.axhline(estimate, color=ORANGE, lw=1.5, label=f"all {pilot.everybody} real voters")
    axes.set_title("What the pilot says about party", loc="left", fontsize=11)
    axes.set_ylabel("coefficient of party, per sd")
    axes.set_ylim(bottom=axes.get_ylim()[0] - 0.4)  # Room for the legend.
    axes.legend(frameon=False, fontsize=9, loc="lower right")


def _scores(axes: Axes, findings: Findings) -> None:
    curve = findings.curve
    axes.plot(
        curve["trust"], curve["expected"], color=GREY, lw=1.6, ls="--", label="what it expects"
    )
    axes.plot(curve["trust"], curve["score"], color=BLUE, lw=2, label="what it gets")
    at_best = curve["score"].sel(trust=findings.best)
    axes.plot(findings.best, at_best, "o", color=BLUE, ms=6, label=f"best, {findings.best:.2g}")
    axes.set_title("How well it predicts other real voters", loc="left", fontsize=11)
    axes.set_ylabel("mean log score of a voter")
    axes.legend(frameon=False, fontsize=9, loc="best")


def _dress(axes: Axes, path: TrustPath, findings: Findings) -> None:
    """Give the axis of trust a square-root scale, and real observations on top."""
    worth = float(path.effective_observations(trust=1.0))
    axes.set_xscale("function", functions=(_root, np.square))
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.05, 0.2, 0.5, 1], ["0", "0.05", "0.2", "0.5", "1"])
    axes.set_xlabel("trust in the language model's answers")
    axes.axvline(findings.balance, color=GREY, lw=0.9, ls=":")
    axes.spines[["right"]].set_visible(False)
    top = axes.twiny()
    top.set_xscale("function", functions=(_root, np.square))
    top.set_xlim(0, 1)
    pilot = round(findings.balance * worth)
    ticks = [0.0, float(pilot), *(n for n in (150.0, 300.0) if n < 0.7 * worth), worth]
    top.set_xticks(np.array(ticks) / worth, [f"{n:.0f}" for n in ticks])
    top.set_xlabel("real voters that the answers count for", fontsize=9, color=GREY)
    top.tick_params(labelsize=9, colors=GREY)
    top.spines[["right"]].set_visible(False)


def _root(x: np.ndarray) -> np.ndarray:
    return np.sqrt(np.maximum(x, 0))
