"""What counts of a message, and what strings say as numbers and as options."""

import contextlib
import json
import math
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import foundation_priors as fp
from foundation_priors.elicit.answers import AnswerSchema, Rejected
from foundation_priors.elicit.letters import letters_of
from foundation_priors.elicit.numerals import readings
from foundation_priors.elicit.reading import groups_in, is_whole, loads, spoken
from tests.elicit.offline import elicitation, study_of

VOTE = AnswerSchema.of({"vote": ["Clinton", "Dole"]})
PAIR = AnswerSchema.of({"vote": ["Clinton", "Dole"], "place": range(1, 8)})
C, D = '{"vote": "Clinton"}', '{"vote": "Dole"}'


def reason(schema, text):
    with pytest.raises(Rejected) as caught:
        schema.read_one(text)
    return caught.value.reason


def income(text, low=0, high=5000, unit=""):
    return AnswerSchema.of({"x": fp.Number(low, high, unit=unit)}).read_one(text)["x"]


# Drafts


@pytest.mark.parametrize(
    "text",
    [
        f"Draft: {C}. No. Final: {D}",
        f"First {C}, then {C}; in the end {D}",
        f"```json\n{C}\n```\nOn reflection:\n```json\n{D}\n```",
        f"{C} Wait. {D} {D}",
        f"Draft: {{'vote': 'Clinton'}}. Final: {D}",
        f"Draft: {C[:9]} Final: {D}",
        f'{D} Therefore {{"vote": "Dole"}}',
        f"{D} (see [1] and {{note}})",
        f"Draft: {C}. Final: {{'vote': 'Dole'}}",
    ],
)
def test_the_last_object_counts(text):
    assert VOTE.read_one(text) == {"vote": "Dole"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f'Draft: {C}. Final: {{"vote": "stays at home"}}', "off schema"),
        (f'Draft: {C}. Final: {{"choice": "none"}}', "off schema"),
        (f'Draft: {C}. Final: {{"vote": null}}', "off schema"),
        (f"Draft: {C}. Final: {{'vote': 'Do", "not JSON"),
        (f'Draft: {C}. Final: {{"vote": "Do', "not JSON"),
        (f"Draft: {C}. Final: {{vote: Dole}}", "not JSON"),
        (f'Draft: {C}. Final: {{"vote": "Dole",}}', "not JSON"),
        (f'Draft: {C}. Final: {{"vote": {"1" * 5000}}}', "not JSON"),
        (f"{C}{D}", "several choices"),
        (f"{C}\n{D}", "several choices"),
        (f"{C}, {D}", "several choices"),
        (f"{C}\n---\n{D}", "several choices"),
        (f"Either {C} or {D}", "several choices"),
        (f"1. {C}\n2. {D}", "several choices"),
        (f"Option 1: {C}\nOption 2: {D}", "several choices"),
        (f"```json\n{C}\n```\n```\n{D}\n```", "several choices"),
        ('{"vote": "Clinton", "vote": "Dole"}', "several choices"),
        ('{"vote": "Clinton", "Vote": "Dole"}', "several choices"),
        ('{"vote": "Clinton", " VOTE ": "Dole"}', "several choices"),
        ('{"answer": {"vote": "Clinton", "vote": "Dole"}}', "several choices"),
    ],
)
def test_a_draft_is_no_answer(text, why):
    assert reason(VOTE, text) == why


def test_drafts_about_several_profiles():
    call = study_of(elicitation(per_call=2, prompt="{profiles}", factors=None)).call("m", 0, 0, 0)
    one, two = {"vote": "Dole", "place": 4}, {"vote": "Perot", "place": 1}
    both, other = json.dumps({"a": one, "b": two}), json.dumps({"a": two, "b": one})
    parse = call.study.schema.parse
    assert parse(f"Draft: {both}. Final: {other} [1].", call) == [two, one]
    text = "\n".join(f"Of {n}: {json.dumps({'id': n, **v})}" for n, v in (("a", one), ("b", two)))
    assert parse(text, call) == [one, two]
    for text in (f"{both}\n{other}", f"Draft: {both}. Final: {other[:-9]}"):
        with pytest.raises(Rejected):
            parse(text, call)


# Thoughts


@pytest.mark.parametrize("name", ["think", "thinking", "Thought", "reasoning", "seed:think"])
def test_thoughts_are_cut(name):
    for text in (
        f"<{name}>{C}</{name}>{D}",
        f"{C}</{name}>{D}",
        f"<{name}>{C}</{name}><{name}>{C}</{name}>\n{D}",
        f"{D}<{name}>Was {C} better?",
        f"{D}\n<{name}>Was {C} better?</{name}>",
        f"<{name} budget='3'>{C}</{name}>{D}",
    ):
        assert VOTE.read_one(text) == {"vote": "Dole"}
    for text in (f"<{name}>{C}", f"<{name}>{C}</{name}>", f"</{name}>"):
        assert reason(VOTE, text) == "empty"


def test_marks_of_thoughts_that_are_none():
    assert spoken("1 < 2 and <b>Dole</b>") == "1 < 2 and <b>Dole</b>"
    assert spoken("<|channel|>analysis<|message|>A?<|end|><|channel|>final<|message|>B") == "B"
    assert spoken("[THINK]A?[/THINK]B") == "B"


# Marks of chat templates

MARKS = ["</s>", "<|eot_id|>", "<|im_end|>", "<|endoftext|>", "<end_of_turn>", "<eos>", "<|end|>"]
MARKS += ["<｜end▁of▁sentence｜>", "<|END_OF_TURN_TOKEN|>", "<|return|>", "<|eom_id|>", "[EOS]"]


@pytest.mark.parametrize("mark", MARKS)
def test_the_end_of_a_turn_is_no_part_of_the_answer(mark):
    for said in ("Dole", D, f"Sure: {D}", "<think>Hm.</think>Dole", "**Dole**\n", "2: Dole "):
        assert VOTE.read_one(said + mark) == {"vote": "Dole"}
        assert VOTE.read_one(f"<s>{said}{mark} {mark}\n") == {"vote": "Dole"}
    assert income(f"450{mark}") == income(f"$450 {mark}", unit="dollars") == 450
    assert reason(VOTE, mark) == reason(VOTE, mark * 3) == "empty"
    assert is_whole(f"{D}{mark * 200}")
    text = json.dumps({"why": f"It ends with {mark}, I think.", "vote": "Dole"})
    assert AnswerSchema.of({"why": fp.Text(), "vote": ["Clinton", "Dole"]}).read_one(text)


@pytest.mark.parametrize("mark", [m for m in MARKS if m != "</s>"])
def test_what_follows_the_end_of_a_turn_is_another_one(mark):
    for said in ("Dole", D):
        for after in ("Clinton", C, "{'vote': ", "I'm sorry, I cannot."):
            assert VOTE.read_one(f"{said}{mark}\n<|im_start|>user\n{after}") == {"vote": "Dole"}
    assert is_whole(f"{D}{mark}\nAnd in 1992") and not is_whole(f"{D[:-1]}{mark}")
    assert reason(VOTE, f"Neither.{mark}{D}") == "off schema"


def test_the_marks_before_an_answer():
    for said in ("Dole", D):
        for before in (
            "<|im_start|>assistant\n",
            "<|begin_of_text|><|start_header_id|>assistant<|end_header_id|>\n\n",
            "<start_of_turn>model\n",
            "<|channel|>analysis<|message|>Or {'vote': 'Clinton'}?<|end|><|start|>assistant"
            "<|channel|>final <|constrain|>json<|message|>",
        ):
            assert VOTE.read_one(before + said) == {"vote": "Dole"}
    assert reason(VOTE, "<s>Clinton</s> Dole") == "several choices"  # struck out, in HTML


# Objects as Python writes them


@pytest.mark.parametrize(
    "text",
    [
        "{'vote': 'Dole'}",
        "{'vote':'Dole'}",
        "Sure! {'vote': \"Dole\"}.",
        "```python\n{'vote': 'Dole', 'sure': True, 'why': None}\n```",
        '{"vote": "Dole", "sure": True}',
        "{'why': 'He said \"no\" {to} all, didn\\'t he?', 'vote': 'Dole'}",
        "{'why': \"it isn't None\", 'vote': 'Dole'}",
        "{'answer': {'vote': 'Dole', 'odds': [1, 2.5]}}",
        "Not {'vote': 'Clinton'}. Final: {'vote': 'Dole'}",
    ],
)
def test_an_object_of_python_is_read(text):
    assert VOTE.read_one(text) == {"vote": "Dole"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{'vote': 'Clinton'} or {'vote': 'Dole'}", "several choices"),
        ("{'vote': 'Clinton', 'vote': 'Dole'}", "several choices"),
        ("{'vote': 'Nobody'}", "off schema"),
        ("{'vote': 'Don't know'}", "off schema"),
        ("{'vote': print('Dole') or 'Dole'}", "off schema"),
        ("{'vote': f'Dole'}", "off schema"),
        ("{'vote': 'Do' 'le'}", "off schema"),
        ("{'vote': ('Dole')}", "off schema"),
        ("{'Dole'}", "off schema"),
        ("{'vote': '\\x44ole'}", "off schema"),
        ("{'vote': " + "[" * 70 + "]" * 70 + "}", "not JSON"),
    ],
)
def test_no_code_is_read(text, why):
    assert reason(VOTE, text) == why


def test_answers_about_several_profiles_as_python_writes_them():
    call = study_of(elicitation(per_call=2, prompt="{profiles}", factors=None)).call("m", 0, 0, 0)
    both = {"a": {"vote": "Dole", "place": 4}, "b": {"vote": "Perot", "place": 1}}
    assert call.study.schema.parse(f"{both}<|im_end|>", call) == list(both.values())
    listed = [{"id": name, **entry} for name, entry in both.items()]
    assert call.study.schema.parse(f"{listed}</s>", call) == list(both.values())


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.booleans() | st.none()))
def test_what_python_writes_is_what_is_read_or_nothing(entries):
    found = groups_in(f"{entries}") if entries else [[entries]]
    assert found in ([[entries]], [])


# What is nested, long, or cut


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        "{" * 200_000,
        '{"a":' * 200_000,
        '{"vote": ' + "[" * 200_000,
        '{"vote": "Dole", "x": ' + "[" * 100 + "]" * 100 + "}",
        '{"' * 400_000,
        '{"a" {' * 100_000,
        "{" * 50 + '"' * 200_000,
        "<think>" * 100_000,
        "</s>" * 250_000,
        "</s> " * 200_000 + "Dole no",
        "<|im_end|>x{a}" * 60_000,
        "{'" * 400_000,
        "{'a'}" * 200_000,
        "{'a\n" * 200_000,
        "{'a': {'b\": }}" * 60_000,
        "</think>" * 100_000,
        '{"vote": "' + "\\" * 900_001,
    ],
)
def test_no_text_takes_long_or_breaks_the_reader(text):
    call = study_of(elicitation(per_call=3, prompt="{profiles}", factors=None)).call("m", 0, 0, 0)
    for read in (PAIR.read_one, VOTE.read_one, lambda t: call.study.schema.parse(t, call)):
        began = time.process_time()
        with pytest.raises(Rejected):
            read(text)
        assert time.process_time() - began < 20  # seconds; it takes about one


@pytest.mark.parametrize(
    "piece", ["~", "$", " ", ",", ".", "'", "-", "!", "a ", "(1", "\ufdfa", "1."]
)
def test_no_string_takes_long(piece):
    schema = AnswerSchema.of({"x": fp.Number(unit="dollars"), "v": ["Clinton", "Dole"]})
    for text in (piece * 300_000, piece * 300_000 + "1", f"1{piece * 300_000}"):
        began = time.process_time()
        for values in ({"x": text, "v": "Dole"}, {"x": 1, "v": text}):
            with contextlib.suppress(Rejected):
                schema.read_one(json.dumps(values))
        with contextlib.suppress(Rejected):
            letters_of([{"token": text, "logprob": -0.1}], 2)
        assert time.process_time() - began < 10  # seconds; it takes a few tenths


def test_brackets_in_strings_are_not_nested():
    text = json.dumps({"vote": "Dole", "why": "[" * 1000})
    assert VOTE.read_one(text) == {"vote": "Dole"}
    assert loads(text.encode()) == json.loads(text)
    with pytest.raises(ValueError, match="nested"):
        loads('["]' * 100 + "[" * 100_000)


def test_a_whole_object_ends_its_text():
    for text in (D, f"{D}  \n\n", f"Sure: {D}", f"```json\n{D}\n```", f"<think>{C[:9]}</think>{D}"):
        assert is_whole(text)
    for text in (D[:-1], f"{D} But then", "4", "", f"{D}{C[:9]}", '{"a": "}"', "{" * 1000):
        assert not is_whole(text)


# Numbers


@pytest.mark.parametrize(
    ("text", "unit", "found"),
    [
        ("1,200", "", 1200),
        ("1,234,567.5", "", 1234567.5),
        ("1.234.567,5", "", 1234567.5),
        ("1.234,5", "", 1234.5),
        ("12,5", "", 12.5),
        ("0,75", "", 0.75),
        ("0.200", "", 0.2),
        ("1234.567", "", 1234.567),
        ("1 200", "", 1200),
        ("1'200", "", 1200),
        ("1’200", "", 1200),
        ("12,34,567", "", 1234567),
        ("−5", "", -5),
        ("+5.", "", 5),
        (".5", "", 0.5),
        ("1.2e3", "", 1200),
        ("$450", "dollars", 450),
        ("us$450", "dollars", 450),
        ("450 usd", "dollars", 450),
        ("450 dollars", "dollars", 450),
        ("$450 usd", "dollars", 450),
        ("us$450 dollars", "dollars", 450),
        ("usd $450", "dollars", 450),
        ("€450 eur a month", "euros per month", 450),
        ("45% percent", "percent", 45),
        ("450 u.s. dollars", "Dollars", 450),
        ("1 dollar", "dollars", 1),
        ("-$4.50", "dollars", -4.5),
        ("$1,200", "dollars", 1200),
        ("€ 450", "euros", 450),
        ("450€", "EUR", 450),
        ("£3", "pounds", 3),
        ("45%", "percent", 45),
        ("45 per cent", "%", 45),
        ("450 cents", "cents a gallon", 450),
        ("450 cents per gallon", "cents a gallon", 450),
        ("$15/hour", "dollars per hour", 15),
        ("45 years old", "years", 45),
        ("450 thousand dollars", "thousand dollars", 450),
        ("5 km", "km", 5),
    ],
)
def test_strings_that_mean_one_number(text, unit, found):
    assert readings(text, unit) == [found]


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("$450", ""),
        ("$450", "cents"),
        ("$450", "thousand dollars"),
        ("$450", "$1000"),
        ("c$450", "dollars"),
        ("450 euros", "dollars"),
        ("$450 eur", "dollars"),
        ("$450 cad", "dollars"),
        ("450 cents per litre", "cents a gallon"),
        ("45%", ""),
        ("45%", "years"),
        ("45 months", "years"),
        ("450 thousand", "thousand dollars"),
        ("400-500", ""),
        ("400 to 500", ""),
        ("4/7", ""),
        ("4 out of 7", ""),
        ("(450)", ""),
        ("1234,567", ""),
        ("1,2,3", ""),
        ("1.2.3", ""),
        ("1_0", ""),
        ("5 10", ""),
        ("3k", ""),
        ("~450", ""),
        ("about 450", ""),
        ("--5", ""),
        ("four", ""),
        ("0x10", ""),
        ("", ""),
        ("$", "dollars"),
        (".", ""),
    ],
)
def test_strings_that_are_no_number(text, unit):
    assert readings(text, unit) == []


def test_a_string_is_read_where_one_reading_lies_within_the_bounds():
    assert income('{"x": "1,200"}') == 1200
    assert income('{"x": "1.200"}', 0, 100) == 1.2
    assert income('{"x": "1.200"}', 100, 5000) == 1200
    assert income('{"x": "$1,200.50"}', unit="dollars") == 1200.5
    assert income("$450", unit="dollars") == 450
    assert income('{"x": "0,123"}', 0, 1) == 0.123
    assert income('{"x": "0,123"}', 100, 5000) == 123
    assert reason(AnswerSchema.of({"x": fp.Number(0, 5000)}), '{"x": "0,123"}') == "ambiguous"
    place = AnswerSchema.of({"place": range(0, 5000)})
    assert place.read_one('{"place": "1.200"}') == {"place": 1200}  # 1.2 is no whole number
    assert place.read_one('{"place": "1,200"}') == {"place": 1200}
    for said in ('"1.200"', '"12.345"', '"$1.200"'):
        schema = AnswerSchema.of({"x": fp.Number(0, 50_000, unit="dollars")})
        assert reason(schema, f'{{"x": {said}}}') == "ambiguous"
    assert reason(AnswerSchema.of({"x": fp.Number()}), "1.200") == "ambiguous"
    assert reason(AnswerSchema.of({"x": fp.Number(0, 1)}), '{"x": "1.200"}') == "out of range"
    assert reason(AnswerSchema.of({"x": fp.Number(0, 5)}), '{"x": "1,200"}') == "out of range"


@given(st.floats(0, 5000))
def test_a_number_of_json_is_what_it_says(number):
    assert income(json.dumps({"x": number})) == number
    assert income('{"x": 1.200}') == 1.2


@given(st.floats(-1e9, 1e9), st.sampled_from([",", ".", " ", "'", ""]), st.integers(0, 6))
def test_no_reading_of_a_number_loses_it(number, group, digits):
    """However it is written, the number is among the readings, or there are none.

    Three digits after a comma are thousands, so three decimals are not written with one.
    """
    assume(group != "." or digits != 3)
    point = "," if group == "." else "."
    text = f"{number:,.{digits}f}".replace(",", "!").replace(".", point).replace("!", group)
    found = readings(text)
    assert not found or any(math.isclose(r, round(number, digits), abs_tol=1e-9) for r in found)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("9" * 5000, "not finite"),
        ("1e999", "not finite"),
        ("-1e999", "not finite"),
        ("NaN", "not finite"),
        ("Infinity", "not finite"),
    ],
)
@pytest.mark.parametrize("quoted", [True, False])
def test_numbers_that_no_file_can_hold(said, why, quoted):
    text = f'{{"x": "{said}"}}' if quoted else f'{{"x": {said}}}'
    for kind in (fp.Number(), range(10)):
        found = reason(AnswerSchema.of({"x": kind}), text)
        assert found == why or (not quoted and len(said) > 4300)  # Python reads no longer ones


# Options


@pytest.mark.parametrize(
    "said",
    ["2: Dole", "2) Dole", "(2) Dole", "2. Dole", "2 - dole", "b) Dole", "B: Dole.", "1: Dole"]
    + ["Dole.", "**Dole**", "7: Dole", '2: "Dole"'],
)
def test_an_option_may_have_its_number(said):
    assert VOTE.read_one(json.dumps({"vote": said})) == {"vote": "Dole"}
    assert VOTE.read_one(said) == {"vote": "Dole"}


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("2: Clinton", "several choices"),
        ("a) Dole", "several choices"),
        ("2: Clinton or Dole", "several choices"),
        ("2: Perot", "off schema"),
        ("2", "off schema"),
        ("2 Dole", "off schema"),
        ("not Dole", "off schema"),
    ],
)
def test_a_number_of_another_option_is_none(said, why):
    assert reason(VOTE, json.dumps({"vote": said})) == why


def test_the_number_is_that_of_the_order_shown():
    survey = elicitation(
        answer={"vote": ["Clinton", "Dole", "Perot"]}, factors={"option_order": ["reversed"]}
    )
    call = next(study_of(survey).calls())
    assert call.study.schema.parse("3: Clinton", call) == [{"vote": "Clinton"}]
    with pytest.raises(Rejected):
        call.study.schema.parse("3: Perot", call)


def test_options_that_are_numbers():
    schema = AnswerSchema.of({"n": ["1", "2"]})
    assert schema.read_one('{"n": "2"}') == {"n": "2"}
    assert reason(schema, '{"n": "1: 2"}') == "several choices"
