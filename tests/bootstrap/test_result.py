"""Reading a path: statistics, tipping points, shares, files and pictures."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from foundation_priors.bootstrap import BootstrapPath, bootstrap_path, linear_regression
from foundation_priors.bootstrap.tipping import crossings
from foundation_priors.synthetic import SyntheticData
from tests.bootstrap.conftest import REGRESSION

QUIET = {"progressbar": False}


def test_statistics_are_those_of_the_draws(path: BootstrapPath) -> None:
    beta = path.draws.beta.sel(covariate="x")
    np.testing.assert_allclose(path.mean("beta[x]"), beta.mean("sample"))
    np.testing.assert_allclose(path.sd("beta").sel(covariate="x"), beta.std("sample", ddof=1))
    np.testing.assert_allclose(
        path.quantile("beta[x]", [0.1, 0.9]).T, np.quantile(beta.values, [0.1, 0.9], axis=1)
    )
    share = path.probability("beta > 0.3").sel(covariate="x")
    np.testing.assert_allclose(share, (beta > 0.3).mean("sample"))
    np.testing.assert_allclose(share.mcse**2, share * (1 - share) / 1999, rtol=1e-9)
    square = path.expect(lambda d: d.beta.sel(covariate="x") ** 2)
    np.testing.assert_allclose(square, (beta**2).mean("sample"))


def test_between_concentrations_statistics_are_interpolated(path: BootstrapPath) -> None:
    low, high = path.concentration[10:12]
    middle = path.mean("beta", (low + high) / 2)
    np.testing.assert_allclose(middle, path.mean("beta")[10:12].mean("concentration"))
    assert middle.dims == ("covariate",)
    assert path.quantile("beta", 0.5, [low, high]).dims == ("concentration", "covariate")
    np.testing.assert_allclose(path.mean("beta", high), path.mean("beta")[11])


def test_the_standard_error_of_a_standard_deviation(real: pd.DataFrame, llm: SyntheticData) -> None:
    given = {"concentrations": [10.0], "draws": 200, **QUIET}
    paths = [bootstrap_path(REGRESSION, real, llm, random_seed=s, **given) for s in range(100)]
    sds = [p.sd("intercept") for p in paths]
    told = np.mean([s.mcse.item() for s in sds])
    # An sd of 100 estimates has a relative error of 1 / sqrt(200).
    assert np.std([s.item() for s in sds]) == pytest.approx(told, rel=4 / np.sqrt(200))


def test_tipping_points_and_their_error(real: pd.DataFrame, llm: SyntheticData) -> None:
    given = {"concentrations": np.linspace(0, 40, 41), "draws": 400, **QUIET}
    paths = [bootstrap_path(REGRESSION, real, llm, random_seed=s, **given) for s in range(60)]
    roots = [p.tipping("beta[x] > 0.1", 0.95) for p in paths]
    assert all(r.sizes["root"] == 1 and r.direction.item() == 1 for r in roots)
    places = np.array([r.concentration.item() for r in roots])
    told = np.sqrt(np.mean([r.mcse.item() ** 2 for r in roots]))
    assert places.std(ddof=1) == pytest.approx(told, rel=0.45)
    long = bootstrap_path(REGRESSION, real, llm, random_seed=99, draws=8000, **QUIET)
    root = long.tipping("beta[x] > 0.1", 0.95)
    error = np.hypot(root.mcse.item(), told / np.sqrt(60))
    assert abs(places.mean() - root.concentration.item()) < 4 * error
    np.testing.assert_allclose(root.trust, root.concentration / 40)


def test_arrays_of_events_and_events_without_a_root(path: BootstrapPath) -> None:
    found = path.tipping("beta > 0.3", 0.9)
    assert found.concentration.dims == ("covariate", "root")
    assert np.isnan(found.concentration.sel(covariate="z")).all()
    none = path.tipping("beta[x] > 100")
    assert none.sizes["root"] == 0 and none.highest == 0


def test_noise_about_the_level_is_one_root() -> None:
    grid = np.linspace(0, 10, 101)
    curve = grid / 10 + 0.004 * np.where(np.arange(101) % 2, 1, -1)
    ((place, error, direction),) = crossings(grid, curve, 0.5, 2000)
    assert place == pytest.approx(5, abs=2 * error) and direction == 1
    assert crossings(grid, np.full(101, 0.5), 0.5, 2000) == []
    there = crossings(grid, 0.3 + 0.4 * np.sin(grid * np.pi / 10), 0.5, 2000)
    assert [d for *_, d in there] == [1, -1]
    assert there[0][0] == pytest.approx(10 / 6, abs=0.01)


def test_shares_of_a_mean_follow_from_its_influence(real: pd.DataFrame, llm: SyntheticData) -> None:
    path = bootstrap_path(linear_regression("y"), real, llm, random_seed=1, **QUIET)
    found = path.shares("intercept", 20.0)
    np.testing.assert_allclose(found.weight, [0.75, 0.25])
    one, two = real.y.to_numpy(), llm.column("y")
    centre = (one.sum() + 20 * two.mean()) / 80
    parts = np.array([((one - centre) ** 2).sum(), 20 * ((two - centre) ** 2).mean()])
    np.testing.assert_allclose(found.information, parts / parts.sum(), rtol=1e-6)


def test_shares_by_calls_equal_those_in_closed_form(
    real: pd.DataFrame, llm: SyntheticData, path: BootstrapPath
) -> None:
    def called(rows: pd.DataFrame, weights: np.ndarray) -> dict:
        return REGRESSION(rows, weights)

    other = bootstrap_path(called, real, llm, concentrations=[0, 20], draws=50, **QUIET)
    closed = path.shares("beta", [0.0, 20.0])
    np.testing.assert_allclose(other.shares("beta", [0, 20]).information, closed.information)
    np.testing.assert_allclose(closed.information.sum("component"), 1)
    np.testing.assert_allclose(closed.information.sel(component="synthetic", concentration=0), 0)
    assert path.shares().weight.shape == (5, 2)


def test_files_keep_the_draws(path: BootstrapPath, tmp_path: Path) -> None:
    file = tmp_path / "path.nc"
    path.to_netcdf(file)
    back = BootstrapPath.from_netcdf(file)
    assert back.draws.identical(path.draws)
    assert (back.n_real, back.n_synthetic, back.mass) == (60, 40, 40.0)
    assert repr(back) == repr(path)
    assert back.tipping("beta[x] > 0.3").identical(path.tipping("beta[x] > 0.3"))
    with pytest.raises(ValueError, match="has no estimator"):
        back.shares("beta")


def test_files_that_cannot_be_read(path: BootstrapPath, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no file"):
        BootstrapPath.from_netcdf(tmp_path / "none.nc")
    torn = tmp_path / "torn.nc"
    path.to_netcdf(torn)
    torn.write_bytes(torn.read_bytes()[:1000])
    with pytest.raises(OSError, match="only a part"):
        BootstrapPath.from_netcdf(torn)
    other = tmp_path / "other.nc"
    path.draws.to_netcdf(other, engine="h5netcdf")
    with pytest.raises(ValueError, match="does not hold a BootstrapPath"):
        BootstrapPath.from_netcdf(other)


def test_tables_and_texts(path: BootstrapPath) -> None:
    table = path.summary()
    assert table.shape == (15, 6)
    assert table.loc[("beta[x]", 40.0), "weight_share"] == pytest.approx(0.4)
    assert list(path.summary("beta", [0.0], ci_prob=0.8).columns)[3] == "eti80_lb"
    assert "60" in repr(path) and "<table>" in path._repr_html_()


def test_the_picture_shows_the_concentration_on_top(path: BootstrapPath) -> None:
    import matplotlib.pyplot as plt

    pc = path.plot(["beta[x]", "beta[x] > 0.3"])
    np.testing.assert_allclose(pc.data["trust"][[0, -1]], [0, 1])
    np.testing.assert_allclose(pc.data["effective_observations"][-1], 40)
    np.testing.assert_allclose(pc.data["mean"][0, -1], path.mean("beta[x]")[-1])
    plt.close("all")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: p.mean("gamma"), "'gamma' .* is not a variable"),
        (lambda p: p.probability("beta"), "not an event"),
        (lambda p: p.tipping("beta"), "not an event"),
        (lambda p: p.tipping("beta > 0", 1.0), "between 0 and 1"),
        (lambda p: p.quantile("beta", 2), "between 0 and 1"),
        (lambda p: p.mean("beta", 41), "must lie on the path, from 0 to 40"),
        (lambda p: p.mean("beta", np.nan), "must lie on the path"),
        (lambda p: p.mean("beta", "much"), "is no number"),
        (lambda p: p.shares("beta > 0"), "which no single row moves"),
        (lambda p: p.summary(ci_prob=1), "between 0 and 1"),
        (lambda p: p.mean(lambda d: d.beta.mean()), "keep the dimension"),
    ],
)
def test_wrong_questions(path: BootstrapPath, call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(path)
