"""A server on the loopback that every test here may script, and no key from the environment."""

from collections.abc import Iterator

import pytest

from tests.elicit.loopback import Loopback


@pytest.fixture(scope="session")
def running() -> Iterator[Loopback]:
    with Loopback() as server:
        yield server


@pytest.fixture
def server(running: Loopback) -> Loopback:
    """Return the server with an empty script: no fault, no delay, nothing counted yet."""
    running.script()
    return running


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
