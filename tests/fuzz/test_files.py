"""A few damaged files of every kind; all of them by ``python -m tests.fuzz.files``."""

from tests.fuzz import files


def test_damaged_files_are_read_or_refused_with_one_sentence() -> None:
    found = files.run(count=90)
    assert not files.bad(found)
    assert {one["kind"] for one in found} == set(files.KINDS)
    outcomes = [one["outcome"] for one in found]
    assert 0.1 * len(found) < outcomes.count("read") < 0.6 * len(found)
