"""Stored results, and the tables of the documentation that are made from them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.refits import RESULTS

__all__ = ["markdown", "read", "replace_between", "store", "write_accuracy"]

DOCS = Path(__file__).parents[2] / "docs"


def read(name: str) -> dict[str, Any]:
    """Return a stored result, empty if there is none."""
    file = RESULTS / f"{name}.json"
    return json.loads(file.read_text()) if file.exists() else {}


def store(name: str, part: str, key: str, value: Any) -> None:
    """Put one entry into a stored result and keep the others."""
    results = read(name)
    results.setdefault(part, {})[key] = value
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(results, indent=1) + "\n")


def markdown(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return a table, numbers to the right."""
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(str(c) for c in line) + " |" for line in lines)


def replace_between(file: Path, marker: str, text: str) -> None:
    """Write ``text`` between the two comments of a marker in a page."""
    start, end = f"<!-- {marker} -->", f"<!-- end of {marker} -->"
    before, rest = file.read_text().split(start)
    _, after = rest.split(end)
    file.write_text(f"{before}{start}\n{text}\n{end}{after}")


def write_accuracy(results: Mapping[str, Any]) -> None:
    """Write the tables of ``docs/accuracy.md``."""
    page = DOCS / "accuracy.md"
    replace_between(page, "refits", _refits(results.get("refits", {})))
    replace_between(page, "exact", _exact(results.get("exact", {})))


def _refits(rows: Mapping[str, Any]) -> str:
    header = (
        "model", "quantities", "comparisons", "largest z, means", "largest z, sds",
        "root mean square z", "largest error, means (sd)", "largest error, sds", "flagged",
    )
    table = [
        (
            r["title"], r["parameters"], r["comparisons"], r["z_mean"], r["z_sd"], r["z_rms"],
            r["error_mean"], f"{r['error_sd']:.1%}", f"{r['flagged']} of 101",
        )
        for r in rows.values()
    ]
    return markdown(header, table)


def _exact(rows: Mapping[str, Any]) -> str:
    header = (
        "model", "exact by", "log normaliser: difference", "z", "error",
        "log evidence: difference", "z", "error",
    )
    table = [
        (
            r["title"], r["by"],
            *(r[k][c] for k in ("normalizer", "evidence") for c in ("difference", "z", "error")),
        )
        for r in rows.values()
    ]
    return markdown(header, table)
