import asyncio
import copy
import dataclasses
import json
import logging
import pickle

import pytest

import foundation_priors as fp
from foundation_priors.elicit.endpoint import NO_KEY, Endpoint
from foundation_priors.elicit.redact import redact, redacted_logs
from foundation_priors.errors import ElicitationError
from tests.elicit.small import asked, study
from tests.elicit.surveys import lines, survey

KEY = "xy-Quagga/7731+tail"
LOCAL = "http://localhost:1/v1"


def sent_key(endpoint):
    """Return the Authorization that a client of the endpoint sends."""

    async def ask():
        async with endpoint.client("m") as client:
            return client.auth_headers["Authorization"], client

    return asyncio.run(ask())


@pytest.mark.parametrize("given", [{"api_key": KEY}, {"headers": {"api-key": KEY}}])
def test_a_key_shows_nowhere(given):
    endpoint = Endpoint(LOCAL, **given)
    shown = [
        repr(endpoint),
        str(endpoint),
        repr(vars(endpoint)),
        str(dataclasses.asdict(endpoint)),
        repr(copy.deepcopy(endpoint)),
        json.dumps(endpoint.record("m")),
        str(pickle.dumps(endpoint)),
    ]
    assert not [text for text in shown if KEY in text]
    assert KEY in endpoint.secrets()
    assert KEY in copy.deepcopy(endpoint).secrets()


@pytest.mark.parametrize("given", [{"api_key": KEY}, {"headers": {"api-key": KEY}}])
def test_a_pickled_endpoint_asks_for_its_key_again(given):
    endpoint = pickle.loads(pickle.dumps(Endpoint(LOCAL, **given)))
    with pytest.raises(ElicitationError, match="pickled"):
        endpoint.client("m")
    assert pickle.loads(pickle.dumps(Endpoint(LOCAL))).secrets() == []


def test_the_environments_key_goes_to_openai_alone(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    assert sent_key(Endpoint())[0] == f"Bearer {KEY}"
    header, client = sent_key(Endpoint(LOCAL))
    assert header == f"Bearer {NO_KEY}"
    assert KEY not in str({k: v for k, v in client.default_headers.items()})
    assert client.organization is None


def test_headers_of_the_environment_stay_with_openai(monkeypatch):
    ambient = f"X-Gate: {KEY}\nAuthorization: Bearer {KEY}"
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", ambient)
    header, client = sent_key(Endpoint(LOCAL, headers={"x-mine": "1234"}))
    assert KEY not in str(dict(client.default_headers)) + header
    assert client.default_headers["x-mine"] == "1234"
    with pytest.raises(ElicitationError, match="OPENAI_CUSTOM_HEADERS"):
        Endpoint(LOCAL, api_key=lambda: "fresh").client("m")


def test_no_key_for_openai_is_an_error():
    with pytest.raises(ElicitationError, match="OPENAI_API_KEY"):
        Endpoint().client("gpt")


def test_a_function_may_return_the_key(server, tmp_path):
    calls = []

    async def fresh():
        calls.append(1)
        return f"token-{len(calls)}"

    asked(study(server.url, profiles=3, api_key=fresh), tmp_path / "a.jsonl")
    assert set(server.counts()["keys"]) == {f"Bearer token-{i}" for i in (1, 2, 3)}


@pytest.mark.parametrize(
    "url",
    [
        f"http://me:{KEY.replace('/', '-')}@host/v1",
        f"https://host/v1?key={KEY}",
        "localhost:8000",
        "ftp://host",
        "http://",
        "http://host:port/v1",
    ],
)
def test_an_address_must_be_one_and_hold_no_key(url):
    with pytest.raises(ValueError, match="base_url") as caught:
        Endpoint(url)
    assert "Quagga" not in str(caught.value)


@pytest.mark.parametrize("key", ["", "clé", "two\nlines", 7])
def test_a_key_must_be_printable_and_is_not_shown_if_not(key):
    with pytest.raises(ValueError, match="api_key") as caught:
        Endpoint(LOCAL, api_key=key)
    assert not isinstance(key, str) or not key or key not in str(caught.value)


def test_white_space_around_a_key_is_dropped():
    assert Endpoint(LOCAL, api_key=f" {KEY}\n").secrets() == [KEY]


@pytest.mark.parametrize("price", [1.0, (1.0,), (-1, 2), ("a", "b"), (float("nan"), 1)])
def test_a_price_is_two_numbers(price):
    with pytest.raises(ValueError, match="price"):
        Endpoint(price=price)


def test_a_bound_on_the_output_comes_from_the_settings():
    assert Endpoint().max_output({}) is None
    assert Endpoint().max_output({"max_tokens": 20}) == 20
    assert Endpoint(settings={"max_completion_tokens": 90}).max_output({"max_tokens": 20}) == 90


@pytest.mark.parametrize(
    "text",
    [
        f"key {KEY} is wrong",
        "key xy-Quagga%2F7731%2Btail is wrong",
        "Incorrect API key provided: xy-Qu*******tail.",
        f"{{'Authorization': 'Bearer {KEY}'}}",
        "https://a:xy-Quagga@host/v1?api_key=xy-Quagga123",
    ],
)
def test_keys_are_redacted_in_every_spelling(text):
    found = redact(text, [KEY])
    assert "Qu" not in found
    assert "[redacted]" in found


def test_a_key_that_json_escapes_is_redacted():
    key = 'a"b\\c"quagga'
    assert "quagga" not in redact(json.dumps({"said": key}), [key])


def test_logs_are_redacted_meanwhile(caplog):
    logger = logging.getLogger("httpcore2.http11")
    with caplog.at_level(logging.DEBUG), redacted_logs(lambda: [KEY]):
        logger.debug("headers %s", [("X-Echo", KEY)])
    assert "headers" in caplog.text
    assert KEY not in caplog.text
    assert not logger.filters


def test_a_query_goes_along_with_every_request(server, tmp_path):
    given = {"endpoint": {"query": {"deployment": "x y"}}}
    study = survey(f"{server.url}?api-version=2024-10-21", 2, **given)
    path = tmp_path / "a.jsonl"
    llm = study.run(path, progress=False)
    assert server.counts()["queries"]["api-version=2024-10-21&deployment=x+y"] == 4
    other = survey(server.url, 2)
    assert other.replay(path).dataset.drop_attrs().identical(llm.dataset.drop_attrs())
    assert fp.elicit.replay(path).identical(llm)
    (head,) = [line for line in lines(path) if line["kind"] == "study"]
    entry = head["models"]["m"]
    assert entry["base_url"] == server.url
    assert entry["query"] == {"api-version": "2024-10-21", "deployment": "x y"}
    assert fp.Endpoint(**entry) == fp.Endpoint(**{**entry, "query": dict(entry["query"])})


@pytest.mark.parametrize("name", ["key", "api_key", "Sig", "access-token", "code", "password"])
def test_a_query_holds_no_keys(name):
    for given in (
        {"base_url": f"https://example.org/v1?{name}=s3cret"},
        {"query": {name: "s3cret"}},
    ):
        with pytest.raises(ValueError, match="may be (a key|keys)") as caught:
            fp.Endpoint(**given)
        assert "s3cret" not in str(caught.value)
