"""What a payer sees of an order: one state, one amount, one requisite, one clock."""
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from portal import files
from portal.core import clock, ids
from portal.core.access import Actor
from portal.core.errors import NotFound
from portal.core.money import Money
from portal.orders import payment_links, queries, replacing
from portal.orders.models import Assignment, Order
from portal.orders.reading import receipts
from portal.orders.states import AssignmentState, Status
from portal.requisites import numbers
from portal.requisites.models import Requisite

KEPT_DAYS = 30  # after the end the link leads nowhere
WITH_RECEIPTS = (Status.PAID, Status.DISPUTED)


@dataclass(frozen=True)
class WhereToPay:
    """A requisite in full: shown to the payer while the order is assigned or paid or lacks a part, and never else."""

    method: str  # code
    bank: str | None  # code
    number: str
    holder: str


@dataclass(frozen=True)
class Checkout:
    """`state` names the face of the page: looking, pay, time_up, checking, received, over, failed."""

    order: Order
    store_name: str
    store_color: str | None  # #rrggbb
    state: str
    where: WhereToPay | None
    receipts: Sequence[files.File]  # what the payer has sent
    replaced: int  # how often the payer was given another requisite

    @property
    def version(self) -> str:
        """Another as soon as the page would look otherwise."""
        return f"{self.order.version}-{self.state}-{len(self.receipts)}"

    @property
    def form_token(self) -> str:
        return payment_links.form_token_of(self.order.id)

    @property
    def can_claim(self) -> bool:
        return self.order.status == Status.ASSIGNED

    @property
    def can_cancel(self) -> bool:
        return self.order.status in (Status.NEW, Status.RETRYING, Status.REVIEW, Status.ASSIGNED)

    @property
    def missing(self) -> Money | None:
        """Less came, says who looked: what is still to be sent, to the same requisite, for the order to be whole."""
        return _missing(self.order)

    @property
    def assignment_id(self) -> str:
        """Whose details are shown."""
        return "" if self.order.assignment_id is None else ids.public("asg", self.order.assignment_id)

    @property
    def can_replace(self) -> bool:
        return self.state == "pay" and self.replaced < replacing.TIMES_MAX

    @property
    def is_open(self) -> bool:
        """The page asks again by itself until nothing more can change."""
        return not self.order.ended


def open_checkout(session: Session, payer: Actor) -> Checkout:
    """The payer's page. Raises NotFound: also thirty days after the end."""
    order = session.scalar(queries.visible_to(payer).options(joinedload(Order.store))
                           .execution_options(populate_existing=True))
    if order is None or (order.ended_at and order.ended_at < clock.now() - timedelta(days=KEPT_DAYS)):
        raise NotFound()
    sent = receipts.of_payer(session, payer, order) if order.status in WITH_RECEIPTS else []
    replaced = replacing.times(session, order) if order.status == Status.ASSIGNED else 0
    return Checkout(order, order.store.name, order.store.brand_color, _state(order), _where(session, order), sent,
                    replaced)


def _state(order: Order) -> str:
    match order.status:
        case Status.NEW | Status.RETRYING | Status.REVIEW:
            return "looking"
        case Status.ASSIGNED:
            return "time_up" if order.expires_at is not None and order.expires_at <= clock.now() else "pay"
        case Status.PAID | Status.DISPUTED:
            return "checking"
        case Status.CONFIRMED | Status.COMPLETED:
            return "received"
        case Status.FAILED:
            return "failed"
        case _:
            return "over"


def _missing(order: Order) -> Money | None:
    if order.status != Status.DISPUTED or order.exactness != "under" or order.amount_received is None:
        return None
    return order.amount_to_pay - order.amount_received


def _where(session: Session, order: Order) -> WhereToPay | None:
    if order.status not in (Status.ASSIGNED, Status.PAID):
        return None
    requisite = session.scalars(
        select(Requisite).join(Assignment, Assignment.requisite_id == Requisite.id)
        .where(Assignment.order_id == order.id, Assignment.state == AssignmentState.OPEN)
        .options(joinedload(Requisite.trader), joinedload(Requisite.holder))).first()
    if requisite is None:
        return None
    return WhereToPay(requisite.method, requisite.bank,
                      numbers.reveal(session, requisite), numbers.holder_name(session, requisite))
