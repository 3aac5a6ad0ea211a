"""Who may see which people, companies and keys. Every read starts here: another's record does not exist."""
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, false, select, true
from sqlalchemy.orm import Session, joinedload, selectinload

from portal.core import audit, ids
from portal.core.access import Actor, Permission
from portal.core.errors import NotFound
from portal.parties.models import ApiKey, Merchant, Store, Trader, User, UserSession

HISTORY_MAX = 20
NAMES_MAX = 1000


def merchants_visible_to(actor: Actor) -> Select[Merchant]:
    return select(Merchant).where(_mine(actor, Merchant.id, actor.merchant_id))


def stores_visible_to(actor: Actor) -> Select[Store]:
    """Staff see all, a merchant its own, a key its own store."""
    if actor.store_id is not None:
        return select(Store).where(Store.id == actor.store_id)
    return select(Store).where(_mine(actor, Store.merchant_id, actor.merchant_id))


def keys_visible_to(actor: Actor) -> Select[ApiKey]:
    return select(ApiKey).where(ApiKey.store_id.in_(stores_visible_to(actor).with_only_columns(Store.id)))


def traders_visible_to(actor: Actor) -> Select[Trader]:
    return select(Trader).where(_mine(actor, Trader.id, actor.trader_id))


def users_visible_to(actor: Actor) -> Select[User]:
    """Staff who may read users see all; a merchant's people see each other; anybody sees themselves."""
    if actor.is_system or (actor.is_staff and actor.may(Permission.USER_READ)):
        return select(User)
    if actor.merchant_id is not None:
        return select(User).where(User.merchant_id == actor.merchant_id)
    return select(User).where(User.id == actor.id) if actor.id is not None else select(User).where(false())


def sessions_visible_to(actor: Actor) -> Select[UserSession]:
    """One's own."""
    return select(UserSession).where(UserSession.user_id == actor.id if actor.id is not None else false())


def found(session: Session, visible: Select[Any], id: UUID | None) -> Any:
    """The one with this id among `visible`. Raises NotFound."""
    entity = visible.column_descriptions[0]["entity"]
    record = session.scalar(visible.where(entity.id == id)) if id is not None else None
    if record is None:
        raise NotFound()
    return record


def merchant(session: Session, actor: Actor, merchant_id: str) -> Merchant:
    """By its public id. Raises NotFound."""
    record: Merchant = found(session, merchants_visible_to(actor), ids.parse("mrc", merchant_id))
    return record


def store(session: Session, actor: Actor, store_id: str) -> Store:
    """By its public id, with its merchant and what it takes. Raises NotFound."""
    rows = stores_visible_to(actor).options(joinedload(Store.merchant), selectinload(Store.currencies))
    record: Store = found(session, rows.execution_options(populate_existing=True), ids.parse("str", store_id))
    return record


def trader(session: Session, actor: Actor, trader_id: str) -> Trader:
    """By its public id. Raises NotFound."""
    record: Trader = found(session, traders_visible_to(actor), ids.parse("trd", trader_id))
    return record


def user(session: Session, actor: Actor, user_id: str) -> User:
    """By its public id. Raises NotFound."""
    record: User = found(session, users_visible_to(actor), ids.parse("usr", user_id))
    return record


def history(session: Session, actor: Actor, target_kind: str, target_id: object, *, action: str | None = None
            ) -> Sequence[audit.AuditRow]:
    """What was done to a record, newest first, or one kind of act; nothing for one who may not read the audit."""
    if not (actor.is_system or actor.may(Permission.AUDIT_READ)):
        return []
    rows = select(audit.AuditRow).where(audit.AuditRow.target_kind == target_kind,
                                        audit.AuditRow.target_id == str(target_id))
    if action is not None:
        rows = rows.where(audit.AuditRow.action == action)
    return session.scalars(rows.order_by(audit.AuditRow.created_at.desc(), audit.AuditRow.id.desc())
                           .limit(HISTORY_MAX)).all()


def store_names(session: Session, actor: Actor) -> list[tuple[UUID, str]]:
    """To choose one from, by name."""
    rows = stores_visible_to(actor).with_only_columns(Store.id, Store.name).order_by(Store.name, Store.id)
    return [(id, name) for id, name in session.execute(rows.limit(NAMES_MAX))]


def store_by_slug(session: Session, actor: Actor, slug: str) -> Store:
    """Raises NotFound."""
    store = session.scalar(stores_visible_to(actor).where(Store.slug == slug))
    if store is None:
        raise NotFound()
    return store


def _mine(actor: Actor, column: Any, own: UUID | None) -> ColumnElement[bool]:
    if actor.is_system or (actor.is_staff and actor.may(Permission.PARTY_READ)):
        return true()
    return column == own if own is not None else false()
