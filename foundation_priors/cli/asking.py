"""Asking a study, and showing what its journal holds."""

from __future__ import annotations

import shlex
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foundation_priors.cli.usage import UsageError, apart
from foundation_priors.display import count, one_row, visible
from foundation_priors.errors import IncompleteWarning

if TYPE_CHECKING:
    from rich.console import Console

    from foundation_priors.cli.permits import Permits
    from foundation_priors.cli.studyfile import StudyFile

__all__ = ["elicit", "preview", "show", "typed"]

WIDTH = 100
NARROWEST = 80


def show(journal: Path) -> None:
    """Print what a journal holds.

    Parameters
    ----------
    journal : pathlib.Path
        The journal, which may be in use.

    Raises
    ------
    UsageError
        If there is no such file.
    JournalError
        If it is no journal.
    """
    from foundation_priors.cli.report import report
    from foundation_priors.cli.tally import tally
    from foundation_priors.elicit.lines import whole

    if not journal.is_file():
        raise UsageError(f"There is no journal {str(journal)!r}.")
    with whole(journal):
        report(_console(), tally(journal))


def preview(file: Path, draws: int, budget: Mapping[str, float], permits: Permits) -> None:
    """Print what a study would ask, send and read; ask nobody.

    Parameters
    ----------
    file : pathlib.Path
        The study.
    draws : int
        Answers for each cell.
    budget : mapping of str to float
        As `elicit` takes it.
    permits : Permits
        What it may send and read; one that only looks.
    """
    from foundation_priors.cli.studyfile import read_study

    shown = read_study(file, permits).survey.preview(draws, dict(budget))
    print(visible("\n".join([*permits.wants, "", str(shown)])))


def elicit(
    file: Path,
    journal: Path,
    *,
    draws: int,
    budget: Mapping[str, float],
    concurrency: int,
    batch: bool,
    output: Path | None,
    again: str,
    permits: Permits,
) -> None:
    """Ask a study, and print what came of it.

    Parameters
    ----------
    file, journal : pathlib.Path
        The study, and where the answers go.
    draws, budget, concurrency, batch
        As `fp.Elicitation.run` takes them.
    output : pathlib.Path, optional
        A NetCDF file for the answers, which is replaced.
    again : str
        What to type to go on after an interruption.
    permits : Permits
        Which keys the study may send, and which files it may read.

    Raises
    ------
    UsageError
        If the study, or what was typed, cannot be meant.
    ElicitationError, JournalError
        If a model cannot be asked, or the journal not written.
    KeyboardInterrupt
        After Ctrl-C, with a sentence that says how to go on.
    """
    from foundation_priors.cli.studyfile import read_study

    study = read_study(file, permits)
    apart({"--journal": journal, "--output": output}, [file, *permits.reads])
    _bounded(study, budget)
    if output is not None:
        _placed(output)
    console = _console()
    how: dict[str, Any] = {"draws": draws, "concurrency": concurrency, "batch": batch}
    try:
        with _notes():
            answers = study.survey.run(
                journal, budget=dict(budget) or None, progress=console.is_terminal, **how
            )
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_how_to_go_on(journal, again)) from None
    show(journal)
    if output is not None:
        try:
            answers.to_netcdf(output)
        except OSError as error:
            raise UsageError(
                f"{str(output)!r} cannot be written ({error.strerror or error}), but the answers"
                f" are in {str(journal)!r}."
            ) from error
        print(f"Written to {visible(str(output))}: {count(len(answers), 'row')}.")


def typed(arguments: list[str]) -> str:
    """Return what was typed, as it can be typed again.

    Examples
    --------
    >>> typed(["elicit", "my study.toml"])
    "foundation-priors elicit 'my study.toml'"
    """
    return shlex.join(["foundation-priors", *arguments])


def _console() -> Console:
    from rich.console import Console

    console = Console(highlight=False)
    narrow = NARROWEST if console.is_terminal else WIDTH
    console.width = max(narrow, min(WIDTH, console.width))
    return console


def _bounded(study: StudyFile, budget: Mapping[str, float]) -> None:
    """Say what a budget needs in the words of the file."""
    for name, point in study.endpoints.items():
        if "money" in budget and point.price is None:
            raise UsageError(
                f"--budget-money needs prices: add price = [input, output], of a million tokens"
                f' each, to [models."{name}"].'
            )
        if {"money", "tokens"} & set(budget) and not study.probabilities:
            if point.max_output(study.settings) is None:
                raise UsageError(
                    "A budget in tokens or money needs a bound on the answers: add, say,"
                    " max_tokens = 200 under [settings]."
                )


def _placed(output: Path) -> None:
    if output.is_dir() or not output.absolute().parent.is_dir():
        raise UsageError(
            f"{str(output)!r} cannot be written: give --output a file in a folder that is there."
        )


@contextmanager
def _notes() -> Iterator[None]:
    """Print what is incomplete as a note, and treat other warnings as ever."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", IncompleteWarning)
        usual = warnings.showwarning

        def told(message: Warning | str, category: type[Warning], *rest: Any, **more: Any) -> None:
            if issubclass(category, IncompleteWarning):
                print(f"foundation-priors: note: {one_row(message)}", file=sys.stderr)
            else:
                usual(message, category, *rest, **more)

        warnings.showwarning = told
        yield


def _how_to_go_on(journal: Path, again: str) -> str:
    if not journal.is_file():
        return "stopped before anybody was asked."
    return (
        f"stopped: every answer that came is in {str(journal)!r}, and the same command goes on from"
        f" there: {again}"
    )
