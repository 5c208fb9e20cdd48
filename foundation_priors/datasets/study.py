"""Real data and what a language model said about the same people."""

from __future__ import annotations

import dataclasses
import html
import textwrap
from typing import TYPE_CHECKING

from foundation_priors.display import count

if TYPE_CHECKING:
    import xarray as xr

    from foundation_priors.synthetic import SyntheticData

__all__ = ["Study"]


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Study:
    """Real data and what a language model said about the same people.

    Parameters
    ----------
    name, title : str
        The study's name, as `load` takes it, and what it is about.
    real : xarray.Dataset
        The observations; ``long_name``, ``units`` and ``coded`` are attributes of each variable,
        ``title``, ``source`` and, where known, ``licence`` of the Dataset.
    synthetic : SyntheticData
        The answers.
    asked : str
        How the language model was asked.
    notes : tuple of str
        What a reader should know before using the answers.

    Examples
    --------
    >>> from foundation_priors import datasets
    >>> print(datasets.load("returns").describe().splitlines()[0])
    returns: what experts, played by a language model, think a year of schooling is worth
    """

    name: str
    title: str
    real: xr.Dataset
    synthetic: SyntheticData
    asked: str
    notes: tuple[str, ...] = ()

    def describe(self) -> str:
        """Describe both halves, and what to beware of.

        Returns
        -------
        str
            Several paragraphs of at most 88 columns.
        """
        about = [f"{str(key).capitalize()}: {text}" for key, text in self.real.attrs.items()]
        parts = [
            f"{self.name}: {self.title}",
            f"Real: {_sizes(self.real)}. {' '.join(about)}",
            textwrap.indent("\n".join(_variables(self.real)), "  "),
            f"Synthetic: {self.asked}",
            repr(self.synthetic),
        ]
        if self.notes:
            parts.append("Beware:")
            parts += [f"- {note}" for note in self.notes]
        return "\n\n".join(part if "\n" in part else _fill(part) for part in parts)

    def __repr__(self) -> str:
        """Name both halves."""
        return (
            f"<foundation_priors.datasets.Study {self.name!r}: {self.title}>\n"
            f"Real:       {_sizes(self.real)}\nSynthetic:  {count(len(self.synthetic), 'answer')} "
            f"about {', '.join(self.synthetic.outcomes)}\nMore:       .describe()"
        )

    def _repr_html_(self) -> str:
        """Show both halves in a notebook."""
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        return (
            f"<div><strong>{html.escape(self.name)}: {html.escape(self.title)}</strong>"
            f"<p>{html.escape(self.asked)}</p><ul>{notes}</ul>"
            f"{self.synthetic._repr_html_()}{self.real._repr_html_()}</div>"
        )


def _variables(real: xr.Dataset) -> list[str]:
    width = max(len(str(name)) for name in real.variables)
    lines = []
    for name, variable in real.variables.items():
        attrs = variable.attrs
        if "long_name" not in attrs:
            continue
        units = f" [{attrs['units']}]" if attrs.get("units") else ""
        coded = f": {attrs['coded']}" if attrs.get("coded") else ""
        line = f"{name!s:<{width}}  {attrs['long_name']}{units}{coded}"
        lines.append(textwrap.fill(line, 86, subsequent_indent=" " * (width + 2)))
    return lines


def _sizes(real: xr.Dataset) -> str:
    return ", ".join(f"{dim} ({size})" for dim, size in real.sizes.items())


def _fill(part: str) -> str:
    return textwrap.fill(part, 88, subsequent_indent="  " if part.startswith("- ") else "")
