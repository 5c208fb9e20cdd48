"""What an audit says, and what it says that it cannot judge."""

import json
import re
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import foundation_priors as fp
from foundation_priors.elicit.anticipation import Anticipation
from foundation_priors.errors import ModelError, UnreliableWarning, warn
from foundation_priors.report import audit
from foundation_priors.report.plan import PLAN
from foundation_priors.report.section import Section, judge
from tests.path import models
from tests.report import audits

ALL = [audits.coin, audits.normal, audits.believed, audits.evil]
LACKING = {"decision", "leakage", "covariate_leak", "circularity", "held_out"}
"""What nobody can judge without a decision, pairs, columns, revisions or other rows."""


@pytest.mark.parametrize("make", ALL)
def test_every_question_is_answered_or_says_why_not(make) -> None:
    found = make()
    assert [s.key for s in found.sections] == list(PLAN)
    for section in found.sections:
        assert bool(section.reading) != bool(section.not_judged), section.key
        assert (section.reading or section.not_judged).rstrip()[-1] in ".!?", section.key
        assert found[section.key] is section
    assert set(found.not_judged) >= LACKING


def test_one_source_without_anything_else_is_judged() -> None:
    found = audits.coin()
    judged = {s.key for s in found.sections if s.judged}
    assert judged >= {"asked", "trust", "statements", "estimates", "shares", "computation"}
    assert "10 answers" in found["asked"].reading
    assert "5 real observations" in found["asked"].reading


def test_numbers_are_those_of_the_path() -> None:
    path, found = models.coin(), audits.coin()
    table = found["statements"].tables["Statements"].loc["fair or more"]
    event = "theta > 0.5"
    assert table["P at trust 0"] == pytest.approx(path.probability(event, trust=0.0).item())
    now = path.probability(event, trust="cautious").item()
    assert table["P at the audit's trust"] == pytest.approx(now)
    estimates = found["estimates"].tables["Estimates"]["mean"]
    for at, trust in {"trust 0": 0.0, "the audit's trust": "cautious", "trust 1": 1.0}.items():
        assert estimates["theta", at] == pytest.approx(path.mean("theta", trust=trust).item())
    shares = found["shares"].tables["Shares of information"].loc["theta"]
    expected = fp.reliance(path, "cautious", "theta").loc["theta", "share"]
    np.testing.assert_allclose(shares[expected.index], expected)


def test_statements_are_sorted_into_what_holds_tips_and_never_holds() -> None:
    """The coin's chance of heads has the mean 5/7 at trust 0, 10/17 at 1; both are known."""
    path = models.coin()
    events = {"possible": "theta > 0.001", "sure": "theta > 0.9", "small": "theta < 0.001"}
    found = audits.one("statements", path, statements={**events, "heads": "theta < 0.8"})
    table = found.tables["Statements"]
    assert dict(table["verdict"]) == {
        "possible": "holds",
        "sure": "never",
        "small": "opposite",
        "heads": "tips",
    }
    root = path.tipping("theta < 0.8", 0.95)["trust"].item()
    assert f"begins to hold at trust {root:.3g}" in table["where"]["heads"]
    reading = found.reading
    assert "possible holds at every trust" in reading and "sure holds at no trust" in reading


def test_by_default_statements_are_signs_that_can_differ() -> None:
    labels = [s.label for s in audits.normal().inputs.statements]
    assert labels == ["mu > 0"]
    silent = audits.one("statements", models.coin())
    assert "give statements=" in silent.not_judged


def test_several_sources_are_named() -> None:
    found = audits.normal()
    for source in ("plain", "roleplay"):
        assert source in found["trust"].reading
        assert source in found["shares"].tables["Shares of information"]


def test_a_path_from_a_file_is_audited(tmp_path) -> None:
    models.coin().to_netcdf(tmp_path / "path.nc")
    found = audit(fp.TrustPath.from_netcdf(tmp_path / "path.nc"), progressbar=False)
    assert found["shares"].judged and found["estimates"].judged
    rows = pd.DataFrame({"heads": [1, 0]})
    without = audits.one("held_out", found.inputs.path, held_out=rows)
    assert "without its model" in without.not_judged
    a, b = (x["estimates"].tables["Estimates"]["mean"] for x in (found, audits.coin()))
    np.testing.assert_allclose(a, b, rtol=1e-6)


def test_beliefs_are_described_and_row_diagnostics_say_why_not() -> None:
    found = audits.believed()
    assert found["asked"].reading.startswith("1 belief of llm about theta")
    for key in ("voices", "diversity", "similarity"):
        assert "beliefs" in found.not_judged[key]


def test_held_out_rows_are_scored() -> None:
    rows = pd.DataFrame({"heads": [1, 1, 0]})
    found = audits.one("held_out", models.coin(), held_out=rows)
    table = found.tables["Log predictive score"]
    score = models.coin().score(rows, trust=[0.0, 1.0]).values
    np.testing.assert_allclose(table["log score"].to_numpy()[[0, -1]], score)
    assert "3 held-out rows" in found.reading


def test_a_journal_tells_its_versions(tmp_path) -> None:
    journal = fp.datasets.journal("refine-low", tmp_path / "answers.jsonl")
    asked = audits.one("asked", models.coin(), journal=journal)
    assert "6 versions of the prompt" in asked.reading
    assert "labour economists" in asked.texts["Prompt, version 1"]
    assert "8.17 to 2.88" in audits.one("circularity", models.coin(), journal=journal).reading
    expected = Anticipation("return_percent", value=3, when=None)
    drift = audits.one("circularity", models.coin(), journal=journal, anticipation=expected)
    assert "90%" in drift.reading or ".90" in drift.reading


def test_expected_errors_become_reasons_and_mistakes_stay_errors() -> None:
    def lacks(inputs):
        raise ModelError("There is no model\n   here")

    assert judge("a", "A", lacks, None).not_judged == "There is no model here."
    with pytest.raises(ZeroDivisionError):
        judge("a", "A", lambda inputs: 1 / 0, None)


def test_own_warnings_become_notes_and_others_pass() -> None:
    def warned(inputs):
        warn("Shaky.", UnreliableWarning)
        return Section("", "", "Read.")

    found = judge("a", "A", warned, None)
    assert found.notes == ("Shaky.",) and found.reading == "Read."
    assert "Warning: Shaky." in repr(found)
    with pytest.warns(UserWarning, match="foreign"):
        judge("a", "A", lambda i: warnings.warn("foreign", stacklevel=1) or Section("", ""), None)


@pytest.mark.parametrize(
    ("argument", "error", "sentence"),
    [
        ({"real": [1, 2]}, TypeError, "real= is a list"),
        ({"held_out": "rows.csv"}, TypeError, "held_out= is a str"),
        ({"journal": 3}, TypeError, "journal= is a int"),
        ({"journal": "nowhere.jsonl"}, FileNotFoundError, "no journal 'nowhere.jsonl'"),
        ({"statements": "theta"}, ValueError, "not a statement"),
        ({"statements": "thata > 0"}, ValueError, "Did you mean 'theta'"),
        ({"statements": 3}, TypeError, "statements= is a int"),
        ({"quantities": "theta > 0.5"}, ValueError, "is an event"),
        ({"quantities": []}, ValueError, "quantities= is empty"),
        ({"quantities": "beta"}, ValueError, "not a variable"),
        ({"trust": 2.0}, ValueError, "beyond the path"),
        ({"trust": [0.1, 0.2]}, ValueError, "takes one weight"),
        ({"trust": "cautios"}, ValueError, "cautious"),
    ],
)
def test_what_cannot_be_meant_is_an_error(argument, error, sentence) -> None:
    with pytest.raises(error, match=re.escape(sentence)):
        audit(models.coin(), progressbar=False, **argument)


def test_only_paths_are_audited() -> None:
    with pytest.raises(TypeError, match="path of trust, and this is a str"):
        audit("path.nc")
    with pytest.raises(KeyError, match="shares"):
        audits.coin()["share"]


def test_elements_and_functions_are_quantities() -> None:
    def odds(draws):
        return draws["theta"] / (1 - draws["theta"])

    found = audits.one("estimates", models.coin(), quantities=[odds, "theta"])
    assert set(found.tables["Estimates"].index.get_level_values(0)) == {"odds", "theta"}
    named = audits.one("shares", models.coin(), quantities={"chance": "theta"})
    assert list(named.tables["Shares of information"].index) == ["chance"]


def test_pairs_let_leakage_and_quality_be_judged() -> None:
    """Answers of two framings to units with real outcomes, which the second framing knows."""
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 2, 30)
    frame = pd.DataFrame({"person": np.tile(np.arange(30), 2), "framing": ["a"] * 30 + ["b"] * 30})
    frame["heads"] = np.concatenate([rng.integers(0, 2, 30), truth])
    said = fp.SyntheticData.from_dataframe(frame, outcome="heads", unit="person", weight=1)
    real = pd.DataFrame({"person": range(30), "heads": truth, "noise": rng.normal(size=30)})
    path = replace(models.coin(), synthetic=said)
    found = audits.one("axes", path, real=real, pairs="person").tables["In full"]
    assert found.loc["b", "quality"] > 0.9 > found.loc["a", "quality"]
    given = {"real": real, "pairs": "person", "outside": "noise"}
    for key in ("leakage", "covariate_leak", "disagreement"):
        section = audits.one(key, path, **given)
        assert section.judged or section.not_judged


@pytest.mark.parametrize("make", ALL)
def test_every_picture_can_be_drawn(make) -> None:
    pictured = [s for s in make().sections if s.judged and s.draw is not None]
    assert len(pictured) >= 4
    for section in pictured:
        assert section.picture.data, (section.key, section.picture.failed)


@pytest.mark.parametrize("make", ALL)
def test_the_summary_is_a_page_of_plain_words(make) -> None:
    found = make()
    text = found.summary()
    assert max(map(len, text.splitlines())) <= 88
    for section in found.sections:
        words = " ".join(text.split())
        reason = " ".join((section.reading or section.not_judged).split())
        assert reason[:30] in words or "\ufffd" in words
    assert "\x1b" not in text
    assert repr(found).count("\n") == len(found.sections) + 2


@pytest.mark.parametrize("make", ALL)
def test_json_holds_everything_and_is_strict(make) -> None:
    found = make()

    def refuse(name: str) -> None:
        raise AssertionError(name)

    read = json.loads(found.to_json(), parse_constant=refuse)
    assert [s["key"] for s in read["sections"]] == list(PLAN)
    assert read["versions"]["foundation_priors"] == fp.__version__
    assert len(read["dial"]["weights"]) == len(read["dial"]["worth"])
    for section, stored in zip(found.sections, read["sections"], strict=True):
        assert set(stored["tables"]) == set(section.tables)
        for caption, table in section.tables.items():
            assert len(stored["tables"][caption]) == len(table)


def test_markdown_cannot_be_broken_by_its_texts(tmp_path) -> None:
    text = audits.evil().to_markdown()
    assert "<script>" not in re.sub(r"(?s)````text.*?````", "", text).replace("\\<script\\>", "")
    assert "````text" in text  # a longer fence than any in the prompt
    tables = [line for line in text.splitlines() if line.startswith("| ---")]
    assert tables
    where = audits.evil().to_markdown(tmp_path / "audit.md")
    assert where.read_text(encoding="utf-8") == text


def test_a_file_that_cannot_be_written_is_an_error(tmp_path) -> None:
    for write in (audits.coin().to_html, audits.coin().to_json, audits.coin().to_markdown):
        with pytest.raises(OSError, match="cannot be written"):
            write(tmp_path / "nowhere" / "audit")
