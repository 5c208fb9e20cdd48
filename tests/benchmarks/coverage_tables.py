"""The tables of ``docs/coverage.md``, from the stored results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.benchmarks.tables import DOCS, markdown, read

__all__ = ["FEW", "MAIN", "PAGE", "tables", "write"]

PAGE = DOCS / "coverage.md"
MAIN = ("votes", "wages")
HEADER = (
    "rule",
    *(f"coverage, n = {n}" for n in (20, 50, 200)),
    *(f"RMSE ratio, n = {n}" for n in (20, 50, 200)),
    "worst ratio",
    "lowest coverage",
    "width",
    "trust",
)


def tables(results: Mapping[str, Any]) -> dict[str, str]:
    """Return the tables of the page by their markers."""
    studies = results.get("studies", {})
    return {
        **{name: _rules(study["sizes"]) for name, study in studies.items() if name in MAIN},
        "framings": _framings({k: v for k, v in studies.items() if k not in MAIN}),
        "check": _check(results.get("check", {})),
    }


def _rules(sizes: Mapping[str, Any]) -> str:
    rules = next(iter(sizes.values()))
    return markdown(HEADER, [_row(rule, [s[rule] for s in sizes.values()]) for rule in rules])


def _row(rule: str, cells: list[Mapping[str, Any]]) -> list[str]:
    worst = max(cells, key=lambda c: c["worst_ratio"])
    lowest = min(min(c["each_coverage"]) for c in cells)
    return [
        rule,
        *(f"{c['coverage']:.3f}" for c in cells),
        *(f"{c['ratio']:.2f}" for c in cells),
        f"{worst['worst_ratio']:.2f} ({worst['worst_ratio_of']})",
        f"{lowest:.2f}",
        ", ".join(f"{c['width']:.2f}" for c in cells),
        ", ".join(f"{c['trust']:.2g}" for c in cells),
    ]


FEW = (
    "ignore",
    "pool",
    "uniform",
    "cautious",
    "cap in rows",
    "cap in rows of weight 1",
    "evidence",
    "evidence, capped",
    "robust mixture",
)


def _framings(studies: Mapping[str, Any]) -> str:
    rows = [
        _row(f"{name}: {rule}", [s[rule] for s in study["sizes"].values()])
        for name, study in studies.items()
        for rule in FEW
    ]
    return markdown(HEADER, rows)


def _check(rows: Mapping[str, Any]) -> str:
    header = (
        "pilot",
        "means, sds",
        "z",
        "interval ends, sds",
        "mean trust",
        "log evidence",
        "worth",
    )
    keys = ("mean", "z", "interval_end", "trust", "log_evidence", "worth")
    return markdown(header, [(name, *(row[k] for k in keys)) for name, row in rows.items()])


def write() -> None:
    """Put the tables into the page."""
    text = PAGE.read_text()
    for marker, table in tables(read("coverage")).items():
        start, end = f"<!-- {marker} -->", f"<!-- end of {marker} -->"
        before, rest = text.split(start)
        text = f"{before}{start}\n{table}\n{end}{rest.split(end)[1]}"
    PAGE.write_text(text)
