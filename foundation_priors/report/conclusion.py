"""The conclusion itself: the trust, what holds at every trust, estimates and shares."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from foundation_priors.display import count
from foundation_priors.path.draws import weighted_quantiles
from foundation_priors.report.inputs import LEVEL, Column, Statement
from foundation_priors.report.section import Section
from foundation_priors.report.words import clean, listing, number, percent, several

if TYPE_CHECKING:
    import xarray as xr

    from foundation_priors.report.inputs import Inputs

__all__ = ["estimates", "shares", "statements", "trust"]

type Floats = NDArray[np.float64]

CLEAR = 2.0
"""Monte Carlo errors beyond which a difference is called one."""
PICTURED = 6
"""Most panels of a picture."""
TITLE = 48
SHARES_AT = 13
"""Weights at which shares are drawn, evenly on the picture's scale."""


def trust(inputs: Inputs) -> Section:
    """Return the trust, what it is worth and what the real data say of it."""
    from foundation_priors.trust.posterior import placebo_in_words

    path, point = inputs.path, inputs.point
    worth = float(point @ np.array(path.facts.worth))
    reading = (
        f"Numbers are read at {inputs.trust_in_words}, where the answers count for "
        f"{number(worth)} real observations beside {count(path.facts.n_real, 'real one')}."
    )
    rule = getattr(inputs.weighing, "rule", None)
    evidence, tables = "", {"Evidence over trust": _evidence(inputs)}
    if rule is not None:
        low, high = np.atleast_2d(rule.quantile([0.05, 0.95]).values.T).T
        ends = listing(
            f"{number(a)} to {number(b)}" + ("" if path.facts.single else f" ({s})")
            for a, b, s in zip(low, high, path.sources, strict=True)
        )
        error = rule.mcse["log_marginal_evidence"]
        evidence = (
            f"Having seen the real data, the trust lies in {ends} with 90% probability; the log "
            f"evidence for it against trust 0 is {number(rule.log_marginal_evidence, 2)} (error "
            f"{number(error, 1)}).{_doubt(rule.checked[1])}"
        )
        tables = {"The trust": _frame(rule._lines()), **tables}
    placebo = path.__dict__.get("_placebo")
    shuffled = f"Placebo: {placebo_in_words(path)}" + (
        "; without one the evidence may measure how poor the primitive prior is."
        if placebo is None
        else f"{_whose(placebo, rule)}."
    )

    def draw() -> Any:
        if rule is not None and len(path.sources) == 1 and rule.nodes.t is not None:
            return rule.plot()
        from foundation_priors.plots import plot_evidence

        return plot_evidence(path)

    fails = (
        "The evidence compares trusts under one model and one primitive prior: a poor prior, or a "
        "model that is wrong for the real rows, lends evidence to any answers."
    )
    return Section("trust", "", several([reading, evidence, shuffled]), tables, {}, draw, fails)


def _doubt(bad: NDArray[np.bool_]) -> str:
    """Return at how many weights of a rule the path's checks fail, if at any."""
    few = f" At {int(bad.sum())} of {len(bad)} weights of its support the path's checks fail"
    return f"{few}, so that neither is to be relied on." if bad.any() else ""


def _whose(placebo: Any, rule: Any) -> str:
    """Return under which hyperprior a placebo was run, where it is not the audit's."""
    own = placebo.real.hyperprior
    return "" if rule is not None and rule.hyperprior == own else f" (under the {own!r} rule)"


def _frame(lines: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame(list(lines.items()), columns=["what", "value"])


def _evidence(inputs: Inputs) -> pd.DataFrame:
    path = inputs.path
    at = _few(inputs)
    found = path.log_evidence(list(at.values()))
    worth = path.effective_observations(list(at.values()))
    return pd.DataFrame(
        {
            "trust": list(at.values()),
            "where": list(at),
            "effective observations": worth.values,
            "log evidence": found.values,
            "error": found["mcse"].values,
        }
    )


def _few(inputs: Inputs) -> dict[str, float]:
    """Return the weights that tables show, by name."""
    from foundation_priors.report.dial import _marks

    marks = {str(m["label"]): float(m["trust"]) for m in _marks(inputs)}
    end = inputs.path.max_trust
    return marks if end in marks.values() else {**marks, "the end of the path": end}


def statements(inputs: Inputs) -> Section:
    """Return which statements hold at every trust, which at none, and where the others tip."""
    if not inputs.statements:
        raise ValueError(
            "No quantity has draws on both sides of 0, so there was no sign to ask about: give "
            "statements=."
        )
    rows = [_row(inputs, s) for s in inputs.statements]
    table = pd.DataFrame(rows).set_index("statement").drop(columns="close")
    kinds = {k: [r["statement"] for r in rows if r["verdict"] == k] for k in VERDICTS}
    end = inputs.path.max_trust
    parts = [
        f"From trust 0 to {end:g}, with a probability of {LEVEL:.0%} or more:",
        *(f"{listing(names)} {_verb(names, kind)}." for kind, names in kinds.items() if names),
        *(f"{r['statement']} {r['where']}." for r in rows if r["verdict"] == "tips"),
    ]
    if "statements" not in inputs.given:
        parts.append("No statements were given, so these are the signs of the quantities.")
    if close := [r["statement"] for r in rows if r["close"]]:
        parts.append(
            f"The probability of {listing(close)} comes within its Monte Carlo error of the limit, "
            "so that more draws may change this."
        )
    events = pictured(inputs.statements)

    def draw() -> Any:
        from foundation_priors.plots import plot_trust_path

        return plot_trust_path(inputs.path, events, marks=_picture_marks(inputs))

    fails = (
        "A statement that holds at every trust still rests on the model and on the primitive "
        "prior, which every weight shares; between the path's weights a short crossing can be "
        "missed."
    )
    return Section("statements", "", several(parts), {"Statements": table}, {}, draw, fails)


VERDICTS = ("holds", "fails", "opposite", "never")


def _verb(names: list[str], kind: str) -> str:
    one = len(names) == 1
    return {
        "holds": f"{'holds' if one else 'hold'} at every trust",
        "never": f"{'holds' if one else 'hold'} at no trust",
        "opposite": f"{'is' if one else 'are'} false at every trust",
        "fails": "",
    }[kind]


def _row(inputs: Inputs, statement: Statement) -> dict[str, Any]:
    path = inputs.path
    tips = path.tipping(statement, LEVEL)
    low, high = float(tips["lowest"]), float(tips["highest"])
    verdict = "tips"
    if not tips.sizes["root"]:
        verdict = "holds" if low >= LEVEL else "opposite" if high <= 1 - LEVEL else "never"
    limit = {"holds": LEVEL, "never": LEVEL, "opposite": 1 - LEVEL}.get(verdict)
    return {
        "close": limit is not None and _close(inputs, statement, limit),
        "statement": statement.label,
        "verdict": verdict,
        "P at trust 0": float(path.probability(statement, trust=0.0)),
        "P at the audit's trust": float(path.probability(statement, trust=inputs.trust)),
        "lowest P": low,
        "highest P": high,
        "where": _where(inputs, tips),
    }


def _close(inputs: Inputs, statement: Statement, limit: float) -> bool:
    """Say whether a probability comes nearer to a limit than twice its error on the path."""
    found = inputs.path.probability(statement)
    near = np.abs(found.values - limit) < CLEAR * found["mcse"].values
    return bool(near.any())


def _where(inputs: Inputs, tips: xr.Dataset) -> str:
    """Return in words at which weights a statement begins and ceases to hold."""
    path, parts = inputs.path, []
    for root, error, direction in zip(
        tips["trust"].values, tips["mcse"].values, tips["direction"].values, strict=True
    ):
        worth = float(path.effective_observations(float(root)))
        kind = "begins to hold" if direction > 0 else "ceases to hold"
        parts.append(
            f"{kind} at trust {number(root)} (error {number(error, 1)}), where the answers count "
            f"for {number(worth)} real observations"
        )
    return " and ".join(parts)


def pictured[C: Column](columns: Sequence[C]) -> dict[str, C]:
    """Return what a picture has room for, under titles that fit."""
    out: dict[str, C] = {}
    for column in columns[:PICTURED]:
        title = textwrap.shorten(clean(column.label), TITLE, placeholder=" ...").replace("$", "")
        out[title if title and title not in out else f"{title} {len(out) + 1}"] = column
    return out


def _picture_marks(inputs: Inputs) -> dict[str, float]:
    from foundation_priors.report.dial import _marks

    inner = [m for m in _marks(inputs) if 0 < m["trust"] < inputs.path.max_trust]
    return {str(m["label"]): float(m["trust"]) for m in inner}


def estimates(inputs: Inputs) -> Section:
    """Return what trust does to every quantity."""
    path = inputs.path
    h = np.column_stack([c.draws.astype(float) for c in inputs.quantities])
    labels = [c.label for c in inputs.quantities]
    frames = {name: _estimate(inputs, h, weight) for name, weight in _weights(inputs).items()}
    base, now = frames["trust 0"], frames["the audit's trust"]
    with np.errstate(invalid="ignore", divide="ignore"):
        moved = np.nan_to_num((now["mean"] - base["mean"]) / base["sd"], posinf=0.0, neginf=0.0)
    most = int(np.argmax(np.abs(moved)))
    away = np.abs(now["mean"] - base["mean"])
    error = np.hypot(now["error"], base["error"])
    many = count(len(labels), "quantity", "quantities")
    reading = (
        f"Of {many}, {labels[most]} moves most between ignoring the answers and "
        f"{inputs.trust_in_words}: from {number(base['mean'][most])} to "
        f"{number(now['mean'][most])}, {number(abs(moved[most]), 2)} of its standard deviations "
        "without them."
    )
    if not (away > CLEAR * error).any():
        reading = (
            f"Of {many} none moves by more than its Monte Carlo error between ignoring the answers "
            f"and {inputs.trust_in_words}."
        )
    table = pd.concat([f.assign(quantity=labels, at=name) for name, f in frames.items()])
    order = {label: n for n, label in enumerate(labels)}
    table = table.sort_values("quantity", key=lambda c: c.map(order), kind="stable")
    more = ""
    if inputs.left_out:
        more = f"Not shown: {listing(inputs.left_out)}; name them in quantities=."

    def draw() -> Any:
        from foundation_priors.plots import plot_trust_path

        shown = pictured(inputs.quantities)
        return plot_trust_path(path, shown, marks=_picture_marks(inputs))

    tables = {"Estimates": table.set_index(["quantity", "at"])}
    return Section("estimates", "", several([reading, more]), tables, {}, draw)


def _estimate(inputs: Inputs, h: Floats, trust: Any) -> pd.DataFrame:
    """Return mean, sd and interval of quantities, shape (draw, quantity), at one trust."""
    how = inputs.path._weighing(trust)
    found, weights = how.estimate(h), how.weights()
    bounds = np.concatenate([weighted_quantiles(x, weights, [0.05, 0.95]) for x in h.T])
    columns = {
        "mean": found.mean[0],
        "sd": found.sd[0],
        "5%": bounds[:, 0],
        "95%": bounds[:, 1],
        "error": found.mcse_mean[0],
    }
    return pd.DataFrame(columns)


def _weights(inputs: Inputs) -> dict[str, Any]:
    end = inputs.path.max_trust
    return {"trust 0": 0.0, "the audit's trust": inputs.trust, f"trust {end:g}": end}


def shares(inputs: Inputs) -> Section:
    """Return which share of the information came from where."""
    from foundation_priors.diagnose.reliance import UNKNOWN

    path, table = inputs.path, inputs.reliance
    wide = table["share"].unstack("component", sort=False)
    said = wide[list(path.sources)].sum(axis=1)
    real = wide["real data"]
    more, unclear = said > real, (said + real).isna()
    if unclear.all():
        raise ValueError(
            "The information about the quantities cannot be told from 0, so their shares mean "
            "nothing: draw more, or name other quantities."
        )
    reading = (
        f"At {inputs.trust_in_words}, the answers gave {_range(said)} of the information about the "
        f"quantities (most about {said.idxmax()}), and the real data {_range(real)}."
    )
    beyond = (
        f"For {listing(wide.index[more])} the answers say more than the real data."
        if more.any()
        else "For no quantity do the answers say more than the real data."
    )
    if unclear.any():
        beyond += f" Of {listing(wide.index[unclear])} this cannot be told."
    unknown = ""
    if UNKNOWN in wide:
        unknown = f"Not knowing the trust is {_range(wide[UNKNOWN])} of the variance."

    def draw() -> Any:
        from foundation_priors.plots import plot_shares

        shown = pictured(inputs.quantities)
        at = path.max_trust * np.linspace(0, 1, SHARES_AT) ** 2
        return plot_shares(path, shown, trust=at, marks=_picture_marks(inputs))

    fails = (
        "Shares say where information comes from, not whether it is right; in a hierarchy they "
        "depend on the parameterisation, and components that work against each other have shares "
        "below 0 or above 1."
    )
    tables = {"Shares of information": wide, "In full": table}
    return Section("shares", "", several([reading, beyond, unknown]), tables, {}, draw, fails)


def _range(values: pd.Series) -> str:
    low, high = float(values.min()), float(values.max())
    return percent(low) if percent(low) == percent(high) else f"{percent(low)} to {percent(high)}"
