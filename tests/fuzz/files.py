"""Damaged files of every kind: each is read, or refused with one sentence.

``python -m tests.fuzz.files [COUNT] [SEED]`` damages COUNT files, 2,000 by default, and reads each
in a process of limited memory: bytes are flipped, cut out, put in and cut off; attributes, facts
and arrays are replaced by others. What was read is shown, too.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.data.before import make

COUNT, SEED = 2_000, 20_261_129
MEMORY = 3 * 2**30
"""The address space of a process that reads: about twice what the package itself takes."""
PATIENCE = 120
"""Seconds for a file, on a machine that does much else."""
KINDS = tuple(make.MAKERS)

WILD: tuple[Any, ...] = (
    -5,
    0,
    -1,
    1e308,
    2**63 - 1,
    float("nan"),
    float("inf"),
    None,
    True,
    "",
    "x" * 1000,
    "\x1b[2J\u202e",
    "a'] + __import__('os').system('true') #",
    [],
    {},
    [[]],
    {"a": {"a": []}},
    ["a", "a"],
    [1, "a", None],
)


def flipped(raw: bytearray, rng: random.Random) -> bytearray:
    for _ in range(rng.choice((1, 2, 8, 64))):
        raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    return raw


def overwritten(raw: bytearray, rng: random.Random) -> bytearray:
    at, size = rng.randrange(len(raw)), rng.choice((1, 4, 8, 64, 512))
    raw[at : at + size] = rng.choice((bytes(size), b"\xff" * size, rng.randbytes(size)))
    return raw


def head_overwritten(raw: bytearray, rng: random.Random) -> bytearray:
    """Change what comes first, where HDF5 describes the file."""
    for _ in range(rng.choice((1, 3))):
        raw[rng.randrange(8, min(2048, len(raw)))] = rng.randrange(256)
    return raw


def cut(raw: bytearray, rng: random.Random) -> bytearray:
    return raw[: rng.randrange(len(raw))]


def longer(raw: bytearray, rng: random.Random) -> bytearray:
    at = rng.randrange(len(raw))
    raw[at:at] = rng.randbytes(rng.choice((1, 8, 100)))
    return raw


def shorter(raw: bytearray, rng: random.Random) -> bytearray:
    at = rng.randrange(len(raw))
    del raw[at : at + rng.choice((1, 8, 100))]
    return raw


def moved(raw: bytearray, rng: random.Random) -> bytearray:
    size = rng.choice((8, 64, 512))
    a, b = (rng.randrange(max(1, len(raw) - size)) for _ in "ab")
    raw[a : a + size] = raw[b : b + size]
    return raw


BYTES = (flipped, overwritten, head_overwritten, cut, longer, shorter, moved)


def places(file: Any) -> tuple[list[str], list[str]]:
    """Return the paths of all groups and of all arrays."""
    import h5py

    groups, arrays = ["/"], []
    file.visititems(lambda n, x: (arrays if isinstance(x, h5py.Dataset) else groups).append(n))
    return groups, arrays


def plain(value: Any) -> Any:
    """Return what an attribute can hold."""
    import numpy as np

    if isinstance(value, list | dict) or value is None:
        return json.dumps(value)
    return value if not isinstance(value, int) or value is True else np.int64(value)


def attribute(file: Any, rng: random.Random) -> None:
    groups, arrays = places(file)
    item = file[rng.choice(groups + arrays)]
    names = list(item.attrs) or ["more"]
    name = rng.choice(names)
    if rng.random() < 0.2 and name in item.attrs:
        del item.attrs[name]
        return
    item.attrs[name] = plain(rng.choice(WILD))


def leaves(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every container in a JSON value with the key of each of its entries."""
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from leaves(value[key])


def fact(file: Any, rng: random.Random) -> None:
    """Change one entry of a JSON attribute, at any depth; beliefs are JSON within JSON."""
    told = [
        (file[place], name)
        for place in places(file)[0]
        for name, value in file[place].attrs.items()
        if isinstance(value, str) and value.startswith("{")
    ]
    if not told:  # A bootstrap has none.
        attribute(file, rng)
        return
    item, name = rng.choice(told)
    item.attrs[name] = json.dumps(changed(json.loads(item.attrs[name]), rng))


def changed(value: Any, rng: random.Random) -> Any:
    spots = list(leaves(value))
    if not spots:
        return rng.choice(WILD)
    where, key = rng.choice(spots)
    old = where[key]
    if isinstance(old, str) and old.startswith("{"):
        where[key] = json.dumps(changed(json.loads(old), rng))
    elif rng.random() < 0.15:
        del where[key]
    elif rng.random() < 0.15 and isinstance(where, dict):
        where[str(rng.choice(WILD))] = where.pop(key)
    else:
        where[key] = rng.choice(WILD)
    return value


def number(file: Any, rng: random.Random) -> None:
    """Put a number that may not be into an array."""
    import numpy as np

    array = file[rng.choice(places(file)[1])]
    if not array.size:
        return
    values = array[()]
    flat = values.reshape(-1)
    if array.dtype.kind == "f":
        wild: Any = rng.choice((np.nan, np.inf, -np.inf, -1.0, 0.0, 1e308, 5e-324, 2.5))
    elif array.dtype.kind in "iu":
        wild = rng.choice((0, 1, 2, 3, 127))
    else:
        wild = rng.choice(("", "x" * 500, "\x1b[2J", "a"))
    flat[rng.randrange(len(flat)) if rng.random() < 0.7 else slice(None)] = wild
    array[...] = flat.reshape(values.shape)


def array(file: Any, rng: random.Random) -> None:
    """Replace an array by one of another type or shape, or take it away."""
    import h5py
    import numpy as np

    name = rng.choice(places(file)[1])
    old = file[name]
    attrs = {k: v for k, v in old.attrs.items() if k not in ("DIMENSION_LIST", "REFERENCE_LIST")}
    shape = rng.choice((old.shape, (), (0,), (3,), (2, 3), (*old.shape, 1), (10**9,)))
    kind = rng.choice(("f8", "f4", "i8", "u1", "S5", "c16", "V4", "text", "lists", "pairs"))
    kinds: dict[str, Any] = {
        "text": h5py.string_dtype(),
        "lists": h5py.vlen_dtype("f8"),
        "pairs": np.dtype([("a", "f8"), ("b", "i4")]),
    }
    del file[name]
    if rng.random() < 0.15:
        return
    new = file.create_dataset(name, shape, kinds.get(kind, kind))
    if rng.random() < 0.5:
        for key, value in attrs.items():
            new.attrs[key] = value


def link(file: Any, rng: random.Random) -> None:
    """Let a name lead elsewhere."""
    import h5py

    groups, arrays = places(file)
    name, other = rng.choice(arrays), rng.choice(groups + arrays)
    if rng.random() < 0.7:
        del file[name]
    else:
        name = "more"
    kind = rng.randrange(3)
    if kind == 0:
        file[name] = h5py.SoftLink(f"/{other}")
    elif kind == 1:
        file[name] = h5py.ExternalLink("/etc/passwd", "/x")
    elif other in file:
        file[name] = file[other]


INSIDE: tuple[Callable[[Any, random.Random], None], ...] = (
    attribute,
    fact,
    fact,
    number,
    number,
    array,
    link,
)


def damage(kind: str, folder: Path, rng: random.Random) -> tuple[Path, str]:
    """Write a damaged file of a kind, and say how it was damaged."""
    import h5py

    file = make.unpacked(kind, folder)
    done = []
    if rng.random() < 0.6:
        how = rng.choice(INSIDE)
        with h5py.File(file, "r+") as opened:
            how(opened, rng)
        done.append(how.__name__)
    if not done or rng.random() < 0.1:
        spoil = rng.choice(BYTES)
        file.write_bytes(spoil(bytearray(file.read_bytes()), rng))
        done.append(spoil.__name__)
    return file, " and ".join(done)


def judge(kind: str, file: Path) -> str:
    """Read a file and show what it holds; return what came of it."""
    import foundation_priors as fp

    try:
        found = make.READERS[kind].from_netcdf(file)
    except fp.FileError as error:
        text = str(error)
        good = text.endswith(".") and len(text) < 1_000 and text.isprintable()
        return "refused" if good else f"refused with a bad sentence: {text!r}"
    except Exception as error:
        return f"raw {type(error).__name__}: {str(error)[:200]!r}"
    try:
        shown = repr(found), found._repr_html_()
    except fp.FoundationPriorsError:
        return "read"
    except Exception as error:
        return f"shown with a raw {type(error).__name__}: {str(error)[:200]!r}"
    return "read" if "\x1b" not in "".join(shown) else "shown with control characters"


def serve(start: int, stop: int, seed: int) -> None:
    """Read damaged files one after another, and print two lines of JSON for each."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for case in range(start, stop):
            rng = random.Random(f"{seed} {case}")
            kind = KINDS[case % len(KINDS)]
            file, how = damage(kind, Path(folder), rng)
            print(json.dumps({"case": case, "kind": kind, "damage": how}), flush=True)
            signal.alarm(PATIENCE)  # It ends the process, whatever HDF5 is in.
            began = time.perf_counter()
            outcome = judge(kind, file)
            seconds = time.perf_counter() - began
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            print(json.dumps({"outcome": outcome, "seconds": seconds, "peak": peak}), flush=True)


def run(count: int = COUNT, seed: int = SEED) -> list[dict[str, Any]]:
    """Read damaged files in processes, each of which goes on where the last one crashed."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        command = [sys.executable, "-m", "tests.fuzz.files", "serve", str(len(found)), str(count)]
        child = subprocess.Popen([*command, str(seed)], stdout=subprocess.PIPE, text=True)
        try:
            text, _ = child.communicate(timeout=60 + PATIENCE * (count - len(found)))
        finally:
            child.kill()
        lines = [json.loads(line) for line in text.splitlines()]
        pairs = zip(lines[::2], lines[1::2], strict=False)
        found += [{**case, **came} for case, came in pairs]
        if len(lines) % 2:
            found.append({**lines[-1], "outcome": f"crash {child.returncode}", "seconds": 0.0})
        elif child.returncode:
            raise RuntimeError(f"the process that reads ended with {child.returncode}")
    return found


def bad(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the cases that ended otherwise than read or refused."""
    return [one for one in found if one["outcome"] not in ("read", "refused")]


def main() -> None:
    """Run, and say what came of it."""
    if sys.argv[1:2] == ["serve"]:
        serve(*map(int, sys.argv[2:5]))
        return
    given = [int(a.replace(",", "").replace("_", "")) for a in sys.argv[1:3]]
    found = run(*given)
    counts = Counter(one["outcome"].split(":")[0] for one in found)
    slowest = max(found, key=lambda one: one["seconds"])
    peak = max(one.get("peak", 0) for one in found) / 2**10
    print(f"{len(found)} damaged files of {len(KINDS)} kinds: {dict(counts)}")
    print(f"slowest {slowest['seconds']:.1f} s ({slowest['damage']}), memory at most {peak:.0f} MB")
    wrong = bad(found)
    for one in wrong:
        print(one)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
