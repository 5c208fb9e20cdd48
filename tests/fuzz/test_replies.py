"""A few random replies of servers, and journals; as programs the modules beside read 2,000 each."""

from tests.fuzz import journals
from tests.fuzz.replies import fuzz, through_a_server


def test_random_replies_end_as_answers_or_reasons():
    found = fuzz(120, seed=3)
    assert found.total() == 132
    assert found["answer"] > 10 and sum("rejected" in became for became in found) >= 5


def test_random_replies_end_runs_in_one_sentence():
    found = through_a_server(50, seed=3)
    assert found["run ended with answers"] + found["run ended with one sentence"] == 1


def test_random_damage_to_a_journal_ends_in_one_sentence():
    found = journals.fuzz(100, seed=3)
    assert found.total() == 100 and found["answers"] > 20 and found["JournalError"] > 20
