"""Compiling a model: in strict arithmetic, one at a time, and without files left behind."""

from __future__ import annotations

import linecache
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pymc as pm

__all__ = ["LOCK", "compile_model", "compiling", "one_at_a_time", "sources_removed"]

LOCK = RLock()
"""Held where a library that this one calls sets warning filters and puts them back.

Two threads that do so in turns would leave each other's filters behind. Sampling sets none.
"""
WRITTEN: ContextVar[list[str] | None] = ContextVar("fp_written", default=None)
"""The files that code was written to since `sources_removed`, in this thread alone."""


def one_at_a_time[**P, T](function: Callable[P, T]) -> Callable[P, T]:
    """Let one thread at a time call a function that builds or reads graphs, see `LOCK`."""

    @wraps(function)
    def alone(*args: P.args, **kwargs: P.kwargs) -> T:
        with LOCK:
            return function(*args, **kwargs)

    return alone


def compile_model(model: pm.Model) -> Any:
    """Return a nutpie model whose draws a seed decides, whatever the compilers' caches hold."""
    import nutpie

    with compiling():
        return nutpie.compile_pymc_model(model)


@contextmanager
def compiling() -> Iterator[None]:
    """Compile within, and call compiled functions for the first time, when they are compiled.

    Notes
    -----
    By default PyTensor lets a compiler reorder sums and products ("fast math"). What it makes of
    that leave depends on what it sees at once, which is more where functions are compiled than
    where they come from the cache; draws of chaotic trajectories then differ altogether. Without
    that leave machine code rounds in one way only.
    """
    import pytensor

    with LOCK, pytensor.config.change_flags(numba__fastmath=False), sources_removed():
        yield


@contextmanager
def sources_removed() -> Iterator[None]:
    """Remove the files in the temporary folder that code of this thread is written to within.

    Python's line cache keeps their text, for tracebacks and for `inspect.getsource`.
    """
    _watch()
    before = WRITTEN.set([])
    try:
        yield
    finally:
        written = WRITTEN.get() or []
        WRITTEN.reset(before)
        for name in written:
            with suppress(OSError, UnicodeDecodeError):
                text = Path(name).read_text(encoding="utf-8")
                linecache.cache[name] = len(text), None, text.splitlines(keepends=True), name
            with suppress(OSError):
                Path(name).unlink()


def _watch() -> None:
    """Note the files that PyTensor keeps for generated code, from now on."""
    from pytensor.link import utils

    make = getattr(utils, "NamedTemporaryFile", None)
    if make is None or hasattr(make, "fp_watched"):
        return

    def noted(*args: Any, **kwargs: Any) -> Any:
        file = make(*args, **kwargs)
        written = WRITTEN.get()
        if written is not None and not kwargs.get("delete", True) and "dir" not in kwargs:
            written.append(file.name)
        return file

    noted.fp_watched = True  # type: ignore[attr-defined]
    utils.NamedTemporaryFile = noted
