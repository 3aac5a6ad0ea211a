"""A requisite that its bank froze: what lies on it cannot be had, nothing more may go there.

Its trader says so, or staff; only staff give it back, paused, or blocked as it was: a freeze washes no block off.
Doors use `disputes/frozen.py`, which calls staff to the orders and disputes it touches; for a thaw `orders/frozen.py`.
"""
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, StringConstraints
from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from portal import notices
from portal.core import audit, clock, ids, typed_amounts
from portal.core.access import Actor, Permission
from portal.core.commands import Command
from portal.core.errors import Denied, NotFound
from portal.core.money import Money
from portal.requisites import queries, service
from portal.requisites.commands import Amount, MoveRequisite
from portal.requisites.models import PREFIX, Requisite, RequisiteFreeze
from portal.requisites.states import Action, Status

SHOWN_MAX = 200
KEPT = or_(Requisite.status == Status.FROZEN, select(RequisiteFreeze.id).where(
    RequisiteFreeze.requisite_id == Requisite.id, RequisiteFreeze.kept).exists())
"""Of a requisite in a statement: its bank has not let go what lies there. It is frozen, or was archived so."""
N_ = str  # marks a sentence for translation
STAYS_BLOCKED = N_("It stays blocked, as the desk had blocked it before.")


class FreezeRequisite(Command):
    """`stuck`: what lies there and cannot be had, in the requisite's currency; empty: not known yet."""

    requisite_id: Annotated[str, Field(max_length=60)]
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]
    stuck: Amount | None = None


def freeze(session: Session, actor: Actor, command: FreezeRequisite) -> Requisite:
    """Out of matching at once; open orders go on, and staff look at each. Raises NotFound, Denied, Invalid,
    InvalidTransition (also where it is frozen already)."""
    if not actor.may(Permission.REQUISITE_MANAGE):
        raise Denied()
    requisite = queries.lock(session, actor, ids.parse(PREFIX, command.requisite_id))
    stuck = None if command.stuck is None else typed_amounts.amount("stuck", command.stuck, requisite.currency).minor
    status_before = requisite.status
    service.move(session, actor, requisite, Action.FREEZE, command.reason)
    session.add(RequisiteFreeze(id=ids.new_id(), requisite_id=requisite.id, frozen_name=actor.name,
                                reason=command.reason, stuck_minor=stuck, status_before=status_before))
    session.flush()
    notices.notify(session, "requisite.frozen", notices.STAFF, notices.trader(requisite.trader_id), but=actor.id,
                   number=requisite.mask, requisite=requisite.public_id, reason=command.reason,
                   amount="—" if stuck is None else f"{Money(stuck, requisite.currency).text} {requisite.currency}")
    return requisite


def say_stuck(session: Session, actor: Actor, command: FreezeRequisite) -> RequisiteFreeze:
    """How much is stuck is known better now. Raises NotFound, Denied, Invalid."""
    if not actor.may(Permission.REQUISITE_MANAGE):
        raise Denied()
    requisite = queries.lock(session, actor, ids.parse(PREFIX, command.requisite_id))
    found = of(session, requisite)
    if found is None:
        raise NotFound()
    before, found.stuck_minor = found.stuck_minor, None if command.stuck is None else typed_amounts.amount(
        "stuck", command.stuck, requisite.currency).minor
    audit.record(session, actor, "requisite.stuck_set", "requisite", requisite.id, reason=command.reason,
                 before={"stuck_minor": before, "currency": requisite.currency},
                 after={"stuck_minor": found.stuck_minor, "currency": requisite.currency})
    return found


def thaw(session: Session, actor: Actor, command: MoveRequisite) -> Requisite:
    """The bank let it go, staff say: paused, for its trader to resume, or blocked where staff had blocked it before.
    He is told.

    Raises NotFound, Denied, InvalidTransition.
    """
    if not (actor.is_staff and actor.may(Permission.REQUISITE_MANAGE)):
        raise Denied()
    requisite = queries.lock(session, actor, ids.parse(PREFIX, command.requisite_id))
    freeze = of(session, requisite)
    was_blocked = freeze is not None and freeze.was_blocked
    service.move(session, actor, requisite, Action.THAW_BLOCKED if was_blocked else Action.THAW, command.reason)
    service.tell_trader(session, actor, requisite, "requisite.given_back",
                        how=STAYS_BLOCKED if was_blocked else service.SWITCHED_OFF)
    return requisite


def of(session: Session, requisite: Requisite) -> RequisiteFreeze | None:
    """The freeze that lasts."""
    return session.scalar(select(RequisiteFreeze).where(
        RequisiteFreeze.requisite_id == requisite.id, RequisiteFreeze.ended_at.is_(None)))


def last_ended(session: Session, requisite: Requisite) -> RequisiteFreeze | None:
    """The latest that is over: its bank let it go, or it was archived with what was stuck on it."""
    return session.scalar(select(RequisiteFreeze).where(
        RequisiteFreeze.requisite_id == requisite.id, RequisiteFreeze.ended_at.is_not(None))
        .order_by(RequisiteFreeze.ended_at.desc()).limit(1))


def is_kept(session: Session, requisite: Requisite) -> bool:
    """As `KEPT`."""
    return session.scalar(select(Requisite.id).where(Requisite.id == requisite.id, KEPT)) is not None


def frozen(session: Session, actor: Actor) -> Sequence[RequisiteFreeze]:
    """Those that last, with requisite and trader, the oldest first. Raises NotFound for who is no staff."""
    if not (actor.is_staff and actor.may(Permission.REQUISITE_READ)):
        raise NotFound()
    return session.scalars(select(RequisiteFreeze).where(RequisiteFreeze.ended_at.is_(None)).options(
        joinedload(RequisiteFreeze.requisite).joinedload(Requisite.trader))
        .order_by(RequisiteFreeze.frozen_at, RequisiteFreeze.id).limit(SHOWN_MAX)).all()


def stuck_in_all(freezes: Sequence[RequisiteFreeze]) -> list[Money]:
    """By currency, as far as it is known."""
    sums: dict[str, int] = {}
    for one in freezes:
        if one.stuck_minor is not None:
            sums[one.requisite.currency] = sums.get(one.requisite.currency, 0) + one.stuck_minor
    return [Money(minor, currency) for currency, minor in sorted(sums.items())]


def ended(session: Session, actor: Actor, requisite: Requisite) -> None:
    """It is on the list of frozen ones no more: given back, or archived as it was."""
    found = of(session, requisite)
    if found is not None:
        found.ended_at, found.ended_name = clock.now(), actor.name
        found.kept = requisite.status == Status.ARCHIVED
