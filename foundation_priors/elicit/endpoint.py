"""Where a language model is asked, and the key that opens it and is never shown."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from foundation_priors.elicit.address import SECRET, checked_url, is_loopback, is_open, split_query
from foundation_priors.elicit.redact import Secret, redact
from foundation_priors.errors import ElicitationError

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["NOT_RECORDED", "Endpoint"]

NOT_RECORDED = "not recorded"
OPENAI = "https://api.openai.com/v1"
NO_KEY = "none"  # what a server without keys is sent, since the client insists on one
CONNECT_SECONDS = 10.0
PLAIN = {"Accept-Encoding": "identity"}  # a few packed bytes may be gigabytes
OPEN = (
    "The key or headers for {where} would go over http, where others can read them: use an https"
    " address or, where the network is your own, pass fp.Endpoint(plain_http=True)."
)


@dataclass(frozen=True)
class Endpoint:
    """A language model behind the protocol of OpenAI's Chat Completions.

    Parameters
    ----------
    base_url : str, optional
        The server's address, as a rule with ``/v1`` at its end; a query, such as Azure's
        ``?api-version=...``, becomes `query`. Default: OpenAI's, or what the
        environment's ``OPENAI_BASE_URL`` says. ``"not recorded"`` for answers that are there, and
        nobody wrote down where they came from: they can be replayed, and no more be asked for.
    model : str, optional
        What the server calls the model. Default: the name that the study gives it.
    api_key : str or callable, optional
        The key, or a function (plain or async) of no arguments that returns a fresh one. Default:
        the environment's ``OPENAI_API_KEY`` where `base_url` is left out, and no key where it is
        given: a key for OpenAI is never sent elsewhere.
    price : tuple of float, optional
        Price of a million tokens of input and of output, in any currency.
    timeout : float
        Seconds after which a request is given up and sent again.
    headers : dict of str, optional
        Further headers, kept as secret as the key.
    settings : dict, optional
        Sampling settings of this model alone; they go before the study's.
    plain_http : bool
        Whether key and headers may go to another machine over http, where whoever is between can
        read them.
    query : dict of str, optional
        What each address has after its question mark, written into the journal: no keys.
    max_bytes : int
        Bytes of a response that are read. Of a longer one the journal keeps the first part, and it
        is asked for again at most once.

    Raises
    ------
    ValueError
        If an argument cannot be meant so.

    Notes
    -----
    The key appears in no repr, copy, pickle or file. A pickled endpoint forgets it.

    Examples
    --------
    >>> Endpoint("http://localhost:11434/v1", model="qwen3", api_key="sk-secret")
    Endpoint(base_url='http://localhost:11434/v1', model='qwen3', api_key=<hidden>)
    >>> Endpoint(price=(0.25, 2)).cost(2_000_000, 1_000_000)
    2.5
    """

    base_url: str | None = None
    model: str | None = None
    api_key: Any = None
    price: tuple[float, float] | None = None
    timeout: float = 600.0
    headers: Any = None
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)
    plain_http: bool = False
    query: Mapping[str, str] = field(default_factory=dict, hash=False)
    max_bytes: int = 1_000_000
    _tokens: Any = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the arguments and hide the secret ones."""
        set_ = object.__setattr__
        if self.base_url not in (None, NOT_RECORDED):
            url, query = split_query(str(self.base_url))
            set_(self, "base_url", checked_url(url))
            set_(self, "query", {**query, **(self.query or {})})
        set_(self, "query", _checked_query(self.query))
        set_(self, "api_key", _checked_key(self.api_key))
        set_(self, "headers", _checked_headers(self.headers))
        set_(self, "price", _checked_price(self.price))
        set_(self, "settings", dict(self.settings or {}))
        set_(self, "_tokens", Secret([]))
        if not self.timeout > 0:
            raise ValueError(f"timeout={self.timeout!r} must be a number of seconds above 0.")
        if not isinstance(self.max_bytes, int) or self.max_bytes < 1:
            raise ValueError(f"max_bytes={self.max_bytes!r} must be a whole number of at least 1.")
        if self.base_url not in (None, NOT_RECORDED) and self._is_read_by_others():
            raise ValueError(OPEN.format(where=f"{self.base_url!r}"))

    def __repr__(self) -> str:
        """Show what may be seen."""
        shown = {
            "base_url": self.base_url,
            "model": self.model,
            "api_key": self.api_key if self.api_key.reveal() is not None else None,
            "price": self.price,
            "headers": self.headers if self.headers.reveal() else None,
            "settings": self.settings or None,
            "query": self.query or None,
        }
        pairs = [f"{name}={value!r}" for name, value in shown.items() if value is not None]
        return f"Endpoint({', '.join(pairs)})"

    @property
    def address(self) -> str:
        """The address that is used: `base_url`, or OpenAI's."""
        return self.base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI

    def record(self, name: str) -> dict[str, Any]:
        """Return what a journal may say about the endpoint.

        Parameters
        ----------
        name : str
            The model's name in the study.

        Returns
        -------
        dict
            Its address, the model, the price and the settings; no key and no headers.
        """
        return {
            "base_url": redact(self.address, self.secrets()),
            "model": self.model or name,
            "price": None if self.price is None else list(self.price),
            "settings": dict(self.settings),
            **({"query": dict(self.query)} if self.query else {}),
        }

    def cost(self, tokens_in: float, tokens_out: float) -> float:
        """Return what that many tokens cost, 0 without a price."""
        if self.price is None:
            return 0.0
        return (tokens_in * self.price[0] + tokens_out * self.price[1]) / 1e6

    def max_output(self, settings: Mapping[str, Any]) -> int | None:
        """Return how many tokens an answer can have at most.

        Parameters
        ----------
        settings : mapping
            The study's sampling settings, over which the endpoint's own go.

        Returns
        -------
        int or None
            None if nothing bounds it.
        """
        merged = {**settings, **self.settings}
        bounds = [merged.get(name) for name in ("max_completion_tokens", "max_tokens")]
        given = [int(bound) for bound in bounds if bound is not None]
        return max(given) if given else None

    def secrets(self) -> list[str]:
        """Return every key that is in use, for `redact` and for nothing else."""
        key = self.api_key.reveal()
        values = [key, *(self.headers.reveal() or {}).values(), *(self._tokens.reveal() or ())]
        if key is None and self.base_url is None:
            values.append(os.environ.get("OPENAI_API_KEY"))
        return [value for value in values if isinstance(value, str) and value]

    def client(self, name: str, connections: int = 100) -> AsyncOpenAI:
        """Return a client that retries nothing by itself.

        Parameters
        ----------
        name : str
            The model's name in the study, for errors.
        connections : int
            How many requests may be under way.

        Returns
        -------
        openai.AsyncOpenAI
            To be closed by the caller.

        Raises
        ------
        ElicitationError
            If there is no key for OpenAI, or no address.
        """
        import httpx2
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient

        from foundation_priors.elicit.transport import bounded

        if self.base_url == NOT_RECORDED:
            raise ElicitationError(
                f"Where model {name!r} was asked is not recorded: replay its answers, or name a"
                " server with fp.Endpoint(base_url=...)."
            )
        try:
            checked_url(self.address)
        except ValueError:
            raise ElicitationError("The environment's OPENAI_BASE_URL is no address.") from None
        key, headers = self._key(name), dict(self.headers.reveal())
        timeout = httpx2.Timeout(self.timeout, connect=min(CONNECT_SECONDS, self.timeout))
        limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)
        client = AsyncOpenAI(
            api_key=self._remembering(key) if callable(key) else key,
            base_url=self.address,
            max_retries=0,
            timeout=timeout,
            default_headers={**PLAIN, **self._silenced(name, key), **headers},
            default_query=dict(self.query) or None,
            http_client=DefaultAsyncHttpxClient(
                timeout=timeout,
                limits=limits,
                event_hooks={"response": [bounded(self.max_bytes)]},
                follow_redirects=False,  # key, headers and prompt would go along
                trust_env=not is_loopback(self.address),  # no proxy stands before this machine
            ),
        )
        client.admin_api_key = None
        if self.base_url is not None:
            client.organization = client.project = None
        return client

    def _key(self, name: str) -> Any:
        if self.api_key.lost or self.headers.lost:
            raise ElicitationError(
                f"The endpoint of model {name!r} was pickled, which leaves its key behind: make it"
                " anew with fp.Endpoint(..., api_key=...)."
            )
        key = self.api_key.reveal()
        if key is None and self.base_url is None:
            key = (os.environ.get("OPENAI_API_KEY") or "").strip() or None
            if key is None:
                raise ElicitationError(
                    f"There is no key for model {name!r}: set the environment's OPENAI_API_KEY,"
                    " pass fp.Endpoint(api_key=...), or name another server with base_url=."
                )
        if key is not None and self.base_url is None and self._is_read_by_others():
            raise ElicitationError(OPEN.format(where=f"model {name!r}"))
        return NO_KEY if key is None else key

    def _is_read_by_others(self) -> bool:
        secret = self.api_key.reveal() is not None or bool(self.headers.reveal())
        return (secret or self.base_url is None) and not self.plain_http and is_open(self.address)

    def _silenced(self, name: str, key: Any) -> dict[str, Any]:
        """Keep what OPENAI_CUSTOM_HEADERS holds, keys as a rule, from other servers."""
        from openai import Omit

        ambient = os.environ.get("OPENAI_CUSTOM_HEADERS", "") if self.base_url else ""
        names = [line.partition(":")[0].strip() for line in ambient.split("\n") if ":" in line]
        silent: dict[str, Any] = {n: Omit() for n in names if n.lower() != "authorization"}
        if len(silent) < len(names):
            if callable(key):
                raise ElicitationError(
                    f"The environment's OPENAI_CUSTOM_HEADERS holds an Authorization that would be"
                    f" sent to the server of model {name!r}: unset it."
                )
            silent["Authorization"] = f"Bearer {key}"
        return silent

    def _remembering(self, key: Callable[[], Any]) -> Callable[[], Any]:
        tokens = self._tokens.reveal()

        async def fresh() -> str:
            value = key()
            if inspect.isawaitable(value):
                value = await value
            token = _clean(value)
            if token not in tokens:
                tokens[:] = [*tokens[-31:], token]  # requests under way still hold the last ones
            return token

        return fresh


def _checked_key(key: Any) -> Secret:
    if isinstance(key, Secret):
        return key
    return Secret(key if key is None or callable(key) else _clean(key))


def _clean(key: Any) -> str:
    """Return a key without the white space that pasting leaves around it."""
    text = key.strip() if isinstance(key, str) else ""
    if not text or not text.isascii() or not text.isprintable():
        raise ValueError(
            "The api_key is no string of printable ASCII characters: copy it again, or pass a"
            " function that returns it."
        )
    return text


def _checked_headers(headers: Any) -> Secret:
    if isinstance(headers, Secret):
        return headers
    return Secret({str(name): _clean(value) for name, value in dict(headers or {}).items()})


def _checked_query(query: Any) -> dict[str, str]:
    pairs = {str(name): str(value) for name, value in dict(query or {}).items()}
    secret = [name for name in pairs if SECRET.search(name)]
    if secret:
        raise ValueError(
            f"query= holds {secret[0]!r}, which may be a key, and is written into the journal: pass"
            " it as api_key= or headers=."
        )
    return pairs


def _checked_price(price: Any) -> tuple[float, float] | None:
    if price is None:
        return None
    try:
        into, out = (float(value) for value in price)
    except (TypeError, ValueError):
        into = out = -1.0
    if not (0 <= into < float("inf") and 0 <= out < float("inf")):
        raise ValueError(
            f"price={price!r} must be two numbers: of a million tokens of input, and of output."
        )
    return into, out
