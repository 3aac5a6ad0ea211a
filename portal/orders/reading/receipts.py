"""The receipts of an order as its pages show them: whose each is, and for staff where else it stands."""
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy.orm import Session

from portal import files
from portal.core.access import Actor, ActorKind
from portal.orders import receipts
from portal.orders.models import Order
from portal.orders.payout_receipts import RECEIPT
from portal.orders.reading.detail import Dossier


class Receipt(NamedTuple):
    """A file, who brought it (`customer`, `key` or `user`), and the same, or nearly the same, on other orders."""

    file: files.File
    by: str
    also: Sequence[tuple[files.File, Order]]


def of_dossier(session: Session, dossier: Dossier, *, compared: bool = False) -> list[Receipt]:
    """All of an order, oldest first; `compared` with those of all other orders, for staff."""
    attempts = files.of(session, RECEIPT, [one.id for one in dossier.assignments])
    found = [*(file for rows in attempts.values() for file in rows), *receipts.of(session, dossier.order)]
    also = receipts.elsewhere(session, dossier.order, found) if compared else {}
    return [Receipt(file, file.brought_by, also.get(file.id, ())) for file in sorted(found, key=lambda one: one.id)]


def for_trader(session: Session, dossier: Dossier) -> list[files.File]:
    """What the payer or the store brought, to the trader who has the order now and to no other."""
    return receipts.of(session, dossier.order) if dossier.current is not None else []


def of_payer(session: Session, payer: Actor, order: Order) -> list[files.File]:
    """What the payer has sent by the payment page."""
    assert payer.kind is ActorKind.CUSTOMER
    return [one for one in receipts.of(session, order) if one.brought_by == ActorKind.CUSTOMER]
