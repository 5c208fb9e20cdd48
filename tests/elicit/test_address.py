import pytest

import foundation_priors as fp
from foundation_priors.elicit.address import checked_url, host_of, is_loopback, is_open, same_host
from foundation_priors.errors import ElicitationError

KEY = "xy-Quagga/7731+tail"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://API.Example.org:443/v1", "api.example.org"),
        ("http://example.org:80", "example.org"),
        ("https://example.org:80", "example.org:80"),
        ("https://example.org./v1", "example.org"),
        ("https://bücher.example", "xn--bcher-kva.example"),
        ("https://BÜCHER.example", "xn--bcher-kva.example"),
        ("https://example\u3002org", "example.org"),
        ("http://[::1]:8080/v1", "[::1]:8080"),
    ],
)
def test_a_host_has_one_name(url, host):
    assert host_of(url) == host
    assert same_host(host, url) and same_host(host.upper(), url)


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("example.org", "https://example.org.evil.example"),
        ("example.org", "https://evil.example/example.org"),
        ("example.org", "https://example.org:8443"),
        ("example.org:8443", "https://example.org"),
        ("paypal.com", "https://p\u0430ypal.com"),
        ("127.0.0.1:80", "http://127.0.0.1:8080"),
        ("::", "http://127.0.0.1:8080"),
        ("", "http://127.0.0.1:8080"),
    ],
)
def test_other_hosts_and_ports_are_others(typed, url):
    assert not same_host(typed, url)


def test_on_this_machine_a_host_stands_for_its_ports():
    assert same_host("127.0.0.1", "http://127.0.0.1:8080/v1")
    assert same_host("localhost", "http://LOCALHOST:1/v1")


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("http://localhost:1", True),
        ("http://LocalHost.:1", True),
        ("http://127.8.9.10", True),
        ("http://[::1]:1", True),
        ("http://[0:0:0:0:0:0:0:1]", True),
        ("http://0.0.0.0", False),
        ("http://10.0.0.1", False),
        ("http://127.0.0.1.example.org", False),
        ("http://localhost.example.org", False),
        ("http://2130706433", False),
        ("http://[::ffff:127.0.0.1]", False),
    ],
)
def test_what_is_this_machine(url, own):
    assert is_loopback(url) is own and is_open(url) is not own
    assert not is_open(url.replace("http:", "https:"))


@pytest.mark.parametrize(
    "url",
    [
        "http://good.example@evil.example/v1",
        "http://@evil.example/v1",
        "http://good.example:80@evil.example/v1",
        "http://good.example\\@evil.example/v1",
        "http://evil.example\\.good.example/v1",
        "http://ex%61mple.org/v1",
        "http://exa\tmple.org/v1",
        "http://good.example /v1",
    ],
)
def test_an_address_that_can_be_read_in_two_ways_is_none(url):
    with pytest.raises(ValueError, match="base_url"):
        checked_url(url)
    with pytest.raises(ValueError, match="base_url"):
        fp.Endpoint(url)


@pytest.mark.parametrize("secret", [{"api_key": KEY}, {"headers": {"x": KEY}}])
def test_a_key_goes_over_http_to_this_machine_alone(secret):
    for url in ("http://127.0.0.1:9/v1", "http://localhost/v1", "https://example.org/v1"):
        fp.Endpoint(url, **secret)
    fp.Endpoint("http://example.org/v1")
    with pytest.raises(ValueError, match="plain_http=True") as caught:
        fp.Endpoint("http://example.org/v1", **secret)
    assert KEY not in str(caught.value)
    fp.Endpoint("http://example.org/v1", plain_http=True, **secret)


def test_neither_does_the_environments(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://example.org/v1")
    with pytest.raises(ElicitationError, match="over http") as caught:
        fp.Endpoint().client("m")
    assert KEY not in str(caught.value)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://example.org\\@evil.example/v1")
    with pytest.raises(ElicitationError, match="OPENAI_BASE_URL is no address"):
        fp.Endpoint().client("m")
