"""What can be typed after ``foundation-priors``."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from foundation_priors.cli.auditing import add_arguments
from foundation_priors.cli.usage import Parser, UsageError, amount, whole
from foundation_priors.display import one_row, visible
from foundation_priors.errors import FoundationPriorsError, did_you_mean

__all__ = ["main"]

FOLDER = "foundation-priors-demo"
FAILED = 1
USAGE_ERROR = 2
INTERRUPTED = 130
CLOSED = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str, optional
        What was typed after the program's name; by default the arguments of the process.

    Returns
    -------
    int
        The exit code: 0; 1 if a model could not be asked or a journal not used; 2 after a usage
        error; 130 after Ctrl-C; 141 when nobody reads what is printed any more. What went wrong is
        told in one sentence.

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
    usual = warnings.formatwarning
    warnings.formatwarning = lambda *given, **more: visible(usual(*given, **more))
    try:
        _know(arguments, commands)
        options = parser.parse_args(arguments)
        options.typed = arguments
        if options.command is None:
            parser.print_help()
        else:
            commands[options.command](options)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read what is printed, as `head` does, has seen enough.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLOSED
    except UsageError as error:
        return _told(error, USAGE_ERROR)
    except FoundationPriorsError as error:
        return _told(error, FAILED)
    except KeyboardInterrupt as error:
        return _told(str(error) or "stopped.", INTERRUPTED)
    finally:
        warnings.formatwarning = usual
    return 0


def _told(sentence: object, code: int) -> int:
    print(f"foundation-priors: {one_row(sentence)}", file=sys.stderr)
    return code


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
    demo.add_argument("--seed", metavar="N", type=whole(0), default=1, help=_SEED)
    demo.add_argument("--draws", metavar="N", type=whole(50), default=500, help=_DRAWS)

    datasets = commands.add_parser(
        "datasets",
        help="the built-in studies, or one of them in full",
        description="List the built-in studies, or describe one of them.",
    )
    datasets.add_argument("name", nargs="?", help="a study to describe in full")

    _add_elicit(commands)
    show = commands.add_parser(
        "show",
        help="what a journal of answers holds",
        description="Progress, counts by model and factor, tokens, cost, rejections by reason and "
        "by cell, and every prompt that was tried.",
    )
    show.add_argument("journal", type=Path, help="the journal, which may be in use")
    add_arguments(
        commands.add_parser(
            "audit",
            help="how far a conclusion rests on the language model",
            description="Run every diagnostic that a path in a file allows, and say what the "
            "others lacked.",
        )
    )
    known = {"demo": _demo, "datasets": _datasets, "elicit": _elicit, "show": _show}
    return parser, {**known, "audit": _audit}


def _add_elicit(commands: argparse._SubParsersAction) -> None:
    elicit = commands.add_parser(
        "elicit",
        help="ask language models the questions of a study",
        description="Ask what a study says and its journal does not hold yet. After an "
        "interruption, the same command goes on.",
    )
    elicit.add_argument("study", type=Path, help="the study, a TOML file")
    elicit.add_argument("--journal", metavar="FILE", type=Path, help=_JOURNAL)
    elicit.add_argument("--draws", metavar="N", type=whole(1), default=1, help=_EACH)
    elicit.add_argument("--budget-calls", metavar="N", type=whole(0), help="requests at most")
    elicit.add_argument("--budget-tokens", metavar="N", type=amount, help="tokens at most")
    elicit.add_argument("--budget-money", metavar="X", type=amount, help="cost at most")
    elicit.add_argument("--concurrency", metavar="N", type=whole(1), default=8, help=_AT_ONCE)
    elicit.add_argument("--batch", action="store_true", help="use the server's Batch API")
    elicit.add_argument("--output", metavar="FILE", type=Path, help=_OUTPUT)
    elicit.add_argument("--key", metavar="NAME=HOST", action="append", default=[], help=_KEY)
    elicit.add_argument("--file", metavar="PATH", action="append", default=[], help=_FILE)
    elicit.add_argument("--preview", action="store_true", help="show what would be asked, only")


_JOURNAL = "where every answer is kept, as JSON lines"
_EACH = "answers for each profile, levels of the factors and model (default: 1)"
_AT_ONCE = "requests under way at one server, at most (default: 8)"
_OUTPUT = "a NetCDF file of the answers as well"
_KEY = "the study may send the key in this environment variable to this host; repeatable"
_FILE = "the study may read this file, or those of this folder, outside of its own; repeatable"
_OUT = f"folder for the pictures, the table and the path (default: {FOLDER})"
_SEED = "which 40 voters are in the pilot, and the random numbers (default: 1)"
_DRAWS = "draws of each chain at each anchor (default: 500)"


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


def _elicit(options: argparse.Namespace) -> None:
    from foundation_priors.cli.asking import elicit, preview, typed
    from foundation_priors.cli.permits import Permits
    from foundation_priors.cli.studyfile import parsed

    permits = Permits.typed(options.key, options.file, sends=not options.preview)
    limits = {name: getattr(options, f"budget_{name}") for name in ("calls", "tokens", "money")}
    budget = {name: limit for name, limit in limits.items() if limit is not None}
    if options.preview:
        preview(options.study, options.draws, budget, permits)
        return
    if options.journal is None:
        parsed(options.study)
        raise UsageError("The answers need a journal: add --journal answers.jsonl.")
    elicit(
        options.study,
        options.journal,
        draws=options.draws,
        budget=budget,
        concurrency=options.concurrency,
        batch=options.batch,
        output=options.output,
        again=typed(options.typed),
        permits=permits,
    )


def _audit(options: argparse.Namespace) -> None:
    from foundation_priors.cli.auditing import audit

    audit(options)


def _show(options: argparse.Namespace) -> None:
    from foundation_priors.cli.asking import show

    show(options.journal)


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
