"""How many requests are under way: more while the server keeps up, half as many when not."""

from __future__ import annotations

import asyncio
from collections import deque

__all__ = ["Limit"]


class Limit:
    """A limit on concurrency that adapts by additive increase and multiplicative decrease.

    Parameters
    ----------
    most : int
        The limit at the start, which is never exceeded.

    Attributes
    ----------
    now : float
        The present limit, from 1 to `most`.
    busy : int
        Requests under way.

    Notes
    -----
    After a good response the limit grows by 1/limit, by 1 that is for a round of responses; after
    an overload it is halved, once for all requests that were sent before the halving (Chiu and
    Jain, 1989, doi:10.1016/0169-7552(89)90019-6).

    Examples
    --------
    >>> limit = Limit(8)
    >>> limit.slower(limit.epoch)
    >>> limit.now
    4.0
    """

    def __init__(self, most: int) -> None:
        if most != int(most) or most < 1:
            raise ValueError(f"concurrency={most!r} must be a whole number of at least 1.")
        self.most, self.now, self.busy, self.epoch = int(most), float(most), 0, 0
        self._queue: deque[asyncio.Future[None]] = deque()

    async def acquire(self) -> int:
        """Wait for a place, and return the epoch in which it was given."""
        if self.busy < int(self.now) and not self._queue:
            self.busy += 1
            return self.epoch
        place = asyncio.get_running_loop().create_future()
        self._queue.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.release()
            raise
        return self.epoch

    def release(self) -> None:
        """Give a place back."""
        self.busy -= 1
        while self._queue and self.busy < int(self.now):
            place = self._queue.popleft()
            if not place.done():
                self.busy += 1
                place.set_result(None)

    def faster(self) -> None:
        """Note a good response."""
        self.now = min(self.most, self.now + 1 / self.now)

    def slower(self, epoch: int) -> None:
        """Note an overload.

        Parameters
        ----------
        epoch : int
            The epoch in which the request was sent.
        """
        if epoch == self.epoch:
            self.now = max(1.0, self.now / 2)
            self.epoch += 1
