"""`/pay/<token>/dispute`: a payer says that something is wrong with a payment."""
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from flask import request
from sqlalchemy.orm import Session

from portal import files
from portal.core.access import Actor
from portal.core.commands import bind
from portal.core.db import reader
from portal.disputes import queries, service
from portal.disputes.commands import AddStatement, OpenDispute
from portal.disputes.models import Dispute, Statement
from portal.disputes.reasons import BY_CODE, Evidence, Reason, Side, wanted_of_any
from portal.orders import queries as orders
from portal.orders.models import Order
from portal.web.dispute_pages import shown
from portal.web.uploads import Brought

LATE, FIELD = "paid_late", "files"


class Objection(NamedTuple):
    """The payer's page: the newest dispute about his payment with what he and the desk said in it, oldest first, files
    by statement, and what he may object to now."""

    newest: Dispute | None
    said: Sequence[Statement]
    shown: Mapping[UUID, Sequence[files.File]]
    offered: tuple[Reason, ...]

    @property
    def running(self) -> bool:
        return self.newest is not None and not self.newest.ended

    @property
    def wanted(self) -> tuple[Evidence, ...]:
        """What would help, of his."""
        if self.newest is not None and not self.newest.ended:
            return BY_CODE[self.newest.reason].wanted_of(Side.CUSTOMER)
        return wanted_of_any(self.offered, Side.CUSTOMER)

    @property
    def late(self) -> bool:
        """The order has ended, and the payer may still say that the money is sent."""
        return any(reason.code == LATE for reason in self.offered)

    @property
    def version(self) -> str:
        """Another as soon as the page would look otherwise."""
        return "" if self.newest is None else f"{self.newest.id}-{len(self.said)}-{self.newest.outcome or ''}"


def of(payer: Actor, order: Order) -> Objection:
    session = reader()
    found = queries.of_order(session, payer, order.id)
    newest, running = next(iter(found), None), any(not one.ended for one in found)
    said = queries.thread(session, payer, newest) if newest is not None else []
    return Objection(newest, said, files.of(session, service.EVIDENCE, [one.id for one in said]) if said else {},
                     tuple(service.may_open(session, payer, order, running=running)))


def claim_late(session: Session, payer: Actor, sent: Brought) -> None:
    """With the receipt, or without. Raises NotFound, DisputeOpen, NothingToDispute, Invalid."""
    text = request.form.get("text", "").strip() or "I have paid, though the order has ended."
    kept = sent.keep(session, payer)
    service.open_dispute(session, payer, OpenDispute(
        order_id=orders.public_id_of(session, payer), reason=LATE, text=text, files=kept,
        shows=(Evidence.RECEIPT,) if kept else ()))


def open_one(session: Session, payer: Actor, sent: Brought) -> None:
    """Raises NotFound, DisputeOpen, NothingToDispute, Invalid."""
    service.open_dispute(session, payer, bind(
        OpenDispute, request.form, order_id=orders.public_id_of(session, payer), files=sent.keep(session, payer),
        shows=shown()))


def say(session: Session, payer: Actor, sent: Brought) -> None:
    """More in the dispute that the form showed. Raises NotFound, DisputeEnded, DisputeWaits, Invalid."""
    service.say(session, payer, bind(AddStatement, request.form, files=sent.keep(session, payer), shows=shown()))
