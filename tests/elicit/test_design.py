"""Which calls there are, what they ask, and by which key a journal knows them."""

import json
from collections import Counter

import numpy as np
import pandas as pd
import pytest

import foundation_priors as fp
from foundation_priors.elicit.design import Study
from foundation_priors.elicit.profiles import Profiles
from foundation_priors.errors import ColumnError
from tests.elicit.offline import FRAME, POINT, elicitation, study_of


def user(call):
    return call.messages[-1]["content"]


def test_a_prompt_is_filled_and_its_json_left_alone():
    call = study_of(elicitation(system="Be {party}.")).call("m", 1, 0, 0)
    assert call.messages[0] == {"role": "system", "content": "Be D."}
    assert user(call).startswith('You are 26, party D. Say it at 26. Not {"this": {that}}.\n\n')
    assert user(call).endswith('"place": a whole number from 1 to 7}')
    assert call.cells[0].profile == "a" and call.cells[0].factors == {"framing": "long"}


def test_one_question_about_all_profiles_of_a_call_is_asked_once():
    given = {"prompt": "Play 4 people. {framing}", "factors": {"framing": {"a": "Go.", "b": "Do."}}}
    call = study_of(elicitation(per_call=4, **given)).call("m", 1, 0, 0)
    assert user(call).startswith("Play 4 people. Do.\n\nAnswer with nothing but JSON")
    assert user(call).count("Play") == 1


def test_every_cell_is_asked_once():
    study = study_of(elicitation(models={"m": POINT, "k": POINT}, per_call=3), draws=2)
    calls = list(study.calls())
    assert len(calls) == study.n_calls == 2 * 2 * 2 * 2
    cells = [
        (call.model, *c.factors.values(), c.draw, c.profile) for call in calls for c in call.cells
    ]
    assert len(set(cells)) == len(cells) == study.n_cells == 2 * 2 * 2 * 4
    assert len({call.key for call in calls}) == len(calls)
    assert [call.draw for call in calls] == sorted(call.draw for call in calls)
    one = [call.key for call in study.calls("k")]
    assert one == [call.key for call in calls if call.model == "k"]


def test_calls_are_made_when_they_are_needed():
    frame = pd.DataFrame({"age": np.arange(1_000_000)})
    study = study_of(elicitation(prompt="{age}", profiles=frame, factors=None), draws=1000)
    assert study.n_calls == 10**9
    assert next(study.calls()).cells[0].profile == 0


def test_profiles_with_equal_columns_have_keys_of_their_own():
    calls = list(study_of(elicitation(factors=None, prompt="{age}, {party}")).calls())
    b, d = calls[1], calls[3]
    assert b.messages == d.messages and b.request == d.request and b.key != d.key


@pytest.mark.parametrize(
    "changed",
    [
        {"prompt": "Other {age}."},
        {"settings": {"temperature": 0.5}},
        {"answer": {"vote": ["Dole", "Clinton", "Perot"], "place": range(1, 8)}},
        {"models": {"m": fp.Endpoint("http://127.0.0.1:9/v1", model="large")}},
        {
            "models": {
                "m": fp.Endpoint("http://127.0.0.1:9/v1", model="tiny", settings={"top_p": 1})
            }
        },
        {"models": {"n": POINT}},
        {"system": "Be brief."},
        {"instructions": "As JSON: {answer_form}"},
    ],
)
def test_what_changes_the_question_changes_key_and_version(changed):
    before, after = study_of(elicitation()), study_of(elicitation(**changed))
    name = next(iter(after.endpoints))
    assert before.call("m", 0, 0, 0).key != after.call(name, 0, 0, 0).key
    assert before.version != after.version


def test_where_the_model_runs_changes_neither():
    moved = fp.Endpoint(
        "http://127.0.0.1:10/v1", model="tiny", price=(1, 2), api_key="sk-other-key"
    )
    before, after = study_of(elicitation()), study_of(elicitation(models={"m": moved}), draws=9)
    assert [c.key for c in before.calls()] == [c.key for c in after.calls() if c.draw == 0]
    assert before.version == after.version


def test_settings_of_an_endpoint_may_be_numbers_of_numpy():
    point = fp.Endpoint("http://127.0.0.1:9/v1", settings={"seed": np.int64(3), "top_p": 1})
    call = study_of(elicitation(models={"m": point}, settings={"top_p": 0.5})).call("m", 0, 0, 0)
    assert json.dumps(call.settings) == '{"top_p": 1, "seed": 3}' and call.key


def test_keys_are_the_same_for_ever():
    """A journal of today must be understood by later versions."""
    study = study_of(elicitation(per_call=3, shuffle_options=True, prompt="{party}"), draws=2)
    keys = [call.key[:8] for call in study.calls()]
    assert keys == KEYS


def test_a_draw_is_not_in_the_request():
    study = study_of(elicitation(), draws=2)
    first, second = study.call("m", 0, 0, 0), study.call("m", 0, 1, 0)
    assert first.request == second.request and first.key != second.key


def test_a_study_is_rebuilt_from_its_line():
    survey = elicitation(per_call=3, shuffle_options=True, system="S", settings={"seed": 3})
    study = study_of(survey, draws=2)
    line = json.loads(json.dumps(study.record()))
    again = Study.from_record(line, draws=2)
    assert line["kind"] == "study" and "sk-" not in json.dumps(line)
    assert again.version == study.version == line["version"]
    assert [c.key for c in again.calls()] == [c.key for c in study.calls()]
    for name, values in study.profiles.columns.items():
        rebuilt = again.profiles.columns[name]
        assert rebuilt.dtype == values.dtype and (rebuilt == values).all()
    assert again.profiles.levels == study.profiles.levels


def test_lines_are_found_in_the_design():
    study = study_of(elicitation(models={"m": POINT, "k": POINT}, per_call=3), draws=2)
    found = []
    for call in study.calls():
        cells = [{"profile": c.profile, "factors": c.factors} for c in call.cells]
        line = {"key": call.key, "model": call.model, "draw": call.draw, "cells": cells}
        located, start = study.locate(json.loads(json.dumps(line)))
        assert located.key == call.key
        found += range(start, start + len(call.rows))
        for wrong in ({"key": "0" * 32}, {"model": "x"}, {"draw": 2}, {"draw": -1}, {"cells": []}):
            assert study.locate({**line, **wrong}) is None
        shifted = [{**cells[0], "profile": "b"}]
        assert study.locate({**line, "cells": shifted}) is None
    assert sorted(found) == list(range(study.n_cells))


# Several profiles in one call


def test_profiles_are_listed_where_the_prompt_says():
    given = {"prompt": "Of {profiles}\n{framing}", "factors": {"framing": ["x", "y"]}}
    call = study_of(elicitation(per_call=3, line="{age}, {framing}", **given)).call("m", 1, 0, 0)
    assert user(call).startswith("Of a: 26, y\nb: 44, y\nc: 33, y\ny\n\nAnswer with nothing")
    assert "each of the 3 profiles" in user(call)
    call = study_of(elicitation(per_call=3, **given)).call("m", 0, 0, 0)
    assert "a: age: 26, party: D, share: 0.25, since: 1996-11-05, local: True\n" in user(call)


def test_or_the_prompt_is_repeated():
    call = study_of(elicitation(per_call=4)).call("m", 1, 0, 0)
    text = user(call)
    assert text.startswith("Profile a:\nYou are 26, party D. Say it at 26.")
    assert text.count("You are") == 4 and text.count("Answer with") == 1


def test_instructions_stand_where_the_prompt_says():
    survey = elicitation(prompt="{age} {instructions} end", instructions="[{party}: {answer_form}]")
    text = user(study_of(survey).call("m", 0, 0, 1))
    assert text.startswith("44 [R: {") and text.endswith("}] end")
    assert user(study_of(elicitation(prompt="{age}", instructions="")).call("m", 0, 0, 0)) == "26"


# Orders of options


def test_options_in_both_orders():
    factors = {"option_order": ["original", "reversed"]}
    study = study_of(elicitation(prompt="{age}: {vote_options}", factors=factors))
    first, second = study.call("m", 0, 0, 0), study.call("m", 1, 0, 0)
    assert "26: Clinton, Dole, Perot\n" in user(first) and "26: Perot, Dole, Clinton\n" in user(
        second
    )
    assert second.schema["properties"]["vote"]["enum"] == ["Perot", "Dole", "Clinton"]


def test_shuffled_options_are_seeded_and_recorded():
    frame = pd.DataFrame({"age": range(600)})
    given = {"prompt": "{age}: {vote_options}", "profiles": frame, "factors": None}
    study = study_of(elicitation(shuffle_options=True, **given))
    orders = Counter(call.factors["option_order"] for call in study.calls())
    assert len(orders) == 6
    # Binomial: sd of a count of 100 in 600 is 9.1.
    assert all(abs(count - 100) < 4.5 * 9.2 for count in orders.values())
    call = next(study.calls())
    shown = [
        ("Clinton", "Dole", "Perot")[int(i) - 1] for i in call.factors["option_order"].split(",")
    ]
    assert ", ".join(shown) in user(call)
    other = study_of(elicitation(shuffle_options=True, random_seed=1, **given))
    assert [c.factors for c in other.calls()] != [c.factors for c in study.calls()]


def test_ordered_options_are_turned_and_not_shuffled():
    scale = pd.CategoricalDtype(["low", "mid", "high"], ordered=True)
    survey = elicitation(answer={"trust": scale}, shuffle_options=True)
    found = {call.factors["option_order"] for call in study_of(survey, draws=5).calls()}
    assert found == {"1,2,3", "3,2,1"}


# Profiles


@pytest.mark.parametrize(
    ("frame", "error", "words"),
    [
        ([1], TypeError, "a list"),
        (FRAME.iloc[:0], ColumnError, "no rows"),
        (pd.DataFrame({1: [1]}), ColumnError, "no string"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), ColumnError, "two columns"),
        (pd.DataFrame({"a": [1.0, None]}), ColumnError, "missing or infinite"),
        (pd.DataFrame({"a": [1, "x"]}), ColumnError, "mixed"),
        (pd.DataFrame({"a": [1, 2]}, index=[0, 0]), ColumnError, "twice"),
        (pd.DataFrame({"a": [1, 2]}, index=[0.5, 1]), ColumnError, "reset_index"),
        (pd.DataFrame({"a": [1, 2]}, index=["x", None]), ColumnError, "reset_index"),
        (FRAME.set_index(["age", "share"]), ColumnError, "reset_index"),
    ],
)
def test_profiles_must_be_a_sound_frame(frame, error, words):
    with pytest.raises(error, match=words):
        Profiles.of(frame)


def test_missing_strings_are_unknown():
    frame = pd.DataFrame({"job": ["nurse", None]})
    study = study_of(elicitation(prompt="{job}", profiles=frame, factors=None))
    assert user(study.call("m", 0, 0, 1)).startswith("unknown\n")


def test_nobody_in_particular():
    study = study_of(elicitation(prompt="What?", profiles=None, factors=None), draws=3)
    assert study.n_cells == 3 and next(study.calls()).cells[0].profile == 0


KEYS = [
    "760b30ee",
    "75890695",
    "53759a58",
    "1fc1f184",
    "39d38cd3",
    "53aaa84a",
    "4a3fb8bc",
    "4978b688",
]
