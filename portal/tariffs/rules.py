"""One version of a fee or a reward: for which orders, at which time, how much; and which of several counts.

The functions of migrations/sql/matching.sql choose a reward by the same rule (tests/house/write_matching.py).
"""
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from portal.core.money import MINOR_MAX, Money
from portal.tariffs.models import Reward, Tariff


@dataclass(frozen=True, slots=True)
class Rule:
    """The band is in minor units of `currency`, both ends belong to it; the fixed part in settlement currency."""

    id: UUID
    direction: str
    method: str | None
    currency: str | None
    from_minor: int | None
    to_minor: int | None
    bps: int
    fixed_minor: int
    valid_from: datetime
    retired_at: datetime | None

    def counts(self, at: datetime) -> bool:
        return self.valid_from <= at and (self.retired_at is None or at < self.retired_at)

    def covers(self, direction: str, method: str, amount: Money) -> bool:
        if self.direction != direction or self.method not in (None, method):
            return False
        if self.currency not in (None, amount.currency):
            return False
        return (self.from_minor is None or self.from_minor <= amount.minor) and (
            self.to_minor is None or amount.minor <= self.to_minor)

    def includes(self, other: "Rule") -> bool:
        """Every order that the other is for is one that this is for, too."""
        most, others_most = (MINOR_MAX if one.to_minor is None else one.to_minor for one in (self, other))
        return (self.direction == other.direction and self.method in (None, other.method)
                and self.currency in (None, other.currency)
                and (self.from_minor or 0) <= (other.from_minor or 0) and others_most <= most)

    @property
    def breadth(self) -> tuple[bool, bool, int]:
        """Smaller is more specific: a method named, then a currency named, then the narrower band."""
        most = MINOR_MAX if self.to_minor is None else self.to_minor
        return self.method is None, self.currency is None, most - (self.from_minor or 0)

    def of(self, settlement: Money) -> Money:
        """min(A, A·bps/10,000 half-even + fixed)."""
        return settlement.share(self.bps, fixed_minor=self.fixed_minor)


COLUMNS: dict[type[Tariff] | type[Reward], tuple[Any, ...]] = {
    Tariff: (Tariff.id, Tariff.direction, Tariff.method, Tariff.currency, Tariff.from_minor, Tariff.to_minor,
             Tariff.fee_bps, Tariff.fee_fixed_minor, Tariff.valid_from, Tariff.retired_at),
    Reward: (Reward.id, Reward.direction, Reward.method, Reward.currency, Reward.from_minor, Reward.to_minor,
             Reward.reward_bps, Reward.reward_fixed_minor, Reward.valid_from, Reward.retired_at)}
"""What a `Rule` is read from, in the order of its fields."""
NEWEST_FIRST = {table: (table.created_at.desc(), table.id.desc()) for table in COLUMNS}


def most_specific(rules: Iterable[Rule], *, direction: str, method: str, amount: Money, at: datetime) -> Rule | None:
    """Of two alike the one that comes first: `rules` are given the newest first."""
    fitting = [rule for rule in rules if rule.counts(at) and rule.covers(direction, method, amount)]
    return min(fitting, key=lambda rule: rule.breadth, default=None)
