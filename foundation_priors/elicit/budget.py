"""A budget in calls, tokens or money that is never exceeded."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass

from foundation_priors.errors import did_you_mean

__all__ = ["Budget", "Cost", "OutOfBudget", "least_tokens"]

UNITS = ("calls", "tokens", "money")
LONGEST_TOKEN = 8  # bytes a token, on average over any text but white space
ROUNDING = 1e-9  # relative: sums of money are floats


class OutOfBudget(Exception):  # noqa: N818  # an end, not an error
    """What is left does not cover the next request."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a request costs, or may cost at most: tokens of input and output together."""

    calls: float = 0.0
    tokens: float = 0.0
    money: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        """Return both."""
        return Cost(self.calls + other.calls, self.tokens + other.tokens, self.money + other.money)

    def __sub__(self, other: Cost) -> Cost:
        """Return what is left of one without the other."""
        return Cost(self.calls - other.calls, self.tokens - other.tokens, self.money - other.money)


class Budget:
    """What one run may spend.

    Parameters
    ----------
    limits : mapping of str to float, optional
        The most, by ``"calls"`` (every request that is sent, answered or not), ``"tokens"`` (input
        and output) or ``"money"`` (in the currency of the endpoints' prices).

    Raises
    ------
    ValueError
        If a limit is unknown, or no number of at least 0.

    Notes
    -----
    Before a request is sent, the most that it can cost is reserved; when it is over, the
    reservation is replaced by what it did cost. What is spent and reserved never passes a limit,
    so a run ends up to one request's reservation below it. Where a server counts fewer tokens than
    the texts can have, those are taken. A budget is of one run: what the
    journal says of earlier runs does not count.

    Examples
    --------
    >>> budget = Budget({"calls": 2})
    >>> budget.fits(Cost(calls=1)), budget.fits(Cost(calls=3))
    (True, False)
    """

    def __init__(self, limits: Mapping[str, float] | None = None) -> None:
        self.limits = {unit: math.inf for unit in UNITS}
        for unit, limit in dict(limits or {}).items():
            if unit not in UNITS:
                raise ValueError(f"There is no budget in {unit!r}.{did_you_mean(unit, UNITS)}")
            if not isinstance(limit, int | float) or not limit >= 0:
                raise ValueError(f"budget={{{unit!r}: {limit!r}}} must be a number of at least 0.")
            self.limits[unit] = float(limit)
        self.spent, self.held, self.under_way = Cost(), Cost(), 0
        self._changed = asyncio.Event()

    @property
    def counts_tokens(self) -> bool:
        """Whether a bound on each request's tokens is needed."""
        return self.limits["tokens"] < math.inf or self.counts_money

    @property
    def counts_money(self) -> bool:
        """Whether prices are needed."""
        return self.limits["money"] < math.inf

    def fits(self, cost: Cost) -> bool:
        """Return whether a request of that cost can be sent now."""
        return all(
            getattr(self.spent, unit) + getattr(self.held, unit) + getattr(cost, unit)
            <= limit * (1 + ROUNDING)
            for unit, limit in self.limits.items()
            if limit < math.inf
        )

    async def reserve(self, cost: Cost) -> None:
        """Hold the most that a request can cost, waiting for others if it might fit then.

        Parameters
        ----------
        cost : Cost
            A bound.

        Raises
        ------
        OutOfBudget
            If it does not fit.
        """
        while not self.fits(cost):
            if not self.under_way:
                raise OutOfBudget
            self._changed.clear()
            await self._changed.wait()
        self.hold(cost)

    def hold(self, cost: Cost) -> None:
        """Hold what fits."""
        self.held = self.held + cost
        self.under_way += 1

    def settle(self, held: Cost, spent: Cost) -> None:
        """Replace what was held for a request by what it cost.

        Parameters
        ----------
        held : Cost
            As it was reserved.
        spent : Cost
            What it cost.
        """
        self.under_way -= 1
        self.held = self.held - held if self.under_way else Cost()
        self.spent = self.spent + spent
        self._changed.set()


def least_tokens(*texts: str) -> int:
    """Return how many tokens texts have at least, whatever a server counts.

    Parameters
    ----------
    *texts : str
        Texts, of which runs of white space are taken for one character.

    Returns
    -------
    int
        About half of what they have as a rule.

    Examples
    --------
    >>> least_tokens("Estimate what this voter says.", "")
    4
    """
    size = sum(len(" ".join(text.split()).encode("utf-8", "replace")) for text in texts)
    return math.ceil(size / LONGEST_TOKEN)
