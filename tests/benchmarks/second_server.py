"""Ask servers that this project did not write, on a CPU and without a network: llama.cpp's.

The same file runs twice: with this project's interpreter it asks, and with the interpreter named
by ``--python`` or ``FOUNDATION_PRIORS_SERVER_PYTHON`` it builds a tiny model of random weights and
serves it, by xllamacpp (llama.cpp's own server) or by llama-cpp-python.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

VARIABLE = "FOUNDATION_PRIORS_SERVER_PYTHON"
KEY = "sk-second-server-0123456789"
PACKAGES = {"xllamacpp": "xllamacpp", "llama-cpp-python": "llama_cpp"}  # and what is imported
HOW = (
    "Make an environment with `python -m venv server && server/bin/pip install xllamacpp gguf` "
    f"(or 'llama-cpp-python[server]' gguf) and name it: --python server/bin/python, or {VARIABLE}."
)
NAME = "random-weights"
WIDTH, HIDDEN, HEADS, LAYERS, CONTEXT = 64, 128, 4, 2, 4096
LIFTS = dict.fromkeys("0123456789{}:, ", 4.0) | dict.fromkeys("CDP", 15.0)
LIFTS |= {"A": 20.0, "B": 19.0, "C": 18.0, '"': 18.0}


# -- the server's side: needs gguf and one of the packages, and nothing of this project


def vocabulary(kinds: Any) -> tuple[list[str], list[Any], list[float]]:
    """Return tokens, their types, and how much more likely than the rest each is.

    What JSON, the options below and their letters begin with is likely, so that log-probabilities
    of these are among the first 20. Tokens are printable ASCII and the 256 bytes, which only the
    prompt may use: drawn at random they would not be UTF-8, and that no trained model writes.
    """
    letters = [chr(code) for code in range(33, 127)]
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{b:02X}>" for b in range(256)), "\u2581", *letters]
    types = [kinds.UNKNOWN, *[kinds.CONTROL] * 2, *[kinds.BYTE] * 256, *[kinds.NORMAL] * 95]
    bias = [*[-30.0] * 2, 0.0, *[-30.0] * 256, *[LIFTS.get(c, 0.0) for c in (" ", *letters)]]
    return tokens, types, bias


def write_model(path: Path) -> None:
    """Write a llama of two layers with random weights."""
    gguf = import_module("gguf")
    writer = gguf.GGUFWriter(str(path), "llama")
    tokens, types, bias = vocabulary(gguf.TokenType)
    writer.add_name("random-weights")
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_types([int(kind) for kind in types])
    writer.add_token_scores([-float(i) for i in range(len(tokens))])
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template(
        "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant: "
    )
    for name, values in weights(bias):
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def weights(bias: list[float]) -> Iterator[tuple[str, Any]]:
    """Yield the tensors; the first coordinate is kept large, so that it carries the bias."""
    import numpy as np

    rng = np.random.default_rng(0)

    def matrix(rows: int, columns: int) -> Any:
        return (rng.normal(size=(rows, columns)) / columns**0.5).astype(np.float32)

    embedding = rng.normal(size=(len(bias), WIDTH)).astype(np.float32)
    embedding[:, 0] = WIDTH**0.5
    yield "token_embd.weight", embedding
    for layer in range(LAYERS):
        for norm in ("attn_norm", "ffn_norm"):
            yield f"blk.{layer}.{norm}.weight", np.ones(WIDTH, np.float32)
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            yield f"blk.{layer}.{name}.weight", matrix(WIDTH, WIDTH)
        for name in ("ffn_gate", "ffn_up"):
            yield f"blk.{layer}.{name}.weight", matrix(HIDDEN, WIDTH)
        yield f"blk.{layer}.ffn_down.weight", matrix(WIDTH, HIDDEN)
    yield "output_norm.weight", np.ones(WIDTH, np.float32)
    output = matrix(len(bias), WIDTH)
    output[:, 0] = np.asarray(bias) / 5  # the coordinate is about 5 after the last norm
    yield "output.weight", output


def serve(package: str, folder: Path, key: str | None) -> None:
    """Serve the model on a free port of the loopback until the asking process is gone."""
    model, keep = folder / "random.gguf", None
    write_model(model)
    if package == "xllamacpp":
        keep = native(model, key)
        address = keep.listening_address
    else:
        address, keep = python_server(model, key)
    (folder / "address.part").write_text(address)
    (folder / "address.part").rename(folder / "address")
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.2)


def native(model: Path, key: str | None) -> Any:
    """Start llama.cpp's own server in this process."""
    llama = import_module("xllamacpp")
    params = llama.CommonParams()
    params.model.path = str(model)
    params.model_alias = {NAME}
    params.hostnames, params.port = ["127.0.0.1"], 0
    params.n_parallel, params.n_ctx = 4, 4 * CONTEXT
    params.cpuparams.n_threads = 1
    params.api_keys = [key] if key else []
    return llama.Server(params)


def python_server(model: Path, key: str | None) -> tuple[str, Any]:
    """Start the server of llama-cpp-python in a thread."""
    from threading import Thread

    app, settings = (import_module(f"llama_cpp.server.{name}") for name in ("app", "settings"))
    given = {"model": str(model), "model_alias": NAME, "n_ctx": CONTEXT, "n_threads": 1}
    made = app.create_app(settings.Settings(**given, api_key=key))
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    uvicorn = import_module("uvicorn")
    server = uvicorn.Server(uvicorn.Config(made, log_level="warning"))
    Thread(target=server.run, args=([listener],), daemon=True).start()
    while not server.started:
        time.sleep(0.05)
    return f"http://127.0.0.1:{listener.getsockname()[1]}", server


# -- the asking side

PROMPT = "A voter, {age} years old, with {educ} years of school, in 1996. {framing}"
FRAMINGS = {"roleplay": "You are this voter.", "plain": "Estimate what this voter would say."}
VOTES = ["Clinton", "Dole", "Perot"]
SETTINGS = {"temperature": 1.0, "max_tokens": 200}
OPEN = {"top_p": 1.0, "extra_body": {"top_k": 0, "min_p": 0.0}}


@contextmanager
def running(python: str, package: str, key: str | None = None) -> Iterator[str]:
    """Run the server in another process, and yield its address."""
    with TemporaryDirectory() as folder, Path(folder, "log").open("wb") as log:
        command = [python, __file__, "--package", package, "--serve", folder]
        command += ["--key", key] if key else []
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            yield wait_for(process, Path(folder)) + "/v1"
        finally:
            process.terminate()
            process.wait(10)


def wait_for(process: subprocess.Popen[bytes], folder: Path, seconds: float = 60) -> str:
    """Return the address that the server has written, or say why there is none."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit and process.poll() is None:
        if (folder / "address").exists():
            return (folder / "address").read_text()
        time.sleep(0.05)
    last = (folder / "log").read_text(errors="replace").strip().rsplit("\n", 1)[-1]
    raise SystemExit(f"The server did not start ({last}). {HOW}")


def found(python: str, package: str) -> str:
    """Return the server's version, or say how to install it."""
    test = f"from importlib.metadata import version; import gguf; import {PACKAGES[package]}"
    command = [python, "-c", f"{test}; print(version({package!r}))"]
    try:
        tried = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        raise SystemExit(f"{python} cannot be run ({error.strerror}). {HOW}") from None
    if tried.returncode:
        raise SystemExit(f"{python} has no {package} and gguf. {HOW}")
    return tried.stdout.strip()


def study(url: str, profiles: int, **changes: Any) -> Any:
    """Return a survey of invented voters."""
    import pandas as pd

    import foundation_priors as fp

    ages, years = [20 + 3 * i for i in range(profiles)], [8 + i % 9 for i in range(profiles)]
    given = {
        "prompt": PROMPT,
        "answer": {"vote": VOTES, "place": range(1, 8), "why": fp.Text(max_length=60)},
        "profiles": pd.DataFrame({"age": ages, "educ": years}),
        "factors": {"framing": FRAMINGS},
        "models": {NAME: fp.Endpoint(url, timeout=60, **changes.pop("endpoint", {}))},
        "settings": SETTINGS | OPEN,
    }
    return fp.Elicitation(**given | changes)


def cases() -> dict[str, dict[str, Any]]:
    """Return what is asked, by name."""
    import foundation_priors as fp

    return {
        "a profile a call": {},
        "ten profiles a call": {"per_call": 10, "settings": SETTINGS | OPEN | {"max_tokens": 2000}},
        "a number with bounds": {"answer": {"wage": fp.Number(0, 5000, unit="cents")}},
        "too few tokens": {"settings": SETTINGS | {"max_tokens": 10}},
        "probabilities": {"answer": {"vote": VOTES}, "probabilities": True, "settings": {}},
    }


def asked(survey: Any, journal: Path) -> dict[str, Any]:
    """Ask a study, replay it, and return what came of it."""
    began = time.perf_counter()
    llm = outcome(lambda: survey.run(journal, draws=2, progress=False))
    seconds = time.perf_counter() - began
    again = outcome(lambda: survey.replay(journal))
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    final = [line for line in lines if line["kind"] == "answer" and line["final"]]
    rejected = Counter(line["rejected"]["reason"] for line in final if line["rejected"])
    more = [line for line in lines if line["kind"] in ("answer", "failure") and line not in final]
    return {
        "calls": len(final),
        "requests": len(final) + len(more),
        "rows": 0 if isinstance(llm, str) else len(llm),
        "rejected": ", ".join(f"{n} {reason}" for reason, n in rejected.items()) or "0",
        "mode": next((line["structured"] for line in lines if line["kind"] == "probe"), "-"),
        "replay": "same" if llm == again or again.identical(llm) else "differs",
        "seconds": f"{seconds:.1f}",
    }


def outcome(act: Callable[[], Any]) -> Any:
    """Return what an act returns, or the sentence of its error."""
    import foundation_priors as fp

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fp.IncompleteWarning)
        try:
            return act()
        except fp.FoundationPriorsError as error:
            return f"{type(error).__name__}: {error}"


def errors(url: str, keyed: str, folder: Path) -> dict[str, Any]:
    """Return what is said where nothing can be asked, and that no journal holds the key."""
    wrong = {
        "no key": (keyed, {}),
        "a wrong key": (keyed, {"api_key": "sk-wrong-0123456789"}),
        "the right key": (keyed, {"api_key": KEY}),
        "a wrong path": (url.replace("/v1", "/v3"), {}),
        "another model's name": (url, {"model": "no-such-model"}),
    }
    said = {}
    for number, (name, (address, endpoint)) in enumerate(wrong.items()):
        letters = {"answer": {"vote": VOTES}, "probabilities": True, "settings": {}}
        survey = study(address, 1, endpoint=endpoint, **letters)
        journal = folder / f"error{number}.jsonl"
        llm = outcome(lambda s=survey, j=journal: s.run(j, progress=False))
        said[name] = llm if isinstance(llm, str) else f"{len(llm)} answers"
    texts = "".join(path.read_text() for path in folder.glob("*.jsonl"))
    assert KEY not in texts and "sk-wrong" not in texts, "a journal holds a key"
    return said


def tails(url: str, draws: int = 1000) -> dict[str, Any]:
    """Draw one letter under several settings, beside the probabilities that the server states."""
    import math

    import openai

    client = openai.OpenAI(base_url=url, api_key="none", max_retries=0)
    lines = "\n".join(f"{letter}: {vote}" for letter, vote in zip("ABC", VOTES, strict=True))
    said = [{"role": "user", "content": f"Answer with one letter only:\n{lines}"}]

    def first(**given: Any) -> Any:
        return client.chat.completions.create(model=NAME, messages=said, max_tokens=1, **given)

    stated = first(logprobs=True, top_logprobs=20).choices[0].logprobs.content[0].top_logprobs
    chances = {entry.token: math.exp(entry.logprob) for entry in reversed(stated)}
    rows: dict[str, Any] = {"stated": [chances[letter] for letter in "ABC"]}
    warm = {"temperature": 1.0}
    for name, given in {"none": {}, "temperature=1": warm, "all open": warm | OPEN}.items():
        drawn = Counter(first(**given).choices[0].message.content for _ in range(draws))
        rows[name] = [drawn[letter] / draws for letter in "ABC"]
    return rows


def main() -> None:
    """Start the servers, ask everything, print the tables, stop the servers."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("--python", default=os.environ.get(VARIABLE) or sys.executable)
    parser.add_argument("--package", default="xllamacpp", choices=PACKAGES)
    parser.add_argument("--profiles", type=int, default=20)
    parser.add_argument("--serve", type=Path, help="serve from this folder (internal)")
    parser.add_argument("--key", help="the only key let in (internal)")
    given = parser.parse_args()
    if given.serve:
        serve(given.package, given.serve, given.key)
        return
    print(f"{given.package} {found(given.python, given.package)}")
    with (
        TemporaryDirectory() as place,
        running(given.python, given.package) as url,
        running(given.python, given.package, KEY) as keyed,
    ):
        folder = Path(place)
        for number, (name, changes) in enumerate(cases().items()):
            row = asked(study(url, given.profiles, **changes), folder / f"{number}.jsonl")
            if not number:
                print(" | ".join(["", "case", *row, ""]).strip())
            print("|", " | ".join(map(str, [name, *row.values()])), "|", flush=True)
        if given.package == "xllamacpp":
            for name, shares in tails(url).items():
                shown = [f"{share:.3f}" for share in (*shares, 1 - sum(shares))]
                print("|", " | ".join([name, *shown]), "|", flush=True)
        for name, sentence in errors(url, keyed, folder).items():
            print(f"- {name}: {sentence}", flush=True)


if __name__ == "__main__":
    main()
