"""The address book of an owner: asked for, approved, rested for a day, used, removed at once. Sealed, shown masked."""
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal import approvals
from portal.approvals import Approval, StaleApproval
from portal.core import audit, clock, crypto, ids, names, reprinting
from portal.core.access import Actor, Permission
from portal.core.db import locked_one
from portal.core.errors import Conflict, Denied, FieldError, Invalid, NotFound, judges
from portal.parties.models import Store, Trader
from portal.treasury import networks, owners
from portal.treasury.commands import AddAddress, NameAddress, ShowAddress
from portal.treasury.models import ADDRESS, Withdrawal, WithdrawalAddress
from portal.treasury.states import ADDRESSES, AddressAction, AddressStatus

KIND = "withdrawal_address"
RESTS_FOR = timedelta(hours=24)  # whoever took an account over is seen by its owner before money can go there
STANDING = (AddressStatus.PENDING, AddressStatus.ACTIVE)
BOOK_MAX = 50


class AddressKnown(Conflict):
    """This address stands in your address book already."""

    code = "address_known"


class BookFull(Conflict):
    """Your address book is full. Remove what you do not use any more."""

    code = "address_book_full"


judges({"uq_withdrawal_addresses_place": AddressKnown})


def add(session: Session, actor: Actor, command: AddAddress) -> WithdrawalAddress:
    """Put an address before the staff; nothing goes there until they agree and it has rested.

    Raises Denied, NotFound, Invalid (network, or an address that is none), AddressKnown, BookFull.
    """
    if not actor.may(Permission.WITHDRAWAL_REQUEST):
        raise Denied()
    owner = owners.lock(session, actor, command.owner_kind, command.owner_id)
    network = networks.chosen(command.network, owner.settlement_currency)
    if len(book(session, actor, owners.kind_of(owner), owner.id)) >= BOOK_MAX:
        raise BookFull()
    try:
        address = network.check(command.address)
    except ValueError as wrong:
        raise Invalid(fields=[FieldError("/address", "bad_address", str(wrong))]) from None
    prints = _prints(network.code, address)
    if _stands(session, owner, network.code, prints):  # the index says so too, but for prints of another key
        raise AddressKnown()
    id = ids.new_id()
    made = WithdrawalAddress(
        id=id, owner_kind=owners.kind_of(owner), owner_id=owner.id, currency=owner.settlement_currency,
        network=network.code, label=names.tidy(command.label), mask=_mask(network.code, address),
        address_sealed=owners.keyring(owner).seal(address.encode(), place=_place(id)),
        fingerprint=prints[0], asked_name=actor.name)
    session.add(made)
    session.flush()
    approvals.ask(session, actor, kind=KIND, target_kind=KIND, target_id=id, before={"name": owner.name},
                  after=facts(made), reason=made.label)
    owners.tell(session, made.owner_kind, made.owner_id)
    return made


def remove(session: Session, actor: Actor, command: NameAddress) -> WithdrawalAddress:
    """Nothing goes there from now on, also not what was approved before. Harmless twice. Raises Denied, NotFound."""
    if not actor.may(Permission.WITHDRAWAL_REQUEST):
        raise Denied()
    address = find(session, actor, command.address_id)
    for waiting in approvals.waiting_for(session, KIND, address.id):
        approvals.withdraw(session, actor, waiting.id)
    address = lock(session, address.id)
    if address.status in STANDING:
        _move(session, address, AddressAction.REMOVE)
        audit.record(session, actor, "withdrawal_address.removed", KIND, address.id, before=facts(address))
    return address


def approved(session: Session, actor: Actor, approval: Approval) -> None:
    """A second person agrees: it rests, and then it can be used. Raises Denied, StaleApproval."""
    address = _asked(session, actor, approval)
    _move(session, address, AddressAction.APPROVE)


def rejected(session: Session, actor: Actor, approval: Approval) -> None:
    """A second person refuses. Raises Denied, StaleApproval."""
    _move(session, _asked(session, actor, approval), AddressAction.REFUSE)


def show(session: Session, actor: Actor, command: ShowAddress) -> str:
    """The address in full, to staff who decide or send; the audit keeps who looked and why. Raises Denied, NotFound."""
    if not (actor.is_staff and (actor.may(Permission.WITHDRAWAL_DECIDE) or actor.may(Permission.WITHDRAWAL_SEND))):
        raise Denied()
    address = find(session, actor, command.address_id)
    audit.record(session, actor, "withdrawal_address.shown", KIND, address.id, reason=command.reason)
    return reveal(session, address)


def reveal(session: Session, address: WithdrawalAddress) -> str:
    """In full. Showing it is the caller's to justify."""
    owner = owners.of(session, address.owner_kind, address.owner_id)
    return owners.keyring(owner).open(address.address_sealed, place=_place(address.id)).decode()


def book(session: Session, actor: Actor, kind: str, owner_id: UUID) -> Sequence[WithdrawalAddress]:
    """An owner's, the newest first: what stands there, not what was refused or removed."""
    return session.scalars(select(WithdrawalAddress).where(
        WithdrawalAddress.owner_kind == kind, WithdrawalAddress.owner_id == owner_id,
        WithdrawalAddress.status.in_(STANDING),
        owners.belongs(actor, WithdrawalAddress.owner_kind, WithdrawalAddress.owner_id))
        .order_by(WithdrawalAddress.id.desc()).limit(BOOK_MAX)).all()


def find(session: Session, actor: Actor, address_id: str) -> WithdrawalAddress:
    """By its public id. Raises NotFound."""
    found = session.scalar(select(WithdrawalAddress).where(
        WithdrawalAddress.id == ids.parse(ADDRESS, address_id),
        owners.belongs(actor, WithdrawalAddress.owner_kind, WithdrawalAddress.owner_id))
        .execution_options(populate_existing=True))
    if found is None:
        raise NotFound()
    return found


def of_withdrawal(session: Session, withdrawal: Withdrawal) -> WithdrawalAddress:
    """Where it goes; whoever sees the withdrawal sees it, masked."""
    return session.get_one(WithdrawalAddress, withdrawal.address_id)


def lock(session: Session, address_id: UUID) -> WithdrawalAddress:
    found = locked_one(session, select(WithdrawalAddress).where(WithdrawalAddress.id == address_id))
    assert found is not None, "addresses are never deleted"
    return found


def elsewhere(session: Session, address: WithdrawalAddress) -> int:
    """How many other owners have the same address in their books, now or before: staff are told."""
    prints = [address.fingerprint] if len(crypto.print_tags()) == 1 else _prints(
        address.network, reveal(session, address))
    return session.scalar(select(func.count(func.distinct(WithdrawalAddress.owner_id))).where(
        WithdrawalAddress.fingerprint.in_(prints),
        WithdrawalAddress.owner_id != address.owner_id)) or 0


def facts(address: WithdrawalAddress) -> dict[str, str]:
    """What staff decide on and the audit keeps: the address masked."""
    return {"label": address.label, "network": address.network, "address": address.mask, "currency": address.currency}


def _asked(session: Session, actor: Actor, approval: Approval) -> WithdrawalAddress:
    if not actor.may(Permission.WITHDRAWAL_DECIDE):
        raise Denied()
    address = lock(session, UUID(approval.target_id))
    if address.status != AddressStatus.PENDING:
        raise StaleApproval()
    return address


def _move(session: Session, address: WithdrawalAddress, action: AddressAction) -> None:
    address.status = ADDRESSES.next(address.status, action)
    if action is AddressAction.APPROVE:
        address.usable_at = clock.now() + RESTS_FOR
    else:
        address.ended_at = clock.now()
    session.flush()
    owners.tell(session, address.owner_kind, address.owner_id)


def _prints(network: str, address: str) -> list[bytes]:
    """By each key, while one is changed; the current one's first."""
    return crypto.fingerprints("address", f"{network}|{address}")


def _stands(session: Session, owner: owners.Owner, network: str, prints: Sequence[bytes]) -> bool:
    return session.scalar(select(WithdrawalAddress.id).where(
        WithdrawalAddress.owner_kind == owners.kind_of(owner), WithdrawalAddress.owner_id == owner.id,
        WithdrawalAddress.network == network, WithdrawalAddress.fingerprint.in_(prints),
        WithdrawalAddress.status.in_(STANDING)).limit(1)) is not None


def _anew(session: Session, rows: Sequence[reprinting.Row]) -> list[bytes]:
    found = {one.id: one for one in session.scalars(
        select(WithdrawalAddress).where(WithdrawalAddress.id.in_([id for id, _ in rows])))}
    kept = [session.scalars(select(kind).where(kind.id.in_({one.owner_id for one in found.values()}))).all()
            for kind in (Store, Trader)]
    assert any(kept), "kept in the session: `reveal` asks for each"
    return [_prints(found[id].network, reveal(session, found[id]))[0] for id, _ in rows]


def _mask(network: str, address: str) -> str:
    """`TR7N…Lj6t` of a chain; of bank details only the end."""
    return f"{address[:4]}…{address[-4:]}" if network in networks.CHAINS else f"•••• {address[-4:].strip()}"


def _place(address_id: UUID) -> str:
    return f"withdrawal_addresses|address_sealed|{address_id}"


approvals.register(KIND, apply=approved, reject=rejected, title="Withdrawal address")


reprinting.register(reprinting.Printed("withdrawal_addresses", "fingerprint", _anew))
