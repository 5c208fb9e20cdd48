import asyncio
import json
import os
import subprocess
import sys

import pytest

from foundation_priors.elicit.journal import Journal, read
from foundation_priors.errors import IncompleteWarning, JournalError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "answers.jsonl"


def answer(number, final=True, **more):
    return {"kind": "answer", "key": f"{number:032x}", "final": final, **more}


def test_lines_come_back_in_order_and_unchanged(path):
    lines = [answer(0, raw="Ελλάδα \u2028 🗳️ \n"), answer(1, raw=None, nested=[1.5, {"a": True}])]
    with Journal(path) as journal:
        for line in lines:
            journal.write(line)
    assert list(read(path)) == lines
    assert path.read_bytes().count(b"\n") == 2


def test_reopening_knows_what_is_done(path):
    with Journal(path) as journal:
        journal.write({"kind": "study", "version": "v1", "format": 1})
        journal.write(answer(1))
        journal.write(answer(2, final=False))
        journal.write({"kind": "probe", "model": "m", "structured": "text"})
    with Journal(path) as journal:
        assert journal.versions == {"v1"}
        assert journal.probes["m"]["structured"] == "text"
        assert journal.done(answer(1)["key"])
        assert not journal.done(answer(2)["key"])
        assert (journal.tries(answer(2)["key"]), journal.tries(answer(1)["key"])) == (1, 0)
        assert len(journal) == 1


def test_an_append_returns_when_the_line_is_in_the_file(path):
    async def run():
        with Journal(path) as journal:
            for number in range(20):
                await journal.append(answer(number))
                assert path.read_bytes().count(b"\n") == number + 1

    asyncio.run(run())


def test_lines_share_a_sync(path, monkeypatch):
    synced = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: (synced.append(1), real(file)))

    async def run():
        with Journal(path) as journal:
            await asyncio.gather(*(journal.append(answer(i)) for i in range(500)))

    asyncio.run(run())
    assert len(list(read(path))) == 500
    assert len(synced) < 50


def test_a_cancelled_wait_still_writes(path):
    async def run():
        with Journal(path) as journal:
            task = asyncio.create_task(journal.append(answer(1)))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await journal.append(answer(2))

    asyncio.run(run())
    assert sorted(line["key"] for line in read(path)) == [answer(1)["key"], answer(2)["key"]]


def test_closing_writes_what_waits(path):
    async def run():
        with Journal(path) as journal:
            for number in range(10):
                journal.note(answer(number))

    asyncio.run(run())
    assert len(list(read(path))) == 10


def test_a_torn_last_line_is_moved_at_every_place(path):
    whole = [json.dumps(answer(i, raw="ä" * 5)).encode() for i in range(3)]
    data = b"\n".join(whole) + b"\n"
    start = len(whole[0]) + len(whole[1]) + 2
    for cut in range(start + 1, len(data) - 1):
        path.write_bytes(data[:cut])
        torn = path.with_name("answers.jsonl.torn")
        torn.unlink(missing_ok=True)
        assert len(list(read(path))) == 2
        with pytest.warns(IncompleteWarning, match="torn"), Journal(path) as journal:
            assert len(journal) == 2
            assert journal.torn == cut - start
            journal.write(answer(9))
        assert torn.read_bytes() == data[start:cut] + b"\n"
        assert [line["key"] for line in read(path)][-1] == answer(9)["key"]
        assert len(list(read(path))) == 3


def test_a_last_line_that_only_lacks_its_end_is_kept(path):
    path.write_bytes(json.dumps(answer(1)).encode())
    with Journal(path) as journal:
        assert journal.done(answer(1)["key"])
        journal.write(answer(2))
    assert len(list(read(path))) == 2


def test_zeros_that_a_power_cut_leaves_are_moved(path):
    path.write_bytes(json.dumps(answer(1)).encode() + b"\n" + b"\0" * 5000)
    with pytest.warns(IncompleteWarning), Journal(path) as journal:
        assert len(journal) == 1
    assert len(list(read(path))) == 1


def test_damage_in_the_middle_is_an_error_that_names_the_line(path):
    path.write_bytes(b'{"kind":"answer","key":"00","final":true}\nrubbish\n{"kind":"failure"}\n')
    with pytest.raises(JournalError, match="Line 2"):
        Journal(path)


@pytest.mark.parametrize("text", ["a,b\n1,2\n", '{"a": 1}', '{"a": 1}\n', "x", "[1, 2]\n"])
def test_a_file_of_another_kind_is_refused_and_left_alone(path, text):
    path.write_text(text)
    with pytest.raises(JournalError, match="no journal"):
        Journal(path)
    assert path.read_text() == text
    assert not path.with_name("answers.jsonl.torn").exists()


def test_a_later_format_is_refused(path):
    path.write_text('{"kind":"study","format":99,"version":"v"}\n')
    with pytest.raises(JournalError, match="later version"):
        Journal(path)


def test_missing_files_and_folders_are_errors(tmp_path):
    with pytest.raises(JournalError, match="No such file"):
        list(read(tmp_path / "none.jsonl"))
    with pytest.raises(JournalError, match="no folder"):
        Journal(tmp_path / "no folder" / "answers.jsonl")
    with pytest.raises(JournalError):
        Journal(tmp_path)


def test_a_second_one_is_refused_and_told_who_has_it(path):
    with Journal(path):
        with pytest.raises(JournalError, match=f"process {os.getpid()}"):
            Journal(path)
        code = f"from foundation_priors.elicit.journal import Journal; Journal({str(path)!r})"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert f"is in use by process {os.getpid()}" in done.stderr
    Journal(path).close()


def test_a_failed_opening_leaves_no_lock(path):
    path.write_text("rubbish\n")
    with pytest.raises(JournalError):
        Journal(path)
    path.write_text("")
    Journal(path).close()


def test_keys_are_struck_out_of_every_line(path):
    key = 'quagga"\\7731'
    with Journal(path) as journal:
        journal.hide([key])
        journal.write(answer(1, raw=f"Bearer {key} and {json.dumps({'key': key})}"))
    assert "quagga" not in path.read_text()
    assert next(read(path))["raw"].startswith("Bearer [redacted]")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_full_disk_is_one_sentence(path):
    async def run():
        journal = Journal(path)
        os.close(journal._file)
        journal._file = os.open("/dev/full", os.O_WRONLY)
        try:
            with pytest.raises(JournalError, match="cannot be written"):
                await journal.append(answer(1))
        finally:
            journal.close()

    asyncio.run(run())
