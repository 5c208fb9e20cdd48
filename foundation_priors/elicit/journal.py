"""Every answer on disk the moment it arrives, one JSON object a line, and never changed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foundation_priors.elicit.lines import read, refuse_foreign, repair, sound_lines
from foundation_priors.elicit.lock import Locked
from foundation_priors.errors import JournalError

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Journal", "read"]

ENDED = ("collected", "failed")  # of batches
DEEPEST = 100  # lists and objects within each other
LONG_SECRET = 8  # shorter ones would be struck out of answers by chance


class Journal:
    """A journal of answers, opened for adding to it.

    Parameters
    ----------
    path : str or path
        The file; it is made if it isn't there.

    Attributes
    ----------
    versions : set of str
        Versions of the study that the journal knows.
    probes : dict of str
        The last probe of every model.
    batches : dict of str
        The last line of every batch, by its name, with the keys that were asked in it.
    torn : int
        Bytes of an interrupted write that opening has moved to ``<path>.torn``.

    Raises
    ------
    JournalError
        If another process has it open, if it cannot be written, or if it is no journal; then
        it stays as it is.

    Notes
    -----
    Lines are appended through one file descriptor. Those that arrive while one ``fsync`` runs go
    together into the next. In memory stay 16 bytes for every call that is done.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "answers.jsonl"
    >>> with Journal(path) as journal:
    ...     journal.write({"kind": "answer", "key": "0f" * 16, "final": True})
    ...     journal.done("0f" * 16)
    True
    >>> [line["kind"] for line in Journal.read(path)]
    ['answer']
    """

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = Path(path)
        self.versions: set[str] = set()
        self.probes: dict[str, dict[str, Any]] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.torn = 0
        self._done: set[bytes] = set()
        self._tries: dict[bytes, int] = {}
        self._hidden: tuple[str, ...] = ()
        self._secrets: tuple[bytes, ...] = ()  # the same, as they would stand in a line
        self._waiting: list[bytes] = []
        self._group: asyncio.Future[None] | None = None  # of the lines that wait
        self._committing: asyncio.Future[None] | None = None
        self._writing = False
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._lock: Locked | None = None
        self._file = -1
        if not self.path.parent.is_dir():
            raise JournalError(
                f"There is no folder {str(self.path.parent)!r} for the journal: make it."
            )
        try:
            self._lock = Locked(self.path)
            self._file = self._lock.file
            with os.fdopen(os.dup(self._file), "rb+") as file:
                refuse_foreign(file, self.path)
                self._lock.honour()
                self.torn = repair(file, self.path)
                file.seek(0)
                for line in sound_lines(file, self.path):
                    self._index(line)
        except BaseException as error:
            self.close()
            if isinstance(error, OSError) and not isinstance(error, JournalError):
                raise JournalError(
                    f"The journal {str(self.path)!r} cannot be opened ({error.strerror}): name a"
                    " file that can be written."
                ) from None
            raise

    def __enter__(self) -> Journal:
        """Return the journal."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def __len__(self) -> int:
        """Return how many calls are done."""
        return len(self._done)

    @staticmethod
    def read(path: str | os.PathLike) -> Iterator[dict[str, Any]]:
        """Yield the lines of a journal; the same as the function `read`."""
        return read(path)

    def done(self, key: str) -> bool:
        """Return whether a call has its final answer.

        Parameters
        ----------
        key : str
            The call's key, 32 hexadecimal digits.

        Returns
        -------
        bool
            It.
        """
        return bytes.fromhex(key) in self._done

    def tries(self, key: str) -> int:
        """Return how many answers to a call that isn't done were rejected.

        Parameters
        ----------
        key : str
            The call's key.

        Returns
        -------
        int
            It.
        """
        return self._tries.get(bytes.fromhex(key), 0)

    def hide(self, secrets: Iterable[str]) -> None:
        """Strike keys out of every line, whatever a server puts into its answers.

        Parameters
        ----------
        secrets : iterable of str
            The keys, instead of those that were given before.
        """
        given = tuple(secret for secret in secrets if len(secret) >= LONG_SECRET)
        if given != self._hidden:
            self._hidden = given
            self._secrets = tuple({_spelt(s, times) for s in given for times in (1, 2)})

    def write(self, line: Mapping[str, Any]) -> None:
        """Append a line and return when it is on disk.

        Parameters
        ----------
        line : mapping
            Whose first key is ``kind``.
        """
        data = self._encode(line)
        self._writer.submit(self._commit, data).result()
        self._index(line)

    def note(self, line: Mapping[str, Any]) -> None:
        """Append a line with the next group, from a coroutine that need not wait for it.

        Parameters
        ----------
        line : mapping
            As for `write`.
        """
        self._waiting.append(self._encode(line))
        self._index(line)
        if self._group is None:
            self._group = asyncio.get_running_loop().create_future()
        if not self._writing:
            self._start()

    async def append(self, line: Mapping[str, Any]) -> None:
        """Append a line and wait until it is on disk.

        Parameters
        ----------
        line : mapping
            As for `write`. It is written even if the waiting is cancelled.

        Raises
        ------
        JournalError
            If it cannot be written.
        """
        self.note(line)
        group = self._group if self._waiting else self._committing
        assert group is not None
        await asyncio.shield(group)

    def close(self) -> None:
        """Write what waits, and let others open the journal."""
        self._writer.shutdown(wait=True)
        try:
            if self._file >= 0 and self._waiting:
                self._commit(b"".join(self._waiting))
        finally:
            self._waiting = []
            if self._lock is not None:
                self._lock.release()
                os.close(self._file)
                self._lock, self._file = None, -1

    def _encode(self, line: Mapping[str, Any]) -> bytes:
        if self._file < 0:
            raise JournalError(f"The journal {str(self.path)!r} is closed.")
        try:
            data = _spelt_out(line)
        except (ValueError, RecursionError):
            data = _spelt_out(_tame(line))
        raw = data.encode("utf-8", "backslashreplace") + b"\n"  # half a character as JSON has it
        for secret in self._secrets:
            if secret in raw:
                raw = raw.replace(secret, b"[redacted]")
        return raw

    def _index(self, line: Mapping[str, Any]) -> None:
        kind = line["kind"]
        if kind == "answer":
            key = bytes.fromhex(line["key"])
            if line["final"]:
                self._done.add(key)
                self._tries.pop(key, None)
            elif key not in self._done:
                self._tries[key] = self._tries.get(key, 0) + 1
        elif kind == "study":
            self.versions.add(line["version"])
        elif kind == "probe":
            self.probes[line["model"]] = dict(line)
        elif kind == "batch":
            known = {**self.batches.get(line["name"], {}), **line}
            if known["status"] in ENDED:
                known["keys"] = ()
            self.batches[line["name"]] = known

    def _start(self) -> None:
        data, self._waiting = b"".join(self._waiting), []
        self._committing, self._group = self._group, None
        self._writing = True
        loop = asyncio.get_running_loop()
        loop.run_in_executor(self._writer, self._commit, data).add_done_callback(self._written)

    def _written(self, commit: asyncio.Future[None]) -> None:
        group, error = self._committing, commit.exception()
        self._writing = False
        if self._waiting and self._file >= 0:
            self._start()
        if group is None or group.done():
            return
        if error is None:
            group.set_result(None)
        else:
            group.set_exception(error)
            group.exception()  # notes wait for nobody, and their error is met by the next append

    def _commit(self, data: bytes) -> None:
        view, size = memoryview(data), os.fstat(self._file).st_size
        if self._lock is not None and self._lock.is_gone():
            raise JournalError(
                f"The journal {str(self.path)!r} was deleted or replaced while it was in use: put"
                " it back, and run again to go on from what it holds."
            )
        try:
            while view:
                view = view[os.write(self._file, view) :]
            os.fsync(self._file)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, size)  # half a line would spoil the next one
            raise JournalError(
                f"The journal {str(self.path)!r} cannot be written ({error.strerror}): make room,"
                " and run again to go on from what it holds."
            ) from None


def _spelt(secret: str, times: int) -> bytes:
    """Spell a key as it stands in a line, or in an answer that is JSON itself in a line."""
    for _ in range(times):
        secret = json.dumps(secret, ensure_ascii=False)[1:-1]
    return secret.encode()


def _spelt_out(line: Any) -> str:
    how: dict[str, Any] = {"ensure_ascii": False, "allow_nan": False, "separators": (",", ":")}
    return json.dumps(line, default=_plain, **how)


def _tame(value: Any, depth: int = 0) -> Any:
    """Put null for numbers that JSON does not know, and for what is nested too deeply."""
    if depth > DEEPEST or isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(name): _tame(part, depth + 1) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_tame(part, depth + 1) for part in value]
    return value


def _plain(value: Any) -> Any:
    """Turn NumPy's numbers into Python's."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} {value!r} cannot be written to a journal.")
