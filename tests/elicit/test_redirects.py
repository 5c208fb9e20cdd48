"""A server that sends a request elsewhere: neither key nor prompt goes there."""

import pytest

import foundation_priors as fp
from tests.elicit.loopback import Loopback
from tests.elicit.surveys import QUICK, lines, survey

KEY = "xy-Quagga-7731-tail"


@pytest.fixture(scope="module")
def other():
    with Loopback() as elsewhere:
        yield elsewhere


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("batch", [False, True])
def test_another_server_gets_nothing(server, other, tmp_path, status, batch):
    other.script()
    place = f"{other.url}/chat/completions"
    server.script(always=f"redirect_{status}", location=place)
    models = {"m": fp.Endpoint(server.url, headers={"X-Secret": KEY})}
    with pytest.raises(fp.ElicitationError, match="redirects are not followed") as caught:
        survey(server.url, 2, models=models).run(
            tmp_path / "a.jsonl", batch=batch, patience=QUICK, progress=False
        )
    assert place in str(caught.value) and "\n" not in str(caught.value)
    assert other.counts()["requests"] == 0 and not other.counts()["paths"]
    assert server.counts()["requests"] == 1
    assert place in lines(tmp_path / "a.jsonl")[-1]["error"]


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("/v2/chat/completions", "/v2/chat/completions"),
        ("http://evil.example/\x1b[31m\x9b", "evil.example/\\x1b[31m"),
        ("//evil.example", "//evil.example"),
        ("", "no address"),
        ("x" * 20_000, "xxx"),
    ],
)
def test_where_it_sends_is_shown_escaped(server, tmp_path, location, shown):
    server.script(always="redirect_307", location=location)
    with pytest.raises(fp.ElicitationError) as caught:
        survey(server.url, 1).run(tmp_path / "a.jsonl", patience=QUICK, progress=False)
    told = str(caught.value)
    assert shown in told and told.isprintable() and len(told) < 600
    assert server.counts()["requests"] == 1


def test_no_proxy_stands_before_this_machine(server, tmp_path, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    llm = survey(server.url, 2).run(tmp_path / "a.jsonl", patience=QUICK, progress=False)
    assert len(llm) == 4
