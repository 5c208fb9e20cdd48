"""Whether revisions of a prompt led the answers to where their user expected them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from foundation_priors.diagnose.circularity_figures import by_revision, overall
from foundation_priors.diagnose.circularity_rows import means_of, said_in
from foundation_priors.diagnose.circularity_words import FAILS_WHEN, reading, unjudged
from foundation_priors.elicit.anticipation import Anticipation
from foundation_priors.errors import (
    ColumnError,
    UnreliableWarning,
    check_probability,
    did_you_mean,
    warn,
)

if TYPE_CHECKING:
    from foundation_priors.path import TrustPath
    from foundation_priors.path.draws import Quantity
    from foundation_priors.synthetic import SyntheticData

    type Given = Anticipation | Mapping[Any, Anticipation] | None

__all__ = ["circularity"]


def circularity(
    answers: SyntheticData | str | os.PathLike,
    anticipation: Given = None,
    *,
    revision: str | None = None,
    user: str | None = None,
    outcome: str | None = None,
    event: Any = None,
    prob: float = 0.9,
    path: TrustPath | None = None,
    quantity: Quantity | None = None,
    trust: Any = "cautious",
) -> xr.Dataset:
    r"""Say how far revisions of the prompt moved the answers to what their user anticipated.

    Parameters
    ----------
    answers : SyntheticData or path
        With a column that numbers the revisions; or a journal, whose versions of the prompt are
        the revisions, in the order in which they were asked.
    anticipation : Anticipation, or mapping of levels to Anticipation, optional
        One for each level of ``user``. By default those that the journal holds. Without one the
        movement is measured, and its direction is not judged.
    revision : str, optional
        The column of the revisions; by default "revision", "round" or "version".
    user : str, optional
        A column that names the user; each level is judged apart.
    outcome : str, optional
        The column of the answers, by default the anticipation's quantity, or the only outcome.
    event : object, optional
        For answers that are words or categories: the one whose share is followed, by default the
        second of two.
    prob : float
        Of the intervals.
    path : TrustPath, optional
        Built with a weight for each revision (``by=revision``, or beliefs by source), named as in
        ``revision``: adds the posterior under the first prompt, the last and all of them. Not
        together with ``user``.
    quantity, trust
        For the path, as in `multiverse`.

    Returns
    -------
    xarray.Dataset
        Over (user, if any,) ``revision``: ``mean``, ``sd`` and ``n`` of the answers, ``se``,
        ``lower`` and ``upper`` of the mean, and of the step that led to a revision ``towards`` and
        ``away``, in the unit of the answers. Over users: ``anticipated``; ``share`` of all movement
        that goes towards it, ``net``, the change along the way to it, ``change`` from the first
        mean to the last, ``change_sd``, the same in sds of the first answers, and ``refined``, the
        share of the last answer that refinement made, each with ``_lower`` and ``_upper``;
        ``p_still``, the p-value of no movement at all; ``written_before``, 1, 0 or nan. With a
        path, ``posterior_mean``, ``_sd``, ``_lower`` and ``_upper`` over ``prompt`` and ``data``.
        Attributes ``reading``, ``fails_when`` and ``not_judged``.

    Raises
    ------
    ValueError, ColumnError
        When there is only one revision, the answers do not name it, or columns are missing.

    Warns
    -----
    UnreliableWarning
        When an anticipation is dated after the first answer.

    Notes
    -----
    With means :math:`m_0, \dots, m_K` and the anticipation's centre a, each step is split where it
    crosses a into its part towards a, :math:`t_k`, and its part away from a, :math:`w_k`, and

    .. math:: share = \sum_k t_k \Big/ \sum_k |m_k - m_{k-1}|, \qquad
        refined = \frac{|m_K - m_0|}{|m_0| + |m_K - m_0|},

    the latter for quantities whose 0 means something. Aimless movement has a share near one half.
    The interval of a statistic is its range over the means within :math:`t_{(1 + prob) / 2}`
    standard errors of the observed ones, in Mahalanobis distance (the profile likelihood [1]_).
    Bootstrapping the answers adds their noise a second time, which counts as movement: its
    intervals cover too rarely.

    References
    ----------
    .. [1] D. J. Venzon and S. H. Moolgavkar (1988). A method for computing profile-likelihood-based
       confidence intervals. Applied Statistics 37(1). doi:10.2307/2347496
    .. [2] S. Misra (2025). Foundation Priors. arXiv:2512.01107

    Examples
    --------
    >>> import foundation_priors as fp
    >>> from foundation_priors.diagnose.circularity import circularity
    >>> from foundation_priors.elicit.anticipation import Anticipation
    >>> expected = {
    ...     name: Anticipation("return_percent", value=value, who=name, when=None)
    ...     for name, value in {"low": 3, "high": 15}.items()
    ... }
    >>> drift = circularity(fp.datasets.load("refine").synthetic, expected, user="persona")
    >>> drift["share"].to_series().round(2).to_dict()
    {'low': 0.9, 'high': 1.0}
    """
    check_probability(prob, "prob")
    if path is not None and user is not None:
        raise ValueError("path= speaks of one user's revisions: leave out user=, or take .sel().")
    if user is None:
        found = _of_one(answers, _one(anticipation, answers), revision, outcome, event, prob)
    else:
        found = _of_users(answers, anticipation, revision, user, outcome, event, prob)
    if path is not None:
        found = _with_posterior(found, path, quantity, trust, prob)
    found.attrs["fails_when"] = FAILS_WHEN
    return found


def _one(given: Given, answers: Any) -> Anticipation | None:
    """Return the anticipation of a single user."""
    if given is None and isinstance(answers, str | os.PathLike):
        known = Anticipation.read(answers)
        return known[0] if known else None
    if given is None or isinstance(given, Anticipation):
        return given
    if isinstance(given, Mapping) and len(given) == 1:
        return next(iter(given.values()))
    raise ValueError(
        "anticipation= must be one Anticipation, or a mapping from the levels of user= to one each."
    )


def _of_users(
    answers: Any,
    given: Given,
    revision: str | None,
    user: str,
    outcome: str | None,
    event: Any,
    prob: float,
) -> xr.Dataset:
    from foundation_priors.synthetic import SyntheticData

    if not isinstance(answers, SyntheticData):
        raise ValueError("user= names a column of SyntheticData, and a journal has one user.")
    if user not in answers.factors:
        raise ColumnError(f"There is no factor {user!r}.{did_you_mean(user, answers.factors)}")
    levels = list(dict.fromkeys(answers.column(user).tolist()))
    if given is not None and not isinstance(given, Mapping):
        raise ValueError(f"anticipation= must map the levels of {user!r} to one Anticipation each.")
    by_level = {} if given is None else dict(given)
    for level in by_level:
        if level not in levels:
            raise ColumnError(f"There is no {user}={level!r}.{did_you_mean(level, levels)}")
    ordered = list(by_level) + [level for level in levels if level not in by_level]
    parts = [
        _of_one(answers, by_level.get(lv), revision, outcome, event, prob, (user, lv))
        for lv in ordered
    ]
    out = xr.concat(
        parts, xr.DataArray(ordered, dims="user", name="user"), combine_attrs="drop_conflicts"
    )
    for name in ("reading", "not_judged"):
        out.attrs[name] = " ".join(
            f"{user} {lv}: {part.attrs[name]}"
            for lv, part in zip(ordered, parts, strict=True)
            if part.attrs[name]
        )
    return out


def _of_one(
    answers: Any,
    given: Anticipation | None,
    revision: str | None,
    outcome: str | None,
    event: Any,
    prob: float,
    user: tuple[str, Any] | None = None,
) -> xr.Dataset:
    wanted = outcome or (given.quantity if given else None)
    said = said_in(answers, wanted, revision, event, user)
    means = means_of(said.rows)
    if len(means.revisions) < 2:
        raise ValueError(
            "There is one revision of the prompt, so nothing has moved: ask again with another "
            "wording, or give the answers to earlier versions."
        )
    before = None if given is None else given.before(said.first)
    if before is False:
        assert given is not None
        warn(
            f"The anticipation of {given.who!r} is dated {given.when}, after the first answer of "
            f"{said.first}: it may have been made to fit.",
            UnreliableWarning,
        )
    data = by_revision(means, given, prob) | overall(means, given, prob)
    data["written_before"] = np.nan if before is None else float(before)
    found = xr.Dataset(data, {"revision": means.revisions})
    found.attrs["outcome"] = said.outcome if event is None else f"{said.outcome} = {event}"
    found.attrs["prob"] = prob
    found.attrs["noise"] = means.noise
    found.attrs["not_judged"] = unjudged(found, given, said.first)
    found.attrs["reading"] = reading(found, given)
    return found


def _with_posterior(
    found: xr.Dataset, path: TrustPath, quantity: Any, trust: Any, prob: float
) -> xr.Dataset:
    """Add the posterior under no prompt, the first, the last, and all of them."""
    from foundation_priors.diagnose.multiverse import ALL, ALONE, NONE, multiverse

    if quantity is None:
        raise ValueError("path= needs quantity=, the quantity whose posterior is compared.")
    labels = [str(v) for v in found["revision"].values]
    ends = {"first": labels[0], "last": labels[-1]}
    for name in ends.values():
        if name not in map(str, path.sources):
            raise ValueError(
                f"The path has no weight for the revision {name}: build it with by= the column of "
                f"the revisions, or name its beliefs so.{did_you_mean(name, path.sources)}"
            )
    table = multiverse(path, quantity, trust, prob=prob)
    kinds, sources = table["kind"].values.tolist(), table["source"].values.tolist()
    rows = [kinds.index(NONE)]
    rows += [
        next(
            i
            for i, (k, s) in enumerate(zip(kinds, sources, strict=True))
            if k == ALONE and s == end
        )
        for end in ends.values()
    ]
    rows.append(kinds.index(ALL))
    some = table.isel(variant=rows).drop_vars(["variant", "kind", "source"])
    some = some.rename({"variant": "prompt"}).assign_coords(prompt=["none", "first", "last", "all"])
    out = found.assign({f"posterior_{k}": some[k] for k in ("mean", "sd", "lower", "upper")})
    at = some["mean"].sel(data="with real data")
    first, last, none = (float(at.sel(prompt=p)) for p in ("first", "last", "none"))
    width = float(some["sd"].sel(data="with real data", prompt="none"))
    out.attrs["reading"] += (
        f" With the real data, the posterior mean is {first:.3g} under the first prompt and "
        f"{last:.3g} under the last, {abs(last - first) / width:.2g} sds of the posterior without "
        f"answers, which has {none:.3g}."
    )
    return out
