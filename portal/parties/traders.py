"""Who does the transfers: taken on, set going, suspended; on shift and off it."""
from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portal import notices
from portal.core import audit, clock, crypto, ids, jobs
from portal.core.access import SYSTEM, Actor
from portal.core.db import locked, locked_one
from portal.core.errors import NotFound, Rejected
from portal.parties import queries
from portal.parties.commands import CreateTrader, MoveTrader
from portal.parties.models import Shift, Trader

MISSED, MISSED_MAX = "missed", 2


class CannotBeginShift(Rejected):
    """This trader cannot begin a shift just now."""

    code = "cannot_begin_shift"


def key_place(trader_id: UUID) -> str:
    """Where a trader's data key lies: the associated data it was sealed with."""
    return f"traders|data_key|{trader_id}"


def create(session: Session, actor: Actor, command: CreateTrader) -> Trader:
    """Somebody is taken on, with a data key of their own; they wait until staff set them going."""
    id = ids.new_id()
    trader = Trader(id=id, name=command.name, settlement_currency=command.settlement_currency, tier=command.tier,
                    open_orders_max=command.open_orders_max, data_key=crypto.new_data_key(key_place(id)))
    session.add(trader)
    session.flush()
    audit.record(session, actor, "trader.created", "trader", id, after={
        "name": trader.name, "settlement_currency": trader.settlement_currency, "tier": trader.tier})
    return trader


def move(session: Session, actor: Actor, command: MoveTrader) -> Trader:
    """Set going or suspended; suspending ends the shift. Harmless twice. Raises NotFound."""
    trader = _locked(session, actor, command.trader_id)
    if trader.status != command.status:
        before, trader.status = trader.status, command.status
        audit.record(session, actor, "trader.moved", "trader", trader.id, before={"status": before},
                     after={"status": command.status}, reason=command.reason)
        if command.status == "suspended" and trader.on_shift:
            _end(session, actor, trader, "suspended")
        jobs.enqueue(session, "rebuild_lanes", trader.id)
    return trader


def why_no_shift(trader: Trader) -> str | None:
    """What keeps a trader from beginning a shift, as a sentence; None when nothing does."""
    if trader.robot:
        return "A robot is always on shift."
    if trader.status == "pending":
        return "This trader has not been approved yet."
    if trader.status == "suspended":
        return "This trader is suspended."
    if not (trader.payin or trader.payout):
        return "Neither payins nor payouts are switched on for this trader."
    return None


def begin_shift(session: Session, actor: Actor, trader_id: UUID | None) -> Trader:
    """The trader takes orders from now on. Harmless twice. Raises NotFound, CannotBeginShift with the reason."""
    trader = _locked(session, actor, trader_id)
    if trader.on_shift:
        return trader
    why = why_no_shift(trader)
    if why is not None:
        raise CannotBeginShift(why)
    trader.on_shift, trader.missed = True, 0
    session.add(Shift(trader_id=trader.id))
    audit.record(session, actor, "shift.begun", "trader", trader.id)
    jobs.enqueue(session, "rebuild_lanes", trader.id)
    return trader


def end_shift(session: Session, actor: Actor, trader_id: UUID | None, *, because: str = "asked") -> Trader:
    """No new orders; open ones go on. Harmless twice. Raises NotFound."""
    trader = _locked(session, actor, trader_id)
    if trader.on_shift and not trader.robot:
        _end(session, actor, trader, because)
        jobs.enqueue(session, "rebuild_lanes", trader.id)
    return trader


def let_pass(session: Session, trader_ids: Collection[UUID]) -> None:
    """Each let an order pass that waited for him. Who does so MISSED_MAX times in a row sits at no desk: his shift
    ends, and he can begin another at once. Locks them by id."""
    found = locked(session, select(Trader).where(Trader.id.in_(trader_ids), ~Trader.robot).order_by(Trader.id))
    for trader in found:
        trader.missed += 1
        if trader.on_shift and trader.missed >= MISSED_MAX:
            _end(session, SYSTEM, trader, MISSED)
            notices.notify(session, "shift.ended", notices.trader(trader.id))
            jobs.enqueue(session, "rebuild_lanes", trader.id)


def acted(session: Session, trader_id: UUID) -> None:
    """He is there."""
    session.execute(update(Trader).where(Trader.id == trader_id, Trader.missed > 0).values(missed=0))


def ended_because(session: Session, trader: Trader) -> str | None:
    """Why he is off shift; None where he is on, or never was."""
    return None if trader.on_shift else session.scalar(
        select(Shift.ended_because).where(Shift.trader_id == trader.id).order_by(Shift.started_at.desc()).limit(1))


def own(session: Session, actor: Actor) -> Trader:
    """The trader this user works for. Raises NotFound."""
    trader: Trader = queries.found(session, queries.traders_visible_to(actor), actor.trader_id)
    return trader


def _end(session: Session, actor: Actor, trader: Trader, because: str) -> None:
    trader.on_shift = False
    for shift in session.scalars(select(Shift).where(Shift.trader_id == trader.id, Shift.ended_at.is_(None))):
        shift.ended_at, shift.ended_because = clock.now(), because
    audit.record(session, actor, "shift.ended", "trader", trader.id, reason=because)


def _locked(session: Session, actor: Actor, trader_id: UUID | None) -> Trader:
    trader = locked_one(session, queries.traders_visible_to(actor).where(Trader.id == trader_id))
    if trader is None:
        raise NotFound()
    return trader
