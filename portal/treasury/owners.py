"""Whose money: a store or a trader, found for who asks, locked, with its accounts and its key."""
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Select, false, select, true
from sqlalchemy.orm import Session

from portal import notices
from portal.core import crypto, page_events
from portal.core.access import Actor, Permission
from portal.core.db import locked_one
from portal.core.errors import NotFound, Rejected
from portal.core.names import in_order
from portal.ledger import Account
from portal.parties import stores, traders
from portal.parties.models import Merchant, Store, Trader
from portal.parties.queries import stores_visible_to, traders_visible_to

OwnerKind = Literal["store", "trader"]
Owner = Store | Trader


class OwnerSuspended(Rejected):
    """Money leaves only while its owner is active. Talk to support."""

    code = "owner_suspended"


def lock(session: Session, actor: Actor, kind: str, id: UUID) -> Owner:
    """One that the actor may see, locked: nobody suspends it between our look and the posting. Raises NotFound."""
    wanted: Select[Any] = (stores_visible_to(actor).where(Store.id == id) if kind == "store" else
                           traders_visible_to(actor).where(Trader.id == id, Trader.robot.is_(False)))
    found: Owner | None = locked_one(session, wanted)
    if found is None:
        raise NotFound()
    return found


def kind_of(owner: Owner) -> OwnerKind:
    return "store" if isinstance(owner, Store) else "trader"


def audience(owner: Owner) -> notices.Audience:
    """Whose people are told."""
    return notices.store(owner.id) if isinstance(owner, Store) else notices.trader(owner.id)


def of(session: Session, kind: str, id: UUID) -> Owner:
    """As it was read; it exists, for something of its own says so."""
    return session.get_one(Store, id) if kind == "store" else session.get_one(Trader, id)


def own(session: Session, actor: Actor) -> list[Owner]:
    """Whose money the actor looks after: a trader's own, a merchant's stores by name."""
    if actor.trader_id is not None:
        return list(session.scalars(traders_visible_to(actor)))
    if actor.merchant_id is not None:
        return list(session.scalars(stores_visible_to(actor).order_by(in_order(Store.name), Store.id)))
    return []


def belongs(actor: Actor, kind: Any, id: Any) -> ColumnElement[bool]:
    """Rows of an owner that the actor may see: staff of the treasury all, an owner's people their own."""
    if actor.is_system or (actor.is_staff and actor.may(Permission.TREASURY_READ)):
        return true()
    if not actor.may(Permission.BALANCE_READ):
        return false()
    if actor.trader_id is not None:
        mine: ColumnElement[bool] = (kind == "trader") & (id == actor.trader_id)
        return mine
    if actor.merchant_id is not None:
        theirs = select(Store.id).where(Store.merchant_id == actor.merchant_id)
        shops: ColumnElement[bool] = (kind == "store") & id.in_(theirs)
        return shops
    return false()


def is_active(session: Session, owner: Owner) -> bool:
    """The store and its merchant, or the trader."""
    if isinstance(owner, Store) and session.get_one(Merchant, owner.merchant_id).status != "active":
        return False
    return owner.status == "active"


def available(owner: Owner) -> Account:
    return Account(kind_of(owner), owner.id, "available", owner.settlement_currency, live=True)


def moves(kind: str, id: UUID, currency: str) -> tuple[Account, Account]:
    """What is free, and what is held."""
    return Account(kind, id, "available", currency, live=True), Account(kind, id, "held", currency, live=True)


def keyring(owner: Owner) -> crypto.Keyring:
    place = stores.key_place(owner.id) if isinstance(owner, Store) else traders.key_place(owner.id)
    return crypto.data_keyring(owner.data_key, place=place)


def tell(session: Session, kind: str, id: UUID) -> None:
    """The owner's open pages look again, and the staff's."""
    page_events.tell(session, "balance", [f"{kind}:{id}"])
