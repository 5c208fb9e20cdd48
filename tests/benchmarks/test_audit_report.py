"""Limits on the stored results of ``tests.benchmarks.audit_report``."""

from tests.benchmarks.tables import read

STORED = read("report")["quickstart"]


def test_the_quickstart_is_audited_in_seconds_on_a_small_page():
    # Of one thread, so that it is the time of an idle machine.
    assert STORED["cpu_seconds"] < 20
    assert STORED["page_bytes"] < 3_000_000
    assert STORED["judged"] >= 14
