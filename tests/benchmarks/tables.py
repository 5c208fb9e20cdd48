"""Stored results, and the tables of the documentation that are made from them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.refits import RESULTS

__all__ = [
    "DOCS",
    "KINDS",
    "accuracy_tables",
    "cost_tables",
    "markdown",
    "read",
    "replace_between",
    "store",
    "write",
]

DOCS = Path(__file__).parents[2] / "docs"
KINDS = ("wall", "sampling", "gradients")


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


def accuracy_tables(results: Mapping[str, Any]) -> dict[str, str]:
    """Return the tables of ``docs/accuracy.md`` by their markers."""
    return {
        "refits": _refits(results.get("refits", {})),
        "exact": _exact(results.get("exact", {})),
        "hierarchies": _judged(results.get("hierarchies", {}), results.get("references", {})),
        "references": _references(results.get("references", {})),
        "flags": _flags(results.get("flags", {})),
    }


def _refits(rows: Mapping[str, Any]) -> str:
    header = (
        "model",
        "quantities",
        "comparisons",
        "largest z, means",
        "largest z, sds",
        "root mean square z",
        "largest error, means (sd)",
        "largest error, sds",
        "flagged",
        "for the evidence",
    )
    table = [
        (
            r["title"],
            r["parameters"],
            r["comparisons"],
            r["z_mean"],
            r["z_sd"],
            r["z_rms"],
            r["error_mean"],
            f"{r['error_sd']:.1%}",
            f"{r['flagged']} of 101",
            f"{r['evidence_flagged']} of 101",
        )
        for r in rows.values()
    ]
    return markdown(header, table)


def _exact(rows: Mapping[str, Any]) -> str:
    header = (
        "model",
        "exact by",
        "log normaliser: difference",
        "z",
        "error",
        "log evidence: difference",
        "z",
        "error",
    )
    table = [
        (
            r["title"],
            r["by"],
            *(r[k][c] for k in ("normalizer", "evidence") for c in ("difference", "z", "error")),
        )
        for r in rows.values()
    ]
    return markdown(header, table)


def _judged(rows: Mapping[str, Any], references: Mapping[str, Any]) -> str:
    header = (
        "model",
        "seeds",
        "farthest off: means (sd)",
        "sds",
        "log evidence",
        "largest z, means",
        "sds",
        "log evidence",
        "flagged",
        "for the evidence",
        "false flags",
        "for the evidence",
        "missed",
        "for the evidence",
    )
    most = ("off_mean", "off_sd", "evidence_off", "z_mean", "z_sd", "evidence_z")
    flags = ("flagged", "evidence_flagged")
    sums = ("false_flags", "evidence_false_flags", "missed", "evidence_missed")
    table = [
        (
            r["title"],
            len(r["seeds"]),
            *(_cell(max(s[k] for s in r["seeds"])) for k in most),
            *(f"{sum(s[k] for s in r['seeds'])} of {101 * len(r['seeds'])}" for k in flags),
            *(sum(s[k] for s in r["seeds"]) for k in sums),
        )
        for name, r in rows.items()
        if "log_evidence" in references.get(name, {})
    ]
    return markdown(header, table)


def _references(rows: Mapping[str, Any]) -> str:
    header = (
        "model",
        "target_accept",
        "largest r-hat",
        "smallest ess",
        "divergences",
        "rungs, posterior",
        "prior",
        "log evidence at trust 1",
        "its error",
    )
    table = [
        (
            r["title"],
            r["target_accept"],
            r["r_hat"],
            f"{r['ess']:,}",
            sum(r["divergences"]),
            r["rungs"],
            r["rungs_prior"],
            r["log_evidence"][-1],
            max(r["error"]),
        )
        for r in rows.values()
        if "log_evidence" in r
    ]
    return markdown(header, table)


def _flags(rows: Mapping[str, Any]) -> str:
    header = (
        "ladders",
        "weights wrong",
        "wrong ones flagged",
        "right ones flagged",
        "judgeable ones flagged",
        "log z wrong",
        "wrong ones flagged",
        "right ones flagged",
        "judgeable ones flagged",
    )
    columns = [f"{kind}{c}" for kind in ("", "log_z_") for c in ("wrong", "true", "false", "alarm")]
    table = [
        (r["title"], *("" if r[c] is None else f"{r[c]:.1%}" for c in columns))
        for r in rows.values()
    ]
    return markdown(header, table)


def cost_tables(results: Mapping[str, Any]) -> dict[str, str]:
    """Return the tables of ``docs/cost.md`` by their markers."""
    from tests.benchmarks.bootstrap import table
    from tests.benchmarks.diagnostics import table as diagnostics

    parts = ("models", "surface", "rows", "parameters")
    return {
        **{part: _ratios(results.get(part, {})) for part in parts},
        "hierarchies": _strict(results.get("hierarchies", {})),
        "stages": _stages(results.get("hierarchies", {})),
        "refitting": _refitting(results.get("models", {})),
        "hopeless": _hopeless(results.get("hopeless", {})),
        "bootstrap": table(results.get("bootstrap", {})),
        "diagnostics": diagnostics(results.get("diagnostics", {})),
    }


def write(name: str) -> None:
    """Write the tables of ``docs/accuracy.md`` or ``docs/cost.md`` from the stored results."""
    tables = {"accuracy": accuracy_tables, "cost": cost_tables}[name](read(name))
    for marker, table in tables.items():
        replace_between(DOCS / f"{name}.md", marker, table)


def _ratios(rows: Mapping[str, Any]) -> str:
    header = (
        "model",
        "plain, s",
        "path, s",
        "ratio",
        "sampling, plain, s",
        "path, s",
        "ratio",
        "gradients, plain",
        "path",
        "ratio",
    )
    table = [
        (r["title"], *(_cell(r[who][k]) for k in KINDS for who in ("plain", "path", "ratio")))
        for r in rows.values()
    ]
    return markdown(header, table)


def _stages(rows: Mapping[str, Any]) -> str:
    """Return seconds and fits of each stage of building a path, one row a model."""
    told = {name: row for name, row in rows.items() if row.get("stages")}
    stages = list(dict.fromkeys(s for row in told.values() for s in row["stages"]))
    table = [
        (row["title"], *(_spent(row["stages"].get(s)) for s in stages)) for row in told.values()
    ]
    return markdown(("model", *stages), table)


def _spent(spent: Sequence[float] | None) -> str:
    if spent is None:
        return ""
    return f"{spent[0]:.3g} s" + (f" ({spent[2]:.0f})" if spent[2] else "")


def _strict(rows: Mapping[str, Any]) -> str:
    header = (
        "model",
        "target_accept",
        "divergences",
        "nutpie, s",
        "PyMC, s",
        "path, s",
        "ratio to the faster",
        "sampling, faster, s",
        "path, s",
        "gradients, faster",
        "path",
        "ratio",
    )
    table = [
        (
            r["title"],
            r["target_accept"],
            r["divergences"],
            *(_cell(r[who]["wall"]) for who in ("nutpie", "pymc", "path", "ratio")),
            *(_cell(r[who]["sampling"]) for who in (r["faster"], "path")),
            *(_cell(r[who]["gradients"]) for who in (r["faster"], "path", "ratio")),
        )
        for r in rows.values()
    ]
    return markdown(header, table)


def _refitting(rows: Mapping[str, Any]) -> str:
    header = ("model", "path, s", "101 refits, s", "101 refits with one compilation, s")
    table = [
        (r["title"], _cell(r["path"]["wall"]), _cell(r["refits"]), _cell(r["refits_one_compile"]))
        for r in rows.values()
    ]
    return markdown(header, table)


def _hopeless(rows: Mapping[str, Any]) -> str:
    header = (
        "case",
        "weights flagged",
        "flagged for the evidence",
        "others: mean off, sds",
        "sd off",
        "largest z",
        "of",
        "error, means",
        "error, sds",
        "log evidence off",
        "flagged: mean off, sds",
        "log evidence off",
    )
    table = [
        (
            r["title"],
            f"{r['flagged']} of 101",
            f"{r['evidence_flagged']} of 101",
            *(
                _cell(r["unflagged"][k])
                for k in ("mean", "sd", "z", "comparisons", "error_mean", "error_sd", "evidence")
            ),
            *(_cell(r["flagged_off"][k]) for k in ("mean", "evidence")),
        )
        for r in rows.values()
    ]
    return markdown(header, table)


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
