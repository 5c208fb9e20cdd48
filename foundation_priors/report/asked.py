"""What was asked of whom, how often, and in which words."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pandas as pd

from foundation_priors.display import count
from foundation_priors.errors import JournalError
from foundation_priors.report.counts import of_journal, of_real
from foundation_priors.report.section import Section
from foundation_priors.report.words import listing, number, percent, several
from foundation_priors.synthetic.provenance import KEYS, NOT_RECORDED

if TYPE_CHECKING:
    from foundation_priors.beliefs import Beliefs
    from foundation_priors.report.inputs import Inputs
    from foundation_priors.synthetic import SyntheticData

__all__ = ["asked", "provenance"]

PROMPTS = 30
"""Most wordings of a prompt that are shown."""


def asked(inputs: Inputs) -> Section:
    """Return what was asked of whom and how often."""
    from foundation_priors.synthetic import SyntheticData

    said, facts = inputs.path.synthetic, inputs.path.facts
    found = _rows(said) if isinstance(said, SyntheticData) else _beliefs(said)
    beside = f"Beside them stand {count(facts.n_real, 'real observation')}."
    same = ""
    if facts.coincide:
        same = f"{percent(facts.coincide)} of the answers equal a real row."
    try:
        history, tables, texts = _history(inputs.journal)
    except JournalError as error:
        history, tables, texts = f"The journal was not read: {error}", {}, {}
    if tables and isinstance(said, SyntheticData):
        versions = tables["Versions of the prompt"]["answers"].tolist()
        history = several([history, of_journal(len(said), versions)])
    reading = several([found.reading, beside, of_real(inputs), same, history])
    return Section(
        "asked", "", reading, {**found.tables, **tables}, {**found.texts, **texts}, notes=()
    )


def _beliefs(said: Beliefs) -> Section:
    rows = [
        {"quantity": b.label, "source": b.source, **dict(zip(("5%", "50%", "95%"), q, strict=True))}
        for b in said.beliefs
        for q in [b.density.quantile([0.05, 0.5, 0.95])]
    ]
    about = listing(dict.fromkeys(b.label for b in said.beliefs))
    whom = listing(dict.fromkeys(b.source for b in said.beliefs))
    reading = (
        f"{count(len(said), 'belief')} of {whom} about {about}: distributions, not rows of answers."
    )
    return Section("asked", "", reading, {"What was said": pd.DataFrame(rows)}, _notes(said))


def _notes(said: Beliefs) -> dict[str, str]:
    return {"How their priors were found": "\n".join(said.notes)} if said.notes else {}


def _rows(said: SyntheticData) -> Section:
    size = said.effective_size()
    total: dict[Any, Any] = size.loc["total"].to_dict()
    whom = listing(said.sources) or "a source without a name"
    units = ""
    if said.unit is not None:
        units = f" about {count(said.groups(said.unit).__len__(), 'unit')} ({said.unit})"
    answers = f"{whom} gave {count(len(said), 'answer')} ({listing(said.outcomes)}){units}."
    worth = (
        f"At trust 1 they weigh {number(total['effective_rows'])} rows"
        f" ({total['clustering']}); {count(int(total['duplicates']), 'row')} repeat another."
    )
    rest: dict[Any, Any] = said.with_weight(None).effective_size().loc["total"].to_dict()
    given = ""
    if total["effective_rows"] > 1.01 * rest["effective_rows"]:
        given = (
            "Equal covariates, conversations and framings alone would leave "
            f"{number(rest['effective_rows'])} of "
            "them: the weights were given by hand."
        )
    design = [
        {"factor": name, "level": level, "answers": len(rows)}
        for name in said.factors
        if len(groups := said.groups(name)) <= PROMPTS
        for level, rows in groups.items()
    ]
    tables = {"Answers and what they weigh": size}
    if design:
        tables["Answers by factor"] = pd.DataFrame(design)
    texts = [text for part in _origins(said).items() for text in _prompts(*part).items()]
    return Section("asked", "", several([answers, worth, given]), tables, dict(texts[:PROMPTS]))


def _origins(said: SyntheticData | Beliefs) -> dict[str, dict[str, Any]]:
    """Return the provenance of each part: by belief, by source where those differ, or the one."""
    from foundation_priors.synthetic import SyntheticData

    if not isinstance(said, SyntheticData):
        return {f"{b.label}, {b.source}": b.provenance for b in said.beliefs}
    own = said.provenance
    apart = not set(KEYS) & set(own) and all(isinstance(v, dict) for v in own.values())
    return own if own and apart else {"": own}


def _prompts(part: str, origin: dict[str, Any]) -> dict[str, str]:
    """Return the prompts that a part's provenance holds, word for word, by caption."""
    prompts, whose = origin.get("prompts"), f"Prompt of {part}" if part else "Prompt"
    if not isinstance(prompts, dict):
        return {whose: _spelt(prompts)} if _known(prompts) else {}
    return {f"{whose}: {k}": _spelt(v) for k, v in prompts.items() if _known(v)}


def _known(value: Any) -> bool:
    """Say whether something in an entry of a provenance is recorded."""
    if isinstance(value, dict):
        return any(map(_known, value.values()))
    if isinstance(value, list):
        return any(map(_known, value))
    return value is not None and value != NOT_RECORDED and value != ""


def _spelt(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)


def _history(journal: Any) -> tuple[str, dict[str, pd.DataFrame], dict[str, str]]:
    """Return in words and as a table which prompts a journal has seen."""
    if journal is None:
        return "", {}, {}
    from foundation_priors.elicit.journal import read
    from foundation_priors.elicit.reread import reasons_of

    studies: dict[str, dict[str, Any]] = {}
    answered: Counter[str] = Counter()
    rejected: Counter[str] = Counter()
    for line in read(journal):
        version = str(line.get("version", ""))
        if line["kind"] == "study":
            studies.setdefault(version, line)
        elif line["kind"] == "answer" and line.get("final"):
            lost = [reason for reason in reasons_of(line) if reason is not None]
            rejected[version] += len(lost)
            answered[version] += len(line["cells"]) - len(lost)
    rows = [
        {
            "version": n,
            "asked": str(line.get("time", "")),
            "models": listing(line.get("models", {})),
            "answers": answered[version],
            "rejected": rejected[version],
        }
        for n, (version, line) in enumerate(studies.items(), 1)
    ]
    texts = {f"Prompt, version {n}": _wording(line) for n, line in enumerate(studies.values(), 1)}
    words = (
        f"The journal holds {count(len(studies), 'version')} of the prompt, "
        f"{count(answered.total(), 'answer')} and {count(rejected.total(), 'rejected one')}."
    )
    return words, {"Versions of the prompt": pd.DataFrame(rows)}, texts


def _wording(line: dict[str, Any]) -> str:
    parts = [("system", line.get("system")), ("", line.get("prompt"))]
    parts += [(f"{k}", _spelt(v)) for k, v in (line.get("factors") or {}).items()]
    return "\n\n".join(f"[{name}]\n{text}" if name else str(text) for name, text in parts if text)


def provenance(inputs: Inputs) -> Section:
    """Return where the answers come from, and with what the audit was computed."""
    from foundation_priors.synthetic import SyntheticData

    said, facts = inputs.path.synthetic, inputs.path.facts
    origins = _origins(said)
    in_rows, room = isinstance(said, SyntheticData), PROMPTS
    recorded: dict[str, Any] = {}
    for part, own in origins.items():
        of = f"{part}: " if part else ""
        recorded |= {f"{of}{k}": v for k, v in own.items() if k != "prompts"}
        size = len(_prompts(part, own))
        recorded[f"{of}prompts"] = _above(size, min(size, room)) if in_rows else own.get("prompts")
        room -= min(size, room)
    unknown = [
        f"{k} of {part}" if part else k
        for part, own in origins.items()
        for k in KEYS
        if not _known(own.get(k))
    ]
    seeds = {"path": facts.seed, "audit": inputs.random_seed}
    reading = several(
        [
            f"Not recorded: {listing(unknown)}." if unknown else "All essentials are recorded.",
            f"The path has the seed {facts.seed}."
            if facts.seed is not None
            else "The path has no seed, so that it cannot be computed again to the last digit.",
        ]
    )
    rows = [{"what": k, "recorded": _entry(v)} for k, v in recorded.items()]
    rows += [{"what": f"random seed, {k}", "recorded": _entry(v)} for k, v in seeds.items()]
    tables = {
        "Where the answers come from": pd.DataFrame(rows),
        "Versions that made this audit": pd.DataFrame(
            list(versions().items()), columns=["package", "version"]
        ),
    }
    return Section("provenance", "", reading, tables)


def _above(size: int, shown: int) -> str:
    """Say how many of a part's prompts the section on what was asked shows."""
    if not size:
        return NOT_RECORDED
    if shown == size:
        return "word for word above"
    return f"{shown} of {size:,} word for word above" if shown else "recorded, not shown"


def _entry(value: Any) -> str:
    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def versions() -> dict[str, str]:
    """Return the versions of what the numbers come from."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    import foundation_priors

    out = {"foundation_priors": foundation_priors.__version__, "Python": platform.python_version()}
    for name in ("pymc", "nutpie", "arviz", "numpy", "scipy", "xarray", "pandas", "matplotlib"):
        try:
            out[name] = version(name)
        except PackageNotFoundError:
            out[name] = "not installed"
    return out
