"""What can be typed after ``foundation-priors``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from foundation_priors.errors import did_you_mean

__all__ = ["main"]

FOLDER = "foundation-priors-demo"
USAGE_ERROR = 2
INTERRUPTED = 130


class UsageError(Exception):
    """What was typed cannot be done; the message is one sentence."""


class Parser(argparse.ArgumentParser):
    """A parser that complains in one sentence."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage and leaving the interpreter."""
        raise UsageError(f"{message[:1].upper()}{message[1:].rstrip('.')}: see {self.prog} --help.")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str, optional
        What was typed after the program's name; by default the arguments of the process.

    Returns
    -------
    int
        The exit code: 0, or 2 after a usage error, which is told in one sentence.

    Examples
    --------
    >>> from foundation_priors.cli import main
    >>> main(["datasets"])  # doctest: +ELLIPSIS
    anes96      votes and left-right self-placement in the United States, 1996
    ...
    0
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser, commands = _parser()
    try:
        _know(arguments, commands)
        options = parser.parse_args(arguments)
        if options.command is None:
            parser.print_help()
            return 0
        commands[options.command](options)
    except UsageError as error:
        print(f"foundation-priors: {error}", file=sys.stderr)
        return USAGE_ERROR
    except KeyboardInterrupt:
        print("foundation-priors: stopped.", file=sys.stderr)
        return INTERRUPTED
    return 0


type Command = Callable[[argparse.Namespace], None]


def _parser() -> tuple[Parser, dict[str, Command]]:
    from foundation_priors import __version__

    parser = Parser(
        prog="foundation-priors",
        description="Bayesian inference that treats the answers of language models as priors.",
    )
    parser.add_argument("--version", action="version", version=f"foundation-priors {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command")

    demo = commands.add_parser(
        "demo",
        help="the whole analysis on real survey data, in about a minute",
        description="A pilot of 40 real voters, 540 recorded answers of a language model about 60 "
        "others, and what every trust in those answers does to the conclusion.",
    )
    demo.add_argument("--out", metavar="DIR", type=Path, default=Path(FOLDER), help=_OUT)
    demo.add_argument("--seed", metavar="N", type=_whole(0), default=1, help=_SEED)
    demo.add_argument("--draws", metavar="N", type=_whole(50), default=500, help=_DRAWS)

    datasets = commands.add_parser(
        "datasets",
        help="the built-in studies, or one of them in full",
        description="List the built-in studies, or describe one of them.",
    )
    datasets.add_argument("name", nargs="?", help="a study to describe in full")
    return parser, {"demo": _demo, "datasets": _datasets}


_OUT = f"folder for the pictures, the table and the path (default: {FOLDER})"
_SEED = "which 40 voters are in the pilot, and the random numbers (default: 1)"
_DRAWS = "draws of each chain at each anchor (default: 500)"


def _whole(least: int) -> Callable[[str], int]:
    def whole(text: str) -> int:
        if not text.lstrip("-").isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least {least}")
        return int(text)

    return whole


def _know(arguments: Sequence[str], commands: dict[str, Command]) -> None:
    """Suggest a command for a mistyped one, which argparse does from Python 3.14 on."""
    first = arguments[0] if arguments else "-"
    if not first.startswith("-") and first not in commands:
        raise UsageError(f"There is no command {first!r}.{did_you_mean(first, commands)}")


def _demo(options: argparse.Namespace) -> None:
    _writable(options.out)
    from foundation_priors.cli.demo import run

    run(options.out, seed=options.seed, draws=options.draws)


def _writable(folder: Path) -> None:
    import tempfile

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageError(
            f"The folder {str(folder)!r} cannot be written to ({error.strerror}): name another one "
            "with --out."
        ) from error


def _datasets(options: argparse.Namespace) -> None:
    from foundation_priors import datasets

    if options.name is None:
        for name in datasets.available():
            print(f"{name:<12}{datasets.load(name).title}")
        return
    try:
        study = datasets.load(options.name)
    except ValueError as error:
        raise UsageError(str(error)) from error
    print(study.describe())
