"""From JSON lines, one object per answer, to a frame."""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from foundation_priors.ordinary import regular

__all__ = ["frame_from_lines"]


def frame_from_lines(lines: str | os.PathLike | Iterable[str | Mapping]) -> pd.DataFrame:
    """Read JSON lines into a frame.

    Parameters
    ----------
    lines : str, path or iterable of str or mapping
        A file's path, the text itself, its lines, or the objects in them. Empty lines are skipped.

    Returns
    -------
    pandas.DataFrame
        One row per object; whole numbers stay whole.

    Raises
    ------
    ValueError
        If a line is no JSON object, naming the line.

    Examples
    --------
    >>> frame_from_lines(['{"profile": 0, "vote": "Dole"}'])
       profile  vote
    0        0  Dole
    """
    if isinstance(lines, os.PathLike):
        lines = Path(regular(lines)).read_text(encoding="utf-8").splitlines()
    elif isinstance(lines, str):
        is_text = "\n" in lines or lines.lstrip().startswith("{")
        text = lines if is_text else Path(regular(lines)).read_text(encoding="utf-8")
        lines = text.splitlines()
    return pd.DataFrame(
        [_object(line, n) for n, line in enumerate(lines, 1) if not _is_blank(line)]
    )


def _is_blank(line: str | Mapping) -> bool:
    return isinstance(line, str) and not line.strip()


def _object(line: str | Mapping, number: int) -> dict:
    try:
        entry = line if isinstance(line, Mapping) else json.loads(line)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"Line {number} is not JSON ({error}): mend or drop it.") from None
    if not isinstance(entry, Mapping):
        raise ValueError(f"Line {number} is {entry!r}, and each line must be one JSON object.")
    return dict(entry)
