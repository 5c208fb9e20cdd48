"""From a journal to synthetic data, whatever the order in which the answers arrived."""

import json
import tracemalloc
import warnings

import pandas as pd
import pytest

import foundation_priors as fp
from foundation_priors.elicit.collect import collect
from foundation_priors.errors import ElicitationError, IncompleteWarning, JournalError
from tests.elicit.offline import FRAME, POINT, answers_to, elicitation, study_of, write


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"models": {"m": POINT, "k": POINT}},
        {"per_call": 3},
        {"per_call": 4, "shuffle_options": True},
        {"shuffle_options": True},
        {"factors": None},
        {"factors": {"framing": ["a", "b"], "option_order": ["original", "reversed"]}},
        {"profiles": FRAME.reset_index(drop=True)},
    ],
)
def test_replay_is_the_same_whatever_the_order_of_arrival(tmp_path, given):
    survey = elicitation(**given)
    there = write(tmp_path / "a.jsonl", survey, draws=2)
    back = write(
        tmp_path / "b" if (tmp_path / "b").mkdir() else tmp_path / "b" / "a.jsonl",
        survey,
        draws=2,
        backwards=True,
    )
    llm = survey.replay(there)
    assert fp.elicit.replay(there).identical(llm)
    assert llm.dataset.identical(survey.replay(back).dataset)
    assert survey.replay(back).provenance == llm.provenance
    assert len(llm) == study_of(survey, 2).n_cells


def test_rows_are_in_the_order_of_the_design(tmp_path):
    survey = elicitation(models={"m": POINT, "k": POINT}, factors={"f": ["x", "y"]})
    llm = survey.replay(write(tmp_path / "a.jsonl", survey, draws=2, backwards=True))
    table = llm.dataset[["source", "f", "draw", "profile"]].to_dataframe()
    expected = [
        (source, f, draw, profile)
        for source in "mk"
        for f in "xy"
        for draw in range(2)
        for profile in "abcd"
    ]
    assert (
        list(table[["source", "f", "draw", "profile"]].itertuples(index=False, name=None))
        == expected
    )


def test_each_row_has_its_own_answer_and_covariates(tmp_path):
    survey = elicitation(per_call=3)
    llm = survey.replay(write(tmp_path / "a.jsonl", survey, draws=3)).dataset
    said = {}
    for call in study_of(survey, 3).calls():
        for cell, values in zip(call.cells, answers_to(call), strict=True):
            said[cell.profile, cell.factors["framing"], cell.draw] = {
                **values,
                "call": call.key[:12],
            }
    for row in range(llm.sizes["answer"]):
        one = llm.isel(answer=row)
        expected = said[str(one.profile.item()), str(one.framing.item()), int(one.draw)]
        assert (one.vote.item(), one.place.item()) == (expected["vote"], expected["place"])
        assert one.conversation.item() == expected["call"]
        assert one.age.item() == FRAME.loc[one.profile.item(), "age"]
        assert one.since.values == FRAME.loc[one.profile.item(), "since"].to_datetime64()


def test_columns_know_what_they_are(tmp_path):
    survey = elicitation(
        answer={
            "vote": pd.CategoricalDtype(["no", "perhaps", "yes"], ordered=True),
            "wage": fp.Number(0, 10, unit="cents"),
            "sure": bool,
            "why": str,
        },
        factors={"language": ["en", "de"]},
    )
    values = {"vote": "yes", "wage": 1.0, "sure": True, "why": "höher"}
    path = write(tmp_path / "a.jsonl", survey, answer=lambda call: [values])
    llm = survey.replay(path)
    assert llm.outcomes == ("vote", "wage", "sure")
    assert llm.covariates == tuple(FRAME.columns)
    assert llm.unit == "profile" and llm.clusters == ("language",)
    assert llm.levels == {"party": ("R", "D"), "vote": ("no", "perhaps", "yes")}
    assert llm.ordered == ("vote",)
    assert llm.dataset["wage"].attrs == {"units": "cents"}
    assert llm.dataset["sure"].dtype == bool and llm.dataset["why"].item(0) == "höher"
    assert llm.texts == ("why",) and "why" not in llm.factors
    llm.to_netcdf(tmp_path / "a.nc")
    assert fp.SyntheticData.from_netcdf(tmp_path / "a.nc").identical(llm)


def test_a_call_with_several_profiles_is_a_cluster(tmp_path):
    survey = elicitation(per_call=2)
    llm = survey.replay(write(tmp_path / "a.jsonl", survey))
    assert llm.clusters == ("conversation",)
    assert len(set(llm.column("conversation"))) == 4


def test_what_is_not_there_is_counted_by_reason_and_place(tmp_path):
    survey = elicitation(per_call=2)

    def answer(call):
        if call.factors["framing"] == "long" and call.rows.start == 2:
            return "refusal" if call.draw == 0 else "off schema"
        return None if call.draw == 2 else answers_to(call)

    path = write(tmp_path / "a.jsonl", survey, draws=3, answer=answer)
    with pytest.warns(IncompleteWarning, match=r"12 of 24 .*4 off schema, 2 refusal, 6 not asked"):
        llm = survey.replay(path)
    assert len(llm) == 12
    rejected = llm.provenance["rejected"]
    assert rejected == {
        "asked": 24,
        "answered": 12,
        "not asked yet": 6,
        "reasons": {"off schema": 4, "refusal": 2},
        "by design": [
            {
                "source": "m",
                "framing": "long",
                "asked": 12,
                "reasons": {"off schema": 4, "refusal": 2},
            }
        ],
        "by profile": {"c": 3, "d": 3},
    }


def test_tries_that_are_not_final_are_no_answers(tmp_path):
    survey = elicitation()
    path = write(tmp_path / "a.jsonl", survey)
    whole = survey.replay(path)
    lines = path.read_text().splitlines()
    first = json.loads(lines[2])
    tries = [{**first, "final": False, "parsed": None, "rejected": {"reason": "empty"}}]
    again = [{**first, "parsed": [{"vote": "Perot", "place": 7}]}]
    path.write_text(
        "\n".join([*lines[:2], json.dumps(tries[0]), *lines[2:], json.dumps(again[0]), ""])
    )
    assert survey.replay(path).identical(whole)


def test_every_prompt_ever_tried_is_in_the_provenance(tmp_path):
    path = tmp_path / "a.jsonl"
    for prompt in ("First {age}.", "Second {age}.", "Third {age}."):
        survey = elicitation(prompt=prompt)
        write(path, survey, draws=2 if prompt[0] == "F" else 1)
    llm = survey.replay(path)
    prompts = llm.provenance["prompts"]
    assert [v["prompt"][:5] for v in prompts["versions"].values()] == ["First", "Secon", "Third"]
    assert prompts["versions"][prompts["used"]]["prompt"] == "Third {age}."
    assert fp.elicit.replay(path).identical(llm) and len(llm) == 8
    earlier = elicitation(prompt="First {age}.").replay(path)
    assert len(earlier) == 16 and earlier.provenance["prompts"]["used"] != prompts["used"]


def test_answers_to_the_same_question_count_in_a_larger_study(tmp_path):
    path = write(tmp_path / "a.jsonl", elicitation(profiles=FRAME.iloc[:2]))
    with pytest.warns(IncompleteWarning, match="4 not asked yet"):
        llm = elicitation().replay(path)
    assert sorted(set(llm.column("profile"))) == ["a", "b"]


def test_draws_can_be_taken_in_part(tmp_path):
    survey = elicitation()
    path = write(tmp_path / "a.jsonl", survey, draws=3)
    assert len(survey.replay(path, draws=1)) == 8
    assert fp.elicit.replay(path, draws=2).identical(survey.replay(path, draws=2))


def test_what_the_server_said_of_itself(tmp_path):
    survey = elicitation(settings={"temperature": 0.5})
    origin = survey.replay(write(tmp_path / "a.jsonl", survey)).provenance
    assert origin["model"]["m"] == {
        "model": "tiny",
        "served as": ["tiny-1"],
        "fingerprints": "not recorded",
    }
    assert origin["sampling"]["m"] == {
        "settings": {"temperature": 0.5},
        "structured": ["json_schema"],
    }
    assert origin["dates"] == {"first": "2026-01-01T00:00:00", "last": "2026-01-01T00:00:07"}
    assert origin["journal"] == "a.jsonl"


def test_nothing_at_all_is_an_error(tmp_path):
    survey = elicitation()
    path = write(tmp_path / "a.jsonl", survey, answer=lambda call: "refusal")
    with pytest.raises(ElicitationError, match="8 refusal"):
        survey.replay(path)
    with pytest.raises(ElicitationError, match="no answer to this study"):
        elicitation(prompt="Other.").replay(path)
    with pytest.raises(ElicitationError, match="no answer yet .*The budget"):
        collect(path, study_of(elicitation(prompt="Other.")), stopped="The budget is used up.")


def test_journals_that_cannot_be_replayed(tmp_path):
    path = tmp_path / "a.jsonl"
    with pytest.raises(JournalError, match=r"a\.jsonl"):
        fp.elicit.replay(path)
    path.write_text("")
    with pytest.raises(JournalError, match="does not say what was asked"):
        fp.elicit.replay(path)
    survey = elicitation()
    write(path, survey, answer=lambda call: [{"vote": "Nader", "place": 1}])
    with pytest.raises(JournalError, match="does not fit the study"):
        survey.replay(path)


def test_a_distribution_is_one_row_for_each_option(tmp_path):
    survey = elicitation(answer={"vote": ["Clinton", "Dole"]}, probabilities="vote")
    stated = {"vote": {"Clinton": 0.25, "Dole": 0.75}}
    llm = survey.replay(write(tmp_path / "a.jsonl", survey, answer=lambda call: [stated]))
    assert llm.column("vote").tolist() == ["Clinton", "Dole"] * 8
    assert llm.column("probability").tolist() == [0.25, 0.75] * 8
    assert llm.with_weight(1).weights().sum() == 8
    assert llm.column("profile").tolist() == [p for p in "abcd" for _ in range(2)] * 2
    places = elicitation(answer={"place": range(3)}, probabilities=True, shuffle_options=False)
    stated = {"place": {"0": 0.2, "1": 0.5, "2": 0.3}}
    path = write(tmp_path / "b.jsonl", places, answer=lambda call: [stated])
    llm = places.replay(path)
    assert llm.column("place").tolist() == [0, 1, 2] * 8
    assert fp.elicit.replay(path).identical(llm)


def test_messages_are_not_held(tmp_path):
    """The peak is that of the columns, not of a journal of 12 MB."""
    frame = pd.DataFrame({"age": range(1500)})
    survey = elicitation(prompt="{age}" + 8000 * "x", profiles=frame, factors=None)
    path = write(tmp_path / "a.jsonl", survey)
    whole = path.read_text().splitlines()
    lines = [json.loads(line) for line in whole[2:]]
    with path.open("w") as file:
        file.writelines(f"{line}\n" for line in whole[:2])
        file.writelines(json.dumps({**line, "messages": 8000 * "x"}) + "\n" for line in lines)
    del whole, lines
    assert path.stat().st_size > 12e6
    tracemalloc.start()
    survey.replay(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6e6


def test_a_whole_journal_warns_of_nothing(tmp_path):
    survey = elicitation()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        survey.replay(write(tmp_path / "a.jsonl", survey))
