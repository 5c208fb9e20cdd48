"""A key given in any way is seen by the server alone."""

import copy
import dataclasses
import logging
import pickle
import pprint
import traceback
import warnings
from urllib.parse import quote

import pytest

import foundation_priors as fp
from tests.elicit.surveys import QUICK, lines, survey

# The first looks like a key, the second like any word, the third is spelt otherwise in JSON and
# in addresses.
SECRETS = ["sk-proj-Zq83hfKs02", "tigerlily", 'pa"ss\\wo/rd+=']


def spellings(secret):
    """Return the ways in which a text may hold a secret."""
    escaped = secret.replace("\\", "\\\\").replace('"', '\\"')
    return {secret, repr(secret)[1:-1], escaped, quote(secret), quote(secret, safe="")}


def found(secret, text):
    """Yield what stands around a secret in a text, in any spelling."""
    for spelling in spellings(secret):
        if spelling in text:
            place = text.index(spelling)
            yield text[max(0, place - 100) : place + 40]


def endpoint(way, secret, url, monkeypatch):
    """Give an endpoint a key; every way but ``headers`` sends it as a bearer's token."""
    if way == "environment":
        monkeypatch.setenv("OPENAI_API_KEY", secret)
        monkeypatch.setenv("OPENAI_BASE_URL", url)
        return fp.Endpoint(timeout=10.0)

    async def fresh():
        return secret

    given = {
        "api_key": {"api_key": secret},
        "callable": {"api_key": lambda: secret},
        "coroutine": {"api_key": fresh},
        "headers": {"headers": {"X-Api-Key": secret, "Authorization": f"Bearer {secret}"}},
    }[way]
    return fp.Endpoint(base_url=url, timeout=10.0, **given)


def chain(error):
    """Yield an error and all that it was raised from or during."""
    seen = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def told(error):
    yield from traceback.format_exception(error)
    for part in chain(error):
        yield from (str(part), repr(part), repr(part.args), *getattr(part, "__notes__", ()))


def shown(thing):
    """Yield all that can be seen of an object without going behind its back."""
    yield from (repr(thing), str(thing), pprint.pformat(thing), format(thing))
    if hasattr(thing, "_repr_html_"):
        yield thing._repr_html_()
    if dataclasses.is_dataclass(thing):
        yield repr(dataclasses.asdict(thing))
    yield repr(getattr(thing, "__dict__", ""))
    try:
        stored = pickle.dumps(thing)
    except Exception as error:
        yield from told(error)
    else:
        yield stored.decode("latin-1")


@pytest.fixture
def log(tmp_path):
    """Log everything that any library says, to a file among the others."""
    handler = logging.FileHandler(tmp_path / "debug.log", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    names = ("openai", "httpx", "httpx2", "httpcore", "httpcore2", "asyncio")
    levels = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield
    for name, former in levels.items():
        logging.getLogger(name).setLevel(former)
    root.setLevel(level)
    root.removeHandler(handler)
    handler.close()


@pytest.mark.parametrize("fault", [None, "unauthorized", "echo_key", "echo_in_answer"])
@pytest.mark.parametrize("secret", SECRETS[1:])
@pytest.mark.parametrize("way", ["api_key", "environment", "callable", "coroutine", "headers"])
def test_a_key_is_found_nowhere(way, secret, fault, server, tmp_path, monkeypatch, capfd, log):
    server.script(next=[None, None, *[fault] * 200] if fault else [])
    where = endpoint(way, secret, server.url, monkeypatch)
    study = survey(server.url, 4, models={"m": where})
    texts = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            llm = study.run(journal=tmp_path / "a.jsonl", patience=QUICK)
        except fp.ElicitationError as error:
            # A server that fails at everything stops the run, though a while later.
            assert fault in ("unauthorized", "echo_key")
            texts += [*told(error), *shown(error)]
        else:
            texts += [*shown(llm), repr(llm.provenance)]
            llm.to_netcdf(tmp_path / "a.nc")
    texts += [str(warning.message) for warning in caught]
    assert f"Bearer {secret}" in server.counts()["keys"]
    for thing in (where, study, study.preview(), copy.copy(where), copy.deepcopy(study)):
        texts += shown(thing)
    texts += capfd.readouterr()
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert {"a.jsonl", "debug.log"} <= {p.name for p in files}
    texts += [p.read_text(encoding="utf-8", errors="replace") for p in files]
    texts += [p.name for p in files]
    assert [around for text in texts for around in found(secret, text)] == []


@pytest.mark.parametrize("secret", SECRETS)
def test_a_key_is_found_in_no_batch(secret, server, tmp_path, monkeypatch, capfd, log):
    server.script(next=["echo_key", None])
    where = endpoint("api_key", secret, server.url, monkeypatch)
    study = survey(server.url, 2, models={"m": where})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study.run(journal=tmp_path / "a.jsonl", batch=True, patience=QUICK)
    held = [*tmp_path.rglob("*.jsonl"), tmp_path / "debug.log"]
    texts = [p.read_text(errors="replace") for p in held] + list(capfd.readouterr())
    assert [around for text in texts for around in found(secret, text)] == []


@pytest.mark.parametrize("part", ["tiger:tigerlily@", "tigerlily@"])
def test_a_key_in_an_address_is_refused_unseen(part):
    for url in (f"http://{part}localhost/v1", "http://localhost/v1?api_key=tigerlily"):
        with pytest.raises(ValueError) as caught:
            fp.Endpoint(base_url=url)
        assert not any("tigerlily" in text for text in told(caught.value))


def test_another_server_never_gets_the_key_of_the_environment(server, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-environment")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-administrator")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret")
    survey(server.url, 2).run(journal=tmp_path / "a.jsonl", progress=False)
    keys = server.counts()["keys"]
    assert keys and not any("sk-" in key for key in keys)


def test_without_a_key_openai_is_not_asked(tmp_path):
    study = survey("http://localhost/v1", 2, models={"gpt": fp.Endpoint()})
    with pytest.raises(fp.ElicitationError, match="OPENAI_API_KEY"):
        study.run(journal=tmp_path / "a.jsonl", progress=False)


def test_a_pickled_endpoint_says_that_its_key_is_gone(server, tmp_path):
    where = pickle.loads(pickle.dumps(fp.Endpoint(base_url=server.url, api_key="sk-0123456789")))
    with pytest.raises(fp.ElicitationError, match="pickled"):
        survey(server.url, 2, models={"m": where}).run(journal=tmp_path / "a.jsonl")


def test_the_journal_names_the_server_and_no_header(server, tmp_path):
    where = fp.Endpoint(base_url=server.url, headers={"X-Team": "blueberries"})
    survey(server.url, 2, models={"m": where}).run(journal=tmp_path / "a.jsonl", progress=False)
    assert server.url in str(lines(tmp_path / "a.jsonl")[0]["models"])
    assert "blueberries" not in (tmp_path / "a.jsonl").read_text()


@pytest.mark.parametrize(
    "settings",
    [
        {"extra_headers": {"Authorization": "Bearer s3cret-s3cret"}},
        {"api_key": "s3cret-s3cret"},
        {"extra_body": {"api_key": "s3cret-s3cret"}},
    ],
)
def test_settings_take_no_key(settings):
    with pytest.raises(ValueError, match=r"written into the journal.*Endpoint\(api_key") as caught:
        models = {"m": fp.Endpoint(base_url="http://localhost:1/v1")}
        fp.Elicitation("Vote?", {"vote": ["a", "b"]}, models=models, settings=settings)
    assert "s3cret" not in str(caught.value)
    with pytest.raises(ValueError, match="written into the journal"):
        own = fp.Endpoint(base_url="http://localhost:1/v1", settings=settings)
        fp.Elicitation("Vote?", {"vote": ["a", "b"]}, models={"m": own})
