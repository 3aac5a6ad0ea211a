"""What a trader earns by one order, chosen and computed once, at assignment."""
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from portal.core.money import Money
from portal.tariffs.models import Reward


@dataclass(frozen=True)
class RewardRule:
    """One version of a trader's reward: hundredths of a percent plus minor units of settlement currency."""

    id: UUID
    bps: int
    fixed_minor: int

    def of(self, settlement: Money) -> Money:
        """R = min(A, A·bps/10,000 half-even + fixed)."""
        return settlement.share(self.bps, fixed_minor=self.fixed_minor)


def rewards(session: Session, trader_ids: Iterable[UUID], direction: str, method: str) -> dict[UUID, RewardRule]:
    """The rule of each trader that has one, in one query: one that names the method before one for any, the newer
    before the older. A trader without a rule is not named: nobody can be assigned at an unknown price."""
    rows = session.execute(
        select(Reward.trader_id, Reward.id, Reward.reward_bps, Reward.reward_fixed_minor)
        .where(Reward.trader_id.in_(list(trader_ids)), Reward.direction == direction,
               Reward.retired_at.is_(None), or_(Reward.method.is_(None), Reward.method == method))
        .order_by(Reward.trader_id, Reward.method.is_(None), Reward.created_at.desc(), Reward.id.desc()))
    rules: dict[UUID, RewardRule] = {}
    for trader_id, id, bps, fixed_minor in rows:
        rules.setdefault(trader_id, RewardRule(id, bps, fixed_minor))
    return rules
