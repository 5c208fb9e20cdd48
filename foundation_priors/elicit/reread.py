"""Answers of a journal, read again by today's rules from what the model wrote."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from foundation_priors.display import visible
from foundation_priors.elicit.exchange import Reply, judge

if TYPE_CHECKING:
    from foundation_priors.elicit.design import Call, Study

__all__ = ["CHANGES", "Reading", "Rules", "read_line", "reasons_of"]

Rules = Literal["today", "stored"]
CHANGES = ("another value", "rejected now", "answered now")
# What a server said or did beside the text, which a text that is read again does not hold.
STANDING = ("refusal", "no response", "bad request", "content filter", "too long", "unreadable")
# How pydantic words what a study's own model found, in journals that do not say there was one.
OF_MODEL = re.compile(r": (Input should|Value error|Assertion failed)|^(Input should|Value error)")


@dataclass(frozen=True)
class Reading:
    """What one line of a journal answers.

    Parameters
    ----------
    parsed : list of dict or None
        Values by field for each profile, None for one without an answer; None if none has any.
    reason : str
        Why there is none.
    reasons : sequence of str or None
        Why, for each profile.
    changes : sequence of str
        Of `CHANGES`, one for each profile whose answer comes out otherwise than it was recorded.
    """

    parsed: list[Any] | None
    reason: str = "no response"
    reasons: Sequence[str | None] = ()
    changes: Sequence[str] = ()


def read_line(line: Mapping[str, Any], study: Study, call: Call, rules: Rules) -> Reading:
    """Read the answer that a line holds.

    Parameters
    ----------
    line : mapping
        Of kind ``answer``.
    study : Study
        What was asked.
    call : Call
        The call that it answers.
    rules : str
        ``"today"``: from the text, or the log-probabilities, that the model gave; ``"stored"``: as
        it was read when it came.

    Returns
    -------
    Reading
        The answer. A line without the text stands as it was, and so does one whose study had checks
        of its own that are not known here.
    """
    stored = _stored(line)
    if rules == "stored" or not _readable(line, study, stored):
        return stored
    finish, thoughts, logprobs = (line.get(n) for n in ("finish_reason", "thoughts", "logprobs"))
    reply = Reply(
        text=line["raw"],
        refusal=None,
        finish=finish if isinstance(finish, str) else None,
        tokens=None,
        model=None,
        fingerprint=None,
        logprobs=logprobs if isinstance(logprobs, list) else None,
        latency=0.0,
        thoughts=thoughts if isinstance(thoughts, str) else None,
    )
    parsed, rejected = judge(study, call, reply)
    size = len(call.rows)
    if parsed is None and stored.parsed is None:
        return stored
    before, now = (list(p) if p else [None] * size for p in (stored.parsed, parsed))
    changes = [_change(*pair) for pair in zip(before, now, strict=False) if not _equal(*pair)]
    if rejected is None:
        return Reading(parsed, changes=changes)
    return Reading(parsed, rejected.reason, rejected.reasons, changes)


def reasons_of(line: Mapping[str, Any]) -> list[str | None]:
    """Return for each cell of a line why it has no answer, None where it has one, as recorded.

    Examples
    --------
    >>> reasons_of({"cells": [{}, {}], "parsed": [{"vote": "Dole"}, None], "rejected":
    ...     {"reason": "off schema", "reasons": [None, "off schema"]}})
    [None, 'off schema']
    """
    stored, size = _stored(line), len(line["cells"])
    if not isinstance(stored.parsed, list):
        return [stored.reason] * size
    parsed = [*stored.parsed, *[None] * size][:size]
    reasons = [*stored.reasons, *[stored.reason] * size]
    pairs = zip(parsed, reasons, strict=False)
    return [None if answer is not None else reason for answer, reason in pairs]


def _stored(line: Mapping[str, Any]) -> Reading:
    rejected = line.get("rejected")
    rejected = rejected if isinstance(rejected, dict) else {}
    reason, parsed = visible(str(rejected.get("reason", "no response")))[:100], line.get("parsed")
    reasons = rejected.get("reasons")
    if isinstance(reasons, list):
        reasons = [None if r is None else visible(str(r))[:100] for r in reasons]
    else:
        reasons = [reason] * (len(parsed) if isinstance(parsed, list) else 0)
    return Reading(parsed, reason, reasons)


def _readable(line: Mapping[str, Any], study: Study, stored: Reading) -> bool:
    """Return whether what is stored suffices to read the answer again."""
    known = isinstance(line.get("raw"), str) and not study.schema.incomplete
    if study.probabilities:
        known = known and isinstance(line.get("logprobs"), list)
    if stored.parsed is not None:
        return known and isinstance(stored.parsed, list)
    detail = str((line.get("rejected") or {}).get("detail"))
    by_model = study.schema.check is None and OF_MODEL.search(detail) is not None
    return known and stored.reason not in STANDING and not by_model


def _change(before: Any, now: Any) -> str:
    if now is None:
        return CHANGES[1]
    return CHANGES[2] if before is None else CHANGES[0]


def _equal(before: Any, now: Any) -> bool:
    """Compare two answers, probabilities but for rounding."""
    if isinstance(before, dict) and isinstance(now, dict):
        return before.keys() == now.keys() and all(_equal(before[n], now[n]) for n in now)
    if isinstance(before, float) and isinstance(now, float):
        return math.isclose(before, now, rel_tol=1e-9, abs_tol=1e-12)
    return bool(before == now)
