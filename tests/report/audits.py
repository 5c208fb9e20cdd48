"""Audits of small paths, each made once a session and shared by the tests."""

from dataclasses import replace
from functools import cache
from typing import Any

import pandas as pd

import foundation_priors as fp
from foundation_priors.beliefs import Beliefs
from foundation_priors.report import Audit, Section, audit
from foundation_priors.report.inputs import gather
from foundation_priors.report.plan import PLAN
from foundation_priors.report.section import judge
from tests.path import models

EVIL = '</script><script>window.hacked=1</script><img src=x onerror="window.hacked=2">'
"""What a prompt may hold, since anybody can write one."""
OTHERS = ("journal", "real", "pairs", "statements", "quantities", "anticipation", "held_out")
OTHERS += ("outside", "decision", "random_seed")
PARTS = ("value", "grad")


def one(key: str, path: fp.TrustPath, **given: Any) -> Section:
    """Return one section of an audit."""
    lacking = dict.fromkeys(OTHERS)
    inputs = gather(path, **{**lacking, "trust": "cautious", **given})
    return judge(key, *PLAN[key], inputs)


@cache
def coin() -> Audit:
    """One source, no unit, no journal, no pairs."""
    return audit(models.coin(), statements={"fair or more": "theta > 0.5"}, progressbar=False)


@cache
def normal() -> Audit:
    """Two sources."""
    return audit(models.normal("framing"), trust=0.5, progressbar=False)


@cache
def believed() -> Audit:
    """Beliefs in place of rows."""
    belief = fp.Belief("theta", {0.05: 0.2, 0.5: 0.5, 0.95: 0.8}, source="llm")
    path = replace(models.coin(), synthetic=Beliefs((belief,)), engine=None, model=None)
    return audit(_with_gradients(path), trust=0.5, progressbar=False)


def _with_gradients(path: fp.TrustPath) -> fp.TrustPath:
    from foundation_priors.diagnose.components import components

    parts = components(models.coin()).items()
    found = {f"{n}|{k}": x for n, pair in parts for k, x in zip(PARTS, pair, strict=True)}
    return replace(path, gradients=found)


COLUMN = EVIL.replace("/", "")  # the name of a column holds no slash


@cache
def evil() -> Audit:
    """Prompts, sources, levels and statements that would like to be markup."""
    frame = pd.DataFrame({"heads": [1, 0] * 5, COLUMN: ["a", EVIL] * 5})
    said = fp.SyntheticData.from_dataframe(
        frame,
        outcome="heads",
        source=EVIL,
        cluster=COLUMN,
        weight=1,
        provenance={"prompts": {EVIL: f"{EVIL} ``` </pre>\x1b[31m"}, "model": EVIL},
    )
    path = replace(models.coin(), synthetic=said)
    return audit(path, statements={f"{EVIL} | `x`": "theta > 0.5"}, progressbar=False)
