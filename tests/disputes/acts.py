"""Disputes as tests open, answer and decide them."""
from typing import Any

from portal import approvals
from portal.core.access import Actor
from portal.disputes import decisions, giving_in, queries, service
from portal.disputes.commands import AddStatement, DecideDispute, GiveIn, OpenDispute
from portal.disputes.models import Dispute
from portal.orders.models import Order
from tests import factories as f


def open_by(actor: Actor, order: Order, reason: str, text: str = "I paid at noon", **more: Any) -> Dispute:
    with f.act() as session:
        return service.open_dispute(session, actor, OpenDispute(order_id=order.public_id, reason=reason, text=text,
                                                                **more))


def say(actor: Actor, dispute: Dispute, text: str = "Here is the statement", **more: Any) -> None:
    with f.act() as session:
        service.say(session, actor, AddStatement(dispute_id=dispute.public_id, text=text, **more))


def give_in(actor: Actor, dispute: Dispute) -> None:
    with f.act() as session:
        giving_in.give_in(session, actor, GiveIn(dispute_id=dispute.public_id))


def ask(order: Order, outcome: str, amount: str | None = None, by: Actor | None = None,
        at: str | None = None) -> approvals.Approval:
    """`at`: the attempt where the money came."""
    with f.act() as session:
        return decisions.ask(session, by or f.staff(), DecideDispute(
            order_id=order.public_id, outcome=outcome, amount=amount, assignment_id=at, reason="Both statements seen"))


def agree(approval: approvals.Approval, by: Actor | None = None) -> None:
    with f.act() as session:
        approvals.decide(session, by or f.staff("admin"), approvals.DecideApproval(
            approval_id=approval.public_id, decision="approve", reason="Checked"))


def decided(order: Order, outcome: str, amount: str | None = None, at: str | None = None) -> None:
    agree(ask(order, outcome, amount, at=at))


def thread(actor: Actor, dispute: Dispute) -> list[str]:
    with f.look() as session:
        return [one.text for one in queries.thread(session, actor, dispute)]
