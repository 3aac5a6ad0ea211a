"""Recipients that a store has saved: found again by the number's fingerprint, shown masked, opened only to be paid."""
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from portal import reference
from portal.core import audit, crypto, ids, reprinting
from portal.core.access import Actor, Permission
from portal.core.db import locked_one
from portal.core.errors import Denied, FieldError, Invalid, NotFound, Rejected
from portal.core.names import canonical as comparable
from portal.orders import destinations
from portal.orders.commands import CreatePayout
from portal.parties.models import Store
from portal.parties.queries import stores_visible_to
from portal.payouts import rows
from portal.payouts.commands import RenameRecipient, SaveRecipient
from portal.payouts.models import RECIPIENT, PayoutRecipient
from portal.reference import validators
from portal.requisites.models import mask_of
from portal.requisites.numbers import fingerprint, fingerprints

RECIPIENTS_MAX = 500  # of a store


class TooManyRecipients(Rejected):
    """This store has saved as many recipients as it may. Remove some first."""

    code = "too_many_recipients"


@dataclass(frozen=True)
class Shown:
    """A recipient as pages show them."""

    row: PayoutRecipient
    name: str
    holder: str | None

    @property
    def label(self) -> str:
        return f"{self.name} · {self.row.number_mask[-4:]}"


def of_stores(session: Session, actor: Actor, *, sought: str = "") -> list[Shown]:
    """Those of one's stores by name; `sought`: whose name or last digits hold it. Raises Denied."""
    _check(actor)
    stores = {store.id: store for store in session.scalars(stores_visible_to(actor))}
    keyrings = {id: rows.keyring_of(store) for id, store in stores.items()}
    found = session.scalars(select(PayoutRecipient).where(PayoutRecipient.store_id.in_(list(stores)))
                            .order_by(PayoutRecipient.id).limit(RECIPIENTS_MAX * max(1, len(stores))))
    shown = sorted((_shown(row, keyrings[row.store_id]) for row in found), key=lambda one: comparable(one.name))
    wanted = comparable(sought)
    return [one for one in shown if wanted in comparable(one.name) or wanted in comparable(one.holder or "")
            or one.row.number_mask.endswith(sought or "\0")]


def find(session: Session, actor: Actor, recipient_id: str) -> Shown:
    """Raises Denied, NotFound."""
    _check(actor)
    row = session.scalar(_visible(actor, ids.parse(RECIPIENT, recipient_id)))
    if row is None:
        raise NotFound()
    return _shown(row, rows.keyring_of(session.get_one(Store, row.store_id)))


def cells(session: Session, actor: Actor, store_id: UUID, recipient_id: str) -> dict[str, str]:
    """What a payout to them asks for, number and all, as it would be typed. Raises Denied, Invalid: of another store.
    """
    try:
        shown = find(session, actor, recipient_id)
    except NotFound:
        shown = None
    if shown is None or shown.row.store_id != store_id:
        raise Invalid(fields=[FieldError("/recipient_id", "unknown_recipient",
                                         "This recipient is not saved for this store.")])
    row = shown.row
    number = rows.keyring_of(session.get_one(Store, store_id)).open(row.number_sealed, place=_place(row.id, "number"))
    return {"method": row.method, "number": number.decode(), **({"bank": row.bank} if row.bank else {}),
            **({"holder": shown.holder} if shown.holder else {})}


def save(session: Session, actor: Actor, store_id: UUID, command: CreatePayout, named: SaveRecipient
         ) -> PayoutRecipient:
    """Keep whom a payout is for under a name. One whose number is saved already stays as it is.

    Raises Denied, NotFound, Invalid, TooManyRecipients.
    """
    _check(actor)
    store = locked_one(session, stores_visible_to(actor).where(Store.id == store_id))
    if store is None:
        raise NotFound()
    number, at = destinations.canonical(command.destination, command.currency), command.destination
    known = session.scalar(select(PayoutRecipient).where(
        PayoutRecipient.store_id == store.id, PayoutRecipient.number_fingerprint.in_(fingerprints(number)),
        PayoutRecipient.method == at.method))
    if known is not None:
        return known
    if (session.scalar(select(func.count()).select_from(PayoutRecipient).where(
            PayoutRecipient.store_id == store.id)) or 0) >= RECIPIENTS_MAX:
        raise TooManyRecipients()
    id, keyring = ids.new_id(), rows.keyring_of(store)
    card = reference.snapshot(session).method(at.method).validator in validators.CARDS
    row = PayoutRecipient(
        id=id, store_id=store.id, currency=command.currency, method=at.method, bank=at.bank, created_name=actor.name,
        name_sealed=keyring.seal(named.save_as.encode(), place=_place(id, "name")),
        holder_sealed=keyring.seal(at.holder.encode(), place=_place(id, "holder")) if at.holder else None,
        number_sealed=keyring.seal(number.encode(), place=_place(id, "number")),
        number_mask=mask_of(number[:6] if card else "", number[-4:]), number_fingerprint=fingerprint(number))
    session.add(row)
    session.flush()
    audit.record(session, actor, "payout_recipient.saved", "payout_recipient", id, after={"number": row.number_mask})
    return row


def rename(session: Session, actor: Actor, command: RenameRecipient) -> PayoutRecipient:
    """Raises Denied, NotFound."""
    row = _locked(session, actor, command.recipient_id)
    keyring = rows.keyring_of(session.get_one(Store, row.store_id))
    row.name_sealed = keyring.seal(command.name.encode(), place=_place(row.id, "name"))
    audit.record(session, actor, "payout_recipient.renamed", "payout_recipient", row.id)
    return row


def remove(session: Session, actor: Actor, recipient_id: str) -> None:
    """Payouts to them stay as they are. Raises Denied, NotFound."""
    row = _locked(session, actor, recipient_id)
    audit.record(session, actor, "payout_recipient.removed", "payout_recipient", row.id,
                 before={"number": row.number_mask})
    session.delete(row)


def _shown(row: PayoutRecipient, keyring: crypto.Keyring) -> Shown:
    holder = None if row.holder_sealed is None else keyring.open(row.holder_sealed, place=_place(row.id, "holder"))
    return Shown(row, keyring.open(row.name_sealed, place=_place(row.id, "name")).decode(),
                 None if holder is None else holder.decode())


def _locked(session: Session, actor: Actor, recipient_id: str) -> PayoutRecipient:
    _check(actor)
    row = locked_one(session, _visible(actor, ids.parse(RECIPIENT, recipient_id)))
    if row is None:
        raise NotFound()
    return row


def _visible(actor: Actor, id: UUID) -> Select[PayoutRecipient]:
    return select(PayoutRecipient).where(PayoutRecipient.id == id, PayoutRecipient.store_id.in_(
        stores_visible_to(actor).with_only_columns(Store.id)))


def _check(actor: Actor) -> None:
    if not actor.may(Permission.PAYOUT_CREATE):
        raise Denied()


def _place(id: UUID, what: str) -> str:
    return f"payout_recipients|{what}_sealed|{id}"


def _anew(session: Session, found: Sequence[reprinting.Row]) -> list[bytes]:
    ids_of = [id for id, _ in found]
    known = {one.id: one for one in session.scalars(select(PayoutRecipient).where(PayoutRecipient.id.in_(ids_of)))}
    stores = {one.id: rows.keyring_of(one) for one in session.scalars(
        select(Store).where(Store.id.in_({one.store_id for one in known.values()})))}
    return [fingerprint(stores[known[id].store_id].open(known[id].number_sealed, place=_place(id, "number")).decode())
            for id in ids_of]


reprinting.register(reprinting.Printed("payout_recipients", "number_fingerprint", _anew))
