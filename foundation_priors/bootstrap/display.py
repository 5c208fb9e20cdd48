"""Tables and texts of a bootstrap path."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from foundation_priors.bootstrap.statistics import OVER, numbers
from foundation_priors.display import count, titled, titled_html
from foundation_priors.errors import check_probability

if TYPE_CHECKING:
    from foundation_priors.bootstrap.result import BootstrapPath, Concentration

__all__ = ["html", "summary", "text"]


def summary(
    path: BootstrapPath,
    var_names: Sequence[str] | None,
    concentration: Concentration,
    ci_prob: float,
) -> pd.DataFrame:
    """Return the table; see `BootstrapPath.summary`."""
    from foundation_priors.path.draws import labels

    check_probability(ci_prob, "ci_prob")
    names = (
        [var_names]
        if isinstance(var_names, str)
        else list(var_names or map(str, path.draws.data_vars))
    )
    grid = path.concentration
    wanted = np.unique(np.linspace(grid[0], grid[-1], 5))
    wanted = wanted if concentration is None else numbers(path, concentration)
    tails = [(1 - ci_prob) / 2, (1 + ci_prob) / 2]
    frames = []
    for name in names:
        mean, sd = path.mean(name, wanted), path.sd(name, wanted)
        bounds = path.quantile(name, tails, wanted).values.reshape(len(wanted), 2, -1)
        columns = [a.values.reshape(len(wanted), -1) for a in (mean, sd, mean["mcse"])]
        for i, label in enumerate(labels(mean, str(name), path.draws)):
            frames.append(
                pd.DataFrame(
                    {
                        "quantity": label,
                        OVER: wanted,
                        "weight_share": wanted / (path.n_real + wanted),
                        "mean": columns[0][:, i],
                        "sd": columns[1][:, i],
                        f"eti{100 * ci_prob:.3g}_lb": bounds[:, 0, i],
                        f"eti{100 * ci_prob:.3g}_ub": bounds[:, 1, i],
                        "mcse_mean": columns[2][:, i],
                    }
                )
            )
    return pd.concat(frames, ignore_index=True).set_index(["quantity", OVER])


def _lines(path: BootstrapPath) -> dict[str, str]:
    grid = path.concentration
    share = grid[-1] / (path.n_real + grid[-1])
    return {
        "concentration": f"{grid[0]:g} to {grid[-1]:.4g} real observations, "
        f"{count(len(grid), 'value')}",
        "real rows": f"{path.n_real}",
        "answers": f"{count(path.n_synthetic, 'row')}, {path.mass:.4g} effective; at most "
        f"{share:z.0%} of the weight",
        "estimates": ", ".join(map(str, path.draws.data_vars)),
        "draws": f"{path.draws.sizes['sample']} at each concentration",
    }


def text(path: BootstrapPath) -> str:
    """Return the plain representation."""
    return titled("BootstrapPath", _lines(path), 15)


def html(path: BootstrapPath) -> str:
    """Return the representation of notebooks."""
    return titled_html("BootstrapPath", _lines(path))
