"""The demonstration: what every trust in a language model does to a survey's conclusion."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from foundation_priors.cli.findings import Findings, find
from foundation_priors.cli.pilot import Pilot, prepare
from foundation_priors.cli.words import introduction, lesson, show
from foundation_priors.elicit.redact import visible

if TYPE_CHECKING:
    from rich.console import Console

    from foundation_priors.path import TrustPath

__all__ = ["analyse", "run", "write"]

WIDTH = 88


def run(out: Path, *, seed: int = 1, draws: int = 500, console: Console | None = None) -> Findings:
    """Run the demonstration: print the tables, and write pictures and files.

    Parameters
    ----------
    out : pathlib.Path
        An existing folder.
    seed : int
        Which respondents are in the pilot, and the random numbers.
    draws : int
        Of each chain at each anchor.
    console : rich.console.Console, optional
        Where to print; by default the standard output.

    Returns
    -------
    Findings
        The numbers that were printed.
    """
    from rich.console import Console

    console = console or Console(highlight=False, width=min(WIDTH, Console().width))
    pilot = prepare(seed)
    introduction(console, pilot)
    path = analyse(pilot, seed=seed, draws=draws, progressbar=console.is_terminal)
    findings = find(pilot, path)
    show(console, pilot, path, findings)
    for sentence in lesson(pilot, findings):
        console.print(sentence)
    written = write(out, pilot, path, findings)
    place = visible(str(out))
    console.print(f"\nWritten to {place}: {', '.join(written)}.", soft_wrap=True, markup=False)
    return findings


def analyse(
    pilot: Pilot, *, seed: int = 1, draws: int = 500, progressbar: bool = False
) -> TrustPath:
    """Compute the whole path: the only step that compiles and samples.

    Parameters
    ----------
    pilot : Pilot
    seed, draws
        As in `run`.
    progressbar : bool

    Returns
    -------
    TrustPath
    """
    from foundation_priors.path import trust_path

    return trust_path(
        pilot.model,
        pilot.answers,
        columns={"x": pilot.standardise},
        draws=draws,
        random_seed=seed,
        progressbar=progressbar,
    )


def write(out: Path, pilot: Pilot, path: TrustPath, findings: Findings) -> list[str]:
    """Write the path, the table and the pictures.

    Parameters
    ----------
    out : pathlib.Path
        An existing folder; files of the same names are replaced.
    pilot : Pilot
    path : TrustPath
    findings : Findings

    Returns
    -------
    list of str
        The names of the files.
    """
    from foundation_priors.cli.pictures import draw

    path.to_netcdf(out / "path.nc")
    findings.table.to_csv(out / "table.csv")
    return ["path.nc", "table.csv", *draw(out, pilot, path, findings)]
