"""The tables of ``docs/trust/checks.md``, from the stored results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tests.benchmarks.tables import DOCS, markdown, read, replace_between

__all__ = ["PAGE", "tables", "write"]

PAGE = DOCS / "trust" / "checks.md"


def tables(results: Mapping[str, Any]) -> dict[str, str]:
    """Return the tables of the page by their markers."""
    makers = {
        "calibration": _calibration,
        "normaliser": _normaliser,
        "placebo": _placebo,
        "sources": _sources,
    }
    made = {part: make(results.get(part, {})) for part, make in makers.items()}
    sources = results.get("sources", {})
    return {**made, "conflict": _conflict(sources), "left out": _left_out(sources)}


def write() -> None:
    """Put the tables into the page."""
    for marker, table in tables(read("trust")).items():
        replace_between(PAGE, marker, table)


def _calibration(rows: Mapping[str, Any]) -> str:
    header = (
        "quantity",
        "simulations",
        "sampled again",
        "still flagged",
        "p, exact normaliser",
        "p, interpolated on 11 weights",
    )
    table = [
        (
            name,
            *(r[k] for k in ("simulations", "again", "flagged")),
            exact["p"],
            r["interpolated"][name]["p"],
        )
        for r in rows.values()
        for name, exact in r["exact"].items()
    ]
    return markdown(header, table)


def _normaliser(rows: Mapping[str, Any]) -> str:
    header = (
        "data",
        "weights",
        "log normaliser at 1",
        "difference",
        "z",
        "error",
        "log evidence: difference",
        "z",
        "error",
    )
    table = [
        (
            r["title"],
            r["weights"],
            r["lowest"],
            *(r[k][c] for k in ("normalizer", "evidence") for c in ("difference", "z", "error")),
        )
        for r in rows.values()
    ]
    return markdown(header, table)


def _placebo(rows: Mapping[str, Any]) -> str:
    header = (
        "primitive prior of each coefficient",
        "permuted: log evidence, mean",
        "lowest pilot",
        "highest pilot",
        "pilots that gain and are warned",
        "as they are: log evidence, mean",
        "lowest pilot",
    )
    table = []
    for r in rows.values():
        permuted, said = np.mean(r["permuted"], axis=1), np.array(r["as_they_are"])
        values = [permuted.mean(), permuted.min(), permuted.max(), said.mean(), said.min()]
        shown = [f"{v:.2f}" for v in values]
        warned = f"{r['warned']} of {r['pilots']}"
        table.append((r["title"], *shown[:3], warned, *shown[3:]))
    return markdown(header, table)


def _sources(rows: Mapping[str, Any]) -> str:
    header = (
        "hyperprior",
        "worlds in order",
        "by the exact posterior",
        *(f"mean weight, {name}" for name in ("right", "off", "far off")),
        "largest difference from the exact mean",
    )
    table = [
        (
            rule,
            f"{found['right']} of {r['worlds']}",
            f"{found['right_exactly']} of {r['worlds']}",
            *found["mean"].values(),
            found["gap"],
        )
        for r in rows.values()
        for rule, found in r["rules"].items()
    ]
    return markdown(header, table)


def _conflict(rows: Mapping[str, Any]) -> str:
    found = [r["by_conflict"] for r in rows.values()]
    header = ("distance of the source in the middle", *(found[0] if found else ()))
    return markdown(header, [("worlds in order", *f.values()) for f in found])


def _left_out(rows: Mapping[str, Any]) -> str:
    header = (
        "largest difference of",
        "coefficients' means, in sds",
        "in Monte Carlo errors",
        "coefficients' sds",
    )
    found = [r["left_out"] for r in rows.values()]
    table = [("with each source left out", f["mean"], f["z"], f"{f['sd']:.1%}") for f in found]
    return markdown(header, table)
