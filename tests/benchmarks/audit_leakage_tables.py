"""The tables of ``docs/audit/leakage.md``, from the stored results.

Run as ``python -m tests.benchmarks.audit_leakage_tables`` to write them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from foundation_priors.diagnose.leakage_words import chance
from tests.benchmarks.tables import DOCS, markdown, read, replace_between

__all__ = ["tables"]


def tables(results: Mapping[str, Any]) -> dict[str, str]:
    """Return the tables by their markers."""
    return {
        "leakage size": _size(results["leakage"]),
        "leakage studies": _studies(results["leakage_studies"]),
        "leakage readings": _readings(results["leakage_studies"]),
    }


def _size(rows: Mapping[str, Any]) -> str:
    header = (
        "world",
        "pairs",
        "simulations",
        "rejected at .05",
        "by one draw",
        "any of 2 conversations",
        "share copied: mean",
        "90% interval covers",
    )
    keys = ("rejected", "rejected_single", "rejected_any")
    body = [
        (
            name,
            r["pairs"],
            f"{r['simulations']:,}",
            *(f"{r[k]:.3f}" for k in keys),
            f"{r['share']:.2f}",
            f"{r['interval']:.2f}",
        )
        for name, r in rows.items()
    ]
    return markdown(header, body)


def _studies(rows: Mapping[str, Any]) -> str:
    header = ("study", "answers", "pairs", "agree", "expected", "chance", "share copied (90%)")
    body = []
    for name, study in rows.items():
        for row in study["groups"]:
            normal = "correlation" in row
            seen = f"r = {row['correlation']:.2f}" if normal else f"{row['agreements']:.3g}"
            expected = "" if normal else f"{row['expected_agreements']:.1f}"
            share = [f"{row[k]:.0%}" for k in ("share_copied", "share_low", "share_high")]
            body.append(
                (
                    name,
                    row["group"],
                    row["pairs"],
                    seen,
                    expected,
                    chance(row["p_adjusted"]),
                    f"{share[0]} ({share[1]} to {share[2]})",
                )
            )
    return markdown(header, body)


def _readings(rows: Mapping[str, Any]) -> str:
    return "\n\n".join(
        f"**{name}** (given {study['given']}): {study['reading']}" for name, study in rows.items()
    )


if __name__ == "__main__":
    for marker, table in tables(read("audit")).items():
        replace_between(DOCS / "audit" / "leakage.md", marker, table)
