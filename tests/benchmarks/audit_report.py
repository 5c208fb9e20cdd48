"""What the audit of the quickstart's analysis takes once its path is there.

Run it on an idle machine: ``python -m tests.benchmarks.audit_report``.
"""

from __future__ import annotations

import time

from foundation_priors.cli.demo import analyse
from foundation_priors.cli.pilot import prepare
from foundation_priors.report import audit
from tests.benchmarks.tables import store

SEED = 1


def run() -> dict[str, float]:
    """Audit the pilot of 40 voters and 540 answers, write the page, and return what it took."""
    pilot = prepare(SEED)
    path = analyse(pilot, seed=SEED)
    wall, cpu = time.perf_counter(), time.process_time()
    found = audit(path, held_out=pilot.held_out, real=pilot.real, progressbar=False)
    middle = time.perf_counter()
    page = found.to_html()
    end = time.perf_counter()
    return {
        "audit_seconds": round(middle - wall, 2),
        "page_seconds": round(end - middle, 2),
        "seconds": round(end - wall, 2),
        "cpu_seconds": round(time.process_time() - cpu, 2),
        "page_bytes": len(page.encode()),
        "judged": sum(s.judged for s in found.sections),
        "questions": len(found.sections),
    }


if __name__ == "__main__":
    for key, value in run().items():
        store("report", "quickstart", key, value)
        print(f"{key}: {value}")
