"""Quality, diversity and complexity side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from foundation_priors.diagnose.axes_strength import bradley_terry
from foundation_priors.diagnose.vendi import vendi
from foundation_priors.diagnose.verdicts_truth import Anchored, anchored
from foundation_priors.diagnose.voices_columns import require_answers, the_outcome
from foundation_priors.diagnose.voices_effective import effective_voices
from foundation_priors.errors import ColumnError, FoundationPriorsError, did_you_mean

if TYPE_CHECKING:
    from foundation_priors.diagnose.verdicts_truth import Truth
    from foundation_priors.synthetic import SyntheticData

__all__ = ["axes"]

type Floats = NDArray[np.float64]

FAILS_WHEN = (
    "Quality is measured on units whose truth is known and may differ elsewhere; diversity counts"
    " variety, right or wrong; and complexity is what the judges of the pairs preferred."
)


def axes(
    llm: SyntheticData,
    truth: Truth | None = None,
    *,
    judgements: pd.DataFrame | None = None,
    quality: Mapping[str, float] | None = None,
    by: str = "source",
    outcome: str | None = None,
    item: str | None = None,
    q: float = 1,
    random_seed: int | None = 0,
) -> pd.DataFrame:
    r"""Set quality, diversity and complexity of sources side by side; they are not added up.

    Parameters
    ----------
    llm : SyntheticData
    truth : mapping, Series or DataArray, optional
        Real values by item, held out: the quality is measured against them.
    judgements : pandas.DataFrame, optional
        Columns ``winner`` and ``loser`` with levels of ``by``: which was judged more complex.
    quality : mapping of str to float, optional
        A held-out score of each source that was computed elsewhere, such as from `TrustPath.score`.
    by : str
        The factor whose levels are compared.
    outcome, item : str, optional
        Default: the first outcome, the unit.
    q : float
        Order of the Vendi score.
    random_seed : int, optional

    Returns
    -------
    pandas.DataFrame
        One row a level: ``quality``, ``quality_error``, ``vendi`` (in subsets as large as the
        smallest level), ``voices``, ``complexity``, ``complexity_error``, ``answers``. What cannot
        be judged is nan, and ``attrs["not_judged"]`` says why.

    Raises
    ------
    ValueError
        If both ``truth`` and ``quality`` are given, or a name is no level.

    Notes
    -----
    Quality is the skill :math:`1 - \overline{CRPS} / \overline{CRPS}_0`: the continuous ranked
    probability score of the real value under the answers to its item (fair to few answers), over
    that under the other real values. 1 is perfect, 0 no better than not knowing whom one speaks of.
    For levels it is the Brier score. The three columns answer three questions, so no number adds
    them up: a copy of the truth is not diverse, and noise is.

    References
    ----------
    Gneiting, T. and Raftery, A. E. (2007), doi:10.1198/016214506000001437. Ferro, C. A. T. (2014),
    doi:10.1002/qj.2270.

    Examples
    --------
    >>> import foundation_priors as fp
    >>> study = fp.datasets.load("anes96")
    >>> asked = study.real.isel(respondent=study.real["profile"].values >= 0)
    >>> votes = asked["vote"].to_series().set_axis(asked["profile"].values)
    >>> axes(study.synthetic, votes, by="framing")["quality"].round(1).tolist()
    [0.6, 0.7, 0.7]
    """
    require_answers(llm, "axes")
    if truth is not None and quality is not None:
        raise ValueError("Give truth= or quality=, not both.")
    groups = llm.groups(by)
    if by not in llm.factors and len(groups) > 1:
        raise ColumnError(f"by={by!r} is no factor.{did_you_mean(by, llm.factors)}")
    name = the_outcome(llm, outcome)
    why: dict[str, str] = {}
    table = pd.DataFrame(index=pd.Index(list(groups), name=by))
    table[["quality", "quality_error"]] = _quality(llm, truth, quality, groups, name, item, why)
    table["vendi"] = _vendi(llm, name, by, groups, q, random_seed, why)
    table["voices"] = [
        _voices(llm, where, name, item, level, why) for level, where in groups.items()
    ]
    table[["complexity", "complexity_error"]] = _complexity(judgements, table.index, why)
    table["answers"] = [len(where) for where in groups.values()]
    table.attrs = {"outcome": name, "q": float(q), "not_judged": why, "fails_when": FAILS_WHEN}
    table.attrs["reading"] = _reading(table)
    return table


def _quality(
    llm: SyntheticData,
    truth: Truth | None,
    quality: Mapping[str, float] | None,
    groups: dict[str, np.ndarray],
    name: str,
    item: str | None,
    why: dict[str, str],
) -> np.ndarray:
    out = np.full((len(groups), 2), np.nan)
    if quality is not None:
        _known(quality, groups, "quality")
        out[:, 0] = [quality.get(level, np.nan) for level in groups]
    elif truth is None:
        why["quality"] = "no truth= and no quality= was given"
    else:
        for row, (level, where) in zip(out, groups.items(), strict=True):
            try:
                row[:] = _skill(anchored(llm.isel(where), truth, name, item))
            except FoundationPriorsError as error:
                why[f"quality of {level}"] = str(error)
    return out


def _known(names: Mapping[str, float] | pd.Index, groups: object, what: str) -> None:
    levels = list(groups)  # type: ignore[call-overload]
    for name in names:
        if name not in levels:
            raise ValueError(
                f"{what}= names {name!r}, which is no level.{did_you_mean(name, levels)}"
            )


def _skill(data: Anchored) -> tuple[float, float]:
    """Return the skill of the answers and its standard error over items."""
    scores, real = np.zeros(data.items), np.zeros((data.items, data.real.shape[1]))
    for i in range(data.items):
        own = data.item == i
        real[i] = data.real[own][0]
        scores[i] = _score(data.said[own], real[i])
    if data.items < 4:
        return np.nan, np.nan
    base = _climatology(real)
    if not base.mean() > 0:
        return np.nan, np.nan
    skill = 1 - scores.mean() / base.mean()
    spread = scores - (1 - skill) * base
    return float(skill), float(spread.std(ddof=1) / np.sqrt(len(base)) / base.mean())


def _score(said: Floats, real: Floats) -> float:
    """Return the continuous ranked probability score, half a squared distance for levels."""
    power = 1 if said.shape[1] == 1 else 2
    away = (np.abs(said - real) ** power).sum(axis=1).mean() / power
    n = len(said)
    if n < 2:
        return float(away)
    apart = (np.abs(said[:, None] - said[None]) ** power).sum() / power
    return float(away - apart / (2 * n * (n - 1)))


def _climatology(real: Floats) -> Floats:
    """Return the score of each real value under all others."""
    power = 1 if real.shape[1] == 1 else 2
    away = (np.abs(real[:, None] - real[None]) ** power).sum(axis=2) / power
    n, own = len(real), away.sum(axis=1)
    return own / (n - 1) - (away.sum() - 2 * own) / (2 * (n - 1) * (n - 2))


def _vendi(
    llm: SyntheticData,
    name: str,
    by: str,
    groups: dict[str, np.ndarray],
    q: float,
    seed: int | None,
    why: dict[str, str],
) -> Floats:
    size = min(len(where) for where in groups.values())
    try:
        own = by if len(groups) > 1 else None
        return vendi(llm, name, q, by=own, size=size, random_seed=seed)["score"].values[:, 0]
    except (FoundationPriorsError, ValueError) as error:
        why["vendi"] = str(error)
        return np.full(len(groups), np.nan)


def _voices(
    llm: SyntheticData,
    where: np.ndarray,
    name: str,
    item: str | None,
    level: str,
    why: dict[str, str],
) -> float:
    try:
        return float(effective_voices(llm.isel(where), name, profile=item)["effective"][0])
    except FoundationPriorsError as error:
        why[f"voices of {level}"] = str(error)
        return float("nan")


def _complexity(
    judgements: pd.DataFrame | None, levels: pd.Index, why: dict[str, str]
) -> np.ndarray:
    if judgements is None:
        why["complexity"] = "no judgements= of pairs were given"
        return np.full((len(levels), 2), np.nan)
    found = bradley_terry(judgements)
    _known(found.index, levels, "judgements")
    return found.reindex(levels)[["strength", "error"]].to_numpy()


def _reading(table: pd.DataFrame) -> str:
    parts = []
    for column, what in (
        ("quality", "held-out quality"),
        ("vendi", "diversity"),
        ("complexity", "complexity"),
    ):
        if table[column].notna().any():
            at = int(np.nanargmax(table[column].to_numpy()))
            value = table[column].iloc[at]
            parts.append(f"{table.index[at]} has the highest {what} ({value:z.2f})")
    first = "; ".join(parts) or "No axis can be judged"
    return f"{first}. These are three questions, and nothing adds the answers up."
