"""Numbers and names of requisites: sealed at rest, shown masked, found by a keyed fingerprint.

Showing one in full is the caller's to justify: to its owner, to the payer and to the assigned trader of an open order.
"""
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from portal.core import crypto, names, reprinting
from portal.core.errors import FieldError, Invalid
from portal.core.ids import new_id
from portal.parties.models import Holder, Trader
from portal.parties.traders import key_place
from portal.reference import Reference, accounts, validators
from portal.reference.accounts import fits
from portal.requisites.commands import AddRequisite
from portal.requisites.models import Requisite


def seal(trader: Trader, requisite_id: UUID, number: str, *, card: bool) -> dict[str, bytes | str]:
    """The columns a number is kept in: sealed with the trader's key, what the mask shows, the fingerprint."""
    keyring = crypto.data_keyring(trader.data_key, place=key_place(trader.id))
    return {
        "number_sealed": keyring.seal(number.encode(), place=_number_place(requisite_id)),
        "number_first6": number[:6] if card else "",
        "number_last4": number[-4:],
        "number_fingerprint": fingerprint(number),
    }


def canonical(known: Reference, command: AddRequisite) -> str:
    """The number in its one spelling, where method, bank and number fit the currency. Raises Invalid."""
    method = known.method(command.method)
    if method.currencies and command.currency not in method.currencies:
        raise Invalid(fields=[FieldError("/currency", "not_of_method", "This method is not for this currency.")])
    if command.bank is not None and not fits(known.bank(command.bank).country, command.currency):
        raise Invalid(fields=[FieldError("/bank", "not_of_currency", "This bank keeps no accounts in this currency.")])
    number = validators.check(method.validator, command.number, currency=command.currency, rules=method.rules)
    if command.bank is not None and (country := accounts.country_of(number)) not in (
            None, known.bank(command.bank).country):
        raise Invalid(fields=[FieldError("/bank", "not_of_account", "This IBAN is of %(country)s, the bank is not.",
                                         {"country": country})])
    return number


def fingerprint(number: str) -> bytes:
    """Equal for equal numbers in their canonical spelling."""
    return crypto.fingerprint("number", number)


def fingerprints(number: str) -> list[bytes]:
    """What a look-up asks for: by each key, while one is changed."""
    return crypto.fingerprints("number", number)


def is_taken(session: Session, number: str, *, currency: str, live: bool) -> bool:
    """Whether an instrument that lives has this number. The index says so too, but for prints of another key."""
    return session.scalar(select(Requisite.id).where(
        Requisite.number_fingerprint.in_(fingerprints(number)), Requisite.currency == currency,
        Requisite.live.is_(live), Requisite.status.not_in(("rejected", "archived"))).limit(1)) is not None


def reveal(session: Session, requisite: Requisite) -> str:
    """The number in full."""
    trader = session.get(Trader, requisite.trader_id)
    assert trader is not None, "a requisite has its trader"
    keyring = crypto.data_keyring(trader.data_key, place=key_place(trader.id))
    return keyring.open(requisite.number_sealed, place=_number_place(requisite.id)).decode()


def holder_name(session: Session, requisite: Requisite) -> str:
    """The person named on it, in full."""
    holder = session.get(Holder, requisite.holder_id)
    assert holder is not None, "a requisite has its holder"
    return opened_name(holder.id, holder.name_sealed)


def opened_name(holder_id: UUID, sealed: bytes) -> str:
    """The same for a row that was read without its object."""
    return crypto.open_sealed(sealed, place=_name_place(holder_id))


def shown_name(holder: Holder) -> str | None:
    """The same for a page: None where it does not open."""
    return crypto.opened_or_none(holder.name_sealed, place=_name_place(holder.id))


def holder_of(session: Session, name: str) -> UUID:
    """The holder with this name, made when there is none: spelling, case and blanks do not make two people."""
    marks = name_prints(name)
    found = session.scalar(select(Holder.id).where(Holder.name_fingerprint.in_(marks)))
    if found is not None:
        return found
    id = new_id()
    session.execute(upsert(Holder).values(id=id, name_fingerprint=marks[0],
                                          name_sealed=crypto.seal(names.tidy(name), place=_name_place(id)))
                    .on_conflict_do_nothing(index_elements=["name_fingerprint"]))
    return session.scalars(select(Holder.id).where(Holder.name_fingerprint.in_(marks))).one()


def name_prints(name: str) -> list[bytes]:
    """Of a person, whatever the spelling: by each key, while one is changed."""
    return crypto.fingerprints("holder", names.canonical(name))


def _numbers_anew(session: Session, rows: Sequence[reprinting.Row]) -> list[bytes]:
    found = {one.id: one for one in session.scalars(select(Requisite).where(Requisite.id.in_([id for id, _ in rows])))}
    owners = session.scalars(select(Trader).where(Trader.id.in_({one.trader_id for one in found.values()}))).all()
    assert owners, "kept in the session: `reveal` asks for each"
    return [fingerprint(reveal(session, found[id])) for id, _ in rows]


def _names_anew(session: Session, rows: Sequence[reprinting.Row]) -> list[bytes]:
    found = {one.id: one for one in session.scalars(select(Holder).where(Holder.id.in_([id for id, _ in rows])))}
    return [name_prints(opened_name(id, found[id].name_sealed))[0] for id, _ in rows]


def _number_place(requisite_id: UUID) -> str:
    return f"requisites|number_sealed|{requisite_id}"


def _name_place(holder_id: UUID) -> str:
    return f"holders|name_sealed|{holder_id}"


reprinting.register(reprinting.Printed("requisites", "number_fingerprint", _numbers_anew),
                    reprinting.Printed("holders", "name_fingerprint", _names_anew))
