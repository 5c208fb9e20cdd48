"""What goes wrong on the way loses no cell, and what cannot be mended stops at once."""

import os
import warnings
from collections import Counter

import pytest

import foundation_priors as fp
from tests.elicit.faults import BROKEN, FATAL, HARMLESS, PASSING, USELESS
from tests.elicit.surveys import QUICK, cells, finals, lines, survey

SHARE = 0.3
ASKED_AGAIN = BROKEN | PASSING
SHORT = {"timeout": 2.0}
"""For responses that never end; elsewhere a slow machine has more time."""
KEPT = {"refusal": "refusal", "filtered": "content filter", "length": "truncated"}


def ask(study, journal, **given):
    """Run, with leave to end incomplete."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fp.IncompleteWarning)
        return study.run(journal=journal, patience=QUICK, progress=False, **given)


def test_faults_on_three_requests_in_ten_lose_no_cell(server, tmp_path, capsys):
    names = [*BROKEN, *PASSING, *USELESS, *HARMLESS]
    server.script(share=SHARE, faults=names, slow=0.1, seed=1)
    journal = tmp_path / "answers.jsonl"
    size = int(os.environ.get("FP_CELLS", 300))
    llm = ask(survey(server.url, size, endpoint=SHORT), journal, concurrency=50)

    told, seen = lines(journal), server.counts()
    assert len(cells(journal)) == 2 * size and set(cells(journal).values()) == {1}
    ends = finals(journal)
    assert all((e["parsed"] is None) != (e["rejected"] is None) for e in ends)
    assert all(e["rejected"] is None or e["rejected"]["reason"] for e in ends)
    answered = sum(e["parsed"] is not None for e in ends)
    assert len(llm) == answered
    assert closed_for_good(told)
    # Whatever reached the server is on record; a request that met no fault was the cell's last.
    tried = [e for e in told if e["kind"] == "failure"]
    tried += [e for e in told if e["kind"] == "answer" and not gave_up(e)]
    assert len(tried) == seen["requests"]
    assert seen["requests"] - sum(seen["faults"].values()) <= answered
    # Six standard deviations of a binomial.
    spread = 6 * (SHARE * (1 - SHARE) * seen["requests"]) ** 0.5
    assert abs(sum(seen["faults"].values()) - SHARE * seen["requests"]) < spread

    reasons = Counter(e["rejected"]["reason"] for e in ends if e["rejected"])
    with capsys.disabled():
        print(
            f"\n{2 * size:,} cells, {seen['requests']:,} requests, "
            f"{sum(seen['faults'].values())} faults of {len(seen['faults'])} kinds: "
            f"{answered} answered, {sum(reasons.values())} "
            f"rejected ({', '.join(f'{n} {r}' for r, n in reasons.most_common())}), none twice"
        )


def closed_for_good(told):
    """Check that nothing more was asked of a cell that had its final line."""
    ended = set()
    for line in told:
        if line["kind"] in ("answer", "failure"):
            if line["key"] in ended:
                return False
            if line.get("final"):
                ended.add(line["key"])
    return True


def gave_up(line):
    """Say whether a line closes a cell that never had a response."""
    return bool(line["rejected"]) and line["rejected"]["reason"] == "no response"


@pytest.mark.parametrize("name", ASKED_AGAIN)
def test_what_passes_is_asked_again(server, tmp_path, name):
    server.script(next=[name, None, name, name])
    point = SHORT if name in ("hang", "endless") else {}
    llm = ask(survey(server.url, 6, endpoint=point), tmp_path / "a.jsonl", concurrency=4)
    assert len(llm) == 12
    assert server.counts()["requests"] == 15
    assert set(cells(tmp_path / "a.jsonl").values()) == {1}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_looks_odd_is_understood(server, tmp_path, name):
    plain = ask(survey(server.url, 4), tmp_path / "plain.jsonl")
    server.script(always=name, slow=0.05)
    llm = ask(survey(server.url, 4), tmp_path / "odd.jsonl")
    assert server.counts()["requests"] == 8
    assert llm.dataset.drop_attrs().identical(plain.dataset.drop_attrs())


@pytest.mark.parametrize("name", USELESS)
def test_an_answer_that_is_none_is_kept_with_its_reason(server, tmp_path, name):
    journal = tmp_path / "a.jsonl"
    server.script(when={"Person 3:": name})
    with pytest.warns(fp.IncompleteWarning):
        llm = survey(server.url, 6).run(journal=journal, patience=QUICK, progress=False)
    assert len(llm) == 10
    rejected = [line for line in finals(journal) if line["rejected"]]
    assert [line["cells"][0]["profile"] for line in rejected] == ["p3", "p3"]
    if name in KEPT:
        assert {line["rejected"]["reason"] for line in rejected} == {KEPT[name]}
    # A second run does not ask those again.
    server.script()
    again = ask(survey(server.url, 6), journal)
    assert server.counts()["requests"] == 0
    assert again.dataset.drop_attrs().identical(llm.dataset.drop_attrs())


def test_rejections_are_counted_by_cell(server, tmp_path):
    server.script(when={"Person 3:": "refusal", "Person 4:": "not_json"})
    llm = ask(survey(server.url, 6), tmp_path / "a.jsonl")
    text = str(llm.provenance["rejected"])
    assert "refusal" in text and "not JSON" in text and "p3" in text and "roleplay" in text


@pytest.mark.parametrize("name", [n for n in FATAL if n not in ("no_format", "too_long")])
def test_what_cannot_be_mended_stops_at_once(server, tmp_path, name):
    server.script(always=name)
    with pytest.raises(fp.ElicitationError) as caught:
        survey(server.url, 50).run(journal=tmp_path / "a.jsonl", progress=False, patience=QUICK)
    assert "\n" not in str(caught.value)
    assert server.counts()["requests"] <= 8
    # Once it is mended, the same journal goes on.
    server.script()
    assert len(ask(survey(server.url, 50), tmp_path / "a.jsonl")) == 100


def test_it_stops_in_the_middle_of_a_run_as_well(server, tmp_path):
    server.script(next=[None] * 30 + ["unauthorized"] * 100, key=None)
    with pytest.raises(fp.ElicitationError):
        survey(server.url, 50).run(journal=tmp_path / "a.jsonl", progress=False, concurrency=4)
    assert server.counts()["requests"] <= 34
    assert len(finals(tmp_path / "a.jsonl")) == 30


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/v1", "{address}/v2", "{address}"])
def test_a_wrong_url_stops_at_once(server, tmp_path, address):
    url = address.format(address=server.address)
    with pytest.raises(fp.ElicitationError, match=url):
        survey(url, 50).run(journal=tmp_path / "a.jsonl", progress=False, patience=QUICK)
    assert sum(server.counts()["paths"].values()) <= 8


def test_one_bad_request_among_good_ones_is_that_cells_alone(server, tmp_path):
    server.script(when={"Person 3:": "too_long"})
    llm = ask(survey(server.url, 6), tmp_path / "a.jsonl")
    assert len(llm) == 10


@pytest.mark.parametrize("formats", [["json_schema", "json_object"], ["json_object"], []])
def test_answers_are_the_same_in_kind_without_structured_output(server, tmp_path, formats):
    server.script(formats=formats)
    llm = ask(survey(server.url, 10), tmp_path / "a.jsonl")
    assert len(llm) == 20
    used = [line for line in lines(tmp_path / "a.jsonl") if line["kind"] == "probe"]
    assert [line["structured"] for line in used] == [(formats or ["text"])[0]]


@pytest.mark.parametrize("fault", ["rate_limit", "rate_limit_after", "unavailable"])
def test_bursts_of_refused_requests_are_waited_out(server, tmp_path, fault):
    server.script(burst={"every": 40, "length": 7, "fault": fault}, latency=0.005)
    llm = ask(survey(server.url, 100), tmp_path / "a.jsonl", concurrency=16)
    assert len(llm) == 200
    assert server.counts()["peak"] <= 16
    assert server.counts()["faults"][fault] >= 14


@pytest.mark.parametrize("text", ["soon", "-1", "Wed, 21 Oct 2015 07:28:00 GMT", "nan", "1e-3"])
def test_an_odd_retry_after_does_no_harm(server, tmp_path, text):
    server.script(next=["rate_limit_after"] * 3, retry_after=text)
    llm = ask(survey(server.url, 4), tmp_path / "a.jsonl")
    assert len(llm) == 8


def test_a_budget_of_calls_counts_what_failed(server, tmp_path):
    server.script(share=0.3, faults=["server_error"])
    llm = ask(survey(server.url, 50), tmp_path / "a.jsonl", budget={"calls": 40})
    assert server.counts()["requests"] == 40
    assert len(llm) == len(finals(tmp_path / "a.jsonl")) < 40
