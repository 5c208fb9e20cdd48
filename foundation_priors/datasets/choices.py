"""The studies of votes and of travel."""

import pandas as pd
import xarray as xr

from foundation_priors.datasets.common import MODEL, labelled, prompts, provenance, with_profiles
from foundation_priors.datasets.files import table
from foundation_priors.datasets.study import Study
from foundation_priors.synthetic import SyntheticData

__all__ = ["anes96", "modechoice"]

MODES = ("air", "train", "bus", "car")
SCALE = "1 extremely liberal .. 7 extremely conservative"
ANES_LABELS = {
    "vote": ("expected vote for president", "", "0 Clinton, 1 Dole"),
    "PID": ("party identification", "", "0 strong Democrat .. 6 strong Republican"),
    "selfLR": ("own place between left and right", "", SCALE),
    "ClinLR": ("Clinton's place, as the respondent sees it", "", SCALE),
    "DoleLR": ("Dole's place, as the respondent sees it", "", SCALE),
    "age": ("age", "years"),
    "educ": (
        "education",
        "",
        "1 grades 1-8, 2 some high school, 3 high school, 4 some college, 5 college, 6 master,"
        " 7 doctorate or professional",
    ),
    "income": ("household income", "", "1 under $3,000 .. 24 $105,000 and over"),
    "TVnews": ("television news watched", "days per week"),
    "popul": ("population of the place of residence", "1000 people"),
}
TRAVEL_LABELS = {
    "choice": ("mode taken", "", "position on the dim mode: 0 air, 1 train, 2 bus, 3 car"),
    "ttme": ("wait at the terminal, 0 for the car", "minutes"),
    "invc": ("cost in the vehicle", "dollars"),
    "invt": ("time in the vehicle", "minutes"),
    "gc": ("generalised cost: invc plus the value of the time", "dollars"),
    "hinc": ("household income", "$1000"),
    "psize": ("size of the party", "people"),
}


def anes96() -> Study:
    """Make the study of votes in 1996.

    Returns
    -------
    Study
        Real dims: respondent (944); synthetic: 540 answers about 60 of them.
    """
    frame = table("anes96")
    real = labelled(with_profiles(frame, "respondent"), ANES_LABELS)
    real.attrs = {
        "title": "American National Election Study 1996, voters for Clinton or Dole.",
        "source": "American National Election Studies, as distributed with statsmodels.",
        "licence": "public domain.",
    }
    answers = table("anes96_answers")
    answers["conversation"] = answers["framing"] + "-" + answers["conversation"].astype(str)
    known = frame.loc[frame["profile"] >= 0, ["profile", "PID", "age", "educ", "income"]]
    synthetic = SyntheticData.from_dataframe(
        answers.merge(known, on="profile", how="left", validate="many_to_one"),
        outcome=["vote", "self_placement"],
        source=MODEL,
        unit="profile",
        levels={"vote": ["Clinton", "Dole"]},
        provenance=provenance(prompts(table("anes96_prompts")), pairs_with="real.profile"),
    )
    return Study(
        "anes96",
        "votes and left-right self-placement in the United States, 1996",
        real,
        synthetic,
        "Three framings of a prompt (roleplay, forecast, plain), three conversations each, ask for"
        " the vote and the self-placement of the same 60 respondents, given party identification,"
        " age, education and income.",
        (
            "Repeated conversations of one framing are nearly copies: the intraclass correlation of"
            " the vote by profile is .90, and the 540 votes are worth about 66.",
            "In three conversations (plain-1, roleplay-1, roleplay-2) the votes are quasi-separated"
            " by party identification: they mix only at party 4.",
            "The 60 respondents are among the 944 real rows (coordinate in_prompt): score"
            " predictions on the other 884.",
        ),
    )


def modechoice() -> Study:
    """Make the study of travel modes, in which the answers are contaminated.

    Returns
    -------
    Study
        Real dims: traveller (210), mode (4); synthetic: 150 answers about 50 travellers.
    """
    frame = table("modechoice").sort_values(["individual", "mode"], ignore_index=True)
    answers = table("modechoice_answers").rename(columns={"individual": "traveller"})
    real = _travellers(frame, set(answers["traveller"]))
    answers["conversation"] = answers["framing"] + "-" + answers["conversation"].astype(str)
    covariates = _wide(real)
    synthetic = SyntheticData.from_dataframe(
        answers.merge(covariates, on="traveller", how="left", validate="many_to_one"),
        outcome="choice",
        source=MODEL,
        unit="traveller",
        levels={"choice": list(MODES)},
        provenance=provenance(
            prompts(table("modechoice_prompts")),
            contamination="forecast-1 and plain-1 recognised the public data set",
        ),
    )
    return Study(
        "modechoice",
        "how people travel between Sydney, Canberra and Melbourne, 1987: an example of leakage",
        real,
        synthetic,
        "Three framings of a prompt (roleplay, forecast, plain), one conversation each, ask for the"
        " mode that each of the same 50 travellers takes, given wait, cost and time of each mode,"
        " household income and party size.",
        (
            "Contaminated: in two conversations (forecast-1, plain-1) the model said afterwards"
            " that it had recognised the public data set and had read the chosen mode off the"
            " waiting times; they agree with the real choices 50 times out of 50.",
            "The third (roleplay-1) agrees 34 times. Kept as an example of leakage, not as an"
            " opinion about travel.",
        ),
    )


def _travellers(frame: pd.DataFrame, asked: set[int]) -> xr.Dataset:
    travellers = frame["individual"].unique()
    shape = (len(travellers), len(MODES))
    by_mode = {
        name: (("traveller", "mode"), frame[name].to_numpy().reshape(shape))
        for name in ("ttme", "invc", "invt", "gc")
    }
    first = frame.loc[frame["mode"] == 1]
    own = {name: ("traveller", first[name].to_numpy()) for name in ("hinc", "psize")}
    taken = frame["choice"].to_numpy().reshape(shape).argmax(axis=1)
    in_prompt = [int(traveller) in asked for traveller in travellers]
    real = xr.Dataset(
        {"choice": ("traveller", taken), **by_mode, **own},
        {
            "traveller": travellers,
            "mode": list(MODES),
            "in_prompt": (
                "traveller",
                in_prompt,
                {"long_name": "whether a prompt describes this traveller"},
            ),
        },
        {
            "title": "Travellers between Sydney, Canberra and Melbourne, 1987.",
            "source": "W. Greene, Econometric Analysis, as distributed with statsmodels.",
            "licence": "public domain.",
        },
    )
    return labelled(real, TRAVEL_LABELS)


def _wide(real: xr.Dataset) -> pd.DataFrame:
    wide = {
        f"{name}_{mode}": real[name].sel(mode=mode).values
        for name in ("ttme", "invc", "invt")
        for mode in MODES
    }
    own = {name: real[name].values for name in ("hinc", "psize")}
    return pd.DataFrame({"traveller": real["traveller"].values, **wide, **own})
