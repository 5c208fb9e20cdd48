"""What the answers are worth in real observations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import pymc as pm

    from foundation_priors.beliefs import Belief
    from foundation_priors.prior.columns import ColumnSpec
    from foundation_priors.prior.informs import Informs
    from foundation_priors.prior.linkage import Link, Private
    from foundation_priors.prior.tilt import Likelihood
    from foundation_priors.synthetic import SyntheticData

__all__ = ["worth"]


def worth(
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
    target_accept: float | None = None,
    backend: str | None = None,
    nuts_sampler_kwargs: Mapping[str, Any] | None = None,
    random_seed: Any = None,
) -> pd.DataFrame:
    r"""Count the answers in real observations, at trust 1.

    A language model scatters less than people do, so an answer can inform more than a person
    does, and repeated answers less.

    Parameters
    ----------
    model, synthetic, private, commensurate, informs, by, columns, likelihood, evidence
        As in `tilt`.
    target_accept, backend, nuts_sampler_kwargs
        As in `trust_path`.
    random_seed : int, optional

    Returns
    -------
    pandas.DataFrame
        One row a source: ``rows``, ``effective_rows`` (the sum of the row weights),
        ``real_observations`` and ``each``, the real observations that an effective row is worth.

    Notes
    -----
    :math:`n_{real} (\det I_s / \det I_r)^{1/d}`, with the information of the answers and of the
    real data about the d parameters they share, at the posterior mean of the real data alone.
    Private parameters of the answers are where these like them best; commensurate copies are
    integrated out, so that what the answers say of a copy is diluted by its spread. Of a vector
    with some informed elements only these count.
    """
    from foundation_priors.path.climb import posterior_at_zero
    from foundation_priors.path.engine import Engine
    from foundation_priors.path.fits import Settings
    from foundation_priors.path.information import check_offsets, worth_of_sources
    from foundation_priors.prior.nuts import nuts_options
    from foundation_priors.prior.tilt import build

    settings = Settings.of(nuts_options(target_accept, backend, nuts_sampler_kwargs))
    tilted = build(
        model,
        synthetic,
        columns=columns,
        private=private,
        commensurate=commensurate,
        informs=informs,
        by=by,
        likelihood=likelihood,
        evidence=evidence,
    )
    check_offsets(tilted)
    engine = Engine(tilted)
    fit = posterior_at_zero(engine, random_seed, settings)
    u = fit.run.u.reshape(fit.draws, -1)
    real = worth_of_sources(engine, u, np.full(len(u), 1 / len(u)))
    answers: Any = synthetic if tilted.spoken is None else tilted.spoken.beliefs
    rows = [len(positions) for positions in answers.groups(by).values()]
    effective = np.array(tilted.effective_rows)
    columns_ = {
        "rows": rows,
        "effective_rows": effective,
        "real_observations": real,
        "each": real / effective,
    }
    return pd.DataFrame(columns_, index=pd.Index(tilted.sources, name="source"))
