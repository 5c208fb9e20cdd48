"""The audit of a path: every diagnostic that the inputs allow, in words, tables and one page."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from foundation_priors.errors import did_you_mean
from foundation_priors.report.inputs import Inputs, gather
from foundation_priors.report.plan import PLAN
from foundation_priors.report.section import Section, judge

if TYPE_CHECKING:
    from foundation_priors.path import TrustPath
    from foundation_priors.report.inputs import Named

__all__ = ["Audit", "audit"]


@dataclass(frozen=True, repr=False, eq=False)
class Audit:
    """What an audit found; made by `audit`.

    Attributes
    ----------
    sections : tuple of Section
        Each with ``title``, ``reading``, ``tables``, ``picture``, ``fails_when`` and
        ``not_judged``; ``audit["shares"]`` is one of them.
    created : str
        When, in UTC.
    versions : dict of str to str
        Of the packages that computed it.

    Examples
    --------
    >>> found = fp.audit(path)  # doctest: +SKIP
    >>> found.to_html("audit.html")  # doctest: +SKIP
    """

    inputs: Inputs
    sections: tuple[Section, ...]
    created: str
    versions: Mapping[str, str]

    def __getitem__(self, key: str) -> Section:
        """Return a section by its key."""
        known = {section.key: section for section in self.sections}
        if key not in known:
            raise KeyError(f"There is no section {key!r}.{did_you_mean(key, known)}")
        return known[key]

    @property
    def not_judged(self) -> dict[str, str]:
        """Why something could not be judged, by section."""
        return {s.key: s.not_judged for s in self.sections if not s.judged}

    @cached_property
    def dial(self) -> dict[str, Any]:
        """What the trust dial of the page shows, see `foundation_priors.report.dial.dial`."""
        from foundation_priors.report.dial import dial

        return dial(self.inputs)

    def summary(self) -> str:
        """Return a page of plain words."""
        from foundation_priors.report.texts import summary

        return summary(self)

    @overload
    def to_markdown(self, file: None = None) -> str: ...
    @overload
    def to_markdown(self, file: str | os.PathLike[str]) -> Path: ...
    def to_markdown(self, file: str | os.PathLike[str] | None = None) -> str | Path:
        """Return the audit as Markdown, words and tables, or write it to a file."""
        from foundation_priors.report.texts import markdown

        return _given(markdown(self), file)

    @overload
    def to_json(self, file: None = None) -> str: ...
    @overload
    def to_json(self, file: str | os.PathLike[str]) -> Path: ...
    def to_json(self, file: str | os.PathLike[str] | None = None) -> str | Path:
        """Return the audit as JSON, whole tables and the dial's numbers, or write it to a file.

        What is not finite is null.
        """
        from foundation_priors.report.texts import as_json

        return _given(as_json(self), file)

    @overload
    def to_html(self, file: None = None) -> str: ...
    @overload
    def to_html(self, file: str | os.PathLike[str]) -> Path: ...
    def to_html(self, file: str | os.PathLike[str] | None = None) -> str | Path:
        """Return the audit as one page, or write it to a file.

        The page holds everything, pictures too, and needs no network. Its dial moves the posterior
        densities, intervals and probabilities over trust.

        Parameters
        ----------
        file : str or path, optional
            Where to; its folder must be there.

        Returns
        -------
        str or pathlib.Path
            The page, or where it was written.
        """
        from foundation_priors.report.page import page

        return _given(page(self), file)

    def __repr__(self) -> str:
        """Return a few lines of text."""
        from foundation_priors.report.texts import brief

        return brief(self)

    def _repr_html_(self) -> str:
        from foundation_priors.report.page import card

        return card(self)


def _given(text: str, file: str | os.PathLike[str] | None) -> str | Path:
    if file is None:
        return text
    where = Path(file)
    try:
        where.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OSError(
            f"{os.fspath(file)!r} cannot be written ({error.strerror}): name a file in a folder "
            "that is there."
        ) from error
    return where


def audit(
    path: TrustPath,
    *,
    journal: str | os.PathLike[str] | None = None,
    real: Any = None,
    pairs: Any = None,
    statements: Named = None,
    quantities: Named = None,
    trust: Any = "cautious",
    anticipation: Any = None,
    held_out: Any = None,
    outside: Any = None,
    decision: Any = None,
    random_seed: int | None = None,
    progressbar: bool = True,
) -> Audit:
    """Say how far a conclusion rests on the language model.

    Every diagnostic is run that the inputs allow; for the others the audit says what they lacked.
    Nothing is compiled or sampled by PyMC.

    Parameters
    ----------
    path : TrustPath
        Also one read from a file, with the model or without.
    journal : str or path, optional
        The journal of the elicitation: with it, the history of the prompt can be judged.
    real : DataFrame or Dataset, optional
        The real rows with all their columns.
    pairs : optional
        Which real row each unit of the answers is, as `foundation_priors.diagnose.leakage` takes
        them: with them, leakage can be judged.
    statements : str, callable, list or dict, optional
        What the conclusion says, as events: ``{"party matters": "beta[party] > 0"}``. By default
        the sign of every quantity.
    quantities : str, callable, list or dict, optional
        What the conclusion is about; arrays are taken apart. By default the free variables of the
        model, the first 8 of their elements.
    trust : float, dict, str or rule
        At which numbers are read, as everywhere.
    anticipation : Anticipation, optional
        What was anticipated before asking, see `foundation_priors.diagnose.circularity`.
    held_out : DataFrame or Dataset, optional
        Real rows that the model has not seen, to score predictions of.
    outside : str or list of str, optional
        Columns of ``real`` that the model does not use, to look for the outcome in.
    decision : optional
        Actions and their losses, see `foundation_priors.diagnose.decision`.
    random_seed : int, optional
        Defaults to the path's.
    progressbar : bool

    Returns
    -------
    Audit
        With ``summary()``, ``to_html()``, ``to_markdown()``, ``to_json()`` and ``sections``.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be meant. What the inputs do not allow is no error: the section says
        so.

    Examples
    --------
    >>> import foundation_priors as fp
    >>> found = fp.audit(path, statements="beta > 0")  # doctest: +SKIP
    >>> print(found.summary())  # doctest: +SKIP
    """
    from datetime import UTC, datetime

    from foundation_priors.report.asked import versions

    seed = getattr(getattr(path, "facts", None), "seed", None)
    inputs = gather(
        path,
        journal=journal,
        real=real,
        pairs=pairs,
        statements=statements,
        quantities=quantities,
        trust=trust,
        anticipation=anticipation,
        held_out=held_out,
        outside=outside,
        decision=decision,
        random_seed=random_seed if random_seed is not None else _seed(seed),
    )
    _ = inputs.weighing  # an impossible trust is an error, not a section
    sections = _judged(inputs, progressbar)
    created = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return Audit(inputs, tuple(sections), created, versions())


def _seed(seed: Any) -> int | None:
    return seed if isinstance(seed, int) else None


def _judged(inputs: Inputs, progressbar: bool) -> Sequence[Section]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    sections = []
    with Progress(*columns, disable=not progressbar, transient=True) as bars:
        task = bars.add_task("auditing", total=len(PLAN))
        for key, (title, section_of) in PLAN.items():
            bars.update(task, description=f"auditing: {title.lower()}")
            sections.append(judge(key, title, section_of, inputs))
            bars.advance(task)
    return sections
