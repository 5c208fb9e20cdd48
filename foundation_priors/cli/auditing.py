"""The audit of a path in a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from foundation_priors.cli.usage import UsageError, apart
from foundation_priors.display import visible

if TYPE_CHECKING:
    import argparse

    import pandas as pd

__all__ = ["add_arguments", "audit"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be typed after ``foundation-priors audit``.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Of the command.
    """
    file: dict[str, Any] = {"metavar": "FILE", "type": Path}
    parser.add_argument("path", type=Path, help="what path.to_netcdf(...) wrote")
    parser.add_argument("--html", **file, help="the page with pictures and the trust dial")
    parser.add_argument("--markdown", **file, help="words and tables as Markdown")
    parser.add_argument("--json", **file, help="everything but the pictures as JSON")
    parser.add_argument("--journal", **file, help="the journal of the elicitation")
    parser.add_argument("--real", **file, help="real rows with all their columns, as CSV")
    parser.add_argument("--pairs", metavar="COLUMN", help="of --real: whom the answers are about")
    parser.add_argument("--statement", metavar="EVENT", action="append", help=_EVENT)
    parser.add_argument("--trust", metavar="RULE", default="cautious", help=_TRUST)


_EVENT = "what the conclusion says, such as 'beta > 0'; more than once for more statements"
_TRUST = "a number, or a rule by name (default: cautious)"


def audit(options: argparse.Namespace) -> None:
    """Print the summary of an audit, and write what was asked for.

    Parameters
    ----------
    options : argparse.Namespace
        What was typed.

    Raises
    ------
    UsageError
        If a file cannot be read or written, or an argument cannot be meant.
    """
    from foundation_priors.path import TrustPath
    from foundation_priors.report import audit as run

    wanted = {name: getattr(options, name) for name in ("html", "markdown", "json")}
    apart(
        {f"--{name}": file for name, file in wanted.items()},
        [options.path, options.journal, options.real],
    )
    for file in wanted.values():
        if file is not None and not file.absolute().parent.is_dir():
            raise UsageError(f"There is no folder for {str(file)!r}: make it.")
    try:
        path = TrustPath.from_netcdf(options.path)
        found = run(
            path,
            journal=options.journal,
            real=None if options.real is None else _rows(options.real),
            pairs=options.pairs,
            statements=options.statement,
            trust=_trust(options.trust),
        )
        print(visible(found.summary()))
        for name, file in wanted.items():
            if file is not None:
                print(f"\nWritten to {visible(str(getattr(found, f'to_{name}')(file)))}.")
    except (OSError, ValueError) as error:
        raise UsageError(str(error)) from error


def _trust(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _rows(file: Path) -> pd.DataFrame:
    import pandas as pd

    if not file.is_file():
        raise UsageError(f"There is no file {str(file)!r}.")
    return pd.read_csv(file)
