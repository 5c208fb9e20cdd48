"""A few random replies of servers; ``python -m tests.fuzz.replies`` reads 2,000."""

from tests.fuzz.replies import fuzz, through_a_server


def test_random_replies_end_as_answers_or_reasons():
    found = fuzz(120, seed=3)
    assert found.total() == 132
    assert found["answer"] > 10 and sum("rejected" in became for became in found) >= 5


def test_random_replies_end_runs_in_one_sentence():
    found = through_a_server(50, seed=3)
    assert found["run ended with answers"] + found["run ended with one sentence"] == 1
