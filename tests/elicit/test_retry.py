import asyncio
import time
from email.utils import formatdate

import httpx2
import openai
import pytest

from foundation_priors.elicit.retry import (
    Patience,
    Unreadable,
    explain,
    of_status,
    retry_after,
)


def test_pauses_are_jittered_up_to_a_doubling_ceiling():
    patience = Patience(base=1.0, longest=5.0)
    assert [patience.ceiling(k) for k in (1, 2, 3, 4, 500)] == [1, 2, 4, 5, 5]
    pauses = [patience.pause(3) for _ in range(2000)]
    assert min(pauses) >= 0
    assert max(pauses) <= 4
    # The mean of 2,000 draws from U(0, 4) has a standard error of 4/sqrt(12*2000) = .026.
    assert sum(pauses) / 2000 == pytest.approx(2, abs=5 * 0.026)


def test_a_server_is_waited_for_at_least_as_long_as_it_asks():
    assert all(2 <= Patience().pause(1, after=2.0) <= 2.5 for _ in range(100))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
    ],
)
def test_retry_after_in_numbers(headers, seconds):
    assert retry_after(headers) == seconds


def test_retry_after_as_a_date():
    date = formatdate(time.time() + 60, usegmt=True)
    assert 58 <= retry_after({"retry-after": date}) <= 60
    assert retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_statuses_that_pass(status):
    fault = of_status(status, {"error": {"message": "later"}}, {"retry-after": "2"})
    assert (fault.kind, fault.after) == ("again", 2.0)
    assert fault.overload == (status in (408, 429, 503, 504, 529))
    assert not fault.billed


@pytest.mark.parametrize(
    ("status", "body", "advice"),
    [
        (401, {"error": {"message": "Incorrect API key", "code": "invalid_api_key"}}, "api_key"),
        (403, {"error": {"message": "Country not supported"}}, "api_key"),
        (402, {"error": {"message": "Insufficient balance"}}, "credit"),
        (429, {"error": {"message": "quota", "code": "insufficient_quota"}}, "credit"),
        (404, {"error": {"message": "model 'x' not found"}}, "model="),
        (404, {"error": "model 'x' not found"}, "model="),
        (404, {"detail": "Not Found"}, "base_url"),
        (404, {"error": {"code": 404, "message": "File Not Found"}}, "base_url"),
        (404, "404 page not found", "base_url"),
        (405, {"detail": "Method Not Allowed"}, "base_url"),
    ],
)
def test_statuses_that_stop(status, body, advice):
    fault = of_status(status, body, {})
    assert fault.kind == "stop"
    assert advice in fault.advice


def test_statuses_of_one_request():
    assert of_status(400, {"error": {"message": "too long"}}, {}).kind == "bad"
    assert of_status(500, {"detail": "body.response_format.type is text"}, {}).kind == "bad"
    assert of_status(422, {"detail": [{"msg": "no"}]}, {}).kind == "bad"
    assert of_status(400, {"error": {"code": "content_filter"}}, {}).kind == "filtered"
    assert of_status(403, {"error": {"message": "Your input was flagged"}}, {}).kind == "filtered"


def test_a_page_is_not_quoted():
    assert of_status(502, "<html><body>nginx</body></html>", {}).text == "HTTP 502, a web page"


def connection_error(cause):
    error = openai.APIConnectionError(request=httpx2.Request("POST", "http://h"))
    error.__cause__ = cause
    return error


def test_what_is_no_response():
    refused = explain(connection_error(httpx2.ConnectError("refused")))
    assert (refused.kind, refused.early, refused.billed) == ("again", 1, False)
    dropped = explain(connection_error(httpx2.RemoteProtocolError("peer closed")))
    assert (dropped.kind, dropped.early, dropped.billed) == ("again", 0, True)
    late = explain(TimeoutError())
    assert (late.kind, late.overload, late.billed) == ("again", True, True)
    page = explain(Unreadable("a web page", page=True))
    assert (page.kind, page.early) == ("again", 3)


def test_other_errors_are_not_hidden():
    with pytest.raises(ZeroDivisionError):
        explain(ZeroDivisionError())
    with pytest.raises(asyncio.InvalidStateError):
        explain(asyncio.InvalidStateError())
