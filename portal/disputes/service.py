"""Opening a dispute, answering in it, and giving in. Each is one transaction of its door."""
from collections.abc import Sequence
from datetime import timedelta
from itertools import takewhile
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import files
from portal.core import audit, clock, ids, jobs
from portal.core.access import Actor, Permission
from portal.core.db import locked_one
from portal.core.errors import Conflict, Denied, FieldError, Invalid, judges
from portal.disputes import endings, queries, reasons, telling
from portal.disputes.commands import AddStatement, OpenDispute
from portal.disputes.models import Dispute, Statement
from portal.disputes.reasons import Evidence, Side
from portal.orders import attention, attention_cases, frozen, reopening, robots_turn
from portal.orders import queries as orders
from portal.orders.corrections import settled_assignment
from portal.orders.models import Assignment, Order
from portal.orders.reopening import LATE
from portal.orders.service import only_its_trader
from portal.orders.states import Action, Direction, Status
from portal.orders.steps import Steps

EVIDENCE = "dispute_statement"  # what its files are attached to
PAYER_WORDS_MAX = 10  # before an answer; whoever has the link may write
AGAIN = timedelta(seconds=10)  # so soon a payer's same words are a form sent twice; later, with what was forgotten
COMPLETED_FOR = timedelta(days=60)  # a settled order may be objected to so long, a cancelled payout taken up


class DisputeOpen(Conflict):
    """There is an open dispute about this order already. Say in it what you have to say."""

    code = "dispute_open"


class DisputeEnded(Conflict):
    """This dispute is over."""

    code = "dispute_ended"


class DisputeWaits(Conflict):
    """Support has what you said and answers here. Wait for that answer."""

    code = "dispute_waits"


class NothingToDispute(Conflict):
    """Nothing can be objected to as this order stands now."""

    code = "nothing_to_dispute"


judges({"uq_disputes_open": DisputeOpen})


def open_dispute(session: Session, actor: Actor, command: OpenDispute, *, about: Assignment | None = None) -> Dispute:
    """Somebody objects: the order's clock stands, what is held stays held, the other side is asked for its word.

    A completed order stays completed until a correction is decided. `about`: the attempt, where the desk itself knows
    which. Raises NotFound, Denied, DisputeOpen,
    NothingToDispute, Invalid, NotYours, and what `files.attach` refuses.
    """
    order = orders.lock(session, actor, command.order_id)
    side = side_of(actor)
    if side is not Side.SYSTEM and not actor.may(Permission.DISPUTE_OPEN):
        raise Denied()
    if queries.open_of(session, order.id) is not None:
        raise DisputeOpen()
    assignment = about or _about(session, actor, order)
    offered = _offered(session, order, side)
    if not offered:
        raise NothingToDispute(status=order.status)
    reason = reasons.BY_CODE.get(command.reason)
    if reason is None or reason not in offered:
        raise Invalid(fields=[FieldError("/reason", "unknown_choice", "There is no such choice.")])
    dispute = Dispute(
        id=ids.new_id(), order_id=order.id, store_id=order.store_id, trader_id=assignment.trader_id,
        assignment_id=assignment.id, requisite_id=assignment.requisite_id, holder_id=assignment.holder_id,
        customer_id=order.customer_id, live=order.live, reason=reason.code, opened_by=str(side),
        opener_id=actor.id, opener_name=actor.name)
    wait(session, dispute, answers(side))
    session.add(dispute)
    session.flush()
    put_down(session, actor, dispute, side, command.text, command.files, shows=command.shows)
    frozen.look(session, order, {one.requisite_id for one in (assignment, *reopening.places(session, order))})
    if order.status in (Status.ASSIGNED, Status.PAID):
        steps = Steps(session, actor)
        steps.take(order, Action.DISPUTE, reason=command.text[:500], details={
            "assignment": assignment.public_id, "why": reason.code, "dispute": dispute.public_id})
        steps.write()
        jobs.cancel(session, "expire_order", str(assignment.id))
        for kind in ("flag_unconfirmed", "confirm_payout"):
            jobs.cancel(session, kind, str(order.id))
    audit.record(session, actor, "dispute.opened", "order", order.id,
                 after={"dispute": dispute.public_id, "reason": reason.code})
    telling.tell(session, dispute, order, "opened")
    if not order.live:
        robots_turn.promise(session, [order.id])
    return dispute


def refuse_while_open(session: Session, actor: Actor, order_id: str) -> None:
    """What the order comes to is the dispute's to decide as long as it runs. Raises NotFound, DisputeOpen."""
    if queries.open_of(session, orders.lock(session, actor, order_id).id) is not None:
        raise DisputeOpen()


def may_open(session: Session, actor: Actor, order: Order, *, running: bool) -> Sequence[reasons.Reason]:
    """What the actor may object to as the order stands; nothing while a dispute about it runs."""
    if running or not actor.may(Permission.DISPUTE_OPEN):
        return ()
    return _offered(session, order, side_of(actor))


def say(session: Session, actor: Actor, command: AddStatement) -> Statement:
    """More in the thread; the side whose word was awaited has given it, and staff look next. What a trader says whom
    its payer had exchanged is for staff alone, who are called to it.

    Raises NotFound, Denied, DisputeEnded, DisputeWaits, Invalid, and what `files.attach` refuses.
    """
    dispute, side = lock(session, actor, command.dispute_id), side_of(actor)
    if not actor.may(Permission.DISPUTE_OPEN):
        raise Denied()
    if side is Side.CUSTOMER and (same := _said_again(session, actor, dispute, command.text)) is not None:
        return same
    if side is not Side.STAFF and (command.staff_only or command.asks):
        raise Denied()
    if command.staff_only and command.asks:
        raise Invalid(fields=[FieldError("/asks", "unseen", "Nobody can answer what only support sees.")])
    made = put_down(session, actor, dispute, side, command.text, command.files, staff_only=command.staff_only,
                shows=command.shows)
    beside = queries.stands_beside(actor, dispute)
    if command.asks is not None:
        wait(session, dispute, Side(command.asks))
    elif not beside and side is not Side.STAFF and (side == dispute.waits_for or (
            side is Side.CUSTOMER and dispute.waits_for == Side.STORE)):
        wait(session, dispute, Side.STAFF)
    if side == dispute.silent and not beside:
        dispute.silent = None  # late, but said
    session.flush()
    audit.record(session, actor, "dispute.answered", "order", dispute.order_id,
                 after={"dispute": dispute.public_id, "staff_only": command.staff_only})
    if beside:
        order = session.get_one(Order, dispute.order_id)
        attention_cases.call(session, order, attention_cases.BESIDE)
        attention.tell(session, order, attention.BESIDE, staff_only=True)
    if command.staff_only or beside:
        telling.tell_pages(session, dispute)
    else:
        telling.tell(session, dispute, session.get_one(Order, dispute.order_id), "answered")
    return made


def _said_again(session: Session, payer: Actor, dispute: Dispute, text: str) -> Statement | None:
    """What a form that is sent twice has said already. Raises DisputeWaits."""
    newest = session.scalars(select(Statement).where(
        Statement.dispute_id == dispute.id, queries.readable(payer, dispute)).order_by(Statement.id.desc())
        .limit(PAYER_WORDS_MAX)).all()
    own = list(takewhile(lambda one: not one.of_staff, newest))
    if own and own[0].text == text and own[0].created_at > clock.now() - AGAIN:
        return own[0]
    if len(own) == PAYER_WORDS_MAX:
        raise DisputeWaits()
    return None


def _offered(session: Session, order: Order, side: Side) -> Sequence[reasons.Reason]:
    if order.status == Status.COMPLETED and (order.completed_at is None
                                             or order.completed_at + COMPLETED_FOR < clock.now()):
        return ()
    if order.status in LATE and not (reopening.was_payable(session, order) and _heard(session, order, side)):
        return ()
    return reasons.open_to(side, order.direction, order.status)


def _heard(session: Session, order: Order, side: Side) -> bool:
    """Of a payin that ended without money: in its store's late window, and once; staff may always. Of a payout: as long
    as of a completed one."""
    if order.direction == Direction.PAYOUT:
        return order.ended_at is not None and order.ended_at + COMPLETED_FOR > clock.now()
    if side in (Side.STAFF, Side.SYSTEM):
        return True
    return (reopening.claimable_until(session, order) > clock.now()
            and session.scalar(select(Dispute.id).where(Dispute.order_id == order.id).limit(1)) is None)


def _about(session: Session, actor: Actor, order: Order) -> Assignment:
    """The assignment in question. A trader objects to his own alone. Raises NotFound, NothingToDispute."""
    if order.status in LATE:
        places = reopening.places(session, order)
        assignment = next((one for one in places if one.trader_id == actor.trader_id), next(iter(places), None))
    else:
        assignment = (settled_assignment if order.status == Status.COMPLETED else orders.current_assignment)(
            session, order)
    if assignment is None:
        raise NothingToDispute(status=order.status)
    only_its_trader(actor, assignment)
    return assignment


def side_of(actor: Actor) -> Side:
    return Side.of(orders.party_of(actor))


def answers(opened_by: Side) -> Side:
    """Whose word is asked for first."""
    if opened_by is Side.TRADER:
        return Side.STORE
    return Side.STAFF if opened_by is Side.STAFF else Side.TRADER


def wait(session: Session, dispute: Dispute, side: Side) -> None:
    """The next word is this side's, in its time; of staff's time nobody but the desk's own list makes anything."""
    dispute.waits_for, dispute.answer_by = str(side), clock.now() + reasons.ANSWER_FOR[side]
    jobs.cancel(session, endings.DEADLINE, str(dispute.id))
    if side is not Side.STAFF:
        jobs.enqueue(session, endings.DEADLINE, dispute.id, run_at=dispute.answer_by)


def put_down(session: Session, actor: Actor, dispute: Dispute, side: Side, text: str, file_ids: Sequence[str], *,
         staff_only: bool = False, shows: Sequence[Evidence] = ()) -> Statement:
    if shows and not file_ids:
        raise Invalid(fields=[FieldError("/shows", "missing", "Attach the file that shows it.")])
    if not set(shows) <= set(reasons.BY_CODE[dispute.reason].wanted_of(side)):
        raise Invalid(fields=[FieldError("/shows", "unknown_choice", "There is no such choice.")])
    made = Statement(id=ids.new_id(), dispute_id=dispute.id, side=str(side), actor_id=actor.id, actor_name=actor.name,
                     trader_id=actor.trader_id, text=text, staff_only=staff_only,
                     shows=[str(one) for one in shows])
    session.add(made)
    session.flush()
    files.attach(session, actor, file_ids, EVIDENCE, made.id)
    return made


def lock(session: Session, actor: Actor, dispute_id: str) -> Dispute:
    """Its order is locked first, as every step does. Raises NotFound, DisputeEnded."""
    seen = queries.find(session, actor, dispute_id)
    orders.lock_many(session, [seen.order_id])
    dispute = locked_one(session, select(Dispute).where(Dispute.id == seen.id))
    assert dispute is not None
    if dispute.ended:
        raise DisputeEnded()
    return dispute


def _may_see(session: Session, actor: Actor, statement_id: UUID) -> bool:
    """Whoever reads the statement."""
    statement = session.get(Statement, statement_id)
    if statement is None:
        return False
    dispute = session.scalar(queries.visible_to(actor, beside=True).where(Dispute.id == statement.dispute_id))
    return dispute is not None and session.scalar(select(Statement.id).where(
        Statement.id == statement_id, queries.readable(actor, dispute))) is not None


files.visible_by(EVIDENCE, _may_see)
