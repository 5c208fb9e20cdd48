"""The small language: what it says, in which order, and what cannot be said in it."""

import numpy as np
import pytest
import xarray as xr

import foundation_priors as fp
from foundation_priors.path.draws import elements, evaluate, margin_of
from foundation_priors.statements import parse

LABELS = ["age", "it's", "(0, 1]", 'say "no", or', "α β", "b] + beta.size + beta[age"]
A = np.array([-1.5, -0.5, 0.25, 1.0, 2.0])


@pytest.fixture
def draws(rng) -> xr.Dataset:
    return xr.Dataset(
        {
            "a": ("sample", A),
            "flag": ("sample", A > 0),
            "count": ("sample", np.arange(5)),
            "beta": (("sample", "k"), rng.normal(size=(5, len(LABELS)))),
            "1|county": (("sample", "county", "k"), rng.normal(size=(5, 2, len(LABELS)))),
            "model::x": ("sample", A[::-1].copy()),
            "a`b": ("sample", A),
            "ṕ": ("sample", A),
        },
        {"k": LABELS, "county": [1, 2]},
    )


VALUES = [
    ("-a ** 2", -(A**2)),
    ("2 ** -a ** 2", 2 ** -(A**2)),
    ("(-a) ** 2", A**2),
    ("a - 1 - 1", A - 2),
    ("a / 2 / 2 * 4", A),
    ("a ** 2 ** 0.5", A.astype(complex) ** 0 * np.where(A > 0, A, np.nan) ** (2**0.5)),
    ("1e-3 + .5 + 2. * a", 0.501 + 2 * A),
    ("- - a + + 1", A + 1),
    ("a < 0 < 1", A < 0),
    ("-1 < a <= 1 != 2", (A > -1) & (A <= 1)),
    ("a > 0 & a < 2", (A > 0) & (A < 2)),
    ("a > 0 and a < 2 or a < -1", ((A > 0) & (A < 2)) | (A < -1)),
    ("a > 0 | a < -1 & a > -2", (A > 0) | ((A < -1) & (A > -2))),
    ("not a > 0", ~(A > 0)),
    ("~a > 0", ~(A > 0)),
    ("not not flag and ~flag == flag", (A > 0) & False | ((A > 0) & ~((A > 0) == (A > 0)))),
    ("(a > 0) + flag", 2.0 * (A > 0)),
    ("count / 2", np.arange(5) / 2),
    ("abs(a) + sqrt(a * a) - log(exp(a))", 2 * abs(A) - A),
    ("minimum(a, 0) + maximum(0, `model::x`)", np.minimum(A, 0) + np.maximum(0, A[::-1])),
    ("model::x", A[::-1]),
    ("`a``b` * ṕ", A * A),
    ("a == 1 or a != a", A == 1),
    ("log(a) > 0", A > 1),
    ("invlogit(logit(invlogit(a)))", 1 / (1 + np.exp(-A))),
]


@pytest.mark.filterwarnings("ignore:.* holds what is not a number")
@pytest.mark.parametrize(("text", "value"), VALUES)
def test_operators_bind_as_in_mathematics(draws, text, value):
    found = evaluate(draws, text)
    assert (found.dtype == bool) == (np.asarray(value).dtype == bool)
    np.testing.assert_allclose(found.astype(float), np.real(value).astype(float), rtol=1e-14)


@pytest.mark.parametrize(
    ("written", "label"),
    [
        ("beta[age]", 0),
        ("beta [ age ]", 0),
        ("beta['age']", 0),
        ("beta[it's]", 1),
        ("beta['it''s']", 1),
        ("beta['(0, 1]']", 2),
        ("beta['say \"no\", or']", 3),
        ('beta["say ""no"", or"]', 3),
        ("beta[α β]", 4),
        ("beta['b] + beta.size + beta[age']", 5),
    ],
)
def test_an_element_is_looked_up_by_its_label(draws, written, label):
    np.testing.assert_array_equal(evaluate(draws, written), draws.beta[:, label])
    np.testing.assert_array_equal(evaluate(draws, f"{written} > 0"), draws.beta[:, label] > 0)


def test_a_name_that_is_no_identifier_stands_in_backquotes(draws):
    found = evaluate(draws, "`1|county`[2, age] > 0")
    np.testing.assert_array_equal(found, draws["1|county"][:, 1, 0] > 0)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("beta.size", r"'\.' cannot stand at character 5"),
        ("a.values > 0", "cannot stand"),
        ("beta.to_dataframe('q').eval('1 + 1')", "cannot stand"),
        ("__import__('os').system('true')", "cannot stand"),
        ("open(a)", "no function 'open'"),
        ("beta[age](a)", "no function 'beta'"),
        ("exp(a, a)", "takes 1 argument"),
        ("minimum(a)", "takes 2 arguments"),
        ("a = 1", "== compares"),
        ("a := 1", "cannot stand"),
        ("[a for a in a]", "follows the name of a variable"),
        ("a if a else a", "'if' cannot stand"),
        ("lambda: a", "cannot stand"),
        ("a 2", "'2' cannot stand"),
        ("2a", "is no number"),
        ("1_000 * a", "is no number"),
        ("0x10 * a", "is no number"),
        ("1e999 * a", "too large"),
        ("a ^ 2", r"\*\* is a power"),
        ("a > ~flag", "needs parentheses"),
        ("a + not flag", "needs parentheses"),
        ("'text' == a", "quotes hold labels"),
        ("beta[age", "is not closed"),
        ("beta['age]", "is not closed"),
        ("`a > 0", "is not closed"),
        ("beta[]", "a label is missing"),
        ("beta[(0, 1]] > 0", "in quotes"),
        ("beta[b[c]]", "in quotes"),
        ("beta['age' 2]", "in quotes"),
        ("(a", r"where '\)' is missing"),
        ("a)", "cannot stand"),
        ("and a", "'and' cannot stand"),
        ("a & flag", "'and' joins what is true or false"),
        ("not a", "'not' joins what is true or false"),
        ("a or flag", "'or' joins what is true or false"),
        ("a[1]", "a is one number"),
        ("beta[age, age]", "2 labels for 1 dimension"),
        ("`1|county`[1]", "1 label for 2 dimensions"),
        ("beta[ag]", r"Did you mean 'beta\[age\]'"),
        ("a" * 1001, "1,001 characters"),
        ("(" * 60 + "a" + ")" * 60, "50 deep"),
        ("-" * 60 + "a", "50 deep"),
        ("a ** " * 60 + "a", "50 deep"),
    ],
)
def test_what_cannot_be_said_is_refused_in_a_sentence(draws, text, why):
    with pytest.raises(fp.StatementError, match=why) as caught:
        evaluate(draws, text)
    assert isinstance(caught.value, ValueError)
    assert str(caught.value).isprintable() and len(str(caught.value)) < 400


def test_long_sums_are_no_deep_ones(draws):
    np.testing.assert_allclose(evaluate(draws, "+".join(["a"] * 450)), 450 * A)
    assert evaluate(draws, " and ".join(["a<9"] * 110)).all()


def test_an_error_shows_no_control_characters(draws):
    for text in ("beta[\x1b[2J]", "be\x1bta", "\x07", "beta['\n']", "`\u202e`"):
        with pytest.raises(fp.StatementError) as caught:
            evaluate(draws, text)
        assert str(caught.value).isprintable()


@pytest.mark.parametrize("labels", [[1, "1"], ["x", "x"], [1.0, "1.0"]])
def test_labels_that_are_equal_as_text_are_told_apart_by_position(labels):
    values = np.arange(6.0).reshape(3, 2)
    coordinate = np.array(labels, dtype=object)
    draws = xr.Dataset({"b": (("sample", "k"), values)}, {"k": coordinate})
    with pytest.raises(fp.StatementError, match="is 2 elements, at positions 0, 1"):
        evaluate(draws, f"b[{labels[1]}]")
    found = elements(draws, "b > 1")
    label = labels[1]
    assert [e.label for e in found] == [
        f"b[{label}] > 1 (position 0)",
        f"b[{label}] > 1 (position 1)",
    ]
    np.testing.assert_array_equal(np.stack([e.values for e in found], 1), values > 1)


def test_elements_of_a_statement_are_statements(draws):
    for text in ("beta > 0", "`1|county` - beta > beta[age]", "beta", "abs(beta) - a"):
        for part in elements(draws, text):
            np.testing.assert_array_equal(evaluate(draws, part.label), part.values)
    assert elements(draws, "beta > 0")[0].label == "beta[age] > 0"
    assert elements(draws, "beta > 0", "claim")[0].label == "claim[age]"


@pytest.mark.parametrize("text", ["beta[age] > 0.2", "0.2 >= a", "a - 1 < beta[age] ** 2"])
def test_the_margin_of_a_comparison_is_positive_where_it_holds(draws, text):
    margin = margin_of(draws, text)
    np.testing.assert_array_equal(margin > 0, evaluate(draws, text))


@pytest.mark.parametrize("text", ["a", "a > 0 > -1", "a > 0 and flag", "a == 1", "1 > 0"])
def test_what_is_no_single_comparison_has_no_margin(draws, text):
    assert margin_of(draws, text) is None


def test_a_variable_is_found_by_its_name_whatever_it_is_called(draws):
    odd = draws.assign({"beta[age] > 0": ("sample", A), "if": ("sample", A)})
    np.testing.assert_array_equal(evaluate(odd, "beta[age] > 0"), A)
    np.testing.assert_array_equal(evaluate(odd, "if > 0"), A > 0)


def test_a_statement_is_read_in_bounded_time():
    """What can be nested or repeated is read once: no backtracking."""
    for text in ("(" * 999, "a" * 999, "`" * 999, "[" * 999, "a[" * 499, "-~" * 499, "a<" * 499):
        with pytest.raises(fp.StatementError):
            parse(text + "!")
