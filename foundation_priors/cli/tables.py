"""How tables look on the command line."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.table import Table

__all__ = ["table"]


def table(title: str, *columns: str) -> Table:
    """Return an empty table.

    Parameters
    ----------
    title : str
        Above it.
    *columns : str
        Their names: the first one is set left, the others right.

    Returns
    -------
    rich.table.Table
        To add rows to.
    """
    out = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for number, column in enumerate(columns):
        out.add_column(column, justify="right" if number else "left", no_wrap=True)
    return out
