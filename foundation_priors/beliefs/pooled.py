r"""Pools of densities.

References
----------
.. [1] C. Genest and J. V. Zidek (1986). Combining probability distributions: a critique and an
   annotated bibliography. Statistical Science 1(1). doi:10.1214/ss/1177013825
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from foundation_priors.beliefs.density import Density
from foundation_priors.beliefs.johnson import Johnson
from foundation_priors.beliefs.operations import operations
from foundation_priors.beliefs.support import Support

__all__ = ["METHODS", "Pooled"]

type Floats = NDArray[np.float64]

METHODS = ("linear", "logarithmic")


@dataclass(frozen=True, eq=False)
class Pooled(Density):
    r"""The linear pool :math:`\sum_i w_i f_i`, or the logarithmic one, :math:`\prod_i f_i^{w_i}/Z`.

    Attributes
    ----------
    parts : tuple of Density
        On the same support, one weight to each of their components.
    weights : array, shape (component,)
        They add to 1.
    method : {"linear", "logarithmic"}
    """

    parts: tuple[Density, ...]
    weights: Floats
    method: str

    @classmethod
    def of(cls, parts: Sequence[Density], weights: Floats, method: str) -> Self:
        """Pool densities of one component each; those of the same family are put side by side."""
        kinds: dict[Any, list[int]] = {}
        for number, part in enumerate(parts):
            kinds.setdefault(_kind(part, number), []).append(number)
        joined: list[Density] = []
        order: list[int] = []
        for numbers in kinds.values():
            some = [parts[n] for n in numbers]
            plain = [p for p in some if isinstance(p, Johnson)]
            joined.append(Johnson.stacked(plain) if len(plain) > 1 else some[0])
            order += numbers
        return cls(tuple(joined), np.asarray(weights, dtype=float)[order], method)

    @property
    def support(self) -> Support:  # type: ignore[override]
        """Where the quantity can lie."""
        return self.parts[0].support

    def _terms(self, w: Any) -> Any:
        o = operations(w)
        # A pool among the parts is a single density.
        terms = [
            p.log_line(w)[..., None] if isinstance(p, Pooled) else p.log_components(w)
            for p in self.parts
        ]
        return terms[0] if len(terms) == 1 else o.concatenate(terms, axis=-1)

    def log_components(self, w: Any) -> Any:
        """Return the log density of w, on a new last axis of length 1."""
        return self.log_line(w)[..., None]

    def log_line(self, w: Any) -> Any:
        """Return the log density of the coordinate w."""
        if self.method == "linear":
            return operations(w).logsumexp(self._terms(w) + np.log(self.weights))
        return (self._terms(w) * self.weights).sum(axis=-1) - self._log_total

    @cached_property
    def _log_total(self) -> float:
        edges = np.unique(self.edges())
        nodes, weights = np.polynomial.legendre.leggauss(8)
        half = np.diff(edges)[:, None] / 2
        w = edges[:-1, None] + half * (nodes + 1)
        log = (self._terms(w) * self.weights).sum(axis=-1)
        top = log.max()
        return float(top + np.log((half * weights * np.exp(log - top)).sum()))

    def edges(self) -> Floats:
        """Return increasing values of w, between neighbours of which the density is smooth."""
        return np.sort(np.concatenate([p.edges() for p in self.parts]))


def _kind(part: Density, number: int) -> Any:
    return (part.heavy, part.knots) if isinstance(part, Johnson) else number
