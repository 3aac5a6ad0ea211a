"""Why a requisite gets no orders just now, in the words of the rules of matching (see `match_rules`).

Everything is judged for the smallest order it would take: what keeps that away keeps every order away.
"""
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal import reference
from portal.core import clock
from portal.core.money import Money, convert
from portal.parties.models import Holder, Trader
from portal.reference import RateUnavailable
from portal.requisites import hours, queries
from portal.requisites.models import Requisite
from portal.requisites.states import Status


class Because(StrEnum):
    """A rule's name, or which status, or that no rate is known."""

    PENDING = "pending"
    REJECTED = "rejected"
    PAUSED = "paused"
    BLOCKED = "blocked"
    FROZEN = "frozen"
    ARCHIVED = "archived"
    TRADER_INACTIVE = "trader_inactive"
    UNSECURED = "unsecured"
    BANK_PAUSED = "bank_paused"
    OFF_SHIFT = "off_shift"
    OFF_HOURS = "off_hours"
    QUARANTINE = "quarantine"
    DIRECTION_OFF = "direction_off"
    NO_REWARD = "no_reward"
    TRADER_SLOTS = "trader_slots"
    SLOTS = "slots"
    COOLDOWN = "cooldown"
    DAY = "day"
    DAY_COUNT = "day_count"
    MONTH = "month"
    HOLDER = "holder"
    TRADER_OPEN = "trader_open"
    TRADER_DISPUTED = "trader_disputed"
    BANK_CAP = "bank_cap"
    COLLATERAL = "collateral"
    NO_RATE = "no_rate"
    SAME_AMOUNT = "same_amount"


@dataclass(frozen=True)
class Hindrance:
    """`until`: when it passes by itself; `needed`: the free balance that the smallest order takes; `direction`: the one
    of its two that it keeps away, None where it keeps every order away."""

    because: Because
    until: datetime | None = None
    needed: Money | None = None
    direction: str | None = None


FOUND = text("""
    SELECT requisite_id, direction, rules, until
      FROM requisite_hindrances(CAST(:ids AS uuid[]), CAST(:needed AS bigint[]), :now, :day) ORDER BY 1, 2""")
HIDES = {"trader_inactive": "off_shift"}  # said of somebody who takes no orders at all, it would be noise


def hindrances(session: Session, trader: Trader, requisites: Sequence[Requisite]) -> dict[UUID, list[Hindrance]]:
    """By requisite of this trader. Empty: it may get an order now, in every direction that is open to it."""
    needed = [_needed(session, trader, requisite) for requisite in requisites]
    found: dict[UUID, dict[str, tuple[list[str], datetime | None]]] = {}
    for id, direction, rules, until in session.execute(FOUND, {
            "ids": [requisite.id for requisite in requisites], "now": clock.now(), "day": clock.today(),
            "needed": [amount.minor if amount is not None else None for amount in needed]}):
        found.setdefault(id, {})[direction] = rules, until
    free = _holders_free(session, [one for one in requisites if any(
        "holder" in rules for rules, _ in found.get(one.id, {}).values())])
    return {requisite.id: _told(requisite, amount, found.get(requisite.id, {}), free.get(requisite.holder_id))
            for requisite, amount in zip(requisites, needed, strict=True)}


def _holders_free(session: Session, requisites: Sequence[Requisite]) -> dict[UUID, datetime]:
    """When the persons named on these may take orders again: after the month where its sum is used up, else at
    midnight."""
    smallest = {one.holder_id: min(other.minimum.minor for other in requisites if other.holder_id == one.holder_id)
                for one in requisites}
    today = clock.today()
    return {holder.id: clock.month_after(today) if _month_used_up(holder, smallest[holder.id], today)
            else clock.midnight_after(today)
            for holder in session.scalars(select(Holder).where(Holder.id.in_(smallest)))} if smallest else {}


def _month_used_up(holder: Holder, smallest_minor: int, today: date) -> bool:
    if holder.month_max_minor is None:
        return False
    used = holder.month_used_minor if queries.counts_in_month(holder.month_on, today) else 0
    return used + smallest_minor > holder.month_max_minor


def _needed(session: Session, trader: Trader, requisite: Requisite) -> Money | None:
    """What its smallest order settles for, None while no rate is known."""
    try:
        rate = reference.quote(trader.settlement_currency, requisite.currency, session).rate
    except RateUnavailable:
        return None
    return convert(requisite.minimum, rate, trader.settlement_currency)


def _told(requisite: Requisite, needed: Money | None,
          found: dict[str, tuple[list[str], datetime | None]], holder_free: datetime | None) -> list[Hindrance]:
    if requisite.status != Status.ACTIVE:
        return [Hindrance(Because(requisite.status))]
    if not found:
        return [Hindrance(Because.DIRECTION_OFF)]
    on = {direction: rules for direction, (rules, _) in found.items() if "direction_off" not in rules} or {
        direction: rules for direction, (rules, _) in found.items()}
    told = []
    for rule in dict.fromkeys(rule for rules in on.values() for rule in rules):
        kept_away = [direction for direction, rules in on.items() if rule in rules]
        if any(hidden == rule and hiding in on[kept_away[0]] for hiding, hidden in HIDES.items()):
            continue
        told.append(_one(requisite, rule, needed, holder_free if rule == "holder" else found[kept_away[0]][1],
                         kept_away[0] if len(kept_away) < len(on) else None))
    return told


def _bank_back(requisite: Requisite) -> datetime | None:
    """When its bank gets orders again, as far as it is known now."""
    return max((pause.ends_at for pause in reference.snapshot().pauses_of_parts
                if pause.holds and (pause.scope, pause.target) == ("bank", requisite.bank)), default=None)


def _one(requisite: Requisite, rule: str, needed: Money | None, free_at: datetime | None,
         direction: str | None) -> Hindrance:
    tomorrow = clock.midnight_after(clock.today())
    until = {"cooldown": requisite.cool_until, "day": tomorrow, "day_count": tomorrow, "holder": free_at,
             "off_hours": hours.begins_at(requisite), "month": clock.month_after(clock.today()), "same_amount": free_at,
             "bank_paused": _bank_back(requisite)}.get(rule)
    if rule != "collateral":
        return Hindrance(Because(rule), until=until, direction=direction)
    because = Because.NO_RATE if needed is None else Because.COLLATERAL
    return Hindrance(because, needed=needed, direction=direction)
