"""A letter counts where the message says it, with the probability that is known."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import foundation_priors as fp
from foundation_priors.elicit.answers import Rejected
from foundation_priors.elicit.exchange import judge, read_reply
from foundation_priors.elicit.letters import letters_of
from tests.elicit.offline import elicitation, study_of
from tests.elicit.small import asked, lines, study


def token(text, chance, *others):
    top = [{"token": t, "logprob": math.log(p)} for t, p in ((text, chance), *others)]
    return {"token": text, "logprob": math.log(chance), "top_logprobs": top}


def test_letters_are_added_up_and_renormalised():
    content = [token(" A", 0.4, ("a", 0.1), ("B", 0.3), ("C", 0.1), ("D", 0.05))]
    assert letters_of(content, 3) == pytest.approx([5 / 9, 3 / 9, 1 / 9])


@pytest.mark.parametrize(
    "before", [["\n"], ["**"], ["```", "json", "\n", "{", '"vote', '":', ' "']]
)
def test_marks_before_the_letter_are_passed_over(before):
    content = [token(text, 0.99) for text in before] + [token("B", 0.75, ("A", 0.25))]
    assert letters_of(content, 2) == pytest.approx([0.25, 0.75])


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "no probabilities"),
        ([], "no probabilities"),
        ([token("I", 0.9, ("A", 0.05))], "no option"),
        ([token("C", 0.9, ("A", 0.05))], "no option"),
    ],
)
def test_few_probabilities_are_rejected(content, why):
    with pytest.raises(Rejected) as caught:
        letters_of(content, 2)
    assert caught.value.reason == why


def test_probabilities_are_those_of_the_options_not_of_their_order():
    survey = elicitation(
        answer={"vote": ["Clinton", "Dole"]}, probabilities=True, shuffle_options=True
    )
    content = [token("A", 0.75, ("B", 0.25))]
    for call in study_of(survey).calls():
        found = call.study.schema.probabilities(content, call)["vote"]
        assert list(found) == ["Clinton", "Dole"]
        first = "Clinton" if call.factors["option_order"] == "1,2" else "Dole"
        assert found[first] == pytest.approx(0.75)
        assert f"A: {first}\n" in call.messages[-1]["content"]


def plain(*texts):
    return [token(text, 0.9) for text in texts]


B = token("B", 0.97, ("A", 0.03))


@pytest.mark.parametrize(
    "before",
    [
        ["<think>", "A", " voter", "</think>"],
        ["A", " voter", "</think>", "\n\n"],
        ["<th", "inking", ">", "A", "</", "thinking", ">"],
        ["<reasoning>", "B", "?", "</reasoning>", "A", "</think>", " "],
        ["[THINK]", "A", "[/THINK]"],
        ["<|channel|>", "analysis", "<|message|>", "A", "<|channel|>", "final", "<|message|>"],
        ["◁think▷", "A", "◁/think▷"],
        ["“"],
        ["##", " "],
        ["- "],
        ["**", "("],
    ],
)
def test_thoughts_and_marks_before_the_letter_are_passed_over(before):
    assert letters_of([*plain(*before), B], 2) == pytest.approx([0.03, 0.97])


def test_tokens_of_thoughts_told_apart_are_no_message():
    content = [*plain("A", " voter", " says"), B]
    assert letters_of(content, 2, text="B") == pytest.approx([0.03, 0.97])
    assert letters_of([*content, *plain("<|im_end|>")], 2, text=" B\n")[1] == pytest.approx(0.97)
    with pytest.raises(Rejected, match="no option"):
        letters_of(content, 2, text="A voter saysB")


@pytest.mark.parametrize(
    "after",
    [
        [],
        ["."],
        [")"],
        [".", " Clinton"],
        [":", " Clinton", " it is"],
        [" -", " Clinton"],
        [" Clinton"],
        [" **", "clinton", "**"],
        [" (", "Clinton", ")"],
        ["\n", "A", " voter"],
        ["**"],
        ['"', "}"],
        ["<|im_end|>"],
        ["</s>"],
        [",", " since"],
        [",", " I", " think"],
        [" “", "Clinton", "”"],
        [" — because"],
    ],
)
def test_a_letter_may_have_more_after_it(after):
    content = [token("A", 0.75, ("B", 0.25)), *plain(*after)]
    assert letters_of(content, ["Clinton", "Dole"]) == pytest.approx([0.75, 0.25])


@pytest.mark.parametrize(
    "after",
    [
        [" voter"],
        [" ", "voter"],
        [" ", " voter"],
        ["I", " would"],
        ["'s"],
        ["’s"],
        ["-level"],
        ["/B"],
        [" / B"],
        [" or", " B"],
        [" &", " B"],
        [",", " B", " or", " C"],
        [" (", "45", ") voter"],
        [' "', "typical", '"', " voter"],
        [" *", "voter", "*"],
        ["\xa0voter"],
        [" 45", "-year-old"],
        [" Clintonite"],
        ["1"],
        ["é"],
    ],
)
def test_a_letter_in_a_sentence_is_none(after):
    content = [token("A", 0.75, ("B", 0.25)), *plain(*after)]
    with pytest.raises(Rejected, match="no option"):
        letters_of(content, ["Clinton", "Dole"])


def test_the_pronoun_is_no_ninth_option():
    with pytest.raises(Rejected, match="no option"):
        letters_of([token("I", 0.99), *plain(" would", " say", " B")], 9)


def test_the_message_begins_with_the_letter():
    with pytest.raises(Rejected, match="begins with .The answer is"):
        letters_of([token("The", 0.3, ("A", 0.6)), *plain(" answer", " is"), B], 2)


@pytest.mark.parametrize("said", [" B", "B", "(B", "b", "B.", "▁B", "ĠB", '"B"', "B\n", "Ｂ"])
def test_ways_to_write_a_letter_are_one(said):
    assert letters_of([token("A", 0.4, (said, 0.6))], 2) == pytest.approx([0.4, 0.6])


def listed(*pairs, chosen=None):
    """Return a token with these log-probabilities, which may be of any kind."""
    top = [{"token": t, "logprob": p} for t, p in pairs]
    return [{**(chosen or top[0]), "top_logprobs": top}]


LOG = {p: math.log(p) for p in (0.6, 0.3, 0.06, 0.96, 0.99, 0.97, 0.02)}


@pytest.mark.parametrize(
    ("content", "size"),
    [
        ([{"token": "A", "logprob": LOG[0.6], "top_logprobs": []}], 2),
        ([{"token": "A", "logprob": LOG[0.6], "top_logprobs": None}], 3),
        ([{"token": "A", "logprob": LOG[0.6]}], 2),
        (listed(("A", LOG[0.6]), ("B", None)), 2),
        (listed(("A", LOG[0.6]), ("B", math.nan)), 2),
        (listed(("A", LOG[0.6]), ("B", "-0.9")), 2),
        (listed(("A", LOG[0.6]), ("B", True)), 2),
        (listed(("A", LOG[0.6]), ("B", 5.0)), 2),
        (listed(("A", LOG[0.6]), ("B", -9999.0)), 2),
        (listed(("A", LOG[0.6]), ("B", LOG[0.3])), 3),
        (listed(("A", LOG[0.96]), ("B", LOG[0.02])), 4),
        (listed(("A", LOG[0.6]), ("The", LOG[0.3]), ("B", LOG[0.06])), 3),
    ],
)
def test_what_is_not_listed_is_not_taken_for_none(content, size):
    with pytest.raises(Rejected, match=r"not listed: .*top_logprobs") as caught:
        letters_of(content, size, error=0.019)
    assert caught.value.reason == "not listed"


def test_what_is_not_listed_may_be_too_little_to_matter():
    content = listed(("A", LOG[0.99]))
    assert letters_of(content, 3) == [1.0, 0.0, 0.0]
    with pytest.raises(Rejected, match="off by 0.01"):
        letters_of(content, 3, error=0.005)
    # A letter that is not listed has at most what the last that is listed has: .02 of .98 + .02.
    content = listed(("A", LOG[0.6]), ("B", LOG[0.3]), ("C", LOG[0.02]))
    assert sum(letters_of(content, 4, error=0.022)) == pytest.approx(1)
    with pytest.raises(Rejected, match="not listed"):
        letters_of(content, 4, error=0.02)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ([{"token": "A", "logprob": None, "top_logprobs": None}], "no probabilities"),
        (listed(("A", 0.0), ("B", -0.1)), "no probabilities"),
        (plain("\n", " "), "empty"),
        (plain("<think>", "A", " voter"), "truncated"),
        ([{}], "empty"),
        (["A"], "empty"),
        ([None], "empty"),
        ([{"token": 7, "logprob": {}, "top_logprobs": 5}], "empty"),
        ([{"token": "A", "logprob": [], "top_logprobs": {"A": -0.1}}], "no probabilities"),
    ],
)
def test_log_probabilities_that_are_none_are_rejected(content, why):
    with pytest.raises(Rejected) as caught:
        letters_of(content, 2)
    assert caught.value.reason == why


@given(
    st.lists(st.floats(0.001, 1), min_size=2, max_size=6),
    st.integers(1, 6),
    st.integers(2, 6),
)
def test_no_probability_that_passes_is_off_by_more(weights, shown, size):
    """Whatever the server hides, the true probabilities lie within the error."""
    total = sum(weights)
    chances = sorted((w / total for w in weights), reverse=True)
    names = [*"ABCDEF"[: min(size, len(chances))], *("x", "y", "z", "v", "w")][: len(chances)]
    top = [{"token": n, "logprob": math.log(p)} for n, p in zip(names, chances, strict=True)]
    try:
        found = letters_of([{**top[0], "top_logprobs": top[:shown]}], size)
    except Rejected:
        return
    true = dict(zip(names, chances, strict=True))
    letters = [true.get(letter, 0.0) for letter in "ABCDEF"[:size]]
    for p, q in zip(found, letters, strict=True):
        assert abs(p - q / sum(letters)) <= 0.02 + 1e-9


def test_the_letters_of_thoughts_are_no_answer():
    survey = elicitation(answer={"vote": ["Clinton", "Dole"]}, probabilities=True)
    call = next(study_of(survey).calls())
    tokens = [token("A", 0.99, ("B", 0.01)), *plain(".", " Or", " B", "?")]
    thoughts = "A. Or B?" + " Hm." * 50
    for finish, reason in (("stop", "empty"), ("length", "truncated")):
        message = {"content": None, "reasoning_content": thoughts}
        choice = {"message": message, "logprobs": {"content": tokens}, "finish_reason": finish}
        _, rejected = judge(call.study, call, read_reply({"choices": [choice]}))
        assert rejected.reason == reason and "raise max_tokens" in rejected.detail
    message = {"content": "\n\nB", "reasoning_content": "A. Or B?"}
    choice = {"message": message, "logprobs": {"content": [*tokens, *plain("\n\n"), B]}}
    (found,), _ = judge(call.study, call, read_reply({"choices": [choice]}))
    assert found["vote"] == pytest.approx({"Clinton": 0.03, "Dole": 0.97})


def test_the_number_of_tokens_and_the_error_can_be_told(server, tmp_path):
    server.script(keep=True)
    given = {"probabilities": "vote", "settings": {"top_logprobs": 5, "max_completion_tokens": 9}}
    asked(study(server.url, profiles=2, **given), tmp_path / "a.jsonl")
    (first, _) = server.requests()
    assert first["top_logprobs"] == 5 and first["max_completion_tokens"] == 9
    assert "max_tokens" not in first


def test_a_server_that_words_it_otherwise_is_understood(server, tmp_path):
    server.script(keep=True, most_listed=5, token_limit="max_completion_tokens")
    the_study = study(server.url, profiles=4, probabilities="vote", settings={})
    path = tmp_path / "a.jsonl"
    assert asked(the_study, path, concurrency=1).answered == 4
    assert len(server.requests()) == 6  # two refusals, once
    (probe,) = lines(path, "probe")
    assert probe["dialect"] == {"limit": "max_completion_tokens", "listed": 5}
    more = study(server.url, profiles=6, probabilities="vote", settings={})
    server.script(most_listed=5, token_limit="max_completion_tokens")
    assert asked(more, path).answered == 2
    assert server.counts()["requests"] == 2


@pytest.mark.parametrize("error", [-0.1, 1, "0.02", True, math.nan])
def test_the_error_must_be_one(error):
    with pytest.raises(ValueError, match="probability_error"):
        elicitation(answer={"vote": ["a", "b"]}, probabilities=True, probability_error=error)


@pytest.mark.parametrize(("count", "on"), [(0, True), (2.5, True), ("5", True), (5, False)])
def test_the_number_of_tokens_must_be_one(count, on):
    answer = {"vote": ["a", "b"]}
    with pytest.raises(ValueError, match="top_logprobs"):
        elicitation(answer=answer, probabilities=on, settings={"top_logprobs": count})
    point = fp.Endpoint("http://127.0.0.1:9/v1", settings={"top_logprobs": count})
    with pytest.raises(ValueError, match="top_logprobs"):
        elicitation(answer=answer, probabilities=on, models={"m": point})


def test_the_error_is_kept_with_the_study(tmp_path):
    survey = elicitation(answer={"vote": ["a", "b"]}, probabilities=True, probability_error=0.1)
    line = study_of(survey).record()
    assert line["probability_error"] == 0.1
    assert type(study_of(survey)).from_record(line).probability_error == 0.1
    other = elicitation(answer={"vote": ["a", "b"]}, probabilities=True)
    assert study_of(other).version == line["version"]  # it changes how answers are read alone
