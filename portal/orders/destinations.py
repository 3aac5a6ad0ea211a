"""Where a payout goes: the recipient's number and name, sealed at rest, shown masked, known again by a keyed print.

The number is sealed with its store's key; in full it is its accepted trader's to see, until the order ends.
"""
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from portal import reference
from portal.core import crypto, names, reprinting
from portal.core.errors import FieldError, Invalid
from portal.orders.commands import CreatePayout, Destination
from portal.orders.facts import OrderFacts
from portal.orders.intake.store_terms import keyring_of
from portal.orders.models import Order
from portal.parties.models import Store
from portal.parties.stores import key_place
from portal.reference import validators
from portal.reference.accounts import fits
from portal.requisites.models import Requisite, mask_of
from portal.requisites.numbers import fingerprint, fingerprints

FORGOTTEN = "erased"  # in place of a mask and of a number
Columns = Callable[[UUID], dict[str, Any]]


def sealed(store_id: UUID, command: CreatePayout) -> Columns:
    """The columns of an order, by its id, that keep the recipient. Raises Invalid: the number, or a bank elsewhere."""
    number, at = canonical(command.destination, command.currency), command.destination
    keyring = keyring_of(store_id)
    card = reference.snapshot().method(at.method).validator in validators.CARDS
    holder = names.tidy(at.holder) if at.holder else None
    return lambda order_id: {
        "destination_sealed": keyring.seal(number.encode(), place=_number_place(order_id)),
        "destination_mask": mask_of(number[:6] if card else "", number[-4:]),
        "destination_fingerprint": fingerprint(number),
        "recipient_sealed": None if holder is None else crypto.seal(holder, place=_name_place(order_id))}


def shown(order: OrderFacts) -> dict[str, Any]:
    """As lists, events and webhooks show it: the number masked."""
    return masked(order, recipient(order))


def masked(order: OrderFacts, holder: str | dict[str, str] | None) -> dict[str, Any]:
    """`holder`: the name, or in a row who keeps it."""
    return {"method": order.method, "bank": order.bank, "number": order.destination_mask, "holder": holder}


def recipient(order: OrderFacts) -> str | None:
    """The person it goes to, in full."""
    return None if order.recipient_sealed is None else opened_name(order.id, order.recipient_sealed)


def recipient_shown(order: OrderFacts) -> str | None:
    """The same for a page: None where the name does not open, too."""
    if order.recipient_sealed is None:
        return None
    return crypto.opened_or_none(bytes(order.recipient_sealed), place=_name_place(order.id))


def opened_name(order_id: UUID, sealed: bytes) -> str:
    """The same for an order that was read without its object."""
    return crypto.open_sealed(bytes(sealed), place=_name_place(order_id))


def reveal(session: Session, order: OrderFacts) -> str:
    """The number in full. Showing it is the caller's to justify."""
    assert order.destination_sealed is not None, "a payout has its destination"
    keyring = crypto.data_keyring(session.get_one(Store, order.store_id).data_key, place=key_place(order.store_id))
    return keyring.open(order.destination_sealed, place=_number_place(order.id)).decode()


def forgotten(session: Session, order: OrderFacts, word: str) -> bytes:
    """What stands in place of the number from now on."""
    keyring = crypto.data_keyring(session.get_one(Store, order.store_id).data_key, place=key_place(order.store_id))
    return keyring.seal(word.encode(), place=_number_place(order.id))


def prints(session: Session, order: OrderFacts) -> list[bytes]:
    """Of its recipient's number; by each key, while one is changed: then the number is opened for it."""
    if order.destination_fingerprint is None:
        return []
    if len(crypto.print_tags()) == 1 or order.destination_mask == FORGOTTEN:
        return [bytes(order.destination_fingerprint)]
    return fingerprints(reveal(session, order))


def is_a_requisite(session: Session, order: OrderFacts) -> bool:
    """Whether the money would go to some trader's own instrument."""
    return bool(session.scalar(select(exists().where(Requisite.number_fingerprint.in_(prints(session, order))))))


def canonical(at: Destination, currency: str) -> str:
    """The number in its one spelling. Raises Invalid: the method, the bank, the number."""
    known = reference.snapshot()
    if at.method not in known.methods:
        raise Invalid(fields=[FieldError("/destination/method", "unknown_method",
                                         "The desk does not know this method.")])
    if at.bank is not None and (at.bank not in known.banks or not fits(known.bank(at.bank).country, currency)):
        raise Invalid(fields=[FieldError("/destination/bank", "unknown_bank", "The desk does not know this bank.")])
    method = known.method(at.method)
    try:
        return validators.check(method.validator, at.number, currency=currency, rules=method.rules)
    except Invalid as wrong:
        raise Invalid(fields=[FieldError("/destination/number", one.code, one.sentence, one.params)
                              for one in wrong.fields]) from None


def _number_place(order_id: UUID) -> str:
    return f"orders|destination_sealed|{order_id}"


def _name_place(order_id: UUID) -> str:
    return f"orders|recipient_sealed|{order_id}"


def erased_print(order_id: UUID) -> bytes:
    """Of an order whose recipient was forgotten: like no other's."""
    return crypto.fingerprint("erased", str(order_id))


def _anew(session: Session, rows: Sequence[reprinting.Row]) -> list[bytes]:
    found = {one.id: one for one in session.scalars(select(Order).where(Order.id.in_([id for id, _ in rows])))}
    stores = session.scalars(select(Store).where(Store.id.in_({one.store_id for one in found.values()}))).all()
    assert stores, "kept in the session: `reveal` asks for each"
    return [erased_print(id) if found[id].destination_mask == FORGOTTEN else fingerprint(reveal(session, found[id]))
            for id, _ in rows]


reprinting.register(reprinting.Printed("orders", "destination_fingerprint", _anew))
