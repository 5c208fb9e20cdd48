"""The same analysis with the answers permuted among profiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.beliefs import Beliefs
from foundation_priors.errors import ModelError, PlaceboWarning, UnreliableWarning, warn
from foundation_priors.synthetic.exchange import exchange
from foundation_priors.trust.fit import trust_posterior

if TYPE_CHECKING:
    from collections.abc import Sequence

    from foundation_priors.path import TrustPath
    from foundation_priors.path.engine import Engine
    from foundation_priors.prior.tilt import Tilted
    from foundation_priors.trust.posterior import TrustPosterior

__all__ = ["Placebo", "placebo"]


CLEAR = 2.0
"""Standard errors beyond which permuted answers are said to gain or to lose evidence."""
VERDICTS = {
    1: "permuted answers gain evidence too, so it measures how poor the primitive prior is",
    -1: "permuted answers lose evidence",
    0: "permuted answers neither clearly gain nor clearly lose evidence",
}


@dataclass(frozen=True, eq=False, repr=False)
class Placebo:
    """What permuted answers say; made by `placebo`.

    Attributes
    ----------
    paths : tuple of TrustPath
        One for each permutation.
    posteriors : tuple of TrustPosterior
        Of their trust, under the same hyperprior.
    real : TrustPosterior
        That of the answers as they are.
    """

    paths: tuple[TrustPath, ...]
    posteriors: tuple[TrustPosterior, ...]
    real: TrustPosterior

    @property
    def log_evidence(self) -> NDArray[np.float64]:
        """Log evidence averaged over the hyperprior, against trust 0, shape (permutation,)."""
        return np.array([p.log_marginal_evidence for p in self.posteriors])

    @property
    def mcse(self) -> float:
        """Monte Carlo standard error of the mean of ``log_evidence``."""
        errors = [p.mcse["log_marginal_evidence"] for p in self.posteriors]
        return float(np.sqrt(np.sum(np.square(errors))) / len(errors))

    @property
    def reliable(self) -> NDArray[np.bool_]:
        """Whether each permutation's path passes its checks, shape (permutation,)."""
        return np.array([not p.checked[1].any() for p in self.posteriors])

    @property
    def favours_trust(self) -> bool:
        """Whether permuted answers clearly gain evidence, so that the primitive prior is poor."""
        return self._verdict > 0

    @property
    def _gain(self) -> tuple[float, float]:
        """Mean log evidence of the reliable permutations, or of all, and its standard error.

        The error is that of the draws and of the choice of permutations.
        """
        use = self.reliable if self.reliable.any() else np.ones(len(self.paths), bool)
        values = self.log_evidence[use]
        errors = [p.mcse["log_marginal_evidence"] for p in self.posteriors]
        drawn = np.sqrt(np.sum(np.square(errors)[use])) / len(values)
        chosen = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0.0
        return float(values.mean()), float(np.hypot(drawn, chosen))

    @property
    def _verdict(self) -> int:
        """1 where permuted answers gain evidence, -1 where they lose it, 0 where neither is."""
        mean, error = self._gain
        known = self.reliable.any() and abs(mean) > CLEAR * error
        return int(np.sign(mean)) if known else 0

    def summary(self) -> xr.Dataset:
        """Return the trust and the evidence of the answers and of each permutation.

        Returns
        -------
        xarray.Dataset
            Over ``answers`` ("as they are", "permuted 1", ...): ``log_evidence``,
            ``mcse_log_evidence``, ``mean_trust`` (over ``source`` if there are several) and
            ``reliable``, whether the path's checks hold.
        """
        all_of_them = (self.real, *self.posteriors)
        labels = ["as they are", *(f"permuted {i + 1}" for i in range(len(self.posteriors)))]
        means = [np.atleast_1d(p.nodes.probability @ p.nodes.points) for p in all_of_them]
        data = {
            "log_evidence": ("answers", [p.log_marginal_evidence for p in all_of_them]),
            "mcse_log_evidence": (
                "answers",
                [p.mcse["log_marginal_evidence"] for p in all_of_them],
            ),
            "mean_trust": (("answers", "source"), np.array(means)),
            "reliable": ("answers", [not p.checked[1].any() for p in all_of_them]),
        }
        sources = list(self.real.path.sources)
        out = xr.Dataset(data, {"answers": labels, "source": sources})
        return out.squeeze("source", drop=True) if len(sources) == 1 else out

    def in_words(self) -> str:
        """Return a sentence."""
        (mean, error), k, bad = self._gain, len(self.paths), int((~self.reliable).sum())
        used = k - bad or k
        often = f", mean of {used} permutations" if used > 1 else ""
        found = f"log evidence {mean:.3g}{often} (error {error:.1g})"
        if bad == k:
            whose = "its path fails" if k == 1 else f"the paths of all {k} permutations fail"
            return f"{found}: not to be relied on, because {whose} the checks"
        left = f"; {bad} of {k} permutations, whose paths fail the checks, are left out" * bool(bad)
        return f"{found}: {VERDICTS[self._verdict]}{left}"

    def __repr__(self) -> str:
        """Return two lines of text."""
        return (
            "<foundation_priors.trust.Placebo>\n"
            f"    permuted: {self.in_words()}\n"
            f"    answers:  log evidence {self.real.log_marginal_evidence:.3g}"
        )


def placebo(
    path: TrustPath,
    prior: Any = "cautious",
    *,
    permutations: int = 3,
    profile: str | Sequence[str] | None = None,
    random_seed: int | None = None,
    progressbar: bool = True,
) -> Placebo:
    """Repeat an analysis with the answers permuted among profiles.

    Each profile's answers stay together, as a block, with their weights, and get the covariates of
    another profile: what they say of the outcome as such stays, what they say of how it depends on
    covariates goes. Under a poor primitive prior even these gain evidence; then a posterior of the
    trust says little about the answers. Afterwards every `TrustPosterior` of this path shows it.

    Parameters
    ----------
    path : TrustPath
        Not one read from a file.
    prior
        The hyperprior, as in `TrustPath.trust_posterior`.
    permutations : int
    profile : str or list of str, optional
        Columns that identify a profile; by default the answers' unit, or else all covariates.
    random_seed : int, optional
        Defaults to the path's.
    progressbar : bool

    Returns
    -------
    Placebo

    Raises
    ------
    ModelError
        When the path was read from a file.
    ValueError
        When the answers have no covariates, or fewer than two profiles.

    Warns
    -----
    PlaceboWarning
        When permuted answers gain evidence, by more than two standard errors.
    UnreliableWarning
        When the paths of some permutations fail their checks; the others are judged.

    Notes
    -----
    The compiled model of the path serves again: only the rows of the answers are exchanged.

    Examples
    --------
    >>> import foundation_priors as fp
    >>> fp.trust.placebo(path, random_seed=1)  # doctest: +SKIP
    """
    recipe, said = path.recipe, path.synthetic
    if isinstance(said, Beliefs):
        raise ModelError(
            "Beliefs about quantities have no rows to permute, so there is no placebo of them."
        )
    if path.engine is None or recipe is None:
        raise ModelError(
            "This path was read from a file, without what a placebo needs to sample: build it "
            "again with trust_path()."
        )
    if int(permutations) != permutations or permutations < 1:
        raise ValueError(f"permutations={permutations} must be a whole number of at least 1.")
    from foundation_priors.path.trust_path import climb
    from foundation_priors.prior.speech import with_outcome
    from foundation_priors.prior.tilt import build

    columns = with_outcome(recipe.model, said, recipe.options["columns"])
    options = {**recipe.options, "columns": columns}
    seed = path.facts.seed if random_seed is None else random_seed
    streams = np.random.SeedSequence(seed).spawn(permutations + 1)[1:]
    paths = []
    for number, stream in enumerate(streams):
        rng = np.random.default_rng(stream)
        answers = exchange(said, rng, profile)
        tilted = build(recipe.model, answers, alone=True, **options)
        engine = _with_rows(path.engine, tilted)
        doing = f"permutation {number + 1} of {permutations}, " if permutations > 1 else ""
        chosen = int(rng.integers(2**31))
        paths.append(climb(recipe, engine, answers, chosen, progressbar, doing))
    posteriors = tuple(trust_posterior(p, prior, quiet=True) for p in paths)
    found = Placebo(tuple(paths), posteriors, path.trust_posterior(prior))
    path.__dict__["_placebo"] = found
    if bad := int((~found.reliable).sum()):
        warn(
            f"The paths of {bad} of {permutations} permutations of the answers fail their checks, "
            "so that they say nothing about the evidence: build the path with more draws or a "
            "larger max_anchors=.",
            UnreliableWarning,
        )
    if found.favours_trust:
        warn(
            f"Answers permuted among profiles gain evidence (log evidence "
            f"{found._gain[0]:.2g} against trust 0), so that the evidence for trust "
            "measures how poor the primitive prior is: choose a better one before reading it.",
            PlaceboWarning,
        )
    return found


def _with_rows(engine: Engine, tilted: Tilted) -> Engine:
    """Return an engine for other rows, compiled as another is where the model has its form."""
    from foundation_priors.path.engine import Engine
    from foundation_priors.path.reuse import remember

    remember(engine.model, engine.compiled)
    return Engine(tilted)
