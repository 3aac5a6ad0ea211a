"""Lists of people and companies as staff read them: filters out of an address, a page of rows, their small figures."""
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, joinedload

from portal.core import ids
from portal.core.access import Actor
from portal.core.errors import FieldError, Invalid, NotFound
from portal.core.names import in_order
from portal.core.paging import Page, newest_ids_first
from portal.parties import queries
from portal.parties.models import ApiKey, Merchant, Store, Trader, User, UserSession

PAGE = 25
STORES_MAX = 200
STATUSES = {"merchants": ("pending", "active", "suspended"), "traders": ("pending", "active", "suspended"),
            "users": ("active", "disabled")}


@dataclass(frozen=True)
class Filters:
    """Empty means all. `kind`: on or off shift for traders, a role for users."""

    q: str = ""
    status: str = ""
    kind: str = ""

    @classmethod
    def of(cls, sent: Mapping[str, str], *, statuses: tuple[str, ...], kinds: tuple[str, ...] = ()) -> Self:
        """Raises Invalid: an unknown value is said, never clamped."""
        status, kind = sent.get("status", "").strip(), sent.get("kind", "").strip()
        wrong = [FieldError(f"/{name}", "unknown_value", "There is no such choice.")
                 for name, value, known in (("status", status, statuses), ("kind", kind, kinds))
                 if value and value not in known]
        if wrong:
            raise Invalid("Please correct the filters.", fields=wrong)
        return cls(sent.get("q", "").replace("\0", "").strip()[:120], status, kind)

    @property
    def narrowed(self) -> bool:
        return bool(self.q or self.status or self.kind)


def merchants(session: Session, actor: Actor, wanted: Filters, *, cursor: str | None) -> Page[Merchant]:
    """Newest first. Raises Invalid for a wrong cursor."""
    rows = _named(queries.merchants_visible_to(actor), Merchant, "mrc", wanted)
    return newest_ids_first(session, rows, Merchant.id, cursor=cursor, limit=PAGE)


def stores_of(session: Session, actor: Actor, merchant_ids: Iterable[UUID]) -> dict[UUID, list[Store]]:
    """The stores of these merchants, by merchant: one query."""
    rows = queries.stores_visible_to(actor).where(Store.merchant_id.in_(list(merchant_ids)))
    found: dict[UUID, list[Store]] = {}
    for store in session.scalars(rows.order_by(in_order(Store.name), Store.id).limit(STORES_MAX)):
        found.setdefault(store.merchant_id, []).append(store)
    return found


def traders(session: Session, actor: Actor, wanted: Filters, *, cursor: str | None) -> Page[Trader]:
    """Newest first, without the desk's robots. Raises Invalid for a wrong cursor."""
    rows = _named(queries.traders_visible_to(actor).where(~Trader.robot), Trader, "trd", wanted)
    if wanted.kind:
        rows = rows.where(Trader.on_shift.is_(wanted.kind == "on"))
    return newest_ids_first(session, rows, Trader.id, cursor=cursor, limit=PAGE)


def users(session: Session, actor: Actor, wanted: Filters, *, cursor: str | None) -> Page[User]:
    """Newest first. Raises Invalid for a wrong cursor."""
    rows = queries.users_visible_to(actor)
    if wanted.status:
        rows = rows.where(User.active.is_(wanted.status == "active"))
    if wanted.kind:
        rows = rows.where(User.role == wanted.kind)
    if wanted.q:
        rows = rows.where(_like(User.name, wanted.q) | _like(User.email, wanted.q.lower())
                          | (User.id == _id("usr", wanted.q)))
    return newest_ids_first(session, rows, User.id, cursor=cursor, limit=PAGE)


def last_seen(session: Session, user_ids: Iterable[UUID]) -> dict[UUID, datetime]:
    """When each was last at a browser: one query."""
    rows = session.execute(select(UserSession.user_id, func.max(UserSession.seen_at))
                           .where(UserSession.user_id.in_(list(user_ids))).group_by(UserSession.user_id))
    return {row[0]: row[1] for row in rows}


def people_of(session: Session, actor: Actor, **belongs: UUID) -> list[User]:
    """The users of a merchant (`merchant_id=`) or a trader (`trader_id=`), oldest first."""
    return list(session.scalars(queries.users_visible_to(actor).filter_by(**belongs).order_by(User.id).limit(PAGE * 2)))


def keys_of(session: Session, actor: Actor, store_ids: Iterable[UUID]) -> list[ApiKey]:
    """The keys of these stores, newest first: the head of each, never the secret."""
    rows = queries.keys_visible_to(actor).where(ApiKey.store_id.in_(list(store_ids)))
    return list(session.scalars(rows.options(joinedload(ApiKey.store)).order_by(ApiKey.id.desc()).limit(PAGE * 2)))


def _named(rows: Select[Any], model: type[Merchant] | type[Trader], prefix: str, wanted: Filters) -> Select[Any]:
    if wanted.status:
        rows = rows.where(model.status == wanted.status)
    if wanted.q:
        rows = rows.where(_like(model.name, wanted.q) | (model.id == _id(prefix, wanted.q)))
    return rows


def _like(column: Any, text: str) -> Any:
    return column.icontains(text, autoescape=True)


def _id(prefix: str, text: str) -> UUID | None:
    try:
        return ids.parse(prefix, text)
    except NotFound:
        return None
