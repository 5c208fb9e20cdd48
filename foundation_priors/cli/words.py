"""The demonstration in words and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from foundation_priors.cli.findings import LEVELS, Findings
from foundation_priors.cli.pilot import PRIOR_SD, Pilot
from foundation_priors.cli.tables import table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from foundation_priors.path import TrustPath

__all__ = ["introduction", "lesson", "show"]

NOTABLE = 2
"""Standard errors beyond which a difference of scores is called one."""


def introduction(console: Console, pilot: Pilot) -> None:
    """Say what is about to be done.

    Parameters
    ----------
    console : rich.console.Console
    pilot : Pilot
    """
    rows, people = len(pilot.answers), len(np.unique(pilot.answers.column("profile")))
    console.print(
        f"[bold]A pilot of {pilot.real.sizes['respondent']} voters and {rows} answers of a "
        "language model[/bold]\n"
        "Clinton or Dole, 1996: real voters of the American National Election Study, and what "
        f"{', '.join(pilot.answers.sources)} answered about {people} others, {rows // people} "
        "times over.\n\n"
        "Model: logistic regression of a vote for Dole on party identification, age, education "
        "and income (standardised by the mean and sd of all 944 real voters), "
        f"Normal(0, {PRIOR_SD}) priors. Predictions are scored on the "
        f"{pilot.held_out.sizes['respondent']} real voters who are neither in the pilot nor in a "
        "prompt.\n\n"
        "Trust is the weight of an answer: 0 ignores the language model, 1 takes all its "
        f"{rows} answers for data. One model is compiled and sampled at a few weights; those "
        "between follow by reweighting. This takes about a minute.\n"
    )


def show(console: Console, pilot: Pilot, path: TrustPath, findings: Findings) -> None:
    """Print the tables.

    Parameters
    ----------
    console : rich.console.Console
    pilot : Pilot
    path : TrustPath
    findings : Findings
    """
    fits = len(path.posterior.fits) + len(path.prior.fits)
    flagged = int((~path.diagnostics()["reliable"]).sum())
    console.print(
        f"{fits} fits, {path.trust.size} weights, "
        f"{'every check holds' if not flagged else f'{flagged} weights are flagged'}.\n"
    )
    console.print(_weights(findings))
    console.print(
        "Real obs.: how many real voters the answers count for. Party: its coefficient. Log "
        "evidence: of the pilot, relative to trust 0, with its Monte Carlo error. Held-out "
        "score: mean log score of a voter; expected: what the predictions themselves expect to "
        "score. Who expects more than they get is overconfident.\n"
    )
    console.print(_claims(pilot, findings))
    console.print(
        "Each claim says that a coefficient is above a value. Tips: the trust at which its "
        "probability crosses the level, with the Monte Carlo error; '-' where it stays on one "
        "side. The last column of probabilities is from all real voters in no prompt.\n"
    )
    console.print(_shares(findings))
    console.print(
        "At this trust the answers count for as many real voters as there are in the pilot.\n"
    )


def _weights(findings: Findings) -> Table:
    out = table(
        "What each trust does",
        *("", "trust", "real\nobs.", "party", "90%\ninterval", "log\nevidence"),
        *("held-out\nscore", "expected"),
    )
    for name, row in findings.table.iterrows():
        out.add_row(
            str(name),
            f"{row['trust']:z.3f}",
            f"{row['effective_observations']:z.0f}",
            f"{row['party']:z.2f}",
            f"{row['party_low']:z.2f} {row['party_high']:z.2f}",
            f"{row['log_evidence']:z.2f} ({row['mcse_log_evidence']:z.2f})",
            f"{row['score']:z.3f}",
            f"{row['expected_score']:z.3f}",
            style="bold" if row["trust"] == findings.best else None,
        )
    return out


def _claims(pilot: Pilot, findings: Findings) -> Table:
    out = table(
        "Where claims tip",
        *("claim", "trust\n0", f"trust\n{findings.balance:z.3f}", "trust\n1"),
        f"all {pilot.everybody}\nreal",
        *(f"tips at\n{level:z.0%}" for level in LEVELS),
    )
    for name, row in findings.claims.iterrows():
        chances = [f"{row[key]:z.2f}" for key in ("at 0", "at balance", "at 1", "all real")]
        roots = [_roots(row[f"tips at {p:z.0%}"], row[f"mcse at {p:z.0%}"]) for p in LEVELS]
        out.add_row(str(name), *chances, *roots)
    return out


def _roots(trust: np.ndarray, error: np.ndarray) -> str:
    return "\n".join(f"{t:z.3f} ({e:z.3f})" for t, e in zip(trust, error, strict=True)) or "-"


def _shares(findings: Findings) -> Table:
    shares = findings.shares["share"].unstack("component", sort=False)
    out = table(
        f"Where the information comes from at trust {findings.balance:z.3f}",
        *("coefficient", *(str(component) for component in shares)),
    )
    for name, row in shares.iterrows():
        covariate = str(name).removeprefix("beta[").removesuffix("]")
        out.add_row(covariate, *(f"{share:z.0%}" for share in row))
    return out


def lesson(pilot: Pilot, findings: Findings) -> list[str]:
    """Say what the numbers teach, in two sentences that follow from them.

    Parameters
    ----------
    pilot : Pilot
    findings : Findings

    Returns
    -------
    list of str
        Whether some trust helps, and whether taking the answers for data overshoots.
    """
    return [_helps(pilot, findings), _overshoots(pilot, findings)]


def _helps(pilot: Pilot, findings: Findings) -> str:
    gain, people = findings.gain, pilot.held_out.sizes["respondent"]
    if findings.best == 0:
        return f"No trust helps: the {people} held-out voters are predicted best at trust 0."
    if gain.nats < gain.error:
        return (
            f"No trust helps to speak of: at {findings.best:.2g}, the best, the {people} held-out "
            f"voters are predicted about as well ({gain.nats:+z.1f} nats, standard error "
            f"{gain.error:z.1f}) as without the language model."
        )
    certain = gain.nats > NOTABLE * gain.error
    return (
        f"Some trust {'helps' if certain else 'may help'}: at {findings.best:.2g} the {people} "
        f"held-out voters are predicted {gain.nats:z.1f} nats better (standard error "
        f"{gain.error:z.1f}) than without the language model."
    )


def _overshoots(pilot: Pilot, findings: Findings) -> str:
    loss, pooled = findings.loss, findings.table.loc["taken for data"]
    if findings.best == 1:
        return "Taking the answers for data predicts best here."
    estimate, error = findings.of_everybody("party")
    inside = pooled["party_low"] <= estimate <= pooled["party_high"]
    over = pooled["expected_score"] - pooled["score"]
    return (
        f"Taking the answers for data predicts {loss.nats:z.1f} nats worse (standard error "
        f"{loss.error:z.1f}) than the best trust and is "
        f"{'overconfident' if over > 0 else 'not overconfident'}: it expects "
        f"{pooled['expected_score']:z.3f} a voter and gets {pooled['score']:z.3f}, and its 90% "
        f"interval for party, {pooled['party_low']:z.2f} to {pooled['party_high']:z.2f}, "
        f"{'holds' if inside else 'misses'} {estimate:z.2f} (standard error {error:z.2f}), the "
        f"estimate from all {pilot.everybody} real voters in no prompt."
    )
