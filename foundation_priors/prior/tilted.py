"""What is known of a tilted model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pymc as pm

    from foundation_priors.prior.beliefs import Spoken

__all__ = ["LOGLIK", "SOURCE", "TRUST", "Tie", "Tilted"]

TRUST, LOGLIK, SOURCE = "fp_trust", "fp_loglik", "fp_source"


@dataclass(frozen=True)
class Tie:
    """How a source's answers are tied to the model's free variables, by name.

    ``shared`` are informed, ``copies`` private ones that the answers speak of, and ``links`` what
    each commensurate link adds. Where a private copy has an informed variable in its prior, as
    groups of the answers' own have with their common mean, ``hanging`` are such copies, and
    ``beside`` the variables through which the real data inform the same.
    """

    shared: tuple[str, ...]
    copies: tuple[str, ...]
    links: dict[str, tuple[str, ...]]
    hanging: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tilted:
    """A tilted model and what its construction learned; see `tilt`.

    ``shared`` are the free variables that the answers inform, ``private`` maps each private
    variable to its copies, ``coincide`` is the share of answers equal to some real row,
    ``effective_rows`` are the sums of each source's row weights, ``ties`` say what belongs to each
    source, ``parts`` maps a variable of which only some elements are informed to their positions
    and labels, ``commensurate`` names each link, and ``spoken`` is what beliefs say.
    """

    model: pm.Model
    sources: tuple[str, ...]
    single: bool
    shared: tuple[str, ...]
    private: dict[str, tuple[str, ...]]
    evidence: tuple[str, ...]
    n_real: int
    coincide: float
    effective_rows: tuple[float, ...]
    ties: tuple[Tie, ...]
    parts: dict[str, tuple[tuple[int, ...], tuple[str, ...]]]
    commensurate: dict[str, str]
    spoken: Spoken | None = None

    @property
    def links(self) -> dict[str, tuple[str, ...]]:
        """The free variables that commensurate links add, by the variable that they tie."""
        names = dict.fromkeys(n for tie in self.ties for n in tie.links)
        return {n: tuple(v for tie in self.ties for v in tie.links.get(n, ())) for n in names}

    def vector(self, trust: float | Sequence[float] | np.ndarray) -> np.ndarray:
        """Return weights, one a source, in the shape of the model's trust."""
        values = np.broadcast_to(np.asarray(trust, dtype=float), (len(self.sources),))
        return values[0] if self.single else np.array(values)
