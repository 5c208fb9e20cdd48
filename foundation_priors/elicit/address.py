"""Addresses of servers: what they must be, and whom a key may be sent to."""

from __future__ import annotations

import ipaddress
import re

__all__ = ["checked_url", "host_of", "is_loopback", "is_open", "same_host", "split_query"]

SECRET = re.compile(r"key|token|sig|secret|pass|auth|cred|code", re.IGNORECASE)
PORT = re.compile(r":\d+$")
ODD = re.compile(r"[\\@%\s\x00-\x1f\x7f]")  # in a host: two readers may read two hosts from it


def checked_url(url: str) -> str:
    """Return an address of a server, or raise if it is none.

    Parameters
    ----------
    url : str
        Of http or https, without a user name, a query or a fragment.

    Returns
    -------
    str
        Without white space around it, and without a slash at its end.

    Raises
    ------
    ValueError
        If it is no such address; what may be a key is not repeated.

    Examples
    --------
    >>> checked_url(" http://localhost:8000/v1/ ")
    'http://localhost:8000/v1'
    """
    from urllib.parse import urlsplit

    text = str(url).strip()
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("base_url is no address: give one as http://localhost:8000/v1.") from None
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError(
            "base_url holds a user name, a password or a query, which may be keys: pass them as"
            " api_key= or headers=, and the address without them."
        )
    if parts.scheme not in ("http", "https") or not host or not _one_host(text, parts.netloc):
        raise ValueError(f"base_url={text!r} is no address: give one as http://localhost:8000/v1.")
    return text.rstrip("/")


def split_query(url: str) -> tuple[str, dict[str, str]]:
    """Take the query off an address where it holds no key, as its names tell.

    Parameters
    ----------
    url : str
        An address, with or without a query.

    Returns
    -------
    tuple of (str, dict of str to str)
        The address without it, and what it says; the whole address where it may hold a key.

    Examples
    --------
    >>> split_query("https://me.example.org/openai/deployments/m?api-version=2024-10-21")
    ('https://me.example.org/openai/deployments/m', {'api-version': '2024-10-21'})
    """
    from urllib.parse import parse_qsl

    address, _, query = str(url).strip().partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    if not pairs or "#" in query or any(SECRET.search(name) for name, _ in pairs):
        return url, {}
    return address, dict(pairs)


def host_of(url: str) -> str:
    """Return the host that a request to an address goes to.

    Parameters
    ----------
    url : str
        The address.

    Returns
    -------
    str
        In ASCII (international names as they are looked up) and lower case, with the port unless
        it is the usual one.

    Examples
    --------
    >>> host_of("https://API.Example.org:443/v1"), host_of("http://localhost:8000")
    ('api.example.org', 'localhost:8000')
    """
    import httpx2

    parsed = httpx2.URL(url)
    host = parsed.raw_host.decode("ascii").lower().rstrip(".")
    named = f"[{host}]" if ":" in host else host
    return named if parsed.port is None else f"{named}:{parsed.port}"


def same_host(typed: str, url: str) -> bool:
    """Return whether what was typed names the host of an address.

    Parameters
    ----------
    typed : str
        A host, with its port where that is not the usual one; on this machine a host without a
        port stands for every port.
    url : str
        The address.

    Returns
    -------
    bool
        It.

    Examples
    --------
    >>> same_host("Example.org:443", "https://example.org/v1"), same_host("a.org", "https://b.org")
    (True, False)
    """
    import httpx2

    scheme, host = url.partition("://")[0], host_of(url)
    try:
        meant = host_of(f"{scheme}://{typed.partition('://')[2] or typed}")
    except (httpx2.InvalidURL, ValueError):
        return False
    every_port = is_loopback(url) and not PORT.search(typed)
    return meant == host or every_port and meant == PORT.sub("", host)


def is_loopback(url: str) -> bool:
    """Return whether an address is this machine's own: localhost, 127.0.0.0/8 or ::1.

    Examples
    --------
    >>> is_loopback("http://127.0.0.2:80"), is_loopback("http://localhost.example.org")
    (True, False)
    """
    import httpx2

    host = httpx2.URL(url).raw_host.decode("ascii").lower().rstrip(".")
    if host == "localhost":
        return True
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return False
    return ip in ipaddress.ip_network("127.0.0.0/8") or str(ip) == "::1"


def is_open(url: str) -> bool:
    """Return whether others can read what is sent to an address: over http, to another machine."""
    return url.partition("://")[0].lower() == "http" and not is_loopback(url)


def _one_host(url: str, place: str) -> bool:
    """Return whether nothing in a host can be read in two ways."""
    import httpx2

    try:
        return not ODD.search(place) and bool(httpx2.URL(url).raw_host)
    except httpx2.InvalidURL:
        return False
