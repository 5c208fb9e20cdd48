"""A journal of answers in words and tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from foundation_priors.cli.tables import table
from foundation_priors.cli.tally import Cells, Tally
from foundation_priors.display import count, visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["report"]

BAR = 40
WORST = 10  # rows of a table that could have one for each profile
LONGEST = 40


def report(console: Console, found: Tally) -> None:
    """Print what a journal holds.

    Parameters
    ----------
    console : rich.console.Console
        Where to.
    found : Tally
        The counts.
    """
    _progress(console, found)
    parts = [_models(found), _factors(found), _reasons(found), _cells(found), _profiles(found)]
    for part in [*parts, _versions(found)]:
        if part is not None and part.row_count:
            console.print(part)
    for sentence in _notes(found):
        console.print(sentence, markup=False, soft_wrap=True)


def shown(value: object) -> str:
    """Return the beginning of a text, with what a terminal would obey escaped."""
    line = visible(" ".join(str(value).split()))
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."


def _progress(console: Console, found: Tally) -> None:
    from rich.progress_bar import ProgressBar
    from rich.table import Table

    name = visible(found.path.name)
    console.print(f"{name}, {_size(found.path.stat().st_size)}", markup=False)
    if found.study is None:
        console.print("The journal does not say what was asked.")
        return
    calls, done = found.study.n_calls, found.calls
    bar = Table.grid(padding=(0, 1))
    bar.add_row(ProgressBar(total=calls, completed=done, width=BAR), f"{done / calls:.0%}")
    console.print(bar)
    console.print(
        f"{done:,} of {count(calls, 'call')} done: {count(found.total.answered, 'answer')},"
        f" {found.total.rejected.total():,} rejected,"
        f" {found.study.n_cells - found.total.done:,} still to ask",
        soft_wrap=True,
    )


def _size(size: float) -> str:
    if size < 1000:
        return f"{size:.0f} bytes"
    return f"{size / 1e3:,.1f} kB" if size < 1e6 else f"{size / 1e6:,.1f} MB"


def _filled(title: str, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> Table:
    """Return a table of texts, in which no bracket is markup."""
    from rich.markup import escape
    from rich.text import Text

    out = table(title, *(escape(visible(column)) for column in columns))
    for row in rows:
        out.add_row(*(Text(shown(cell)) for cell in row))
    return out


def _models(found: Tally) -> Table:
    asked_by = list(found.study.endpoints) if found.study else []
    rows = []
    for name in dict.fromkeys([*asked_by, *found.usage]):
        cells = _sum(part for key, part in found.designs.items() if key[0] == name)
        usage = found.usage.get(name)
        tokens = usage.tokens if usage else {}
        known = usage is None or usage.unrecorded < usage.requests
        cost = f"{usage.cost:,.4g}" if usage and usage.cost is not None else "-"
        counts = [found.asked(name), cells.answered, cells.rejected.total()]
        used = [f"{tokens.get(k, 0):,}" if known else "-" for k in ("input", "output")]
        rows.append([name, *(f"{count:,}" for count in counts), *used, cost])
    columns = ("model", "asked", "answered", "rejected", "tokens\nin", "tokens\nout", "cost")
    return _filled("Models", columns, rows)


def _sum(parts: Iterable[Cells]) -> Cells:
    total = Cells()
    for part in parts:
        total.answered += part.answered
        total.rejected += part.rejected
    return total


def _factors(found: Tally) -> Table:
    levels = [(f, level) for f, texts in _texts(found).items() for level in texts]
    rows = [
        [f"{name}: {level}", *_counts(found.factors[name, level], found.asked(level=(name, level)))]
        for name, level in levels
    ]
    return _filled("Factors", ("level", "asked", "answered", "rejected", "share"), rows)


def _texts(found: Tally) -> dict[str, dict[str, str]]:
    return found.study.factors if found.study else {}


def _counts(cells: Cells, asked: int) -> list[str]:
    return [f"{asked:,}", f"{cells.answered:,}", f"{cells.rejected.total():,}", _share(cells)]


def _share(cells: Cells) -> str:
    return f"{cells.rejected.total() / cells.done:.1%}" if cells.done else "-"


def _reasons(found: Tally) -> Table:
    rejected, done = found.total.rejected, found.total.done
    names = [*rejected, *(name for name in found.retried if name not in rejected)]
    rows = [
        [name, f"{rejected[name]:,}", f"{rejected[name] / done:.1%}" if done else "-"]
        + [f"{found.retried[name]:,}"]
        for name in sorted(names, key=lambda name: (-rejected[name], name))
    ]
    return _filled("Rejected, by reason", ("reason", "rejected", "share", "asked again"), rows)


def _cells(found: Tally) -> Table:
    bad = {key: cells for key, cells in found.designs.items() if cells.rejected}
    rows = [
        [", ".join(key), f"{cells.done:,}", f"{cells.rejected.total():,}", _share(cells)]
        + [_listed(cells)]
        for key, cells in sorted(bad.items(), key=_badness)[:WORST]
    ]
    title = "Rejected, by cell" + _of(len(bad))
    names = "\n".join(["model", *_texts(found)]) if found.study else "model"
    return _filled(title, (names, "done", "rejected", "share", "reasons"), rows)


def _profiles(found: Tally) -> Table:
    bad = {(key,): cells for key, cells in found.profiles.items() if cells.rejected}
    rows = [
        [key[0], f"{cells.done:,}", f"{cells.rejected.total():,}", _share(cells), _listed(cells)]
        for key, cells in sorted(bad.items(), key=_badness)[:WORST]
    ]
    title = "Rejected, by profile" + _of(len(bad))
    return _filled(title, ("profile", "done", "rejected", "share", "reasons"), rows)


def _badness(item: tuple[tuple[str, ...], Cells]) -> tuple[float, int, tuple[str, ...]]:
    key, cells = item
    return -cells.rejected.total() / cells.done, -cells.done, key


def _of(size: int) -> str:
    return f" (the worst {WORST} of {size})" if size > WORST else ""


def _listed(cells: Cells) -> str:
    return ", ".join(f"{count} {name}" for name, count in cells.rejected.most_common())


def _versions(found: Tally) -> Table:
    last = found.study.version if found.study else ""
    rows = []
    for name, version in found.versions.items():
        time = _minute(str(version.line.get("time", "")))
        marked = f"{name[:8]}{' (the last)' if name == last else ''}"
        rows.append([marked, time, f"{version.calls:,}", version.line.get("prompt", "")])
    return _filled("Prompts", ("version", "first run, UTC", "calls done", "prompt"), rows)


def _minute(time: str) -> str:
    return time[:16].replace("T", " ")


def _second(time: str) -> str:
    return time[:19].replace("T", " ")


def _notes(found: Tally) -> list[str]:
    notes = []
    for name, usage in found.usage.items():
        served = ", ".join(sorted(usage.heard["server_model"])) or "not recorded"
        prints = ", ".join(sorted(usage.heard["fingerprint"]))
        said = [f"served as {served}", *([f"fingerprint {prints}"] if prints else [])]
        forms = ", ".join(sorted(usage.heard["structured"]))
        said += [f"answers by {forms}"] if forms else []
        notes.append(f"{shown(name)}: {'; '.join(visible(part) for part in said)}.")
        if usage.unrecorded:
            notes.append(
                f"{shown(name)}: tokens of {usage.unrecorded:,} of {usage.requests:,} responses are"
                " not recorded."
            )
    if found.failures:
        notes.append(f"{found.failures.total():,} requests brought no response.")
    if waiting := sum(found.batches.values()):
        notes.append(f"{count(waiting, 'call')} wait{'s' * (waiting == 1)} in batches.")
    return [*notes, *_times(found)]


def _times(found: Tally) -> list[str]:
    if not found.first:
        return []
    sentence = f"Answered from {shown(_second(found.first))} to {shown(_second(found.last))} UTC"
    if not found.latency:
        return [f"{sentence}."]
    middle, slow = np.quantile(np.frombuffer(found.latency, dtype=np.float32), [0.5, 0.95])
    return [f"{sentence}; a response took {middle:.2g} s (median), 95% at most {slow:.2g} s."]
