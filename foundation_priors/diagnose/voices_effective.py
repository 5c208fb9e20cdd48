"""How many independent voices answers are worth, and what asking others would give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.diagnose.voices import one_level, variance_components
from foundation_priors.errors import check_probability, did_you_mean

if TYPE_CHECKING:
    from foundation_priors.synthetic import SyntheticData

__all__ = ["effective_number", "effective_voices"]

type Floats = NDArray[np.float64]

FAILS_WHEN = (
    "A factor with one level (one model) has an unknown component that is not counted, so that the"
    " number is then too large for a claim about language models in general; with few levels its"
    " interval is wide."
)
AS_ASKED = "as asked"


def effective_number(variance: Mapping[str, float], counts: Mapping[str, float]) -> float:
    r"""Count the independent voices in a mean of answers.

    Parameters
    ----------
    variance : mapping of str to float
        The components of the variance of one answer.
    counts : mapping of str to float
        How many levels of each were asked; of the spread within, the answers.

    Returns
    -------
    float

    Notes
    -----
    With M models, P personas, Q prompts and N answers the variance of the mean is
    :math:`\sigma_M^2/M + \sigma_P^2/P + \sigma_Q^2/Q + \sigma_W^2/N`, and the number of voices is
    the variance of one answer over that of the mean.

    Examples
    --------
    >>> parts = {"model": 0.25, "persona": 0.10, "prompt": 0.15, "within": 0.50}
    >>> one = {"model": 1, "persona": 1, "prompt": 1, "within": 240}
    >>> round(effective_number(parts, one), 1)
    2.0
    >>> round(effective_number(parts, {**one, "model": 8, "persona": 5, "prompt": 6}), 1)
    12.8
    """
    if set(variance) != set(counts):
        raise ValueError(
            f"The components {sorted(variance)} and the counts {sorted(counts)} must be of the same"
            " names."
        )
    values = np.array([variance[k] for k in variance], dtype=float)
    sizes = np.array([counts[k] for k in variance], dtype=float)
    if not (np.isfinite(values) & (values >= 0)).all() or not values.any():
        raise ValueError("Components must be finite, none negative, and not all 0.")
    if not (sizes >= 1).all():
        raise ValueError("Every count must be at least 1.")
    return float(_number(values, sizes))


def _number(variance: Floats, counts: Floats) -> Any:
    total, mean = variance.sum(axis=-1), (variance / counts).sum(axis=-1)
    # No spread at all is one voice.
    total, mean = np.broadcast_arrays(total, mean)
    return np.divide(total, mean, out=np.ones(mean.shape), where=mean > 0)


def effective_voices(
    llm: SyntheticData | xr.Dataset,
    outcome: str | None = None,
    factors: Sequence[str] | None = None,
    profile: str | bool | None = None,
    method: Literal["anova", "bayes"] = "anova",
    *,
    questions: Literal["random", "fixed"] = "random",
    plan: Mapping[str, Mapping[str, float]] | None = None,
    assume: Mapping[str, float] | None = None,
    prob: float = 0.9,
    **kwargs: Any,
) -> xr.Dataset:
    r"""Count the independent voices in answers, and what other designs would give.

    Parameters
    ----------
    llm : SyntheticData or xarray.Dataset
        Answers, or what `variance_components` returned.
    outcome, factors, profile, method, **kwargs
        As in `variance_components`; not used when its result is given.
    questions : {"random", "fixed"}
        Whether those who were asked about are a sample from a population, whose own spread counts
        as it does in the design effect; or the only ones of interest, so that only that of who
        answers does.
    plan : mapping of str to mapping, optional
        Designs to compare: for each name the counts that change, such as
        ``{"five models": {"model": 5}}``. Default: ten times the answers, and one more level of
        each factor, asked in the same way as the others were.
    assume : mapping of str to float, optional
        Variances of factors that have one level in these answers (one model, say), which no answer
        can tell.
    prob : float
        Of the intervals.

    Returns
    -------
    xarray.Dataset
        Over ``design`` ("as asked" first): ``effective``, ``lower``, ``upper``,
        ``variance_of_mean``; ``counts`` over (design, component). Attributes: ``per_question``, how
        many independent answers the answers to one question are worth; those of
        `variance_components`.

    Raises
    ------
    ValueError
        If a plan names what is no component, or asks for less than 1.

    Notes
    -----
    The variance of one answer over the variance of the mean of all,

    .. math:: n_{eff} = \frac{\sum_k \sigma_k^2}{\sum_k \sigma_k^2 / n_k}, \qquad
              1/n_k = \sum_l (N_{kl}/N)^2 .

    For one factor in m equal groups this is :math:`N / (1 + (N/m - 1) ICC)`, the design effect's.
    Negative estimates count as 0. One more level of a factor brings as many levels of what is
    nested in it as the others have.

    References
    ----------
    Kish, L. (1965). Survey Sampling. Wiley. Brennan, R. L. (2001). Generalizability Theory.
    Springer, doi:10.1007/978-1-4757-3456-0.

    Examples
    --------
    >>> import foundation_priors as fp
    >>> found = effective_voices(fp.datasets.load("wages").synthetic, "lwage")
    >>> found["design"].values.tolist()
    ['as asked', '10 times the answers', 'one more framing', 'one more conversation']
    """
    if isinstance(llm, xr.Dataset):
        parts = llm
        if not {"variance", "draws", "count", "nested"} <= set(parts):
            raise ValueError("The Dataset is none of variance_components: give the answers.")
    else:
        parts = variance_components(llm, outcome, factors, profile, method, prob=prob, **kwargs)
    if questions not in ("random", "fixed"):
        raise ValueError(f"questions={questions!r} must be 'random' or 'fixed'.")
    check_probability(prob, "prob")
    per_question = _per_question(parts)
    if questions == "fixed" and parts.attrs["profile"]:
        parts = parts.drop_sel(component=parts.attrs["profile"])
        parts = parts.drop_sel(component_=parts.attrs["profile"])
    parts = _assumed(parts, assume or {})
    designs = _designs(parts, plan)
    names = parts["component"].values.tolist()
    counts = np.array([[design[name] for name in names] for design in designs.values()])
    point = _number(np.maximum(parts["variance"].values, 0.0), counts)
    drawn = _number(parts["draws"].values[:, None, :], counts[None])
    edges = np.quantile(drawn, [(1 - prob) / 2, (1 + prob) / 2], axis=0)
    mean = (np.maximum(parts["variance"].values, 0.0) / counts).sum(axis=1)
    result = xr.Dataset(
        {
            "effective": ("design", point),
            "lower": ("design", edges[0]),
            "upper": ("design", edges[1]),
            "variance_of_mean": ("design", mean),
            "counts": (("design", "component"), counts),
        },
        {"design": list(designs), "component": names},
        {**parts.attrs, "prob": prob, "questions": questions, "per_question": per_question},
    )
    result.attrs |= {"reading": _reading(result), "fails_when": FAILS_WHEN}
    return result


def _per_question(parts: xr.Dataset) -> float:
    """Return how many independent answers the answers to one question are worth."""
    who = parts.attrs["profile"]
    if not who:
        return float("nan")
    # Of what is crossed with profiles all levels answer each question, of the rest their part.
    table = parts[["variance", "count"]].to_dataframe()
    inside = parts["nested"].sel(component_=who).to_series()
    # Of what is crossed with profiles all levels answer each question, of the rest their part.
    crossed = np.where(inside, table.loc[who, "count"], 1.0)
    counts = np.maximum(table["count"].to_numpy() / crossed, 1.0)
    return float(_number(table["variance"].clip(lower=0.0).to_numpy(), counts))


def _assumed(parts: xr.Dataset, assume: Mapping[str, float]) -> xr.Dataset:
    """Add components that are known from elsewhere, each with one level here."""
    for name, value in assume.items():
        if name in parts["component"].values:
            raise ValueError(f"The answers have a component {name!r}: it need not be assumed.")
        if not (np.isfinite(value) and value >= 0):
            raise ValueError(f"assume={{{name!r}: {value}}} must be a variance.")
        one = xr.Dataset(
            {
                "variance": ("component", [float(value)]),
                "count": ("component", [1.0]),
                "draws": (("draw", "component"), np.full((parts.sizes["draw"], 1), float(value))),
            },
            {"component": [name]},
        )
        known = parts["nested"].reindex(component=[*parts["component"].values, name])
        known = known.reindex(component_=[*parts["component_"].values, name])
        # Everything that was asked was asked of this one level.
        known.loc[{"component_": name}] = True
        known = (known == True).astype(bool)  # noqa: E712 (missing is no)
        parts = xr.concat([parts[["variance", "count", "draws"]], one], "component").assign(
            nested=known
        )
    return parts


def _designs(
    parts: xr.Dataset, plan: Mapping[str, Mapping[str, float]] | None
) -> dict[str, dict[str, float]]:
    names = parts["component"].values.tolist()
    now = dict(zip(names, parts["count"].values.tolist(), strict=True))
    designs = {AS_ASKED: now}
    if plan is not None:
        for label, change in plan.items():
            for name, count in change.items():
                if name not in now:
                    raise ValueError(f"{name!r} is no component.{did_you_mean(name, names)}")
                if not count >= 1:
                    raise ValueError(
                        f"The plan {label!r} asks for {count} of {name!r}: at least 1."
                    )
            designs[str(label)] = {**now, **{k: float(v) for k, v in change.items()}}
        return designs
    designs["10 times the answers"] = {**now, "within": 10 * now["within"]}
    for name in names:
        if name in ("within", parts.attrs["profile"]) or ":" in name:
            continue
        times = (now[name] + 1) / now[name]
        inside = parts["nested"].sel(component_=name)
        designs[f"one more {name}"] = {
            k: v * times if bool(inside.sel(component=k)) else v for k, v in now.items()
        }
    return designs


def _reading(result: xr.Dataset) -> str:
    attrs = result.attrs
    at = result.sel(design=AS_ASKED)
    text = (
        f"The {attrs['answers']} answers about {attrs['outcome']!r} carry as much as"
        f" {float(at['effective']):z.1f} independent voices ({attrs['prob']:z.0%} interval"
        f" {float(at['lower']):z.1f} to {float(at['upper']):z.1f})."
    )
    each = attrs["per_question"]
    if np.isfinite(each):
        times = attrs["answers"] / attrs["profiles"]
        text += f" The {times:.3g} answers to one question count as {each:.2g}."
    others = result["effective"].to_series().drop(AS_ASKED)
    if len(others):
        text += " It would be " + ", ".join(f"{v:z.1f} with {k}" for k, v in others.items()) + "."
    single = one_level({k: v for k, v in attrs["not_judged"].items() if k not in result.component})
    if single:
        text += f" All come from one {single}, whose own bent no count removes."
    return text
