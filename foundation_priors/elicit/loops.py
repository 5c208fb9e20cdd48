"""Run a coroutine from ordinary code, also where an event loop runs already, as in a notebook."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable, Coroutine
from typing import Any

__all__ = ["run_anywhere"]

PATIENCE = 0.1  # seconds between two looks for an interrupt, while another thread works


def run_anywhere[T](make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine to its end and return its result.

    Parameters
    ----------
    make : callable
        Returns the coroutine.

    Returns
    -------
    object
        Its result.

    Notes
    -----
    Where a loop is running in this thread, the coroutine runs in a fresh thread with a loop of its
    own. Ctrl-C cancels it, waits until it has cleaned up, and is raised again.

    Examples
    --------
    >>> async def answer():
    ...     return 42
    >>> run_anywhere(answer)
    42
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(make())
    return _Aside(make).result()


class _Aside[T]:
    """A coroutine in a thread of its own."""

    def __init__(self, make: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._make = make
        self._begun = threading.Event()
        self._values: list[T] = []
        self._error: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None

    def result(self) -> T:
        work = contextvars.copy_context().run
        thread = threading.Thread(target=work, args=(self._work,), name="foundation_priors asks")
        try:
            thread.start()
            while thread.is_alive():
                thread.join(PATIENCE)
        except BaseException:
            if thread.ident is not None:  # it runs, though an interrupt may have come at its start
                self._cancel()
                thread.join()
            raise
        if self._error is not None:
            raise self._error
        return self._values[0]

    def _work(self) -> None:
        try:
            self._values.append(asyncio.run(self._main()))
        except BaseException as error:
            self._error = error
        finally:
            self._begun.set()

    async def _main(self) -> T:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        self._begun.set()
        return await self._make()

    def _cancel(self) -> None:
        self._begun.wait()
        if self._loop is not None and self._task is not None:
            with contextlib.suppress(RuntimeError):  # the loop has just ended
                self._loop.call_soon_threadsafe(self._task.cancel)
