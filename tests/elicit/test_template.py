"""Only known names are replaced."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation_priors.elicit.template import as_text, names_in, render, suspects


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ('{"vote": "{vote}", "age": {age}}', '{"vote": "{vote}", "age": 26}'),
        ("{{age}} {age}}", "{26} 26}"),
        ("{ age} {age.real} {age!r} {} {0}", "{ age} {age.real} {age!r} {} {0}"),
        ("{household income} {Größe}", "3 180"),
        ("{a\nge}", "{a\nge}"),
    ],
)
def test_braces_pass(template, text):
    values = {"age": "26", "household income": "3", "Größe": "180"}
    assert render(template, values) == text


def test_what_was_put_in_is_not_looked_through():
    assert render("{a} {b}", {"a": "{b}", "b": "\\1 {a}"}) == "{b} \\1 {a}"


@given(st.text(alphabet="{}abc \n:\"'", max_size=40))
def test_text_without_known_names_is_unchanged(text):
    assert render(text, {"never": "x"}) == text
    assert names_in(text, {"never"}) == []


def test_a_mistyped_column_is_suspected_and_json_is_not():
    found = suspects('{Age} {partyy} {city} {"agee": 1} {party}', ["age", "party"])
    assert found == {"Age": "age", "partyy": "party", "city": ""}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.float32(2.0), "2"),
        (np.int64(7), "7"),
        (1 / 3, "0.3333333333333333"),
        (1e300, "1e+300"),
        (True, "True"),
        (None, "unknown"),
        (np.datetime64("NaT", "ns"), "unknown"),
        (np.datetime64("1996-11-05T10:30:00", "us"), "1996-11-05T10:30:00"),
        ("Ελλάδα", "Ελλάδα"),
    ],
)
def test_values_as_a_reader_wants_them(value, text):
    assert as_text(value) == text
