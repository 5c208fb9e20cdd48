"""Files that others have made: what asks for more than reading numbers and texts is refused."""

import json
import os
import pickle
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import foundation_priors as fp
from foundation_priors import hdf5
from foundation_priors.elicit.journal import Journal
from foundation_priors.elicit.lines import read as read_journal
from foundation_priors.netcdf import NESTED
from foundation_priors.ordinary import regular, stored_bytes
from tests.data.before import make

KINDS = ("answers", "coin", "beliefs", "bootstrap", "anchored")
SECRET = b"a secret of the reader's own disk"


def first_array(file: h5py.File) -> tuple[h5py.Group, str]:
    """Return an array of numbers that is no dimension, and where it is."""
    found: list[str] = []

    def look(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.dtype.kind == "f" and "CLASS" not in item.attrs:
            found.append(name)

    file.visititems(look)
    group, _, name = found[0].rpartition("/")
    return (file[group] if group else file), name


def again(file: h5py.File, **how: Any) -> None:
    """Make an array anew, in another way."""
    group, name = first_array(file)
    values, attrs = group[name][()], dict(group[name].attrs)
    del group[name]
    new = group.create_dataset(name, **({"data": values} | how))
    for key, value in attrs.items():
        if key != "DIMENSION_LIST":
            new.attrs[key] = value


def external_storage(file: h5py.File) -> None:
    secret = Path(file.filename).with_name("secret.bin")
    secret.write_bytes(SECRET * 10)
    again(file, data=None, shape=(4,), dtype="f8", external=[(str(secret), 0, 32)])


def external_link(file: h5py.File) -> None:
    other = Path(file.filename).with_name("other.h5")
    with h5py.File(other, "w") as made:
        made["x"] = 1.0
    file["more"] = h5py.ExternalLink(str(other), "/x")


def soft_link(file: h5py.File) -> None:
    group, name = first_array(file)
    file["more"] = h5py.SoftLink(f"{group.name}/{name}")


def circle(file: h5py.File) -> None:
    file.create_group("more")["again"] = file["/"]


def two_names(file: h5py.File) -> None:
    group, name = first_array(file)
    file["more"] = group[name]


def virtual(file: h5py.File) -> None:
    other = Path(file.filename).with_name("other.h5")
    with h5py.File(other, "w") as made:
        made["x"] = np.ones(4)
    layout = h5py.VirtualLayout(shape=(4,), dtype="f8")
    layout[:] = h5py.VirtualSource(str(other), "x", shape=(4,))
    group, name = first_array(file)
    del group[name]
    group.create_virtual_dataset(name, layout)


def own_type(file: h5py.File) -> None:
    file["more"] = np.dtype("f8")


def of_own_type(file: h5py.File) -> None:
    file["kind"] = np.dtype("f8")
    kind = file["kind"]
    file.create_dataset("more", data=np.ones(3), dtype=kind)
    del file["kind"]


def deep(file: h5py.File) -> None:
    file.create_group("/".join("more"[:1] * 12))


def attributes(file: h5py.File) -> None:
    inner = file.create_group("more", track_order=True)
    for number in range(hdf5.ATTRIBUTES + 1):
        inner.attrs[f"a{number}"] = 1


def huge(file: h5py.File) -> None:
    file.create_dataset("more", shape=(10**12,), dtype="f8")


def huge_and_packed(file: h5py.File) -> None:
    file.create_dataset("more", data=np.zeros(3 * 10**6), chunks=(10**6,), compression="gzip")


def huge_chunk(file: h5py.File) -> None:
    file.create_dataset("more", shape=(3,), maxshape=(None,), chunks=(10**8,), dtype="f8")


def packed(values: bytes, file: h5py.File) -> None:
    """Write a chunk that says it holds ten numbers."""
    data = file.create_dataset("more", shape=(10,), chunks=(10,), dtype="f8", compression="gzip")
    data.id.write_direct_chunk((0,), zlib.compress(values))


def long_chunk(file: h5py.File) -> None:
    packed(bytes(10**7), file)


def one_text_often(file: h5py.File) -> None:
    """Point from each of many places to one long text."""
    kind = h5py.string_dtype()
    text = file.create_dataset("more", data=["x" * 300_000] + ["y"] * 2_000, dtype=kind)
    at = text.id.get_offset()
    file.flush()
    with open(file.filename, "r+b") as raw:
        raw.seek(at)
        place = raw.read(16)
        raw.seek(at)
        raw.write(place * 2_001)


def one_text_often_packed(file: h5py.File) -> None:
    kind = h5py.string_dtype()
    text = file.create_dataset("more", data=["x" * 300_000], dtype=kind)
    file.flush()
    with open(file.filename, "rb") as raw:
        raw.seek(text.id.get_offset())
        place = raw.read(16)
    many = file.create_dataset("most", (2_000,), kind, chunks=(2_000,), compression="gzip")
    many.id.write_direct_chunk((0,), zlib.compress(place * 2_000))


def unstored_texts(file: h5py.File) -> None:
    file.create_dataset("more", shape=(1000,), dtype=h5py.string_dtype(), fillvalue="x" * 10_000)


STRUCTURES: dict[str, Callable[[h5py.File], None]] = {
    "external storage": external_storage,
    "external link": external_link,
    "soft link": soft_link,
    "dangling link": lambda f: f.__setitem__("more", h5py.SoftLink("/nowhere")),
    "circle": circle,
    "two names": two_names,
    "virtual": virtual,
    "a type": own_type,
    "of a type": of_own_type,
    "lzf": lambda f: again(f, chunks=True, compression="lzf"),
    "fletcher32": lambda f: again(f, chunks=True, fletcher32=True),
    "scaleoffset": lambda f: again(f, chunks=True, scaleoffset=3),
    "compound": lambda f: again(f, data=np.zeros(3, [("a", "f8"), ("b", "i4")])),
    "enum": lambda f: again(f, data=np.zeros(3, h5py.enum_dtype({"a": 0, "b": 1}))),
    "boolean": lambda f: again(f, data=np.zeros(3, bool)),
    "references": lambda f: again(f, data=np.array([f.ref], dtype=h5py.ref_dtype)),
    "lists": lambda f: again(f, data=None, shape=(3,), dtype=h5py.vlen_dtype("i4")),
    "bytes of no type": lambda f: again(f, data=np.zeros(3, "V8")),
    "array of arrays": lambda f: again(f, data=None, shape=(3,), dtype=np.dtype(("f8", (2,)))),
    "complex": lambda f: again(f, data=np.zeros(3, complex)),
    "pickled": lambda f: again(f, data=np.void(pickle.dumps(print))),
    "no shape": lambda f: again(f, data=h5py.Empty("f8")),
    "no shape of an attribute": lambda f: f.attrs.__setitem__("more", h5py.Empty("f8")),
    "list in an attribute": lambda f: h5py.h5a.create(
        f["/"].id,
        b"more",
        h5py.h5t.py_create(h5py.vlen_dtype("i4")),
        h5py.h5s.create_simple((1,)),
    ),
    "texts in an attribute": lambda f: f.attrs.__setitem__("more", ["x"] * 200),
    "deep": deep,
    "attributes": attributes,
    "huge": huge,
    "huge and packed": huge_and_packed,
    "huge chunk": huge_chunk,
    "long chunk": long_chunk,
    "one text often": one_text_often,
    "one text often, packed": one_text_often_packed,
    "unstored texts": unstored_texts,
    "bytes that are no text": lambda f: f.attrs.__setitem__("more", np.bytes_(b"\xff\xfe")),
}


def refused(name: str, file: Path, **how: Any) -> str:
    """Read a file, and return the one sentence with which it is refused."""
    with pytest.raises(fp.FileError) as caught:
        make.READERS[name].from_netcdf(file, **how)
    text = str(caught.value)
    assert isinstance(caught.value, OSError) and isinstance(caught.value, ValueError)
    assert "\n" not in text and len(text) < 700 and repr(str(file)) in text and text.endswith(".")
    return text


@pytest.mark.parametrize(("number", "damage"), list(enumerate(STRUCTURES)))
def test_what_no_file_needs_is_refused(number: int, damage: str, tmp_path: Path) -> None:
    """Readers of all kinds open files in one way, so that each damage is tried with one of them."""
    name = KINDS[number % len(KINDS)]
    file = make.unpacked(name, tmp_path)
    with h5py.File(file, "r+") as opened:
        STRUCTURES[damage](opened)
    assert SECRET.decode()[:8] not in refused(name, file)


def test_many_groups_are_refused_before_they_are_read(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(hdf5, "OBJECTS", 40)
    file = make.unpacked("answers", tmp_path)
    make.READERS["answers"].from_netcdf(file)
    with h5py.File(file, "r+") as opened:
        for number in range(50):
            opened.create_group(f"more{number}")
    assert "more than 40 groups" in refused("answers", file)


@pytest.mark.parametrize("name", KINDS)
def test_gzip_and_shuffle_are_read(name: str, tmp_path: Path) -> None:
    file = make.unpacked(name, tmp_path)
    before = make.numbers(make.READERS[name].from_netcdf(file))
    with xr.open_datatree(file, engine="h5netcdf", decode_cf=False) as opened:
        tree = opened.load()
    how = {"zlib": True, "shuffle": True, "_FillValue": None}
    packed = {
        node.path: {n: how if v.ndim and v.size else {} for n, v in node.dataset.variables.items()}
        for node in tree.subtree
    }
    tree.to_netcdf(tmp_path / "packed.nc", engine="h5netcdf", encoding=packed)
    with h5py.File(tmp_path / "packed.nc") as opened:
        group, array = first_array(opened)
        assert group[array].compression == "gzip" and group[array].shuffle
    after = make.numbers(make.READERS[name].from_netcdf(tmp_path / "packed.nc"))
    assert json.dumps(after, sort_keys=True) == json.dumps(before, sort_keys=True)


@pytest.mark.parametrize("name", KINDS)
def test_the_reader_may_be_given_less_memory(name: str, tmp_path: Path) -> None:
    file = make.unpacked(name, tmp_path)
    make.READERS[name].from_netcdf(file, max_bytes=10**6)
    assert "max_bytes=100 allows no more" in refused(name, file, max_bytes=100)
    make.READERS[name].from_netcdf(file, max_bytes=1e6)
    for limit in (-1, 0, 0.5, np.nan, np.inf, "1GB", True, None):
        with pytest.raises((ValueError, TypeError), match="whole number of bytes") as caught:
            make.READERS[name].from_netcdf(file, max_bytes=limit)
        assert not isinstance(caught.value, fp.FileError)
    with pytest.raises(TypeError, match="no name of a file"):
        make.READERS[name].from_netcdf(None)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
@pytest.mark.parametrize("name", KINDS)
def test_what_is_no_file_is_refused(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.nc")
    assert "a pipe, a socket or a device" in refused(name, tmp_path / "pipe.nc")
    (tmp_path / "folder.nc").mkdir()
    assert "is a folder" in refused(name, tmp_path / "folder.nc")
    (tmp_path / "empty.nc").write_bytes(b"")
    assert "cut short" in refused(name, tmp_path / "empty.nc")
    with pytest.raises(FileNotFoundError, match="There is no file"):
        make.READERS[name].from_netcdf(tmp_path / "none.nc")
    assert "device" in refused(name, Path("/dev/null"))


@pytest.mark.parametrize("name", KINDS)
def test_a_heap_of_texts_without_end_is_refused(name: str, tmp_path: Path) -> None:
    """HDF5 would step by the length of a free part, 0, for ever."""
    file = make.unpacked(name, tmp_path)
    raw = bytearray(file.read_bytes())
    start = raw.index(b"GCOL\x01")
    raw[start + 16 : start + 32] = bytes(16)
    file.write_bytes(raw)
    assert "its texts are damaged" in refused(name, file)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_lines_of_json_come_from_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    with pytest.raises(fp.FileError, match="a pipe, a socket or a device"):
        fp.SyntheticData.from_jsonl(tmp_path / "pipe.jsonl", outcome="y")
    (tmp_path / "deep.jsonl").write_text("[" * 100_000)
    with pytest.raises(ValueError, match="Line 1 is not JSON"):
        fp.SyntheticData.from_jsonl(tmp_path / "deep.jsonl", outcome="y")


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "{}", '{"said": 3}', "[" * 100_000])
def test_what_is_no_belief(text: str) -> None:
    with pytest.raises(fp.ColumnError, match="This is no JSON of a belief") as caught:
        fp.Belief.from_json(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["answers", "coin"])
@pytest.mark.parametrize("kind", ["answers", "coin", "bootstrap", "anchored"])
def test_files_of_another_kind(name: str, kind: str, tmp_path: Path) -> None:
    if name != kind:
        text = refused(name, make.unpacked(kind, tmp_path))
        assert "holds no SyntheticData" in text or "does not hold a TrustPath" in text
        reader = {"answers": "SyntheticData", "coin": "TrustPath", "bootstrap": "BootstrapPath"}
        assert f"read it with fp.{reader.get(kind, 'trust.Anchored')}.from_netcdf." in text


def facts(**new: Any) -> Callable[[h5py.File], None]:
    """Return a damage that changes facts; None leaves one out."""

    def damage(file: h5py.File) -> None:
        found = json.loads(file.attrs["facts"])
        found.update(new)
        for name, value in new.items():
            if value is None:
                del found[name]
        file.attrs["facts"] = json.dumps(found)

    return damage


def put(place: str, value: Any, at: Any = 0) -> Callable[[h5py.File], None]:
    """Return a damage that puts a number into an array."""

    def damage(file: h5py.File) -> None:
        values = file[place][()]
        values[at] = value
        file[place][...] = values

    return damage


def attr(name: str, value: Any, place: str = "/") -> Callable[[h5py.File], None]:
    def damage(file: h5py.File) -> None:
        file[place].attrs[name] = value

    return damage


def gone(place: str) -> Callable[[h5py.File], None]:
    return lambda file: file.__delitem__(place)


def meaning(change: Callable[[dict], object]) -> Callable[[h5py.File], None]:
    """Return a damage that changes what the columns of answers mean."""

    def damage(file: h5py.File) -> None:
        found = json.loads(file.attrs["foundation_priors_synthetic"])
        change(found)
        file.attrs["foundation_priors_synthetic"] = json.dumps(found)

    return damage


def beliefs(change: Callable[[list[dict]], object]) -> Callable[[h5py.File], None]:
    def damage(file: h5py.File) -> None:
        found = json.loads(file["synthetic"].attrs["foundation_priors_beliefs"])
        told = [json.loads(b) for b in found["beliefs"]]
        change(told)
        found["beliefs"] = [json.dumps(b) for b in told]
        file["synthetic"].attrs["foundation_priors_beliefs"] = json.dumps(found)

    return damage


ANCHORS = "posterior/anchors"
NUMBERS: dict[str, tuple[str, Callable[[h5py.File], None]]] = {
    "n_real -5": ("coin", facts(n_real=-5)),
    "n_real 0": ("coin", facts(n_real=0)),
    "a seed below 0": ("coin", facts(seed=-1)),
    "worth below 0": ("coin", facts(worth=[-5.0])),
    "worth without end": ("coin", facts(worth=[float("inf")])),
    "far ell": ("coin", put(f"{ANCHORS}/ell", 1e308)),
    "far ell of the prior": ("coin", put("prior/anchors/ell", 1e308)),
    "far u": ("coin", put(f"{ANCHORS}/u", -1e308)),
    "endless draws": ("coin", put("posterior/draws/theta", np.inf)),
    "endless effect": ("votes", meaning(lambda m: m.update(effects=[[["vote"], np.inf, "none"]]))),
    "endless mass": ("bootstrap", attr("mass", np.inf)),
    "n_real 1.5": ("coin", facts(n_real=1.5)),
    "n_real true": ("coin", facts(n_real=True)),
    "n_real gone": ("coin", facts(n_real=None)),
    "n_real of text": ("coin", facts(n_real="5")),
    "max_trust -1": ("coin", facts(max_trust=-1)),
    "max_trust 0": ("coin", facts(max_trust=0)),
    "max_trust nan": ("coin", facts(max_trust=float("nan"))),
    "more sources": ("coin", facts(sources=["a", "b"], worth=[1, 2])),
    "no sources": ("coin", facts(sources=[], worth=[])),
    "sources of numbers": ("coin", facts(sources=[1])),
    "sources of one name": ("framings", facts(sources=["plain", "plain"])),
    "worth short": ("framings", facts(worth=[1.0])),
    "worth of text": ("coin", facts(worth=["a"])),
    "coincide 2": ("coin", facts(coincide=2)),
    "private a list": ("coin", facts(private=["a"])),
    "links nested": ("coin", facts(links={"a": {"b": 1}})),
    "coordinates overlap": ("linked", facts(coordinates={"a": [0, 2], "beta": [1, 3]})),
    "coordinates gone": ("coin", facts(coordinates=None)),
    "coordinates of others": ("coin", facts(coordinates={"phi": [0, 1]})),
    "a seed of text": ("coin", facts(seed="__import__('os')")),
    "facts of tomorrow": ("coin", facts(tomorrow=1)),
    "facts a number": ("coin", attr("facts", 3)),
    "facts gone": ("coin", lambda f: f.attrs.__delitem__("facts")),
    "facts no JSON": ("coin", attr("facts", "{")),
    "facts a list": ("coin", attr("facts", "[]")),
    "facts deep": ("coin", attr("facts", "[" * 100_000)),
    "facts nested": ("coin", facts(columns=json.loads("[" * 300 + "]" * 300))),
    "a long number": ("coin", attr("facts", "1" * 10_000)),
    "version of text": ("coin", attr("version", "one")),
    "version 0": ("coin", attr("version", 0)),
    "version nan": ("coin", attr("version", np.nan)),
    "grid -1": ("coin", put("trust", -1.0)),
    "grid nan": ("coin", put("trust", np.nan, 3)),
    "grid falls": ("coin", put("trust", 0.5, 3)),
    "grid beyond": ("coin", put("trust", 7.0, -1)),
    "draws nan": ("coin", put("posterior/draws/theta", np.nan, 2)),
    "prior draws nan": ("coin", put("prior/draws/theta", np.nan, 2)),
    "u nan": ("coin", put(f"{ANCHORS}/u", np.nan)),
    "u inf": ("coin", put(f"{ANCHORS}/u", np.inf)),
    "base nan": ("coin", put(f"{ANCHORS}/base", np.nan)),
    "ell inf": ("coin", put(f"{ANCHORS}/ell", np.inf)),
    "ess -1": ("coin", put(f"{ANCHORS}/ess", -1.0)),
    "ess nan": ("coin", put(f"{ANCHORS}/ess", np.nan)),
    "ess large": ("coin", put(f"{ANCHORS}/ess", 1e9)),
    "r_hat nan": ("coin", put(f"{ANCHORS}/r_hat", np.nan)),
    "chains 0": ("coin", put(f"{ANCHORS}/chains", 0)),
    "chains -2": ("coin", put(f"{ANCHORS}/chains", -2)),
    "chains many": ("coin", put(f"{ANCHORS}/chains", 2**40)),
    "draws many": ("coin", put(f"{ANCHORS}/draws", 10**6)),
    "anchor at -1": ("coin", put(f"{ANCHORS}/trust", -1.0)),
    "known 2": ("coin", put(f"{ANCHORS}/known", 2)),
    "reference of -1": ("coin", put(f"{ANCHORS}/reference_df", -1.0)),
    "reference without spread": ("coin", put("prior/anchors/reference_scale", 0.0, slice(None))),
    "anchors gone": ("coin", gone(ANCHORS)),
    "u gone": ("coin", gone(f"{ANCHORS}/u")),
    "draws gone": ("coin", gone("posterior/draws/theta")),
    "answers gone": ("coin", gone("synthetic")),
    "a gradient gone": ("coin", gone("gradients/real data|grad")),
    "levels lost": ("answers", meaning(lambda m: m["schema"]["levels"].update(party=["x"]))),
    "levels nested": ("answers", meaning(lambda m: m["schema"]["levels"].update(y=[[1]]))),
    "levels gone": ("answers", meaning(lambda m: m["schema"].pop("levels"))),
    "an outcome of none": ("answers", meaning(lambda m: m["schema"].update(outcomes=["q"]))),
    "no outcomes": ("answers", meaning(lambda m: m["schema"].update(outcomes=[]))),
    "a unit of none": ("answers", meaning(lambda m: m["schema"].update(unit="q"))),
    "a unit of numbers": ("answers", meaning(lambda m: m["schema"].update(unit=3))),
    "weight of none": ("answers", meaning(lambda m: m["schema"].update(weight="q"))),
    "schema a list": ("answers", meaning(lambda m: m.update(schema=[]))),
    "schema of tomorrow": ("answers", meaning(lambda m: m["schema"].update(tomorrow=1))),
    "order gone": ("answers", meaning(lambda m: m.pop("order"))),
    "order twice": ("answers", meaning(lambda m: m["order"].append("y"))),
    "notes gone": ("answers", meaning(lambda m: m["notes"].pop("y"))),
    "a long type": ("answers", meaning(lambda m: m["notes"]["y"].update(dtype="U100000000"))),
    "an object type": ("answers", meaning(lambda m: m["notes"]["z"].update(dtype="O"))),
    "a type of none": ("answers", meaning(lambda m: m["notes"]["z"].update(dtype="zz"))),
    "another type": ("answers", meaning(lambda m: m["notes"]["z"].update(dtype="int8"))),
    "attributes a list": ("answers", meaning(lambda m: m["notes"]["z"].update(attrs=[1]))),
    "provenance a list": ("answers", meaning(lambda m: m["schema"].update(provenance=[]))),
    "format of text": ("answers", meaning(lambda m: m.update(format="1"))),
    "weight -1": ("answers", put("fp_weight", -1.0)),
    "weight nan": ("answers", put("fp_weight", np.nan)),
    "weights 0": ("answers", put("fp_weight", 0.0, slice(None))),
    "yes 3": ("answers", put("yes", 3)),
    "covariate nan": ("answers", put("z", np.nan)),
    "column gone": ("answers", gone("z")),
    "chance 1.2": ("chances", put("chance", 1.2)),
    "chance nan": ("chances", put("chance", np.nan)),
    "belief weights": ("beliefs", beliefs(lambda b: b[0]["said"].update(weights=[-1, 2]))),
    "belief crosses": ("beliefs", beliefs(lambda b: b[1]["said"].update(at=[3, 2, 1]))),
    "belief nan": ("beliefs", beliefs(lambda b: b[1]["said"].update(at=[float("nan"), 2, 3]))),
    "belief of a chance": (
        "beliefs",
        beliefs(lambda b: b[1]["said"].update(probabilities=[0.1, 0.5, 1.5])),
    ),
    "belief sd": (
        "beliefs",
        beliefs(lambda b: b[1].update(said={"said": "moments", "mean": 0, "sd": -1})),
    ),
    "belief of nothing": ("beliefs", beliefs(lambda b: b[1].pop("said"))),
    "belief source": ("beliefs", beliefs(lambda b: b[1].update(source=["a"]))),
    "no beliefs": ("beliefs", beliefs(lambda b: b.clear())),
    "bootstrap n_real": ("bootstrap", attr("n_real", -5)),
    "bootstrap mass": ("bootstrap", attr("mass", np.nan)),
    "bootstrap mass text": ("bootstrap", attr("mass", "x")),
    "bootstrap nan": ("bootstrap", put("beta", np.nan)),
    "bootstrap falls": ("bootstrap", put("concentration", -1.0, 1)),
    "bootstrap gone": ("bootstrap", gone("concentration")),
    "anchored n_pairs": ("anchored", facts(n_pairs=-1)),
    "anchored gone": ("anchored", facts(n_pairs=None)),
    "anchored nan": ("anchored", put("posterior/mu", np.nan)),
    "anchored ell": ("anchored", gone("posterior/fp_loglik")),
    "anchored group": ("anchored", gone("without_answers")),
}


@pytest.mark.parametrize("damage", NUMBERS)
def test_numbers_that_cannot_be_are_refused(damage: str, tmp_path: Path) -> None:
    name, change = NUMBERS[damage]
    file = make.unpacked(name, tmp_path)
    with h5py.File(file, "r+") as opened:
        change(opened)
    refused(name, file)


@pytest.mark.parametrize("name", KINDS)
def test_a_later_version_says_so(name: str, tmp_path: Path) -> None:
    file = make.unpacked(name, tmp_path)
    with h5py.File(file, "r+") as opened:
        if name == "answers":
            meaning(lambda m: m.update(format=99))(opened)
        else:
            opened.attrs["version"] = 99
    text = refused(name, file)
    assert "version 99" in text and "later version" in text and "upgrade" in text


def test_deep_provenance_of_ones_own_comes_back(tmp_path: Path) -> None:
    deep: Any = []
    for _ in range(NESTED - 10):
        deep = [deep]
    said = make.votes()
    said = fp.SyntheticData(said.dataset, outcome="heads", provenance={"deep": deep})
    said.to_netcdf(tmp_path / "deep.nc")
    assert fp.SyntheticData.from_netcdf(tmp_path / "deep.nc").identical(said)


def test_what_is_pickled_is_never_unpickled(tmp_path: Path) -> None:
    """A pickle that would make a file when it is read lies in an array, an attribute and a text."""

    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "sprung",)

    trap = pickle.dumps(Trap())
    for name in KINDS:
        file = make.unpacked(name, tmp_path)
        with h5py.File(file, "r+") as opened:
            opened.create_dataset("more", data=np.frombuffer(trap, np.uint8))
            opened.attrs["pickled"] = np.frombuffer(trap, np.uint8)
            opened.attrs["text"] = trap.decode("latin-1").replace("\0", "")
        try:
            make.READERS[name].from_netcdf(file)
        except fp.FileError:
            pass
    assert not (tmp_path / "sprung").exists()


def test_control_characters_are_shown_escaped(tmp_path: Path) -> None:
    file = make.unpacked("coin", tmp_path)
    with h5py.File(file, "r+") as opened:
        facts(n_real="\x1b[2J")(opened)
    assert "\x1b" not in refused("coin", file)
    with h5py.File(make.unpacked("votes", tmp_path), "r+") as opened:
        opened["source"][...] = np.array(["\x1b[2J\u202e"] * 10, dtype=object)
    said = fp.SyntheticData.from_netcdf(tmp_path / "votes.nc")
    assert said.sources == ("\x1b[2J\u202e",)
    for text in (repr(said), said._repr_html_()):
        assert r"\x1b[2J\u202e" in text and not {"\x1b", "\u202e"} & set(text)


# Holes


def test_a_file_of_holes_is_refused_before_it_is_read(tmp_path):
    """Two gigabytes of which a few thousand bytes are stored, in each kind of file."""
    llm = fp.SyntheticData.from_dataframe(
        pd.DataFrame({"x": [0.0, 1.0], "y": [0.0, 1.0]}), outcome="y", weight=1
    )
    packed, lines, journal = (tmp_path / name for name in ("a.nc", "a.jsonl", "j.jsonl"))
    llm.to_netcdf(packed)
    lines.write_text('{"x": 1, "y": 2}\n')
    journal.write_text('{"kind":"study","version":"ab"}\n')
    for file in (packed, lines, journal):
        os.truncate(file, 2**31)
    if packed.stat().st_blocks * 512 > 2**24:
        pytest.skip("this file system has no holes")
    readers = [
        lambda: fp.SyntheticData.from_netcdf(packed),
        lambda: fp.TrustPath.from_netcdf(packed),
        lambda: fp.SyntheticData.from_jsonl(lines, outcome="y"),
        lambda: list(read_journal(journal)),
        lambda: Journal(journal),
    ]
    tracemalloc.start()
    for reader in readers:
        with pytest.raises(fp.FoundationPriorsError, match="made of holes") as caught:
            reader()
        assert "\n" not in str(caught.value) and "cannot be read" not in str(caught.value)
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()
    assert journal.stat().st_size == 2**31 and not list(tmp_path.glob("*.torn"))


def test_an_array_of_holes_is_refused(tmp_path):
    """An array whose place is kept and never written, behind what is stored in plenty."""
    packed = tmp_path / "a.nc"
    frame = pd.DataFrame({"x": np.random.default_rng(1).normal(size=200_000), "y": 0.0})
    fp.SyntheticData.from_dataframe(frame, outcome="y", weight=1).to_netcdf(packed)
    with h5py.File(packed, "r+") as file:
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plan.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        plan.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
        space = h5py.h5s.create_simple((2**25,))
        h5py.h5d.create(file.id, b"big", h5py.h5t.NATIVE_DOUBLE, space, plan)
    if packed.stat().st_blocks * 512 > 2**24:
        pytest.skip("this file system has no holes")
    with open(packed, "rb") as file:
        assert 1.6e6 < stored_bytes(file.fileno()) < 2**23 < packed.stat().st_size
    with hdf5._opened(str(packed)) as (handle, _, size):
        survey = hdf5.Survey(size, 2**20, 2**40)
        with pytest.raises(hdf5.Damaged, match="times as many"):
            survey.group(handle["/"].id, "", 0)


def test_a_file_system_that_tells_of_no_holes(tmp_path, monkeypatch):
    file = tmp_path / "a"
    file.write_bytes(b"abc")
    os.truncate(file, 2**25)
    monkeypatch.delattr(os, "SEEK_DATA")
    with open(file, "rb") as opened:
        assert stored_bytes(opened.fileno()) == 2**25
    assert regular(file) == str(file)
