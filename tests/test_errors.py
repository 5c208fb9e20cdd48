import re
from pathlib import Path

import pytest

import foundation_priors as fp
from foundation_priors import errors
from foundation_priors.display import count, money, settled

ROOT = Path(errors.__file__).parent


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (errors.SyntheticAsEvidenceError, TypeError),
        (errors.ColumnError, ValueError),
        (errors.ModelError, ValueError),
        (errors.ImproperPriorError, ValueError),
        (errors.ElicitationError, RuntimeError),
        (errors.JournalError, OSError),
    ],
)
def test_each_error_derives_from_a_builtin(error, builtin):
    assert issubclass(error, builtin)
    assert issubclass(error, errors.FoundationPriorsError)


@pytest.mark.parametrize("warning", [errors.UnreliableWarning, errors.IncompleteWarning])
def test_warnings_are_user_warnings(warning):
    assert issubclass(warning, UserWarning)


def test_suggestion_ignores_case():
    assert errors.did_you_mean("ANES69", ["wages", "anes96"]) == " Did you mean 'anes96'?"


def test_long_lists_are_cut():
    assert errors.did_you_mean("q", range(100, 120)).endswith("and 8 more.")


def test_nothing_to_suggest():
    assert errors.did_you_mean("q", []) == ""


def test_small_numbers_of_things_are_told_as_such() -> None:
    assert [count(n, "entry", "entries") for n in (0, 1, 2)] == [
        "0 entries",
        "1 entry",
        "2 entries",
    ]
    assert [money(x) for x in (0, 0.004, 0.25, 1234.5)] == ["0.00", "0.004", "0.25", "1,234.50"]
    assert settled(-6.9e-18, 1.0) == 0 and str(settled(-6.9e-18, 1.0)) == "0.0"
    assert settled(-6.9e-18, 1e-17) == -6.9e-18


def test_signed_numbers_in_words_have_no_signed_zero() -> None:
    """A format with a sign has the option "z", which makes "+0.00" of "-0.00"."""
    for path in ROOT.rglob("*.py"):
        assert not re.findall(r":\+\.\d[f%]", path.read_text(encoding="utf-8")), path


@pytest.mark.parametrize("bad", ["a", None, [0.5], float("nan"), 0, 1, 2])
def test_a_probability_is_a_number_between_0_and_1(bad):
    with pytest.raises(ValueError, match="must lie between 0 and 1"):
        errors.check_probability(bad, "prob")
    with pytest.raises(ValueError, match=r"share=.* must lie between 0 and 1"):
        fp.trust.robust(bad)


@pytest.mark.parametrize("bad", ["a", 3, None])
def test_rules_refuse_arguments_of_other_kinds(bad):
    with pytest.raises(TypeError, match=r"cap=.* must be True or False"):
        fp.trust.evidence(bad)
    with pytest.raises(ValueError, match=r"mean=.* must be"):
        fp.trust.exchangeable(bad)
