"""Limits on the stored results of ``tests.benchmarks.audit_report``."""

from tests.benchmarks.tables import read

STORED = read("report")["quickstart"]


def test_the_quickstart_is_audited_in_seconds_on_a_small_page():
    assert STORED["seconds"] < 20
    assert STORED["page_bytes"] < 3_000_000
    assert STORED["judged"] >= 14
