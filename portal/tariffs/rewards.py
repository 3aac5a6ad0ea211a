"""What a trader earns by one order: chosen in the database when it is assigned, here for who asks beforehand."""
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from portal.core import clock
from portal.core.money import Money
from portal.tariffs.models import Reward
from portal.tariffs.rules import COLUMNS, NEWEST_FIRST, Rule, most_specific


def rewards(session: Session, trader_ids: Iterable[UUID], *, direction: str, method: str,
            amount: Money) -> dict[UUID, Rule]:
    """The rule of each trader that has one for such an order now, in one query. A trader without a rule is not named:
    nobody can be assigned at an unknown price."""
    now = clock.now()
    rows = session.execute(
        select(Reward.trader_id, *COLUMNS[Reward])
        .where(Reward.trader_id.in_(list(trader_ids)), Reward.direction == direction, Reward.valid_from <= now,
               or_(Reward.retired_at.is_(None), Reward.retired_at > now))
        .order_by(*NEWEST_FIRST[Reward]))
    of: dict[UUID, list[Rule]] = {}
    for trader_id, *columns in rows:
        of.setdefault(trader_id, []).append(Rule(*columns))
    chosen = {trader_id: most_specific(rules, direction=direction, method=method, amount=amount, at=now)
              for trader_id, rules in of.items()}
    return {trader_id: rule for trader_id, rule in chosen.items() if rule is not None}
