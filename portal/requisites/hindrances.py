"""Why a requisite gets no orders just now, told by the filters of matching (migrations/sql: windows_open, slots_open).

Everything is judged for the smallest order it would take: what keeps that away keeps every order away.
"""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal import ledger, reference
from portal.core import clock
from portal.core.money import Money, convert
from portal.parties.models import Holder, Trader
from portal.reference import RateUnavailable
from portal.requisites import queries
from portal.requisites.models import Requisite
from portal.requisites.states import Status
from portal.tariffs.models import Reward


class Because(StrEnum):
    PENDING = "pending"
    REJECTED = "rejected"
    PAUSED = "paused"
    BLOCKED = "blocked"
    ARCHIVED = "archived"
    TRADER_INACTIVE = "trader_inactive"
    OFF_SHIFT = "off_shift"
    DIRECTION_OFF = "direction_off"
    NO_REWARD = "no_reward"
    TRADER_SLOTS = "trader_slots"
    SLOTS = "slots"
    COOLDOWN = "cooldown"
    DAY = "day"
    DAY_COUNT = "day_count"
    MONTH = "month"
    HOLDER = "holder"
    COLLATERAL = "collateral"
    NO_RATE = "no_rate"
    SAME_AMOUNT = "same_amount"


@dataclass(frozen=True)
class Hindrance:
    """`until`: when it passes by itself; `needed`: the free balance that the smallest order takes."""

    because: Because
    until: datetime | None = None
    needed: Money | None = None


TAKEN = text("""
    SELECT r.id, max(k.until) FROM requisites r
      LEFT JOIN open_places p ON p.requisite_id = r.id AND p.amount_minor = r.min_minor
      LEFT JOIN kept_amounts k ON k.requisite_id = r.id AND k.amount_minor = r.min_minor AND k.until > :now
     WHERE r.id = ANY (CAST(:ids AS uuid[])) AND (p.assignment_id IS NOT NULL OR k.until IS NOT NULL) GROUP BY r.id""")
STATUSES = {Status.PENDING: Because.PENDING, Status.REJECTED: Because.REJECTED, Status.PAUSED: Because.PAUSED,
            Status.BLOCKED: Because.BLOCKED, Status.ARCHIVED: Because.ARCHIVED}


def hindrances(session: Session, trader: Trader, requisites: Sequence[Requisite]) -> dict[UUID, list[Hindrance]]:
    """By requisite of this trader, with holders loaded: three queries at most. Empty: it may get an order now."""
    available = ledger.balance(session, ledger.trader_available(trader.id, trader.settlement_currency, live=True))
    rewarded = _rewarded(session, trader)
    taken = _taken(session, requisites)
    return {requisite.id: _of(session, trader, requisite, available, rewarded) + taken.get(requisite.id, [])
            for requisite in requisites}


def _taken(session: Session, requisites: Sequence[Requisite]) -> dict[UUID, list[Hindrance]]:
    """Of those that take one amount only: an open order has it, or one that ended and may still be paid."""
    of_one = [requisite.id for requisite in requisites
              if requisite.status == Status.ACTIVE and requisite.min_minor == requisite.max_minor]
    if not of_one:
        return {}
    rows = session.execute(TAKEN, {"ids": of_one, "now": clock.now()})
    return {id: [Hindrance(Because.SAME_AMOUNT, until=until)] for id, until in rows}


def _of(session: Session, trader: Trader, requisite: Requisite, available: Money,
        rewarded: Mapping[str | None, bool]) -> list[Hindrance]:
    if requisite.status != Status.ACTIVE:
        return [Hindrance(STATUSES[Status(requisite.status)])]
    found = []
    if trader.status != "active":
        found.append(Hindrance(Because.TRADER_INACTIVE))
    elif not trader.on_shift:
        found.append(Hindrance(Because.OFF_SHIFT))
    if not ((requisite.payin and trader.payin) or (requisite.payout and trader.payout)):
        found.append(Hindrance(Because.DIRECTION_OFF))
    if not (rewarded.get(None) or rewarded.get(requisite.method)):
        found.append(Hindrance(Because.NO_REWARD))
    if trader.open_orders >= trader.open_orders_max:
        found.append(Hindrance(Because.TRADER_SLOTS))
    found += _limits(requisite)
    return found + _collateral(session, trader, requisite, available)


def _limits(requisite: Requisite) -> list[Hindrance]:
    found, use, least = [], queries.used(requisite), requisite.minimum
    tomorrow = clock.midnight_after(clock.today())
    if requisite.open_orders >= requisite.open_orders_max:
        found.append(Hindrance(Because.SLOTS))
    if requisite.cool_until is not None and requisite.cool_until > clock.now():
        found.append(Hindrance(Because.COOLDOWN, until=requisite.cool_until))
    if requisite.day_maximum is not None and use.day + least > requisite.day_maximum:
        found.append(Hindrance(Because.DAY, until=tomorrow))
    if requisite.day_count_max is not None and use.day_count >= requisite.day_count_max:
        found.append(Hindrance(Because.DAY_COUNT, until=tomorrow))
    if requisite.month_maximum is not None and use.month + least > requisite.month_maximum:
        found.append(Hindrance(Because.MONTH, until=clock.month_after(clock.today())))
    if _holder_is_full(requisite.holder, least):
        found.append(Hindrance(Because.HOLDER, until=tomorrow))
    return found


def _holder_is_full(holder: Holder, least: Money) -> bool:
    """Limits of a person hold over all requisites with the name, of every trader."""
    if holder.currency != least.currency:
        return False
    today = clock.today()
    this_day = queries.counts_on(holder.day_on, today)
    day, count = (holder.day_used_minor, holder.day_count) if this_day else (0, 0)
    month = holder.month_used_minor if queries.counts_in_month(holder.month_on, today) else 0
    return ((holder.day_max_minor is not None and day + least.minor > holder.day_max_minor)
            or (holder.day_count_max is not None and count >= holder.day_count_max)
            or (holder.month_max_minor is not None and month + least.minor > holder.month_max_minor))


def _collateral(session: Session, trader: Trader, requisite: Requisite, available: Money) -> list[Hindrance]:
    if not requisite.payin:
        return []
    try:
        rate = reference.quote(trader.settlement_currency, requisite.currency, session).rate
    except RateUnavailable:
        return [Hindrance(Because.NO_RATE)]
    needed = convert(requisite.minimum, rate, trader.settlement_currency)
    return [Hindrance(Because.COLLATERAL, needed=needed)] if available < needed else []


def _rewarded(session: Session, trader: Trader) -> dict[str | None, bool]:
    """Methods that a reward is agreed for; None: any."""
    directions = [name for name, on in (("payin", trader.payin), ("payout", trader.payout)) if on]
    return dict.fromkeys(session.scalars(select(Reward.method).where(
        Reward.trader_id == trader.id, Reward.retired_at.is_(None), Reward.direction.in_(directions))), True)
