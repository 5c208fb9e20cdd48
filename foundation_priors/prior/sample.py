"""Sample the posterior at one fixed trust."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import xarray as xr

from foundation_priors.prior.columns import ColumnSpec
from foundation_priors.prior.compiling import sources_removed
from foundation_priors.prior.informs import Informs
from foundation_priors.prior.linkage import Link, Private
from foundation_priors.prior.model import numpy_mode
from foundation_priors.prior.nuts import check_backend, split_target
from foundation_priors.prior.tilt import LOGLIK, TRUST, Likelihood, Tilted, build, chosen_trust

if TYPE_CHECKING:
    import pymc as pm

    from foundation_priors.beliefs import Belief
    from foundation_priors.synthetic import SyntheticData

__all__ = ["sample"]


def sample(
    model: pm.Model,
    synthetic: SyntheticData | Belief | Sequence[Belief],
    trust: float | Mapping[str, float] | None = None,
    *,
    columns: Mapping[str, ColumnSpec] | None = None,
    private: Private = (),
    commensurate: Link = (),
    informs: Informs | None = None,
    by: str | None = None,
    likelihood: Likelihood | None = None,
    evidence: Sequence[str] | None = None,
    max_trust: float = 1.0,
    target_accept: float | None = None,
    backend: str | None = None,
    nuts_sampler_kwargs: Mapping[str, Any] | None = None,
    **kwargs: Any,
) -> xr.DataTree:
    """Sample the tilted model at one trust, with the groups that comparing priors needs.

    Parameters
    ----------
    model, synthetic, trust, columns, private, commensurate, informs, by, likelihood, evidence, \
max_trust
        As in `tilt`.
    target_accept : float, optional
        The acceptance rate that step sizes are tuned to, as in `pymc.sample`: .8 by default.
    backend : {"numba", "c", "jax"}, optional
        As in `pymc.sample`; "jax" must be installed.
    nuts_sampler_kwargs : dict, optional
        More options of the sampler, which newer versions of `pymc.sample` call ``nuts``.
    **kwargs
        For `pymc.sample`, which runs twice, with the real data and, for the tilted prior, without;
        and a third time where the primitive prior cannot be drawn from directly.

    Returns
    -------
    xarray.DataTree
        What `pymc.sample` gives (``posterior``, ``sample_stats``, ``observed_data``, ...) and the
        groups ``prior`` (the tilted prior), ``primitive_prior`` (at trust 0, without the real
        data), ``log_likelihood``, ``log_prior`` (each parameter's log prior, and for each source
        its trust times its log-likelihood, under the source's name) and ``synthetic_data``.

    Raises
    ------
    ColumnError, ModelError, ImproperPriorError, SyntheticAsEvidenceError
        As in `tilt`.
    ImportError
        When the backend is not installed.

    Notes
    -----
    To see more than one trust, `trust_path` is cheaper than repeating this.

    Examples
    --------
    >>> import foundation_priors as fp
    >>> trace = fp.sample(model, llm, trust=0.1, random_seed=1)  # doctest: +SKIP
    >>> az.psense_summary(trace, prior_var_names=["synthetic"])  # doctest: +SKIP
    """
    from foundation_priors.path.groups import likelihood_groups

    how = _Sampling(target_accept, backend, nuts_sampler_kwargs, kwargs)
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
    weights = chosen_trust(trust, tilted, max_trust)
    answers: Any = synthetic if tilted.spoken is None else tilted.spoken.beliefs
    tilted.model[TRUST].set_value(tilted.vector(weights))
    with sources_removed():
        trace = how.run(tilted.model)
    posterior = trace["posterior"].to_dataset()
    ell = posterior[LOGLIK].values
    said = ell.reshape(*ell.shape[:2], len(tilted.sources)) * weights
    groups = likelihood_groups(tilted.model, posterior, said, tilted.sources)
    with sources_removed():
        groups |= _priors(tilted, how)
    groups["synthetic_data"] = answers.dataset
    for name, group in groups.items():
        trace[name] = xr.DataTree(group)
    return trace


class _Sampling:
    """How `pymc.sample` is called, several times alike; it changes the options it is given."""

    def __init__(
        self,
        target_accept: float | None,
        backend: str | None,
        nuts_sampler_kwargs: Mapping[str, Any] | None,
        kwargs: dict[str, Any],
    ) -> None:
        check_backend(backend)
        if nuts_sampler_kwargs is not None and "nuts" in kwargs:
            raise ValueError("nuts= and nuts_sampler_kwargs= are the same: leave one out.")
        given = kwargs.pop("nuts", nuts_sampler_kwargs)
        target, self.nuts = split_target(target_accept, given)
        if target is not None:
            self.nuts["target_accept"] = target
        self.kwargs = kwargs if backend is None else {**kwargs, "backend": backend}

    def run(self, model: pm.Model) -> xr.DataTree:
        """Sample a model."""
        import pymc as pm

        nuts = {"nuts": dict(self.nuts)} if self.nuts else {}
        return pm.sample(model=model, **self.kwargs, **nuts)


def _priors(tilted: Tilted, how: _Sampling) -> dict[str, xr.Dataset]:
    """Return draws from the tilted prior and from the primitive one."""
    import pymc as pm

    from foundation_priors.path.engine import (
        EVIDENCE,
        PRIOR,
        REAL,
        forward_is_exact,
        weigh_evidence,
    )

    prior = weigh_evidence(tilted)
    prior[EVIDENCE].set_value(0.0)
    own = [LOGLIK, REAL, PRIOR]
    out = {"prior": how.run(prior)["posterior"].to_dataset().drop_vars(own)}
    if forward_is_exact(prior):
        names = [rv.name for rv in prior.free_RVs]
        seed = how.kwargs.get("random_seed")
        forward = {
            "var_names": names,
            "compile_kwargs": {"mode": numpy_mode()},
            "random_seed": seed,
        }
        draws = int(out["prior"].sizes["chain"] * out["prior"].sizes["draw"])
        drawn = pm.sample_prior_predictive(draws, model=_bare(prior), **forward)
        out["primitive_prior"] = drawn["prior"].to_dataset()
    else:
        prior[TRUST].set_value(0.0 * prior[TRUST].get_value())
        drawn = how.run(prior)["posterior"].to_dataset()
        out["primitive_prior"] = drawn.drop_vars(own)
    return out


def _bare(model: pm.Model) -> pm.Model:
    """Return a model without its potentials, which forward draws do not need."""
    from foundation_priors.prior.model import copy_model

    bare = copy_model(model)
    bare.potentials.clear()
    return bare
