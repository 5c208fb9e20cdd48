"""Build the whole path of trust from one compiled model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foundation_priors.display import count
from foundation_priors.path.arc import even_grid
from foundation_priors.path.climb import Climber, Plan
from foundation_priors.path.data import sums_of
from foundation_priors.path.draws import to_dataset
from foundation_priors.path.engine import Engine
from foundation_priors.path.fits import Settings
from foundation_priors.path.flags import advise
from foundation_priors.path.information import check_offsets, worth_of_sources
from foundation_priors.path.ladder import Ladder
from foundation_priors.path.ledger import COMPILING, STATISTICS, Ledger
from foundation_priors.path.result import Facts, TrustPath
from foundation_priors.prior.beliefs import check_path
from foundation_priors.prior.columns import ColumnSpec
from foundation_priors.prior.informs import Informs
from foundation_priors.prior.linkage import Link, Private
from foundation_priors.prior.model import copy_model
from foundation_priors.prior.nuts import nuts_options
from foundation_priors.prior.tilt import Likelihood, build

if TYPE_CHECKING:
    import pymc as pm

    from foundation_priors.beliefs import Belief
    from foundation_priors.synthetic import SyntheticData

__all__ = ["Recipe", "climb", "trust_path"]

type Floats = NDArray[np.float64]

GRID = 101


def trust_path(
    model: pm.Model,
    synthetic: SyntheticData | Belief | Sequence[Belief],
    *,
    private: Private = (),
    commensurate: Link = (),
    informs: Informs | None = None,
    by: str | None = None,
    columns: Mapping[str, ColumnSpec] | None = None,
    likelihood: Likelihood | None = None,
    evidence: Sequence[str] | None = None,
    max_trust: float = 1.0,
    draws: int = 500,
    tune: int = 400,
    chains: int = 4,
    cores: int | None = None,
    target_accept: float | None = None,
    backend: str | None = None,
    nuts_sampler_kwargs: Mapping[str, Any] | None = None,
    max_anchors: int | None = None,
    random_seed: Any = None,
    progressbar: bool = True,
    executor: Executor | None = None,
) -> TrustPath:
    r"""Compute every posterior between ignoring a language model and believing it.

    Parameters
    ----------
    model : pymc.Model
        Conditioned on real data; every free variable continuous and with a proper prior. The path
        keeps a copy: data that are set on the model afterwards change nothing.
    synthetic : SyntheticData, Belief or list of Belief
        The answers, or what was said about quantities of the model.
    private, commensurate, informs, by, columns, likelihood, evidence
        As in `tilt`. ``by`` gives each level of a design factor a trust of its own. Where a
        commensurate spread is learned, read the path at trust 1: both discount the answers.
    max_trust : float
        The largest weight; more than 1 counts the answers for more than data.
    draws, tune, chains, cores
        Of each anchor, as in `pymc.sample`; the anchors at the ends get twice as many draws, and
        where a check fails there are more anchors.
    target_accept : float, optional
        The acceptance rate that the sampler's step size is tuned to, as in `pymc.sample`: .8 by
        default. Nearer to 1 there are fewer divergences, and longer runs.
    backend : {"numba"}, optional
        As in `pymc.sample`, but no other can serve a path: what lies between the sampled weights is
        evaluated by calling compiled functions by their address, which those of "jax" do not have.
    nuts_sampler_kwargs : dict, optional
        More options of `nutpie.sample`, such as ``{"max_treedepth": 12}`` or
        ``{"adaptation": "low_rank"}``. These three hold for every run of the path's, and for those
        of `foundation_priors.trust.placebo` and others that later sample its model again.
    max_anchors : int, optional
        The most anchors that make either ladder's draws: by default 32 for each source, times
        :math:`\sqrt{d/40}` with more than d = 40 unconstrained coordinates; at least the ends of
        the path, which are 2, or 2 more than sources where there are several. Pilots, to which
        anchors were only fitted, do not count. What still fails a check then is flagged.
    random_seed : int, optional
        Makes everything reproducible.
    progressbar : bool
    executor : concurrent.futures.Executor, optional
        Runs the anchors in parallel: a pool of threads or processes, or a Dask client's executor.

    Returns
    -------
    TrustPath

    Raises
    ------
    ColumnError, ModelError, ImproperPriorError, SyntheticAsEvidenceError
        As in `tilt`.
    ValueError
        When a number, the backend or an option of the sampler cannot be meant.

    Notes
    -----
    The posteriors form an exponential family in L,
    :math:`p_L(\theta) \propto p_0(\theta) \exp(L \cdot \ell(\theta))`. One model is compiled, a few
    anchors on :math:`[0, L_{max}]` are sampled with NUTS, once with the real data and once
    without, and each ladder's draws are combined by multistate reweighting [1]_, which gives
    every other weight and the normalisers too. Anchors lie about 2 apart in Fisher-Rao arc
    :math:`\int sd_L(\ell)\,dL`.

    References
    ----------
    .. [1] M. R. Shirts and J. D. Chodera (2008). Statistically optimal analysis of samples from
       multiple equilibrium states. J. Chem. Phys. 129. doi:10.1063/1.2978177
    .. [2] S. Misra (2025). Foundation Priors. arXiv:2512.01107.

    Examples
    --------
    A model of real rows and a language model's answers to the same questions:

    >>> import foundation_priors as fp
    >>> study = fp.datasets.load("anes96")
    >>> path = fp.trust_path(model, study.synthetic, random_seed=1)  # doctest: +SKIP
    >>> path.tipping("beta > 0", probability=0.95)  # doctest: +SKIP
    """
    _check(max_trust, draws, tune, chains)
    _check_seed(random_seed)
    nuts = nuts_options(target_accept, backend, nuts_sampler_kwargs)
    options: dict[str, Any] = {
        "columns": columns,
        "private": private,
        "commensurate": commensurate,
        "informs": informs,
        "by": by,
        "likelihood": likelihood,
        "evidence": evidence,
    }
    tilted = build(model, synthetic, alone=True, **options)
    check_offsets(tilted)
    check_path(tilted, max_trust)
    answers = synthetic if tilted.spoken is None else tilted.spoken.beliefs
    _check_anchors(max_anchors, len(tilted.sources))
    settings = Settings.of(nuts, tune=tune, chains=chains, cores=cores)
    plan = Plan(draws, max_anchors, float(max_trust), settings, executor)
    kept = {k: copy(v) if isinstance(v, dict | list) else v for k, v in options.items()}
    recipe = Recipe(copy_model(model), {**kept, "evidence": tilted.evidence}, plan)
    return climb(recipe, Engine(tilted), answers, random_seed, progressbar)


@dataclass(frozen=True)
class Recipe:
    """How a path was built, to build another for other answers: the arguments of `build`.

    They are the path's own, so that what becomes of the user's model changes nothing.
    """

    model: pm.Model
    options: dict[str, Any]
    plan: Plan


def climb(
    recipe: Recipe,
    engine: Engine,
    synthetic: Any,
    seed: Any,
    progressbar: bool,
    doing: str = "",
) -> TrustPath:
    """Sample both ladders with an engine, and return the path."""
    ledger = Ledger()
    with _progress(progressbar) as progress:
        if "compiled" not in engine.__dict__:
            progress("compiling the model", total=1)
            with ledger.timing(COMPILING):
                engine.compiled  # noqa: B018  (compiles)
            progress("compiling the model", advance=1)

        def stage(name: str, **numbers: int) -> None:
            progress(f"{doing}{name}", **numbers)

        with ledger.timing(STATISTICS):
            climber = Climber(engine, recipe.plan, seed, stage, ledger)
            posterior, prior = climber.climb()
            advise(climber.check_points(posterior), posterior, prior)
    return _result(engine, posterior, prior, recipe, synthetic, seed, ledger.stages)


def _check(max_trust: float, draws: int, tune: int, chains: int) -> None:
    if not _is_number(max_trust) or max_trust <= 0:
        raise ValueError(f"max_trust={max_trust!r:.80} must be a positive number.")
    for name, value, least in (("draws", draws, 50), ("tune", tune, 50), ("chains", chains, 2)):
        if not _is_number(value) or int(value) != value or value < least:
            raise ValueError(f"{name}={value!r:.80} must be a whole number of at least {least}.")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and bool(np.isfinite(value))


def _check_seed(seed: Any) -> None:
    try:
        np.random.SeedSequence(seed)
    except (TypeError, ValueError):
        raise ValueError(f"random_seed={seed!r:.80} must be a whole number from 0.") from None


def _check_anchors(max_anchors: int | None, sources: int) -> None:
    ends = 2 if sources == 1 else 2 + sources
    if max_anchors is None:
        return
    if not _is_number(max_anchors) or int(max_anchors) != max_anchors or max_anchors < ends:
        raise ValueError(
            f"max_anchors={max_anchors!r:.80} must be a whole number of at least {ends}, the ends "
            f"of a path with {count(sources, 'source')}."
        )


def _result(
    engine: Engine,
    posterior: Ladder,
    prior: Ladder,
    recipe: Recipe,
    synthetic: Any,
    seed: Any,
    cost: dict[str, tuple[float, int, int]],
) -> TrustPath:
    tilted, plan = engine.tilted, recipe.plan
    columns = recipe.options["columns"] or {}
    weights = posterior.mixture.weights(posterior.zero[None])[0]
    facts = Facts(
        tilted.sources,
        tilted.single,
        tilted.n_real,
        tuple(worth_of_sources(engine, posterior.u, weights).tolist()),
        plan.max_trust,
        tilted.private,
        tilted.shared,
        tilted.coincide,
        seed,
        {name: (int(cut.start), int(cut.stop)) for name, cut in engine.coordinates.items()},
        tuple(columns),
        tilted.commensurate,
        tilted.links,
        {name: labels for name, (_, labels) in tilted.parts.items()},
        sums_of(recipe.model),
        cost=cost,
    )
    return TrustPath(
        posterior,
        prior,
        to_dataset(engine, posterior.fits),
        to_dataset(engine, prior.fits),
        _grid(posterior, plan.max_trust),
        facts,
        synthetic,
        recipe.model,
        engine,
        columns,
        recipe=recipe,
    )


def _grid(ladder: Ladder, max_trust: float) -> Floats:
    """Return 101 weights evenly in arc, with 1 among them where the path goes further."""
    direction = np.ones(ladder.mixture.points.shape[1])
    nodes = max_trust * np.concatenate([[0.0], np.geomspace(1e-4, 1.0, 80)])
    heights = ladder.sd_along(direction, nodes)
    grid = even_grid(lambda t: np.interp(t, nodes, heights), max_trust, GRID)
    if max_trust > 1:
        grid[1 + np.argmin(np.abs(grid[1:-1] - 1))] = 1.0
    return grid


@contextmanager
def _progress(show: bool) -> Iterator[Any]:
    """Yield a function that starts and advances the bars of named stages."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, disable=not show) as bars:
        stages: dict[str, Any] = {}

        def progress(stage: str, total: int = 0, advance: int = 0) -> None:
            if stage not in stages:
                stages[stage] = bars.add_task(stage, total=0)
            task = stages[stage]
            bars.update(task, total=bars.tasks[task].total + total, advance=advance)

        yield progress
