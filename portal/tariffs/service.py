"""Setting fees and rewards: always a new version, never a change, so that no stored order is touched."""
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core import audit, clock
from portal.core.access import Actor
from portal.core.db import after_commit, locked
from portal.core.errors import NotFound
from portal.parties.models import Store, Trader
from portal.tariffs.commands import SetFee, SetReward
from portal.tariffs.fees import forget
from portal.tariffs.models import Reward, Tariff


def set_fee(session: Session, actor: Actor, command: SetFee) -> Tariff:
    """The store pays by this version from its next order on. Raises NotFound."""
    if session.get(Store, command.store_id) is None:
        raise NotFound()
    same = locked(session, select(Tariff).where(
        Tariff.store_id == command.store_id, Tariff.direction == command.direction, Tariff.retired_at.is_(None),
        *(column.is_not_distinct_from(value) for column, value in (
            (Tariff.method, command.method), (Tariff.currency, command.currency),
            (Tariff.from_minor, command.from_minor), (Tariff.to_minor, command.to_minor)))).order_by(Tariff.id))
    for old in same:
        old.retired_at = clock.now()
    new = Tariff(**command.model_dump())
    session.add(new)
    session.flush()
    audit.record(session, actor, "fee.set", "store", command.store_id,
                 before={"fees": [{"bps": old.fee_bps, "fixed_minor": old.fee_fixed_minor} for old in same]},
                 after=command.model_dump(mode="json", exclude={"store_id"}))
    after_commit(session, forget)
    return new


def set_reward(session: Session, actor: Actor, command: SetReward) -> Reward:
    """The trader earns by this version from their next assignment on. Raises NotFound."""
    if session.get(Trader, command.trader_id) is None:
        raise NotFound()
    same = locked(session, select(Reward).where(
        Reward.trader_id == command.trader_id, Reward.direction == command.direction, Reward.retired_at.is_(None),
        Reward.method.is_not_distinct_from(command.method)).order_by(Reward.id))
    for old in same:
        old.retired_at = clock.now()
    new = Reward(**command.model_dump())
    session.add(new)
    session.flush()
    audit.record(session, actor, "reward.set", "trader", command.trader_id,
                 before={"rewards": [{"bps": old.reward_bps, "fixed_minor": old.reward_fixed_minor} for old in same]},
                 after=command.model_dump(mode="json", exclude={"trader_id"}))
    return new
