"""Setting fees and rewards: always a new version, never a change, so that no stored order is touched.

A version ends the one that would count at its time, and itself ends where the next one begins. A time gone by is for
books that are brought in with their past; what people ask for begins now at the earliest (change_requests).
"""
from datetime import datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from portal.core import audit, clock
from portal.core.access import Actor
from portal.core.db import after_commit, locked
from portal.core.errors import NotFound
from portal.parties.models import Store, Trader
from portal.tariffs.commands import SetFee, SetReward
from portal.tariffs.fees import forget
from portal.tariffs.models import Reward, Tariff

V = TypeVar("V", Tariff, Reward)
KEYS = ("direction", "method", "currency", "from_minor", "to_minor")


def set_fee(session: Session, actor: Actor, command: SetFee) -> Tariff:
    """The store pays by this version from its next order on, or from its time. Raises NotFound."""
    store = session.get(Store, command.store_id)
    if store is None:
        raise NotFound()
    new, ended = _set(session, Tariff, command, Tariff.store_id == command.store_id)
    audit.record(session, actor, "fee.set", "store", command.store_id,
                 before={"fees": [{"bps": old.fee_bps, "fixed_minor": old.fee_fixed_minor} for old in ended]},
                 after=command.model_dump(mode="json", exclude={"store_id"}) | _fixed_in(store))
    after_commit(session, forget)
    return new


def set_reward(session: Session, actor: Actor, command: SetReward) -> Reward:
    """The trader earns by this version from their next assignment on, or from its time. Raises NotFound."""
    trader = session.get(Trader, command.trader_id)
    if trader is None:
        raise NotFound()
    new, ended = _set(session, Reward, command, Reward.trader_id == command.trader_id)
    audit.record(session, actor, "reward.set", "trader", command.trader_id,
                 before={"rewards": [{"bps": old.reward_bps, "fixed_minor": old.reward_fixed_minor} for old in ended]},
                 after=command.model_dump(mode="json", exclude={"trader_id"}) | _fixed_in(trader))
    return new


def _fixed_in(owner: Store | Trader) -> dict[str, str]:
    """Of which currency a fixed part is: without it the audit could say no amount."""
    return {"settlement_currency": owner.settlement_currency}


def alike(table: type[V], like: SetFee | SetReward) -> list[ColumnElement[bool]]:
    """Versions for the very same orders as `like`."""
    return [getattr(table, name).is_not_distinct_from(getattr(like, name)) for name in KEYS]


def counting_at(table: type[V], at: datetime) -> list[ColumnElement[bool]]:
    return [table.valid_from <= at, or_(table.retired_at.is_(None), table.retired_at > at)]


def _set(session: Session, table: type[V], command: SetFee | SetReward,
         owner: ColumnElement[bool]) -> tuple[V, list[V]]:
    begins = command.valid_from or clock.now()
    same = locked(session, select(table).where(
        owner, *alike(table, command), or_(table.retired_at.is_(None), table.retired_at > begins)).order_by(table.id))
    ended = [old for old in same if old.valid_from <= begins]
    later = [old.valid_from for old in same if old.valid_from > begins]
    for old in ended:
        old.retired_at = begins
    new = table(**command.model_dump(exclude={"valid_from"}), valid_from=begins, retired_at=min(later, default=None))
    session.add(new)
    session.flush()
    return new, ended
