import pytest

from foundation_priors import errors


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
