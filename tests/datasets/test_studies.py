from importlib import resources

import numpy as np
import pytest

from foundation_priors import datasets
from foundation_priors.datasets import files
from foundation_priors.synthetic import SyntheticData


@pytest.fixture(scope="module")
def studies():
    return {name: datasets.load(name) for name in datasets.available()}


@pytest.mark.parametrize(
    ("name", "real", "answers", "outcomes", "framings"),
    [
        ("anes96", {"respondent": 944}, 540, ("vote", "self_placement"), 3),
        ("wages", {"man": 3010}, 300, ("lwage", "wage"), 3),
        ("returns", {"man": 3010}, 72, ("q05", "q50", "q95"), 3),
        ("refine", {"man": 3010}, 240, ("return_percent",), 0),
        ("modechoice", {"traveller": 210, "mode": 4}, 150, ("choice",), 3),
    ],
)
def test_sizes(studies, name, real, answers, outcomes, framings):
    study = studies[name]
    assert study.name == name
    assert dict(study.real.sizes) == real
    assert len(study.synthetic) == answers
    assert study.synthetic.outcomes == outcomes
    assert study.synthetic.sources == ("claude",)
    if framings:
        assert len(study.synthetic.groups("framing")) == framings


def test_typo():
    with pytest.raises(ValueError, match="no built-in study 'ANES69'. Did you mean 'anes96'"):
        datasets.load("ANES69")


@pytest.mark.parametrize("name", datasets.available())
def test_descriptions_hold_both_halves(studies, name):
    study = studies[name]
    text = study.describe()
    for part in ("Real:", "Synthetic:", "Source:", "synthetic: a prior", "Beware:"):
        assert part in text
    assert max(map(len, text.splitlines())) <= 88
    assert name in repr(study)
    assert "effective rows" in study._repr_html_()
    unlabelled = [n for n, v in study.real.data_vars.items() if "long_name" not in v.attrs]
    assert unlabelled == []


@pytest.mark.parametrize("name", datasets.available())
def test_provenance_does_not_guess(studies, name):
    found = studies[name].synthetic.provenance
    assert found["sampling"] == "not recorded" and "not recorded" in found["model"]
    assert found["dates"] == "2026-11-22"
    assert all(len(prompt) > 200 for prompt in found["prompts"].values())


def test_votes_are_worth_66_rows(studies):
    llm = studies["anes96"].synthetic
    assert llm.weights(["vote"]).sum() == pytest.approx(66.17, abs=0.01)
    # With 60 profiles of 9 the design effect is 1 + 8 ICC.
    assert (1 / llm.weights("vote")[0] - 1) / 8 == pytest.approx(0.90, abs=0.005)
    assert llm.effective_size().loc["total", "clustering"] == "profile"


def test_clusters_by_conversation_alone_would_leave_all_votes(studies):
    known = studies["anes96"].synthetic.dataset[["vote", "conversation"]]
    alone = SyntheticData(known.reset_coords(["profile", "framing"], drop=True), outcome="vote")
    assert alone.weights().sum() == 540


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("anes96", ["PID", "age", "educ", "income"]),
        ("wages", ["educ", "exper", "black", "south", "smsa"]),
    ],
)
def test_covariates_are_those_of_the_real_rows(studies, name, columns):
    real, llm = studies[name].real, studies[name].synthetic
    dim = real["vote"].dims[0] if name == "anes96" else "man"
    described = real.isel({dim: real["in_prompt"].values}).set_index({dim: "profile"})
    rows = described.sel({dim: llm.column("profile")})
    assert llm.covariates == tuple(columns)
    for column in columns:
        np.testing.assert_array_equal(llm.column(column), rows[column].values)


def test_prompts_hold_the_covariates(studies):
    study = studies["anes96"]
    llm, prompt = study.synthetic, study.synthetic.provenance["prompts"]["plain"]
    for profile in (0, 20, 59):
        age = llm.sel(profile=profile).column("age")[0]
        assert f"\n{profile}: age {age}, " in prompt


def test_rows_outside_prompts(studies):
    assert int((~studies["anes96"].real["in_prompt"]).sum()) == 884
    assert int(studies["wages"].real["in_prompt"].sum()) == 50
    assert int(studies["modechoice"].real["in_prompt"].sum()) == 50


def test_wages_agree_more_than_people_do(studies):
    study = studies["wages"]

    def spread(outcome, columns):
        design = np.column_stack([np.ones(len(outcome)), *columns])
        left = outcome - design @ np.linalg.lstsq(design, outcome, rcond=None)[0]
        return np.sqrt((left**2).sum() / (len(outcome) - design.shape[1]))

    names = study.synthetic.covariates
    found = {
        framing: spread(part.column("lwage"), [part.column(n) for n in names])
        for framing in ("plain", "roleplay", "forecast")
        for part in [study.synthetic.sel(framing=framing)]
    }
    real = study.real.isel(man=study.real["in_prompt"].values)
    assert found["plain"] < 0.07 < found["roleplay"] < 0.1 < found["forecast"] < 0.22
    assert spread(real["lwage"].values, [real[n].values for n in names]) == pytest.approx(
        0.41, abs=0.01
    )
    np.testing.assert_allclose(
        study.synthetic.column("lwage"), np.log(study.synthetic.column("wage"))
    )


def test_votes_are_quasi_separated_in_three_conversations(studies):
    llm = studies["anes96"].synthetic
    mixed = {}
    for name, rows in llm.groups("conversation").items():
        part = llm.isel(rows)
        by_party = {p: set(part.column("vote")[part.column("PID") == p]) for p in range(7)}
        mixed[name] = [p for p, votes in by_party.items() if len(votes) > 1]
    assert {n for n, parties in mixed.items() if parties == [4]} >= {
        "plain-1",
        "roleplay-1",
        "roleplay-2",
    }


def test_modechoice_leaks(studies):
    study = studies["modechoice"]
    modes = study.real["mode"].values
    taken = study.real["choice"].sel(traveller=study.synthetic.column("traveller")).values
    right = modes[taken] == study.synthetic.column("choice")
    agree = {
        n: int(right[rows].sum()) for n, rows in study.synthetic.groups("conversation").items()
    }
    assert agree == {"forecast-1": 50, "plain-1": 50, "roleplay-1": 34}


def test_users_who_refine_part_ways(studies):
    llm = studies["refine"].synthetic

    def mean(user, number):
        return llm.sel(persona=user, round=number).column("return_percent").mean()

    assert mean("low", 0) == pytest.approx(8.2, abs=0.3)
    assert mean("high", 0) == pytest.approx(8.2, abs=0.3)
    assert mean("low", 5) == pytest.approx(2.9, abs=0.05)
    assert mean("high", 5) == pytest.approx(13.9, abs=0.05)


def test_quantiles_are_in_order(studies):
    llm = studies["returns"].synthetic
    assert (llm.column("q05") < llm.column("q50")).all()
    assert (llm.column("q50") < llm.column("q95")).all()
    assert len(llm.groups("expert")) == 72


def test_survives_a_file(studies, tmp_path):
    for name, study in studies.items():
        study.synthetic.to_netcdf(tmp_path / f"{name}.nc")
        assert type(study.synthetic).from_netcdf(tmp_path / f"{name}.nc").identical(study.synthetic)


def test_the_package_stays_small():
    folder = resources.files("foundation_priors.datasets").joinpath("data")
    packed = [entry for entry in folder.iterdir() if entry.name.endswith(".csv.gz")]
    assert {entry.name[: -len(".csv.gz")] for entry in packed} == set(files.CHECKSUMS)
    assert sum(len(entry.read_bytes()) for entry in packed) < 100_000


def test_damaged_table(monkeypatch):
    monkeypatch.setitem(files.CHECKSUMS, "anes96", "0" * 64)
    with pytest.raises(OSError, match="damaged"):
        files.table("anes96")


def test_frozen(studies):
    with pytest.raises(AttributeError):
        studies["wages"].name = "other"
