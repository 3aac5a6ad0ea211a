"""The orders that a freeze of a requisite touches: open ones, whose payers may send money there yet, and late ones.

A thaw ends what the freeze called staff for.
"""
from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Select, or_, select, text
from sqlalchemy.orm import Session, joinedload

from portal.core import ids
from portal.core.access import Actor
from portal.orders import attention, attention_cases, queries, reopening
from portal.orders.models import Assignment, AttentionCase, OpenPlace, Order
from portal.requisites import freezing
from portal.requisites import queries as requisites
from portal.requisites.commands import MoveRequisite
from portal.requisites.freezing import FreezeRequisite
from portal.requisites.models import PREFIX, Requisite, RequisiteFreeze

TOUCHED_MAX, CALLED_MAX = 100, 200
_MAY_HAVE_IT = or_(Assignment.ended_at.is_(None), Assignment.end_reason.in_((*reopening.TOLD_TO_PAY, "settled")))
LOOKS_BACK = timedelta(days=2)  # what was paid there so lately may be what is stuck


def freeze(session: Session, actor: Actor, command: FreezeRequisite, *, disputed: Select[UUID]) -> Requisite:
    """As `freezing.freeze`; staff are called to each open order on it, lingering ones too, and to those `disputed`.

    Orders are locked before the requisite, and looked for again once it is frozen and no dispute is half opened. Those
    that came in between are not locked, so no step takes them off the desk: staff do, or the thaw.
    Raises as `freezing.freeze`.
    """
    wanted = ids.parse(PREFIX, command.requisite_id)
    requisites.find(session, actor, command.requisite_id)
    places = select(OpenPlace.order_id).where(OpenPlace.requisite_id == wanted).limit(CALLED_MAX)
    touched = queries.lock_many(session, list({*session.scalars(places), *session.scalars(disputed)}))
    frozen = freezing.freeze(session, actor, command)
    session.flush()
    _no_dispute_half_opened(session)
    quarrels = set(session.scalars(disputed))
    called = [order for order in touched.values() if order.ended_at is None or order.id in quarrels]
    for order in called:
        attention_cases.call(session, order, attention_cases.FROZEN)
    late = {*session.scalars(places), *quarrels} - touched.keys()
    attention_cases.note(session, list(late), attention_cases.FROZEN)
    for order in [*called, *session.scalars(select(Order).where(Order.id.in_(late)))]:
        attention.tell(session, order, attention.FROZEN, staff_only=True)
    return frozen


def thaw(session: Session, actor: Actor, command: MoveRequisite) -> Requisite:
    """As `freezing.thaw`; staff are called no more to orders on it, unless their money may be on another that a bank
    keeps: a frozen one, or one that its trader archived so.

    Orders are locked before the requisite; who is called in between stays so. Raises as `freezing.thaw`.
    """
    wanted = ids.parse(PREFIX, command.requisite_id)
    requisites.find(session, actor, command.requisite_id)
    there = select(Assignment.id).where(
        Assignment.order_id == AttentionCase.order_id, Assignment.requisite_id == wanted, _MAY_HAVE_IT)
    called = queries.lock_many(session, list(session.scalars(
        select(AttentionCase.order_id).where(AttentionCase.why == attention_cases.FROZEN, there.exists())
        .order_by(AttentionCase.since).limit(2 * CALLED_MAX))))
    thawed = freezing.thaw(session, actor, command)
    session.flush()
    _no_dispute_half_opened(session)
    elsewhere = set(session.scalars(
        select(Assignment.order_id).join(Requisite, Requisite.id == Assignment.requisite_id)
        .where(Assignment.order_id.in_(list(called)), _MAY_HAVE_IT, freezing.KEPT)))
    attention_cases.thawed(session, list(called.keys() - elsewhere))
    return thawed


def _no_dispute_half_opened(session: Session) -> None:
    """Those that begin now wait for this transaction: see `look`. After all rows are locked."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('freezes'))"))


def look(session: Session, order: Order, requisite_ids: Collection[UUID]) -> None:
    """This locked order is quarrelled about, its money may be on one of these: staff are called where a bank has it.

    A freeze that is not committed yet is waited for, or waits until the dispute is and finds it. One lock for all,
    which disputes share: locks of the requisites would stand in the way of matching, and come after other rows here.
    """
    session.execute(text("SELECT pg_advisory_xact_lock_shared(hashtext('freezes'))"))
    if session.scalar(select(Requisite.id).where(Requisite.id.in_(requisite_ids), freezing.KEPT).limit(1)) is not None:
        attention_cases.call(session, order, attention_cases.FROZEN)
        attention.tell(session, order, attention.FROZEN, staff_only=True)


def touched(session: Session, requisite: Requisite, freeze: RequisiteFreeze) -> Sequence[Assignment]:
    """Open on it as it was frozen, or since paid there in the two days before, with the order; newest first. By the
    trader's history."""
    return session.scalars(
        select(Assignment).where(
            Assignment.trader_id == requisite.trader_id, Assignment.requisite_id == requisite.id,
            Assignment.created_at.between(freeze.frozen_at - LOOKS_BACK, freeze.frozen_at),
            or_(Assignment.ended_at.is_(None), Assignment.ended_at > freeze.frozen_at,
                Assignment.end_reason == "settled"))
        .options(joinedload(Assignment.order)).order_by(Assignment.created_at.desc(), Assignment.id.desc())
        .limit(TOUCHED_MAX)).all()
