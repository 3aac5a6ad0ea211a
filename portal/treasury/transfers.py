"""Transfers: a merchant moves money from one of its stores to another, at once and alone (decision 0132).

Nothing leaves the merchant, so neither staff nor a second person is asked; what keeps a store's money from leaving the
desk keeps it in the store, and what one person may send out of it alone is a limit of transfers too.
"""
from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import ledger
from portal.core import audit, ids, typed_amounts
from portal.core.access import Actor, Permission
from portal.core.db import locked
from portal.core.errors import Denied, FieldError, Invalid, NotFound
from portal.parties.models import Store
from portal.parties.queries import stores_visible_to
from portal.treasury import booking, money_out, owners, sent_alone
from portal.treasury.book_models import Transfer
from portal.treasury.commands import MakeTransfer

KIND = "transfer"
LATELY = 20


def make(session: Session, actor: Actor, command: MakeTransfer) -> Transfer:
    """What was available in one store is available in the other.

    Raises Denied, NotFound, Invalid (also above what one person alone may send out of the store), OwnerSuspended,
    ClaimOpen, InsufficientFunds.
    """
    if actor.is_staff or actor.merchant_id is None or not actor.may(Permission.TRANSFER_CREATE):
        raise Denied()
    source, target = _stores(session, actor, command)
    for store in (source, target):
        if not owners.is_active(session, store):
            raise owners.OwnerSuspended()
    money_out.check(session, source)
    amount = typed_amounts.amount("amount", command.amount, source.settlement_currency)
    if not amount:
        raise Invalid(fields=[FieldError("/amount", "invalid_amount", "A transfer is more than nothing.")])
    transfer = Transfer(id=ids.new_id(), from_store_id=source.id, to_store_id=target.id, currency=amount.currency,
                        amount_minor=amount.minor, made_name=actor.name)
    _count(session, actor, source, transfer)
    session.add(transfer)
    session.flush()
    audit.record(session, actor, "transfer.made", "store", source.id, after={
        "amount": amount.text, "currency": amount.currency, "from": source.name, "to": target.name})
    booking.post(session, actor, [ledger.entries.transfer(
        transfer.id, owners.available(source), owners.available(target), amount)])
    return transfer


def _count(session: Session, actor: Actor, source: Store, transfer: Transfer) -> None:
    """Where one person alone may send so much and no more, from another store it could be sent on. Raises Invalid."""
    sent = sent_alone.piece(source, actor, {f"store:{transfer.to_store_id}": transfer.amount_minor},
                            f"transfer-{transfer.id}")
    limit = source.payout_alone_max
    if limit is not None and sent_alone.whole(session, source, sent).total_minor > limit.minor:
        raise Invalid(fields=[FieldError(
            "/amount", "alone_max", "Out of this store one person alone may send and move %(limit)s %(currency)s in "
            "24 hours, payouts and transfers together. Move less, or ask the desk to raise the limit.",
            {"limit": limit.text, "currency": limit.currency})])
    sent_alone.note(session, source, sent)


def lately(session: Session, stores: Collection[UUID]) -> Sequence[Transfer]:
    """The newest from these stores."""
    return session.scalars(select(Transfer).where(Transfer.from_store_id.in_(stores))
                           .order_by(Transfer.id.desc()).limit(LATELY)).all()


def _stores(session: Session, actor: Actor, command: MakeTransfer) -> tuple[Store, Store]:
    """Both locked, in the order of their ids, after the limit of the first. Raises NotFound, Invalid."""
    wanted = {name: ids.parse("str", given) for name, given in (("from_store", command.from_store),
                                                                ("to_store", command.to_store))}
    if wanted["from_store"] == wanted["to_store"]:
        raise Invalid(fields=[FieldError("/to_store", "same_store", "Choose another store.")])
    limited = session.scalar(stores_visible_to(actor).where(Store.id == wanted["from_store"]))
    if limited is not None:
        sent_alone.lock(session, limited)
    found = {store.id: store for store in locked(session, stores_visible_to(actor).where(
        Store.id.in_(wanted.values())).order_by(Store.id))}
    if len(found) < 2:
        raise NotFound()
    source, target = found[wanted["from_store"]], found[wanted["to_store"]]
    if source.settlement_currency != target.settlement_currency:
        raise Invalid(fields=[FieldError("/to_store", "not_settlement_currency",
                                         "This balance is kept in %(currency)s.",
                                         {"currency": target.settlement_currency})])
    return source, target
