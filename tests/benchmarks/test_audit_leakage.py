"""The stored results of the leakage diagnostics keep what the documentation says of them."""

import pytest

from tests.benchmarks.audit_leakage import CASES
from tests.benchmarks.audit_leakage_studies import CASES as STUDIES
from tests.benchmarks.audit_leakage_tables import tables
from tests.benchmarks.tables import DOCS, read

SIMULATED = read("audit")["leakage"]
STORED = read("audit")["leakage_studies"]
HONEST = [name for name, case in CASES.items() if not case[2]]
COPIED = [name for name, case in CASES.items() if case[2]]


@pytest.mark.parametrize("name", HONEST)
def test_size_is_right_when_all_comes_from_the_foundation_prior(name):
    row = SIMULATED[name]
    assert row["simulations"] == 2000
    for kind in ("rejected", "rejected_single", "rejected_any"):
        assert 0.04 <= row[kind] <= 0.06
    assert min(row["uniform"], row["uniform_single"]) > 0.01


@pytest.mark.parametrize("name", COPIED)
def test_a_third_copied_is_found_with_200_pairs(name):
    row = SIMULATED[name]
    assert row["pairs"] == 200 and row["rejected"] > 0.9
    assert abs(row["share"] - 1 / 3) < 0.05
    # 90% within 4 standard errors of 400 worlds, and a little for a normal approximation.
    assert 0.82 < row["interval"] < 0.97


def groups(name):
    return {g["group"]: g for g in STORED[name]["groups"]}


@pytest.mark.parametrize("name", ["modechoice", "modechoice, no wait"])
def test_modechoice_is_caught(name):
    for conversation in ("forecast-1", "plain-1"):
        row = groups(name)[conversation]
        assert row["agreements"] == row["pairs"] == 50
        assert row["knows"] and row["p_adjusted"] < 0.001 and row["share_low"] > 0.75
    assert groups(name)["roleplay-1"]["share_high"] < groups(name)["plain-1"]["share_low"]


@pytest.mark.parametrize("name", ["anes96", "wages"])
def test_the_others_are_not_accused(name):
    assert not any(row["knows"] for row in groups(name).values())


def test_every_study_is_there_and_the_page_shows_it():
    assert set(STORED) == set(STUDIES)
    text = (DOCS / "audit" / "leakage.md").read_text()
    for table in tables(read("audit")).values():
        assert table in text
