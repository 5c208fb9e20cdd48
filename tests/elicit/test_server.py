"""The loopback server speaks the protocol to the real client, and goes wrong as told."""

import asyncio
import json
import math

import openai
import pytest

from tests.elicit.faults import BROKEN, FATAL, HARMLESS, PASSING, USELESS
from tests.elicit.replies import probabilities, request_hash

SCHEMA = {
    "type": "object",
    "properties": {
        "vote": {"enum": ["Clinton", "Clint Eastwood", "Dole"]},
        "place": {"type": "integer", "minimum": 1, "maximum": 7},
        "wage": {"type": "number", "minimum": 0, "maximum": 5000},
        "why": {"type": "string", "maxLength": 200},
    },
    "required": ["vote", "place", "wage", "why"],
    "additionalProperties": False,
}
FORMAT = {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA, "strict": True}}
ASK = {
    "model": "m",
    "messages": [{"role": "user", "content": "Who?"}],
    "response_format": FORMAT,
}


@pytest.fixture
def client(server):
    with openai.OpenAI(base_url=server.url, api_key="sk-test", max_retries=0, timeout=10.0) as c:
        yield c


def said(reply):
    return json.loads(reply.choices[0].message.content)


def test_answers_fit_the_schema_and_depend_on_the_request_alone(client):
    first, again = (client.chat.completions.create(**ASK) for _ in range(2))
    assert said(first) == said(again)
    assert said(first)["vote"] in SCHEMA["properties"]["vote"]["enum"]
    assert said(first)["place"] in range(1, 8)
    assert first.usage.completion_tokens > 0 and first.model == "m-loopback"
    other = client.chat.completions.create(**ASK | {"temperature": 0.5})
    assert said(first)["wage"] != said(other)["wage"]


def test_a_schema_in_the_prompt_is_found(client):
    messages = [{"role": "user", "content": f"{{x}} Answer with JSON: {json.dumps(SCHEMA)}."}]
    reply = client.chat.completions.create(model="m", messages=messages)
    assert set(said(reply)) == set(SCHEMA["properties"])


def test_requests_are_counted_by_hash(client, server):
    for _ in range(3):
        client.chat.completions.create(**ASK)
    assert server.counts()["by_hash"] == {request_hash(ASK): 3}
    assert server.counts()["keys"] == {"Bearer sk-test": 3}


def test_logprobs_are_the_chances_of_the_options(client):
    asked = ASK | {"logprobs": True, "top_logprobs": 5}
    reply = client.chat.completions.create(**asked).choices[0]
    tokens = reply.logprobs.content
    assert "".join(t.token for t in tokens) == reply.message.content
    options = SCHEMA["properties"]["vote"]["enum"]
    chances = probabilities(f"{request_hash(asked)}/vote", options)
    branch = next(t for t in tokens if any(x.token == "Dole" for x in t.top_logprobs))
    found = {x.token: math.exp(x.logprob) for x in branch.top_logprobs}
    assert found["Dole"] == pytest.approx(0.998 * chances["Dole"])
    assert found["Clint"] == pytest.approx(0.998 * (1 - chances["Dole"]))


def test_options_by_letter_are_answered_by_one_letter(client):
    text = "Who?\nAnswer with one letter only:\nA: Clinton\nB: Dole"
    asked = {"model": "m", "messages": [{"role": "user", "content": text}], "logprobs": True}
    reply = client.chat.completions.create(**asked, top_logprobs=20).choices[0]
    (token,) = reply.logprobs.content
    assert token.token == reply.message.content
    seed = request_hash(asked | {"top_logprobs": 20})
    found = {t.token: math.exp(t.logprob) / 0.998 for t in token.top_logprobs}
    assert found == pytest.approx(probabilities(f"{seed}/letter", ["A", "B"]))


@pytest.mark.parametrize("name", BROKEN)
def test_broken_responses_are_connection_errors_or_no_json(client, server, name):
    server.script(next=[name])
    with pytest.raises((openai.APIConnectionError, openai.APIError, ValueError)):
        # The client's timeout is for each read, which a body without end never lets pass.
        if name == "endless":
            asyncio.run(_within(server.url, 0.3))
        client.with_options(timeout=1.0).chat.completions.create(**ASK)
    client.chat.completions.create(**ASK)


async def _within(url, seconds):
    client = openai.AsyncOpenAI(base_url=url, api_key="x", max_retries=0)
    async with client:
        try:
            await asyncio.wait_for(client.chat.completions.create(**ASK), seconds)
        except TimeoutError:
            raise openai.APITimeoutError(None) from None


@pytest.mark.parametrize("name", PASSING | FATAL)
def test_errors_have_their_status(client, server, name):
    server.script(next=[name], retry_after=7)
    try:
        reply = client.chat.completions.create(**ASK)
    except openai.APIStatusError as failure:
        assert failure.status_code >= 400
        asked_to_wait = failure.response.headers.get("retry-after")
        assert asked_to_wait == ("7" if name == "rate_limit_after" else None)
    else:
        assert name in ("html", "error_in_200")
        assert isinstance(reply, str) or reply.choices is None


@pytest.mark.parametrize("name", USELESS | HARMLESS)
def test_completions_are_spoilt_as_told(client, server, name):
    plain = client.chat.completions.create(**ASK)
    server.script(next=[name], slow=0.05)
    reply = client.chat.completions.create(**ASK)
    if name in ("slow",):
        assert said(reply) == said(plain)
    elif name in ("unicode",):
        assert said(reply) == said(plain)
        assert reply.choices[0].message.content != plain.choices[0].message.content
    else:
        assert reply.model_dump() != plain.model_dump()


def test_faults_are_drawn_by_share(client, server):
    server.script(share=0.3, faults=["server_error", "rate_limit"])
    failed = 0
    for i in range(200):
        try:
            client.chat.completions.create(**ASK | {"seed": i})
        except openai.APIStatusError:
            failed += 1
    # Six standard deviations of a binomial of 200 with chance .3.
    assert abs(failed - 60) < 39
    assert sum(server.counts()["faults"].values()) == failed


def test_what_the_server_does_not_have_it_refuses(client, server):
    server.script(formats=["json_object"], logprobs=False, models=["m"], key="sk-test")
    for wrong in ({"response_format": FORMAT}, {"logprobs": True}, {"model": "other"}):
        with pytest.raises(openai.APIStatusError):
            client.chat.completions.create(**ASK | wrong)
    with pytest.raises(openai.AuthenticationError, match="sk-wrong"):
        client.with_options(api_key="sk-wrong").chat.completions.create(**ASK)
    with pytest.raises(openai.NotFoundError):
        client.with_options(base_url=server.address).models.list()
    assert [m.id for m in client.models.list()] == ["m"]


def lines(count):
    rows = [
        {
            "custom_id": f"c{i}",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": ASK | {"seed": i},
        }
        for i in range(count)
    ]
    return "\n".join(json.dumps(row) for row in rows).encode()


def submit(client, count=10):
    file = client.files.create(file=("in.jsonl", lines(count)), purpose="batch")
    return client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
    )


def test_a_batch_ends_after_its_delay(client, server):
    server.script(batch_delay=0.2)
    batch = submit(client)
    assert batch.status == "validating"
    while batch.status != "completed":
        batch = client.batches.retrieve(batch.id)
    text = client.files.content(batch.output_file_id).text
    rows = [json.loads(line) for line in text.splitlines()]
    assert {row["custom_id"] for row in rows} == {f"c{i}" for i in range(10)}
    alone = client.chat.completions.create(**ASK | {"seed": 3})
    same = next(row for row in rows if row["custom_id"] == "c3")["response"]["body"]
    assert json.loads(same["choices"][0]["message"]["content"]) == said(alone)


@pytest.mark.parametrize("status, share", [("failed", None), ("expired", 5), ("cancelled", 5)])
def test_a_batch_may_end_otherwise(client, server, status, share):
    server.script(batch_status=status, batch_delay=30 if status == "cancelled" else 0)
    batch = submit(client)
    end = client.batches.cancel if status == "cancelled" else client.batches.retrieve
    batch = end(batch.id)
    assert batch.status == status
    if share is None:
        assert batch.errors.data[0].line == 1 and batch.output_file_id is None
    else:
        assert len(client.files.content(batch.output_file_id).text.splitlines()) == share


def test_failed_requests_of_a_batch_have_a_file_of_their_own(client, server):
    server.script(next=["server_error", "rate_limit"])
    batch = client.batches.retrieve(submit(client).id)
    rows = client.files.content(batch.error_file_id).text.splitlines()
    assert sorted(json.loads(r)["response"]["status_code"] for r in rows) == [429, 500]
    assert (batch.request_counts.completed, batch.request_counts.failed) == (8, 2)
