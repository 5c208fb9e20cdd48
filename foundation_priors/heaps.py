"""Heaps of texts in HDF5 files: where one is bad, the library would step through it for ever."""

from __future__ import annotations

import mmap
from typing import Any

__all__ = ["Damaged", "check_heaps"]

HEAP = b"GCOL\x01"
"""How a collection of texts begins."""


class Damaged(ValueError):
    """What is wrong with a file, without its name."""


def check_heaps(stored: Any, size: int) -> None:
    """Raise where HDF5 would walk through a heap of texts for ever: its steps lead nowhere."""
    steps = size // 16 + 16
    with mmap.mmap(stored.fileno(), 0, access=mmap.ACCESS_READ) as raw:
        start = raw.find(HEAP)
        while start >= 0:
            end = start + int.from_bytes(raw[start + 8 : start + 16], "little")
            place = start + 16
            while place + 16 <= end <= size:
                length = int.from_bytes(raw[place + 8 : place + 16], "little")
                # What has the number 0 is free, and counts its own head.
                step = 16 + -(-length // 8) * 8 if raw[place] or raw[place + 1] else length
                place, steps = place + step, steps - 1
                if not 16 <= step or place > end or steps < 0:
                    raise Damaged("its texts are damaged")
            start = raw.find(HEAP, start + 1)
