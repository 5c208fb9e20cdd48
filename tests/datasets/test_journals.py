import json

import numpy as np
import pytest

import foundation_priors as fp
from foundation_priors.elicit.design import Study
from foundation_priors.elicit.journal import read

NAMES = {
    "anes96": ("anes96", "profile", {"vote": "vote", "self_placement": "self_placement"}),
    "modechoice": ("modechoice", "traveller", {"choice": "choice"}),
    "returns": ("returns", None, {"q05": "q05", "q50": "q50", "q95": "q95"}),
    "wages": ("wages", "profile", {"wage_cents": "wage"}),
}
UNKNOWN = ("server_model", "fingerprint", "structured", "finish_reason", "tokens", "latency")


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("journals")
    names = fp.datasets.journals()
    return {name: fp.datasets.journal(name, folder / f"{name}.jsonl") for name in names}


def answers_of(path):
    return [line for line in read(path) if line["kind"] == "answer"]


@pytest.mark.parametrize("name", NAMES)
def test_a_replay_has_the_same_answers_row_by_row(paths, name):
    study, unit, outcomes = NAMES[name]
    llm, known = fp.elicit.replay(paths[name]), fp.datasets.load(study).synthetic
    assert len(llm) == len(known) and llm.sources == known.sources
    for mine, theirs in outcomes.items():
        np.testing.assert_array_equal(llm.column(mine), known.column(theirs))
    for column in ("framing", *known.covariates):
        np.testing.assert_array_equal(llm.column(column), known.column(column))
    if unit is not None:
        np.testing.assert_array_equal(llm.column("profile"), known.column(unit))
    named = [c.rpartition("-")[2] for c in known.column("conversation")]
    np.testing.assert_array_equal(llm.column("draw") + 1, np.array(named, dtype=int))


@pytest.mark.parametrize("name", NAMES)
def test_a_replay_weighs_the_same(paths, name):
    study, _, outcomes = NAMES[name]
    llm, known = fp.elicit.replay(paths[name]), fp.datasets.load(study).synthetic
    mine, theirs = list(outcomes), list(outcomes.values())
    np.testing.assert_allclose(llm.weights(mine), known.weights(theirs), rtol=1e-12)


@pytest.mark.parametrize("user", ["low", "high"])
def test_every_prompt_that_a_user_tried_can_be_replayed(paths, user):
    path, known = paths[f"refine-{user}"], fp.datasets.load("refine").synthetic
    studies = [line for line in read(path) if line["kind"] == "study"]
    prompts = known.provenance["prompts"]
    assert [s["prompt"] for s in studies] == [prompts[f"{user}_{i}"] for i in range(6)]
    for number, study in enumerate(studies):
        llm = fp.elicit.replay(path, version=study["version"])
        theirs = known.sel(persona=user, round=number)
        np.testing.assert_array_equal(llm.column("return_percent"), theirs.column("return_percent"))
        assert llm.provenance["prompts"]["used"] == study["version"]
    last = fp.elicit.replay(path)
    assert last.identical(llm) and len(last.provenance["prompts"]["versions"]) == 6


@pytest.mark.parametrize("name", fp.datasets.journals())
def test_prompts_and_answers_stand_word_for_word(paths, name):
    known = fp.datasets.load(name.split("-")[0]).synthetic
    prompts = set(known.provenance["prompts"].values())
    for line in answers_of(paths[name]):
        (message,) = line["messages"]
        assert message["role"] == "user" and message["content"] in prompts
        said = [json.loads(answer) for answer in line["raw"].splitlines()]
        assert len(said) == len(line["cells"]) == len(line["parsed"])
        for answer, cell, parsed in zip(said, line["cells"], line["parsed"], strict=True):
            assert {**parsed, next(iter(answer)): cell["profile"]} == answer


@pytest.mark.parametrize("name", ["anes96", "wages"])
def test_the_answers_are_read_as_those_of_a_run(paths, name):
    study = next(read(paths[name]))
    draws = 1 + max(line["draw"] for line in answers_of(paths[name]))
    asked = Study.from_record(study, draws=draws)
    calls = {call.key: call for call in asked.calls()}
    for line in answers_of(paths[name]):
        assert asked.schema.parse(line["raw"], calls.pop(line["key"])) == line["parsed"]
    assert not calls


@pytest.mark.parametrize("name", fp.datasets.journals())
def test_nothing_is_guessed(paths, name):
    for line in answers_of(paths[name]):
        assert {line[key] for key in UNKNOWN} == {None}
        assert line["settings"] == {"sampling": "not recorded"}
        assert line["time"] == "2026-11-22"
    found = fp.elicit.replay(paths[name]).provenance
    assert found["model"]["claude"] == {
        "model": "Anthropic Claude, exact version not recorded",
        "served as": "not recorded",
        "fingerprints": "not recorded",
    }
    assert found["sampling"]["claude"]["structured"] == "not recorded"
    head = next(read(paths[name]))
    assert head["models"]["claude"]["base_url"] == "not recorded"


def test_what_to_beware_of_is_replayed_too(paths):
    (version,) = fp.elicit.replay(paths["modechoice"]).provenance["prompts"]["versions"].values()
    assert version["notes"][0].startswith("Contaminated")


def test_the_study_can_be_written_down_and_replayed_but_not_asked(paths, tmp_path):
    head = next(read(paths["anes96"]))
    known = fp.elicit.replay(paths["anes96"])
    people = known.dataset.isel(answer=slice(60)).to_dataframe().set_index("profile")
    survey = fp.Elicitation(
        head["prompt"],
        answer={"vote": ["Clinton", "Dole"], "self_placement": range(1, 8)},
        profiles=people[list(known.covariates)],
        factors=head["factors"],
        line=head["line"],
        instructions="",
        settings=head["settings"],
        models={"claude": fp.Endpoint("not recorded", model=head["models"]["claude"]["model"])},
        per_call=60,
    )
    assert survey.replay(paths["anes96"]).identical(known)
    assert survey.preview(draws=3).calls == 9
    with pytest.raises(fp.ElicitationError, match="asked is not recorded: replay its answers"):
        survey.run(tmp_path / "new.jsonl", progress=False)


def test_typo(tmp_path):
    with pytest.raises(ValueError, match="'refine-lo'. Did you mean 'refine-low'"):
        fp.datasets.journal("refine-lo", tmp_path / "answers.jsonl")
    assert not list(tmp_path.iterdir())


def test_no_file_is_written_over(tmp_path):
    path = tmp_path / "answers.jsonl"
    path.write_text("mine")
    with pytest.raises(fp.JournalError, match="already: name another"):
        fp.datasets.journal("wages", path)
    assert path.read_text() == "mine"


def test_no_such_version(paths):
    with pytest.raises(fp.JournalError, match="holds no version 'first' of a study"):
        fp.elicit.replay(paths["wages"], version="first")
