"""A completed order came to another amount after all: two of the staff set it right, and the difference is posted.

It is never settled again. Settle entry and corrections together are its final amounts (`orders/proof.py`). Where
somebody has spent what he has to give back, suspense stands in and the desk claims it (`ledger/claims.py`).
"""
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field
from sqlalchemy import ForeignKey, Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal import approvals, ledger
from portal.approvals import Approval
from portal.core import clock, typed_amounts
from portal.core.access import Actor, Permission
from portal.core.columns import Id, Minor
from portal.core.db import Base
from portal.core.errors import Denied, FieldError, Invalid
from portal.core.lifecycle import InvalidTransition
from portal.core.money import Money
from portal.ledger import claims
from portal.ledger.facts import Correction
from portal.orders import queries
from portal.orders.agreement import Outcome, outcome
from portal.orders.commands import OrderCommand, Reason
from portal.orders.directions import rules_of
from portal.orders.models import Assignment, Order
from portal.orders.states import Action, Status
from portal.orders.steps import Steps
from portal.parties.models import Trader

KIND = "settle_correction"


class SettleCorrection(Base):
    """How one correction changed an order's final amounts: new minus old, in settlement currency. Its id is the
    approval's, and the reference of its journal entry."""

    __tablename__ = "settle_corrections"
    __table_args__ = (Index("ix_settle_corrections_order_id", "order_id"),)
    id: Mapped[Id] = mapped_column(ForeignKey("approvals.id"))
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    received_minor: Mapped[Minor]  # of the order's currency: what is taken to have arrived since
    amount_minor: Mapped[Minor]
    fee_minor: Mapped[Minor]
    reward_minor: Mapped[Minor]


class AskCorrection(OrderCommand):
    """What really arrived, as people type it; nothing at all where it never did."""

    amount: Annotated[str, Field(max_length=60)]
    reason: Reason


def ask(session: Session, actor: Actor, command: AskCorrection) -> Approval:
    """Put it before a second person; nothing is posted yet.

    Raises NotFound, Denied, InvalidTransition (not completed), Invalid, AmountBelowFee, AlreadyAsked.
    """
    order = queries.lock(session, actor, command.order_id)
    if not (actor.is_staff and actor.may(Permission.ORDER_CONFIRM_ANY)):
        raise Denied()
    if order.status != Status.COMPLETED:
        raise InvalidTransition(status=order.status, action=str(Action.CORRECT))
    arrived = typed_amounts.amount("amount", command.amount, order.currency)
    if arrived == order.amount_received:
        raise Invalid(fields=[FieldError("/amount", "same_amount", "This is what it was settled by.")])
    assignment = settled_assignment(session, order)
    outcome(session, order, assignment, arrived)  # refused now rather than later
    received = {} if order.amount_received is None else {"received": order.amount_received.text}
    return approvals.ask_once(
        session, actor, kind=KIND, target_kind="order", target_id=order.id, reason=command.reason,
        before=_standing(order),
        after={"external_id": order.external_id, "trader": session.get_one(Trader, assignment.trader_id).name,
               "currency": order.currency, "ordered": order.amount_to_pay.text, **received, "amount": arrived.text})


def apply(session: Session, actor: Actor, approval: Approval) -> None:
    """A second person agrees: the order's final amounts are the new ones, the store is told (`….corrected`).

    Raises StaleApproval where it was corrected meanwhile, AmountBelowFee.
    """
    [order] = queries.lock_many(session, [UUID(approval.target_id)]).values()
    if stale(session, approval):
        raise approvals.StaleApproval()
    carry_out(session, actor, order, approval)


def carry_out(session: Session, actor: Actor, order: Order, approval: Approval) -> None:
    """What was approved, on a completed order that is locked and as it was: `after["amount"]` is what arrived.

    Raises AmountBelowFee.
    """
    assignment = settled_assignment(session, order)
    found = _found(session, order, assignment, approval)
    facts = _facts(order, assignment, found, approval.id)
    session.add(SettleCorrection(
        id=approval.id, order_id=order.id, received_minor=found.received.minor, amount_minor=facts.amount.minor,
        fee_minor=facts.fee.minor, reward_minor=facts.reward.minor))
    order.amount_received_minor, order.exactness = found.received.minor, found.exactness
    order.final_settlement_minor, order.final_fee_minor = found.settlement.minor, found.fee.minor
    order.final_reward_minor = found.reward.minor
    steps = Steps(session, actor)
    steps.take(order, Action.CORRECT, reason=approval.reason, details={
        "approval": approval.public_id, "asked_by": approval.asked_name, "received": found.received.text})
    steps.write()
    _post(session, actor, facts)


def drafts(session: Session, approval: Approval) -> list[ledger.Draft]:
    """What approving it would post, by the balances of now."""
    order = session.get_one(Order, UUID(approval.target_id))
    assignment = settled_assignment(session, order)
    facts = _facts(order, assignment, _found(session, order, assignment, approval), approval.id)
    if not _moves(facts):
        return []
    return [ledger.entries.settle_correction(facts, {
        account: ledger.balance(session, account) for account in ledger.entries.payers_of(facts)})]


def stale(session: Session, approval: Approval) -> bool:
    """It was corrected by another."""
    return _standing(session.get_one(Order, UUID(approval.target_id))) != approval.before


def subject(session: Session, approval: Approval) -> str:
    """Who gains by it, for limits that count a day's sum: by many orders it is still the same one."""
    order, after = session.get_one(Order, UUID(approval.target_id)), approval.after
    arrived = Money.parse(after["amount"], order.currency)
    return gainer(order, settled_assignment(session, order),
                  more=arrived > Money.parse(after.get("received", after["ordered"]), order.currency))


def gainer(order: Order, assignment: Assignment, *, more: bool) -> str:
    """`store:<id>` or `trader:<id>`: who gains where `more` is taken to have arrived, or less."""
    if more == (rules_of(order).flow > 0):
        return f"store:{order.store_id}"
    return f"trader:{assignment.trader_id}"


def settled_assignment(session: Session, order: Order) -> Assignment:
    """The one it was completed by."""
    return session.scalars(select(Assignment).where(
        Assignment.order_id == order.id, Assignment.end_reason == "settled")).one()


def _post(session: Session, actor: Actor, facts: Correction) -> None:
    """Balances are locked once, and what each has then decides what suspense lays out."""
    if not _moves(facts):
        return
    payers = ledger.entries.payers_of(facts)
    suspense = ledger.SUSPENSE(facts.amount.currency, facts.live)
    everybody = {*payers, suspense, *ledger.entries.parties_of(facts)}
    locked = ledger.lock_balances(session, everybody)
    covered = {account: Money(locked[account].available_minor, account.currency) for account in payers}
    draft = ledger.entries.settle_correction(facts, covered)
    ledger.post(session, actor, [draft])
    for account, amount in ledger.entries.missing(facts, covered).items():
        claims.add(session, account, amount, reference=facts.approval_id)
    claims.collect(session, {line.credit for line in draft.lines} - payers)


def _moves(facts: Correction) -> bool:
    """A fee that eats the difference, and a reward, may leave nothing to post."""
    return any(amount.minor for amount in (facts.amount, facts.fee, facts.reward))


def _found(session: Session, order: Order, assignment: Assignment, approval: Approval) -> Outcome:
    return outcome(session, order, assignment, Money.parse(approval.after["amount"], order.currency))


def _facts(order: Order, assignment: Assignment, found: Outcome, approval_id: UUID) -> Correction:
    assert order.final_reward is not None
    assert order.completed_at is not None
    return Correction(
        approval_id=approval_id, order_id=order.id, trader_id=assignment.trader_id, store_id=order.store_id,
        amount=found.settlement - order.settlement, fee=found.fee - order.fee,
        reward=found.reward - order.final_reward, live=order.live, flow=rules_of(order).flow,
        day=clock.day_of(order.completed_at))


def _standing(order: Order) -> dict[str, Any]:
    """What must still be so when it is decided."""
    received = order.amount_received
    return {"amount": received.text if received is not None else None, "currency": order.currency,
            "version": order.version}


approvals.register(KIND, apply=apply, title="Correction of a completed order", drafts=drafts, subject=subject,
                   stale=stale)
