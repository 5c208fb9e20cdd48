"""Obvious mistakes in arguments, each refused in one sentence before anything is computed."""

import sys

import pandas as pd
import pytest

import foundation_priors as fp
from tests.data.before import make
from tests.path.models import coin_answers, coin_model

pytestmark = pytest.mark.filterwarnings("ignore::foundation_priors.UnreliableWarning")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> fp.TrustPath:
    return make.read("coin", tmp_path_factory.mktemp("coin"))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda p: p.summary(0.5), TypeError, "var_names=0.5 must be a list of names"),
        (lambda p: p.summary([0.5]), TypeError, "must be a list of names"),
        (lambda p: p.summary(ci_prob=90), ValueError, "ci_prob=90 must lie between 0 and 1"),
        (lambda p: p.mean("theta", trust=[]), ValueError, "trust= is empty"),
        (lambda p: p.log_evidence([]), ValueError, "trust= is empty"),
        (lambda p: p.diagnostics([]), ValueError, "trust= is empty"),
        (lambda p: p.quantile("theta", "x"), ValueError, "q='x' must be a number"),
        (lambda p: p.quantile("theta", float("nan")), ValueError, "between 0 and 1"),
        (lambda p: p.trust_posterior().quantile("x"), ValueError, "q='x' must be a number"),
        (lambda p: fp.trust.worth("10"), ValueError, "give the number 10, without quotes"),
        (lambda p: fp.trust.worth("x"), ValueError, "must be a number of at least 0"),
        (lambda p: fp.trust.worth(None), ValueError, "must be a number of at least 0"),
        (lambda p: fp.reliance("x"), TypeError, "takes a TrustPath, not str"),
    ],
)
def test_of_a_path(path, call, error, words):
    with pytest.raises(error, match=words) as caught:
        call(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ({"random_seed": -1}, "random_seed=-1 must be a whole number from 0"),
        ({"random_seed": "a"}, "random_seed='a' must be a whole number"),
        ({"random_seed": 1.5}, "random_seed=1.5 must be a whole number"),
        ({"draws": "x"}, "draws='x' must be a whole number"),
        ({"tune": None}, "tune=None must be a whole number"),
        ({"chains": float("inf")}, "chains=inf must be a whole number"),
        ({"max_trust": "x"}, "max_trust='x' must be a positive number"),
        ({"max_anchors": "x"}, "max_anchors='x' must be a whole number"),
    ],
)
def test_of_a_path_to_be(argument, words, monkeypatch):
    monkeypatch.setattr(sys.modules["foundation_priors.path.trust_path"], "climb", None)
    with pytest.raises(ValueError, match=words):
        fp.trust_path(coin_model(), coin_answers(), **argument)


def test_several_outcomes_are_to_be_chosen_from():
    frame = pd.DataFrame({"a": [1, 2, 3, 4], "b": [1, 2, 2, 1], "framing": list("xyxy")})
    llm = fp.SyntheticData.from_dataframe(frame, outcome=["a", "b"])
    with pytest.raises(fp.ColumnError, match="several outcomes: name one with quantity=.*'a', 'b'"):
        fp.diagnose.multiverse(llm)


def test_a_summary_takes_any_list_of_names(path):
    wanted = path.summary("theta", trust=0.5)
    for names in (["theta"], ("theta",), pd.Index(["theta"]), [], None):
        pd.testing.assert_frame_equal(path.summary(names, trust=0.5), wanted)
