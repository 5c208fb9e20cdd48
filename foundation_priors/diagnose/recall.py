"""Memory of public data: models complete rows partly shown, and are held to the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import binomtest

from foundation_priors.diagnose.leakage_words import chance
from foundation_priors.display import count
from foundation_priors.errors import ColumnError, did_you_mean

if TYPE_CHECKING:
    from foundation_priors.elicit import Elicitation, Endpoint
    from foundation_priors.synthetic import SyntheticData

__all__ = ["recall", "recall_probe"]

type Floats = NDArray[np.float64]

PROMPT = (
    "Below is one row of the public data set {{dataset}}, as it was published, with the column "
    "{hidden!r} left out.\n\n{row}\n\nGive the value of {hidden!r} in that row. If you do not "
    "remember the row, give your best guess."
)
FEWEST = 5
FEW_OPTIONS = 12
FAILS_WHEN = (
    "The probe fails where rows that look alike have the same outcome (the nearest row is then as "
    "good as memory), and a model that does not recall rows when asked may still use them."
)


def recall_probe(
    rows: pd.DataFrame,
    hidden: str,
    *,
    dataset: str,
    models: Mapping[str, Endpoint],
    shown: Sequence[str] | None = None,
    number: int = 50,
    settings: Mapping[str, Any] | None = None,
    random_seed: int = 0,
) -> Elicitation:
    """Make a study that asks models to complete rows of a public data set.

    Parameters
    ----------
    rows : pandas.DataFrame
        The data set as published, its index naming the rows.
    hidden : str
        The column to complete: levels (at most 12, or not numbers), or numbers.
    dataset : str
        What the data set is called, as the models would know it.
    models : mapping of str to Endpoint
        Who is asked.
    shown : list of str, optional
        The columns shown. Default: all others.
    number : int
        How many rows to ask about, drawn at random.
    settings : mapping, optional
        As in `fp.Elicitation`.
    random_seed : int
        Of the draw.

    Returns
    -------
    Elicitation
        Preview it, run it, and hand the answers to `recall` with the same rows.

    Raises
    ------
    ColumnError
        When a column is missing, hidden and shown, or has one value only.

    Examples
    --------
    >>> import foundation_priors as fp
    >>> from foundation_priors.diagnose.recall import recall_probe
    >>> rows = fp.datasets.load("anes96").real.to_dataframe()[["PID", "age", "educ", "vote"]]
    >>> probe = recall_probe(
    ...     rows, "vote", dataset="ANES 1996 (statsmodels)", number=20,
    ...     models={"qwen3": fp.Endpoint("http://localhost:11434/v1")},
    ... )
    >>> probe.preview().calls
    20
    """
    from foundation_priors.elicit import Elicitation

    shown = _checked(rows, hidden, shown)
    if not isinstance(number, int) or number < 1:
        raise ValueError(f"number={number!r} must be a whole number of at least 1.")
    if not dataset.strip():
        raise ValueError("dataset= is empty: name the data set as a model would know it.")
    chosen = np.random.default_rng(random_seed).permutation(len(rows))[:number]
    listed = "\n".join(f"{name}: {{{name}}}" for name in shown)
    words = PROMPT.format(hidden=hidden, row=listed).replace("{dataset}", _plain(dataset))
    return Elicitation(
        words,
        answer={hidden: _answer(rows[hidden])},
        profiles=rows.iloc[np.sort(chosen)][list(shown)],
        models=models,
        settings=settings,
        random_seed=random_seed,
    )


def recall(
    answers: SyntheticData,
    rows: pd.DataFrame,
    hidden: str | None = None,
    *,
    shown: Sequence[str] | None = None,
    within: float = 0.0,
    by: str = "source",
) -> xr.Dataset:
    r"""Hold replies about hidden values to the truth, beside what can be had without memory.

    Parameters
    ----------
    answers : SyntheticData
        The replies, ``unit=`` being the row's name in the index of ``rows``: those of
        `recall_probe`, or any others.
    rows : pandas.DataFrame
        The whole data set.
    hidden : str, optional
        The column that was asked for. Default: the only outcome of the answers.
    shown : list of str, optional
        The columns that were shown. Default: all others.
    within : float
        How far a number may lie from the truth and count as right.
    by : str
        The factor whose levels are judged apart.

    Returns
    -------
    xarray.Dataset
        Over ``group``: ``rows`` asked about; ``right``, the share of right replies (a row's replies
        shared out); ``most_common``, the share that the commonest value would have right;
        ``nearest``, the share that the nearest other row would have right; ``p_value``. Attributes
        ``reading`` and ``fails_when``.

    Raises
    ------
    ColumnError
        When the replies are about no row, or about fewer than 5, or a column is missing.

    Notes
    -----
    Nearest is the other row with the least sum of differences in the shown columns, each over its
    sd (1 for different strings); of several equally near, the commonest value. The p-value is that
    of an exact one-sided sign test: of the rows on which the replies and the better of the two
    baselines differ in being right, how often the replies are. Completing rows is how memory of
    tabular data is told from learning [1]_.

    References
    ----------
    .. [1] S. Bordt, H. Nori, V. Rodrigues, B. Nushi and R. Caruana (2024). Elephants never forget:
       memorization and learning of tabular data in large language models. arXiv 2404.06209.

    Examples
    --------
    >>> import foundation_priors as fp
    >>> from foundation_priors.diagnose.recall import recall
    >>> study = fp.datasets.load("modechoice")
    >>> rows = study.real[["hinc", "psize", "choice"]].to_dataframe()
    >>> rows["choice"] = [["air", "train", "bus", "car"][i] for i in rows["choice"]]
    >>> recall(study.synthetic, rows, by="conversation")["right"].values.tolist()
    [1.0, 1.0, 0.68]
    """
    name = _name(answers, hidden)
    shown = _checked(rows, name, shown)
    if by not in answers.factors:
        raise ColumnError(f"by={by!r} is no factor.{did_you_mean(by, answers.factors)}")
    if not np.isfinite(within) or within < 0:
        raise ValueError(f"within={within} must be 0 or more.")
    place = {unit: row for row, unit in enumerate(rows.index.tolist())}
    if len(place) < len(rows):
        raise ColumnError("The index of rows= names some rows twice: reset_index() first.")
    unit = np.array([place.get(u, -1) for u in answers.column(str(answers.unit)).tolist()])
    truth, said = rows[name].to_numpy(), answers.column(name)
    hits = _same(said, truth[unit], within)
    asked = np.unique(unit[unit >= 0])
    if len(asked) < FEWEST:
        raise ColumnError(
            f"The replies are about {count(len(asked), 'row')} of rows=, and at least {FEWEST} are "
            "needed: the unit of each reply must be a name in its index."
        )
    common, nearest = _baselines(rows, name, shown, asked, within)
    found: dict[str, list[Any]] = {
        k: [] for k in ("group", "rows", "right", "most_common", "nearest", "p_value")
    }
    for group, members in answers.groups(by).items():
        kept = np.asarray(members)[unit[members] >= 0]
        if len(kept):
            mine, number = np.unique(unit[kept], return_inverse=True)
            right = np.bincount(number, hits[kept]) / np.bincount(number)
            at = np.searchsorted(asked, mine)
            base = max((common[at], nearest[at]), key=lambda b: b.mean())
            row = (group, len(mine), right.mean(), common[at].mean(), nearest[at].mean())
            for key, value in zip(found, (*row, _sign(right, base)), strict=True):
                found[key].append(value)
    out = xr.Dataset(
        {k: ("group", v) for k, v in found.items() if k != "group"},
        {"group": found["group"]},
        {"hidden": name, "by": by},
    )
    out.attrs |= {"reading": _reading(out), "fails_when": FAILS_WHEN}
    return out


def _checked(rows: Any, hidden: str, shown: Sequence[str] | None) -> list[str]:
    if not isinstance(rows, pd.DataFrame):
        raise TypeError(f"rows must be a DataFrame, not {type(rows).__name__}.")
    shown = [str(c) for c in rows.columns if c != hidden] if shown is None else list(shown)
    for name in (hidden, *shown):
        if name not in rows.columns:
            raise ColumnError(f"rows= has no column {name!r}.{did_you_mean(name, rows.columns)}")
    if hidden in shown or not shown:
        raise ColumnError(f"shown= must name columns other than {hidden!r}: leave it hidden.")
    if rows[hidden].isna().any() or rows[hidden].nunique() < 2:
        raise ColumnError(
            f"The column {hidden!r} has missing values or one value only, so a right reply shows "
            "no memory: hide another."
        )
    return shown


def _plain(text: str) -> str:
    return text.replace("{", "(").replace("}", ")")


def _answer(values: pd.Series) -> Any:
    from foundation_priors.elicit import Number

    known = sorted(values.unique().tolist())
    if values.dtype.kind not in "iuf":
        return [str(v) for v in known]
    if len(known) <= FEW_OPTIONS and values.dtype.kind in "iu":
        return known
    return Number()


def _name(answers: Any, hidden: str | None) -> str:
    from foundation_priors.synthetic import SyntheticData

    if not isinstance(answers, SyntheticData):
        raise TypeError(f"answers must be a SyntheticData, not {type(answers).__name__}.")
    if answers.unit is None:
        raise ColumnError(
            "The replies do not say which row each is about: name the column, "
            "SyntheticData(..., unit='profile')."
        )
    if hidden is None and len(answers.outcomes) > 1:
        raise ColumnError(f"The replies have the outcomes {answers.outcomes}: name one, hidden=.")
    name = hidden or answers.outcomes[0]
    if name not in answers.outcomes:
        raise ColumnError(f"{name!r} was not asked for.{did_you_mean(name, answers.outcomes)}")
    return name


def _same(said: np.ndarray, truth: np.ndarray, within: float) -> NDArray[np.bool_]:
    if truth.dtype.kind in "iuf" and np.asarray(said).dtype.kind in "iuf":
        slack = within + 1e-9 * np.abs(truth.astype(float))
        return np.abs(said.astype(float) - truth.astype(float)) <= slack
    return np.array([str(a) == str(b) for a, b in zip(said, truth, strict=True)])


def _baselines(
    rows: pd.DataFrame, name: str, shown: Sequence[str], asked: NDArray[np.int_], within: float
) -> tuple[Floats, Floats]:
    """Return whether the commonest value, and that of the nearest other row, are right."""
    truth = rows[name].to_numpy()
    common = rows[name].mode().iloc[0]
    guesses = []
    for row in asked:
        far = np.zeros(len(rows))
        for column in shown:
            far += _apart(rows[column], row)
        far[row] = np.inf
        near = far <= far.min() + 1e-12
        guesses.append(rows[name][near].mode().iloc[0])
    each = np.array([common] * len(asked)), np.array(guesses)
    plain, nearest = (_same(guess, truth[asked], within).astype(float) for guess in each)
    return plain, nearest


def _apart(column: pd.Series, row: int) -> Floats:
    values = column.to_numpy()
    if values.dtype.kind in "biuf":
        numbers = values.astype(float)
        return np.nan_to_num(np.abs(numbers - numbers[row]) / (np.nanstd(numbers) or 1.0), nan=1.0)
    return (values != values[row]).astype(float)


def _sign(right: Floats, base: Floats) -> float:
    better, worse = int((right > base).sum()), int((right < base).sum())
    if not better + worse:
        return 1.0
    return float(binomtest(better, better + worse, alternative="greater").pvalue)


def _reading(found: xr.Dataset) -> str:
    name, told = found.attrs["hidden"], []
    for group in found["group"].values:
        row = found.sel(group=group)
        base = max(float(row["most_common"]), float(row["nearest"]))
        told.append(
            f"{group} has {float(row['right']):z.0%} of {int(row['rows'])} rows right, "
            f"{base:z.0%} can be had without memory ({chance(float(row['p_value']))})"
        )
    low = bool((found["p_value"] <= 0.05).any())
    word = "Rows are recalled" if low else "No recall is shown"
    return f"{word}, {name!r} being hidden: {'; '.join(told)}."
