"""What a study would ask is shown before anybody is asked."""

import pytest

import foundation_priors as fp
from tests.elicit.offline import POINT, elicitation

PRICED = fp.Endpoint("http://127.0.0.1:9/v1", price=(2.0, 8.0))


def test_calls_and_answers_are_counted():
    shown = elicitation(models={"m": POINT, "k": POINT}, per_call=3).preview(draws=5)
    assert (shown.calls, shown.cells) == (2 * 2 * 5 * 2, 2 * 2 * 5 * 4)


def test_tokens_are_four_bytes():
    prompt = "x" * 4000
    shown = elicitation(prompt=prompt, instructions="", factors=None).preview()
    assert shown.tokens["input"] == 4 * (1000 + 4 + 3)
    wide = elicitation(prompt="学" * 4000, instructions="", factors=None).preview()
    assert wide.tokens["input"] == 4 * (3000 + 4 + 3)


def test_output_is_bounded_by_the_settings():
    free = elicitation(answer={"n": range(5), "why": fp.Text()}).preview()
    bound = elicitation(
        answer={"n": range(5), "why": fp.Text()}, settings={"max_tokens": 10}
    ).preview()
    assert bound.tokens["output"] == 8 * 10 < free.tokens["output"]


def test_cost_is_that_of_the_models_with_a_price():
    shown = elicitation(models={"m": POINT, "k": PRICED}).preview(draws=3)
    assert list(shown.cost) == ["k"]
    half = {side: count / 2 for side, count in shown.tokens.items()}
    expected = (2 * half["input"] + 8 * half["output"]) / 1e6
    assert shown.cost["k"] == pytest.approx(expected, rel=0.01)
    assert "not known" in repr(elicitation().preview())


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        (None, ""),
        ({"calls": 1000, "money": 1}, "suffices"),
        ({"calls": 2}, "about 25% of the calls (calls: 2)"),
        ({"calls": 6, "tokens": 1}, "tokens: 1"),
    ],
)
def test_whether_a_budget_suffices(budget, said):
    shown = elicitation(models={"k": PRICED}).preview(budget=budget)
    assert said in shown.budget and (shown.budget == "") == (said == "")


def test_examples_are_what_is_sent():
    shown = elicitation(system="Be {party}.").preview(draws=2)
    first, last = shown.examples
    assert [m["role"] for m in first] == ["system", "user"]
    assert "26" in first[1]["content"] and "Say it at 44." in last[1]["content"]
    assert len(elicitation(profiles=None, prompt="What?", factors=None).preview().examples) == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"prompt": "{city} {age} {framing} {party}"}, "{city} in prompt= is no column, and stays"),
        ({"prompt": "{agee} {framing} {party}"}, "{agee} in prompt= is no column.*mean {age}"),
        ({"system": "{Party}"}, "system=.*did you mean {party}"),
        ({"prompt": "{age} {vote_option} {framing}"}, "did you mean {vote_options}"),
        ({"factors": {"framing": {"a": "{partty}"}}}, "the level 'a' of 'framing'.*{party}"),
        ({"factors": {"framing": ["a"], "tone": ["b", "c"]}}, "No template uses {tone}"),
        ({"prompt": "{framing}", "factors": {"framing": ["a"]}}, "all profiles are asked the same"),
        ({"settings": {"temperature": 0}}, "At temperature 0"),
        ({"settings": {"seed": 1}}, "may be copies"),
        ({"answer": {"vote": ["a", "b"]}, "probabilities": True}, "the same in every draw"),
    ],
)
def test_what_looks_like_a_mistake_is_said_and_not_refused(given, words):
    (note,) = elicitation(**given).preview(draws=2).notes
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(note)


def test_nothing_is_said_of_what_is_in_order():
    listed = {"prompt": "{profiles} {framing}", "per_call": 2, "factors": {"framing": ["a"]}}
    assert elicitation().preview().notes == elicitation(**listed).preview().notes == ()
    assert elicitation(prompt='{"a": {x}} {age} {framing}').preview().notes == ()


def test_a_large_study_is_previewed_at_once():
    survey = elicitation(models={"k": PRICED})
    assert survey.preview(draws=10**7).calls == 8 * 10**7


def test_both_displays():
    shown = elicitation(prompt="<b>{age}</b> {agee}").preview(budget={"calls": 1})
    for text in (repr(shown), shown._repr_html_()):
        assert "8 for 8 answers" in text and "did you mean" in text and "12%" in text
    assert "<b>" not in shown._repr_html_() and "&lt;b&gt;26" in shown._repr_html_()
