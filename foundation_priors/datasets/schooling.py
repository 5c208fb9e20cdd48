"""The studies of wages and of the return to schooling."""

import numpy as np
import xarray as xr

from foundation_priors.datasets.common import MODEL, labelled, prompts, provenance, with_profiles
from foundation_priors.datasets.files import table
from foundation_priors.datasets.study import Study
from foundation_priors.synthetic import SyntheticData

__all__ = ["refine", "returns", "wages"]

NO_YES = "0 no, 1 yes"
LABELS = {
    "educ": ("schooling", "years"),
    "exper": ("labour-market experience", "years"),
    "black": ("Black", "", NO_YES),
    "south": ("lives in the South", "", NO_YES),
    "smsa": ("lives in a metropolitan area", "", NO_YES),
    "nearc4": ("grew up near a four-year college", "", NO_YES),
    "wage": ("hourly wage", "cents of 1976"),
    "lwage": ("natural logarithm of the hourly wage in cents", "log points"),
}


def wages() -> Study:
    """Make the study of wages in 1976.

    Returns
    -------
    Study
        Real dims: man (3010); synthetic: 300 answers about 50 of them.
    """
    frame = table("card")
    answers = table("wages_answers").rename(columns={"wage_cents": "wage"})
    answers["lwage"] = np.log(answers["wage"])
    answers["conversation"] = answers["framing"] + "-" + answers["conversation"].astype(str)
    names = ["profile", "educ", "exper", "black", "south", "smsa"]
    known = frame.loc[frame["profile"] >= 0, names]
    synthetic = SyntheticData.from_dataframe(
        answers.merge(known, on="profile", how="left", validate="many_to_one"),
        outcome=["lwage", "wage"],
        source=MODEL,
        unit="profile",
        provenance=provenance(prompts(table("wages_prompts")), pairs_with="real.profile"),
    )
    return Study(
        "wages",
        "hourly wages of young men in the United States, 1976",
        _men(),
        synthetic,
        "Three framings of a prompt (roleplay, forecast, plain), two conversations each, ask for"
        " the hourly wage of the same 50 men, given schooling, experience, race, region and whether"
        " they live in a metropolitan area. The outcome lwage is the logarithm of the answer.",
        (
            "The answers agree with each other far more than people do: the residual spread around"
            " a regression on the same covariates is .04-.06 log points (plain), .08-.09 (roleplay)"
            " and .20-.21 (forecast), against .41 for the real 50 men. Give them a residual scale"
            " of their own (private=).",
        ),
    )


def returns() -> Study:
    """Make the study of experts' quantiles for the return to schooling.

    Returns
    -------
    Study
        Real dims: man (3010); synthetic: 72 experts.
    """
    answers = table("returns_answers")
    answers["expert"] = answers["framing"] + "-" + answers["expert"].astype(str)
    answers["conversation"] = answers["framing"] + "-" + answers["conversation"].astype(str)
    synthetic = SyntheticData.from_dataframe(
        answers,
        outcome=["q05", "q50", "q95"],
        source=MODEL,
        unit="expert",
        provenance=provenance(prompts(table("returns_prompts")), units="percent"),
    )
    return Study(
        "returns",
        "what experts, played by a language model, think a year of schooling is worth",
        _men().drop_vars(["profile", "in_prompt"]),
        synthetic,
        "Three panels of 24 experts (economist, policy, skeptic), one conversation each, give the"
        " 5th, 50th and 95th percentile of what they believe about the percentage by which one more"
        " year of schooling raises the hourly wage. The panel is the factor framing.",
        ("The 24 experts of a panel were played in one conversation, and repeat one prior.",),
    )


def refine() -> Study:
    """Make the study of two users who revise a prompt until it says what they expect.

    Returns
    -------
    Study
        Real dims: man (3010); synthetic: 240 answers, 2 users x 6 rounds x 20 draws.
    """
    answers = table("refine_answers").rename(columns={"user": "persona"})
    answers["conversation"] = answers["persona"] + "-" + answers["round"].astype(str)
    synthetic = SyntheticData.from_dataframe(
        answers,
        outcome="return_percent",
        source=MODEL,
        cluster="round",
        provenance=provenance(
            prompts(table("refine_prompts")),
            units="percent",
            persona="the user who wrote the prompt: low or high is what they expect",
            round="how often that user had revised the prompt",
        ),
    )
    return Study(
        "refine",
        "two users who revise a prompt until the language model says what they expect",
        _men().drop_vars(["profile", "in_prompt"]),
        synthetic,
        "Two users (persona low and high) ask by what percentage one more year of schooling raises"
        " the hourly wage, and revise the prompt five times (round 0 to 5) towards what they"
        " expect; each round is one conversation with 20 answers.",
        (
            "Both users start near 8.2 percent; after five revisions one reads 2.9 and the other"
            " 13.9, without a single observation.",
        ),
    )


def _men() -> xr.Dataset:
    real = labelled(with_profiles(table("card"), "man"), LABELS)
    real.attrs = {
        "title": "Men aged 24-34 in 1976, National Longitudinal Survey of Young Men.",
        "source": "D. Card (1995), Using geographic variation in college proximity to estimate the"
        " return to schooling, doi:10.3386/w4483, as distributed with linearmodels.",
    }
    return real
