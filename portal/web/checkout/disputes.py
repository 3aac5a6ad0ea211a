"""`/pay/<token>/dispute`: a payer says that something is wrong with a payment."""
from typing import NamedTuple

from flask import request
from sqlalchemy.orm import Session

from portal.core.access import Actor
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.disputes import queries, service
from portal.disputes.commands import OpenDispute
from portal.disputes.models import Dispute
from portal.disputes.reasons import Reason
from portal.orders import queries as orders
from portal.orders.models import Order

LATE = "paid_late"


class Objection(NamedTuple):
    """The payer's page: the newest dispute that concerns his payment, and what he may object to now."""

    newest: Dispute | None
    offered: tuple[Reason, ...]

    @property
    def running(self) -> bool:
        return self.newest is not None and not self.newest.ended

    @property
    def late(self) -> bool:
        """The order has ended, and the payer may still say that the money is sent."""
        return any(reason.code == LATE for reason in self.offered)

    @property
    def version(self) -> str:
        """Another as soon as the page would look otherwise."""
        return "" if self.newest is None else f"{self.newest.id}-{self.newest.outcome or ''}"


def of(payer: Actor, order: Order) -> Objection:
    found = queries.of_order(reader(), payer, order.id)
    running = any(not one.ended for one in found)
    return Objection(next(iter(found), None), tuple(service.may_open(reader(), payer, order, running=running)))


def claim_late(session: Session, payer: Actor, files: tuple[str, ...]) -> None:
    """With the receipt, or without. Raises NotFound, DisputeOpen, NothingToDispute, Invalid."""
    text = request.form.get("text", "").strip() or "I have paid, though the order has ended."
    service.open_dispute(session, payer, OpenDispute(
        order_id=orders.public_id_of(session, payer), reason=LATE, text=text, files=files))


def open_one(payer: Actor) -> None:
    """Raises NotFound, DisputeOpen, NothingToDispute, Invalid."""
    with transaction() as session:
        service.open_dispute(session, payer, bind(OpenDispute, request.form,
                                                  order_id=orders.public_id_of(session, payer)))

