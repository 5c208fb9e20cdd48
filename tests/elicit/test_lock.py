"""One writer at a time, by whatever name; and files that are no journals stay as they are."""

import json
import os
import socket
import stat
import subprocess
import sys
import threading
import types

import pytest

import foundation_priors as fp
from foundation_priors.cli import main
from foundation_priors.elicit import lock
from foundation_priors.elicit.journal import Journal, read
from foundation_priors.errors import IncompleteWarning, JournalError

HOLD = """
import sys
from foundation_priors.elicit.journal import Journal
with Journal(sys.argv[1]):
    print("open", flush=True)
    sys.stdin.readline()
"""
OLD = """
import sys
from filelock import FileLock
with FileLock(sys.argv[1] + ".lock").acquire(timeout=0):
    print("open", flush=True)
    sys.stdin.readline()
"""


def answer(number, **more):
    return {"kind": "answer", "key": f"{number:032x}", "final": True, **more}


@pytest.fixture
def held():
    """Return what starts a process that holds a journal, and stop them all at the end."""
    processes = []

    def hold(path, code=HOLD):
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        assert process.stdout.readline() == "open\n"
        return process

    yield hold
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def names(tmp_path):
    """Return a journal's name, and others that lead to the same file."""
    (tmp_path / "elsewhere").mkdir()
    path = tmp_path / "answers.jsonl"
    Journal(path).close()
    (tmp_path / "link.jsonl").symlink_to("answers.jsonl")
    (tmp_path / "elsewhere" / "link.jsonl").symlink_to(path)
    (tmp_path / "elsewhere" / "hard.jsonl").hardlink_to(path)
    (tmp_path / "folder").symlink_to(tmp_path)
    others = ("link.jsonl", "elsewhere/link.jsonl", "elsewhere/hard.jsonl", "folder/answers.jsonl")
    return [path, *(tmp_path / name for name in others)]


def test_one_file_has_one_writer_whatever_its_name(names, held):
    for first in names:
        with Journal(first):
            for second in names:
                with pytest.raises(JournalError, match="in use"):
                    Journal(second)
        process = held(first)
        for second in names:
            with pytest.raises(JournalError, match="in use"):
                Journal(second)
            assert list(read(second)) == []
        process.communicate("\n")
    Journal(names[0]).close()


def test_a_killed_writer_leaves_no_lock(names, held):
    process = held(names[2])
    process.kill()
    process.wait()
    Journal(names[0]).close()


def test_of_many_that_open_it_at_once_one_does(tmp_path):
    path, gate, opened = tmp_path / "a.jsonl", threading.Barrier(8), []

    def work():
        gate.wait()
        try:
            opened.append(Journal(path))
        except JournalError:
            opened.append(None)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (one,) = [journal for journal in opened if journal is not None]
    one.close()


def test_closing_another_opening_keeps_the_lock(names):
    with Journal(names[0]):
        assert list(read(names[0])) == []
        with open(names[2], "rb"):
            pass
        with pytest.raises(JournalError, match="in use"):
            Journal(names[1])


def test_earlier_versions_are_honoured(names, held):
    """They lock a file beside the journal by its name."""
    pytest.importorskip("filelock")
    process = held(names[0], OLD)
    for name in (names[0], names[1], names[2], names[4]):
        with pytest.raises(JournalError, match="in use"):
            Journal(name)
    process.communicate("\n")
    from filelock import FileLock, Timeout

    with Journal(names[1]), pytest.raises(Timeout):
        FileLock(f"{names[0]}.lock").acquire(timeout=0)
    with Journal(names[0]), pytest.raises(Timeout):
        FileLock(f"{names[0]}.lock").acquire(timeout=0)


def test_a_lock_file_is_not_written_through(tmp_path):
    kept = tmp_path / "kept.txt"
    kept.write_text("mine")
    (tmp_path / "a.jsonl.lock").symlink_to(kept)
    with Journal(tmp_path / "a.jsonl"):
        pass
    assert kept.read_text() == "mine"
    (tmp_path / "c.jsonl.lock").symlink_to(tmp_path / "not there")
    Journal(tmp_path / "c.jsonl").close()
    assert not (tmp_path / "not there").exists()
    os.mkfifo(tmp_path / "b.jsonl.lock")
    with Journal(tmp_path / "b.jsonl"), pytest.raises(JournalError, match="another process"):
        Journal(tmp_path / "b.jsonl")


def test_a_journal_that_is_replaced_between_opening_and_locking(tmp_path, monkeypatch):
    path, other = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    path.write_text(json.dumps(answer(1)) + "\n")
    other.write_text(json.dumps(answer(2)) + "\n")
    take = lock._take

    def late(file, place):
        if other.exists():
            other.replace(path)
        return take(file, place)

    monkeypatch.setattr(lock, "_take", late)
    with Journal(path) as journal:
        journal.write(answer(3))
        assert journal.done(answer(2)["key"]) and not journal.done(answer(1)["key"])
    assert [line["key"] for line in read(path)] == [answer(2)["key"], answer(3)["key"]]


def test_a_journal_that_is_replaced_while_it_is_in_use(tmp_path):
    path = tmp_path / "a.jsonl"
    with Journal(path) as journal:
        journal.write(answer(1))
        path.rename(tmp_path / "b.jsonl")
        journal.write(answer(2))  # a file with another name is still that file
        (tmp_path / "b.jsonl").unlink()
        with pytest.raises(JournalError, match="deleted or replaced"):
            journal.write(answer(3))


def test_where_the_system_has_bytes_to_lock(tmp_path, monkeypatch):
    """What Windows is asked for: one byte beyond the end, given back at the end."""
    taken = set()

    def locking(file, how, size):
        entry = os.fstat(file).st_ino, os.lseek(file, 0, os.SEEK_CUR)
        assert size == 1
        if how == "give":
            return taken.remove(entry)
        if entry in taken:
            raise PermissionError(13, "Permission denied")
        return taken.add(entry)

    fake = types.SimpleNamespace(locking=locking, LK_NBLCK="take", LK_UNLCK="give")
    monkeypatch.setitem(sys.modules, "msvcrt", fake)
    monkeypatch.setattr(lock, "sys", types.SimpleNamespace(platform="win32"))
    path = tmp_path / "a.jsonl"
    with Journal(path) as journal:
        journal.write(answer(1))
        assert (path.stat().st_ino, lock.BEYOND) in taken
        with pytest.raises(JournalError, match="in use"):
            Journal(path)
        assert len(list(read(path))) == 1
    assert not taken and path.stat().st_size < 100
    with Journal(path) as journal:
        journal.write(answer(2))
    assert len(list(read(path))) == 2


def test_a_file_system_without_locks_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "_take", lambda file, place: None)
    with pytest.warns(UserWarning, match="has no locks"), Journal(tmp_path / "a.jsonl") as journal:
        journal.write(answer(1))


@pytest.mark.skipif(os.name != "posix", reason="needs permissions")
def test_journals_are_their_owners(tmp_path):
    def mode(name):
        return stat.S_IMODE((tmp_path / name).stat().st_mode)

    before = os.umask(0o022)
    try:
        with Journal(tmp_path / "a.jsonl") as journal:
            journal.write(answer(1))
        assert mode("a.jsonl") == 0o600
        (tmp_path / "a.jsonl").chmod(0o640)
        with open(tmp_path / "a.jsonl", "a") as file:
            file.write('{"kind":"ans')
        with pytest.warns(IncompleteWarning):
            Journal(tmp_path / "a.jsonl").close()
        assert (mode("a.jsonl"), mode("a.jsonl.torn")) == (0o640, 0o600)
        fp.datasets.journal("wages", tmp_path / "wages.jsonl")
        assert mode("wages.jsonl") == 0o600
    finally:
        os.umask(before)


FOREIGN = {
    "picture": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(50),
    "table": b"vote,age\nDole,50\nClinton,40\n",
    "notebook": b'{\n "cells": [],\n "metadata": {}\n}\n',
    "log": b'{"kind":"message","text":"hello"}\n{"kind":"message","text":"bye"}\n',
    "a log cut off": b'{"kind":"message","text":"hello"}\n{"kind":"mess',
    "answers of others": b'{"kind": "answer", "text": "hello"}\n',
    "answers of others, compact": b'{"kind":"answer","text":"hello"}\n{"kind":"answer","text":"b',
    "keys of others": b'{"kind":"answer","key":"enter","final":true}\n',
    "runs of others": b'{"kind":"run","id":7}\n',
    "studies of others": b'{"kind":"study","version":3,"name":"x"}\n',
    "a kind that is a list": b'{"kind":["answer"],"key":"00","final":true}\n',
    "a list": b"[1, 2]",
    "no newline": b'{"kind":"answer","text":"hello"}',
    "a study file": b'prompt = "x"\n',
    "zeros": bytes(1000),
    "deep": b'{"kind":' + b"[" * 200_000,
    "utf-16": '{"kind":"study","version":"a"}\n'.encode("utf-16"),
}


@pytest.mark.parametrize("what", FOREIGN)
def test_a_foreign_file_is_refused_and_untouched(what, tmp_path, capsys):
    path = tmp_path / "file"
    path.write_bytes(FOREIGN[what])
    path.chmod(0o644)
    before = os.stat(path)
    for use in (Journal, lambda place: list(read(place)), fp.elicit.replay):
        with pytest.raises(JournalError, match="no journal of answers") as caught:
            use(path)
        assert "\n" not in str(caught.value)
    assert main(["show", str(path)]) == 1
    assert path.read_bytes() == FOREIGN[what] and os.stat(path).st_mtime_ns == before.st_mtime_ns
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("torn", [b'{"kind":"study","version":"a","pro', b'{"kind":"stu'])
def test_a_first_line_of_ours_may_be_torn(torn, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(torn)
    with pytest.warns(IncompleteWarning, match="torn"), Journal(path) as journal:
        journal.write(answer(1))
    assert len(list(read(path))) == 1
    assert path.with_name("a.jsonl.torn").read_bytes() == torn + b"\n"


def test_lines_of_later_versions_stay(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(answer(1)) + '\n{"kind":"something new"}\n')
    with Journal(path) as journal:
        assert journal.torn == 0
    assert [line["kind"] for line in read(path)] == ["answer", "something new"]


@pytest.mark.parametrize(
    "line",
    ['{"kind":"answer"}', '{"kind":"answer","key":"xyz","final":true}', '{"kind":"batch"}', "[]"],
)
def test_a_damaged_line_is_named(line, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(answer(1)) + f"\n{line}\n" + json.dumps(answer(2)) + "\n")
    for use in (Journal, lambda place: list(read(place))):
        with pytest.raises(JournalError, match="Line 2 .* is damaged"):
            use(path)


@pytest.fixture
def special(tmp_path):
    """Return names of what is no ordinary file."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("pipe")
    door = socket.socket(socket.AF_UNIX)
    door.bind(str(tmp_path / "door"))
    yield [*(tmp_path / name for name in ("pipe", "folder", "link", "door"))]
    door.close()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with a name")
def test_what_is_no_ordinary_file_is_not_read(special, tmp_path):
    system = ["/dev/zero", "/dev/null", "/proc/self/environ", "/proc/kmsg", "/sys/kernel/profiling"]
    before = sorted(os.listdir(tmp_path))
    for path in [*special, *(name for name in system if os.path.exists(name))]:
        for use in (Journal, lambda place: list(read(place)), fp.elicit.replay):
            with pytest.raises(JournalError, match="no ordinary file"):
                use(path)
        assert main(["show", str(path)]) in (1, 2)
    assert sorted(os.listdir(tmp_path)) == before
