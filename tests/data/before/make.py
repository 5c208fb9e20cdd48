"""Write the small files of this folder, of each kind that the package writes.

They were written at commit 41cf991, the last before readers took earlier versions, and are never
written again: what was saved then must be read as it was, by every later version. They are packed
with gzip. ``numbers.json`` holds what the readers of that commit found in them, by `numbers`. Run
``python -m tests.data.before.make FOLDER`` at that commit to see how they were made.
"""

import gzip
import json
import sys
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm

import foundation_priors as fp

HERE = Path(__file__).parent
KEPT = 12
"""Draws of each chain that are kept, so that the files stay small."""


def answers() -> fp.SyntheticData:
    """Return answers with columns of every type, levels, weights and provenance."""
    frame = pd.DataFrame(
        {
            "y": np.array([1, 2, 3], dtype=np.int16),
            "z": [0.1, 1e300, -0.0],
            "yes": [True, False, True],
            "party": pd.Categorical(["b", None, "a"], ["c", "b", "a"], ordered=True),
            "note": ["", None, "<missing>"],
            "persona": ["\u00fc \u2603", None, "line\nbreak"],
            "draw": pd.array([1, None, 3], dtype="Int64"),
            "asked": np.array(["2026-01-02T03:04:05.123456", "NaT", "1500-01-01"], dtype="M8[us]"),
            "took": pd.to_timedelta(["1s", None, "2D"]),
            "big": np.array([0, 1, 2**64 - 1], dtype=np.uint64),
        }
    )
    return fp.SyntheticData.from_dataframe(
        frame,
        outcome=["y", "yes"],
        source="gpt",
        cluster="big",
        weight=[0.1, 0.2, 0.3],
        levels={"y": [3, 2, 1]},
        provenance={"prompts": {"a": ["x", {"deep": None}]}, "temperature": 0.1, "n": 3},
    )


def votes() -> fp.SyntheticData:
    """Return plain yes and no answers, of which nothing says who gave them."""
    return fp.SyntheticData.from_dataframe(
        pd.DataFrame({"heads": [1, 0] * 5}), outcome="heads", source="llm"
    )


def chances() -> fp.SyntheticData:
    """Return answers that are distributions over the levels."""
    frame = pd.DataFrame(
        {
            "vote": ["no", "yes"] * 4,
            "chance": [0.3, 0.7, 0.6, 0.4, 0.3, 0.7, 0.1, 0.9],
            "age": np.repeat([20, 40, 20, 60], 2),
        }
    )
    return fp.SyntheticData.from_dataframe(
        frame, outcome="vote", probability="chance", levels={"vote": ["no", "yes"]}
    )


def path(model: pm.Model, said: Any, **how: Any) -> fp.TrustPath:
    """Return a path of few draws."""
    few = {"draws": 50, "tune": 200, "chains": 2, "cores": 1, "random_seed": 1}
    sources = how.pop("sources", 1)
    most = 2 if sources == 1 else 2 + sources
    made = fp.trust_path(model, said, **few, max_anchors=most, progressbar=False, **how)
    return thinned(made)


def thinned(made: fp.TrustPath) -> fp.TrustPath:
    """Return a path with some of its draws."""
    from foundation_priors.path.draws import to_dataset
    from foundation_priors.path.fits import Fit
    from foundation_priors.path.ladder import Ladder

    def less(fit: Fit) -> Fit:
        run = fit.run
        step = max(1, run.u.shape[1] // KEPT)
        few = {n: getattr(run, n)[:, ::step][:, :KEPT] for n in ("u", "ell", "real", "base")}
        values = {k: v[:, ::step][:, :KEPT] for k, v in run.values.items()}
        size = float(few["u"].shape[0] * few["u"].shape[1])
        return replace(
            fit,
            run=replace(run, **few, values=values, seconds=0.5),
            ess=min(fit.ess, size),
            ess_min=min(fit.ess_min, size),
        )

    def ladder(of: Ladder) -> Ladder:
        return Ladder([less(f) for f in of.fits], [less(f) for f in of.pilots])

    posterior, prior = ladder(made.posterior), ladder(made.prior)
    return replace(
        made,
        posterior=posterior,
        prior=prior,
        draws=to_dataset(made.engine, posterior.fits),
        prior_draws=to_dataset(made.engine, prior.fits),
    )


def coin() -> fp.TrustPath:
    """Return a path of one source with default weights."""
    with pm.Model() as model:
        theta = pm.Uniform("theta")
        pm.Bernoulli("heads", theta, observed=[1, 1, 1, 1, 0])
    return path(model, votes())


def framings() -> fp.TrustPath:
    """Return a path with a trust for each of two framings."""
    rng = np.random.default_rng(7)
    real = rng.normal(1.0, 1.5, 12)
    said = np.concatenate([rng.normal(-0.5, 0.7, 9), rng.normal(2.5, 0.7, 5)])
    frame = pd.DataFrame({"y": said, "framing": ["plain"] * 9 + ["roleplay"] * 5})
    with pm.Model() as model:
        mu = pm.Normal("mu", 0.5, 2.0)
        pm.Normal("y", mu, 1.5, observed=real)
    llm = fp.SyntheticData.from_dataframe(frame, outcome="y", weight=1)
    return path(model, llm, by="framing", sources=2)


def linked() -> fp.TrustPath:
    """Return a regression with a private residual scale and a commensurate intercept."""
    rng = np.random.default_rng(11)

    def table(size: int, sd: float, slope: float) -> pd.DataFrame:
        x = rng.normal(size=(size, 2))
        y = 1 + x @ [slope, -0.5] + sd * rng.normal(size=size)
        return pd.DataFrame({"age": x[:, 0], "income": x[:, 1], "wage": y})

    real, said = table(12, 0.8, 1.0), table(10, 0.2, 0.6)
    names = ["age", "income"]
    with pm.Model(coords={"covariate": names}) as model:
        x = pm.Data("X", real[names].to_numpy(), dims=("person", "covariate"))
        a = pm.Normal("a", 0, 2)
        beta = pm.Normal("beta", 0, 2, dims="covariate")
        sigma = pm.HalfNormal("sigma", 1)
        pm.Normal("wage", a + x @ beta, sigma, observed=real.wage.to_numpy(), dims="person")
    llm = fp.SyntheticData.from_dataframe(said, outcome="wage", weight=1)
    return path(model, llm, private=["sigma"], commensurate={"a": 0.5})


def beliefs() -> fp.TrustPath:
    """Return a path of two beliefs, one of them pooled, each with a trust of its own."""
    with pm.Model() as model:
        theta = pm.Normal("theta", 0, 5)
        tau = pm.Normal("tau", 0, 1)
        pm.Normal("effect", theta + tau, 1.4, observed=[1.02])
    parts = [fp.Belief.from_moments("theta", m, s) for m, s in ((1.45, 0.25), (1.36, 0.58))]
    one = fp.Belief.pool(parts, weights=[0.75, 0.25], source="panel")
    other = fp.Belief("tau", {0.05: -1.0, 0.5: 0.2, 0.95: 1.5}, source="expert")
    return path(model, [one, other], by="source", sources=2)


def bootstrap() -> fp.BootstrapPath:
    """Return a bootstrap of a regression."""
    rng = np.random.default_rng(2)

    def rows(count: int, slope: float) -> pd.DataFrame:
        x = rng.normal(size=count)
        return pd.DataFrame({"x": x, "y": 1 + slope * x + rng.normal(size=count)})

    real, said = rows(15, 0.1), rows(10, 0.8)
    llm = fp.SyntheticData.from_dataframe(said, outcome="y", weight=1)
    return fp.bootstrap_path(
        fp.bootstrap.linear_regression("y", ["x"]),
        real,
        llm,
        concentrations=[0.0, 2.0, 10.0],
        draws=50,
        random_seed=3,
        progressbar=False,
    )


def anchored() -> Any:
    """Return answers anchored to the real outcomes of some units."""
    rng = np.random.default_rng(5)
    y = rng.normal(2, 1, 20)
    s = 1 + 0.8 * y + 0.6 * rng.normal(size=20)
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 10)
        sigma = pm.HalfNormal("sigma", 5)
        pm.Normal("y", mu, sigma, observed=y[:12])
    frame = pd.DataFrame({"y": s, "person": np.arange(20)})
    llm = fp.SyntheticData.from_dataframe(frame, outcome="y", unit="person")
    few = {"draws": 50, "tune": 200, "chains": 2, "cores": 1}
    made = fp.trust.anchored(model, llm, pairs=np.arange(12), random_seed=1, **few)
    return type(made)(made.data.map_over_datasets(_fewer))


def _fewer(data: Any) -> Any:
    return data.isel(draw=slice(None, None, 3)) if "draw" in data.dims else data


MAKERS = {
    "answers": answers,
    "votes": votes,
    "chances": chances,
    "coin": coin,
    "framings": framings,
    "linked": linked,
    "beliefs": beliefs,
    "bootstrap": bootstrap,
    "anchored": anchored,
}
READERS = dict.fromkeys(MAKERS, fp.TrustPath) | {
    "answers": fp.SyntheticData,
    "votes": fp.SyntheticData,
    "chances": fp.SyntheticData,
    "bootstrap": fp.BootstrapPath,
    "anchored": fp.trust.Anchored,
}


def read(name: str, folder: Path) -> Any:
    """Unpack a file of this folder into another, and read it with the reader of its kind."""
    return READERS[name].from_netcdf(unpacked(name, folder))


def unpacked(name: str, folder: Path) -> Path:
    """Unpack a file of this folder into another."""
    out = folder / f"{name}.nc"
    out.write_bytes(gzip.decompress((HERE / f"{name}.nc.gz").read_bytes()))
    return out


def numbers(found: Any) -> dict[str, Any]:
    """Return what is read from one object: plain numbers and texts."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if isinstance(found, fp.SyntheticData):
            return _of_answers(found)
        if isinstance(found, fp.TrustPath):
            return _of_path(found)
        if isinstance(found, fp.BootstrapPath):
            names = [str(n) for n in found.draws.data_vars]
            return {
                "rows": [found.n_real, found.n_synthetic, found.mass],
                "concentration": _plain(found.concentration),
                "mean": {n: _plain(found.mean(n)) for n in names},
                "sd": {n: _plain(found.sd(n)) for n in names},
                "dims": {n: list(map(str, found.draws[n].dims)) for n in names},
            }
        return {
            "facts": found.facts,
            "mean": _plain(found.mean("mu")),
            "without": _plain(found.mean("mu", answers=False)),
            "sd": _plain(found.sd("mu")),
            "size": _plain(found.effective_size("mu").effective_size),
            "errors": _plain(found.errors.to_numpy(dtype=float)),
        }


def _of_answers(said: fp.SyntheticData) -> dict[str, Any]:
    return {
        "rows": len(said),
        "outcomes": list(said.outcomes),
        "weights": _plain(said.weights()),
        "clustering": str(said.effective_size().clustering["total"]),
        "levels": {k: list(v) for k, v in said.levels.items()},
        "columns": {str(n): list(map(str, v.values)) for n, v in said.dataset.variables.items()},
        "types": {str(n): str(v.dtype) for n, v in said.dataset.variables.items()},
        "provenance": json.loads(json.dumps(said.provenance)),
    }


def _of_path(path: fp.TrustPath) -> dict[str, Any]:
    names = sorted(str(n) for n in path.draws.data_vars)
    trust = [0.0, 0.1, 0.5, 1.0]
    law = path.trust_posterior("cautious")
    said = path.synthetic
    return {
        "sources": list(path.sources),
        "facts": json.loads(json.dumps(path.facts.__dict__)),
        "grid": _plain(path.trust[::20]),
        "mean": {n: _plain(path.mean(n, trust)) for n in names},
        "sd": {n: _plain(path.sd(n, trust)) for n in names},
        "log_evidence": _plain(path.log_evidence(trust)),
        "log_normalizer": _plain(path.log_normalizer(trust)),
        "effective": _plain(path.effective_observations(trust)),
        "cautious": [_plain(law.mean), _plain(law.sd), law.log_marginal_evidence],
        "cautious_mean": {n: _plain(path.mean(n, "cautious")) for n in names},
        "shares": _plain(fp.reliance(path, 0.5)["share"].to_numpy()),
        "answers": _of_answers(said)
        if isinstance(said, fp.SyntheticData)
        else {
            "quantities": [b.quantity for b in said.beliefs],
            "quantiles": _plain(said.dataset["value"]),
            "notes": list(said.notes),
        },
    }


def _plain(values: Any) -> Any:
    return np.asarray(values, dtype=float).tolist()


def main(folder: Path) -> None:
    """Write all files, and what is read from them."""
    found = {}
    with tempfile.TemporaryDirectory() as own, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, make in MAKERS.items():
            plain = Path(own) / f"{name}.nc"
            make().to_netcdf(plain)
            packed = gzip.compress(plain.read_bytes(), 9, mtime=0)
            (folder / f"{name}.nc.gz").write_bytes(packed)
            found[name] = numbers(READERS[name].from_netcdf(plain))
    (folder / "numbers.json").write_text(json.dumps(found, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
