"""Keys as their pages show them: who made each, and whether it still opens anything."""
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import any_, literal, or_, select
from sqlalchemy.orm import Session, joinedload

from portal.core import clock, ids
from portal.core.access import Actor
from portal.core.audit import AuditRow
from portal.core.errors import NotFound
from portal.core.names import in_order
from portal.core.paging import Page, newest_first
from portal.parties import queries
from portal.parties.models import ApiKey, Store

PAGE = 25
STORES_MAX = 100


@dataclass(frozen=True)
class Listed:
    """A key with its store; `made_by` is empty for one older than the audit that is kept."""

    key: ApiKey
    made_by: str
    replaced_by: UUID | None = None  # the key that it was rolled to

    @property
    def id(self) -> str:
        return ids.public("key", self.key.id)

    @property
    def prefix(self) -> str:
        """How its token begins: enough to know it again, useless to anybody else."""
        return f"qk_{'live' if self.key.live else 'test'}_{self.key.public_id}"

    @property
    def successor(self) -> str | None:
        return None if self.replaced_by is None else ids.public("key", self.replaced_by)

    @property
    def replaces(self) -> str | None:
        return None if self.key.replaces_id is None else ids.public("key", self.key.replaces_id)

    @property
    def state(self) -> str:
        if self.key.revoked_at is not None:
            return "revoked"
        expired = self.key.expires_at is not None and self.key.expires_at <= clock.now()
        return "expired" if expired else "active"


def page(session: Session, actor: Actor, *, cursor: str | None) -> Page[Listed]:
    """All that the actor may see, newest first; three queries. Raises Invalid for a wrong cursor."""
    rows = queries.keys_visible_to(actor).options(joinedload(ApiKey.store))
    found = newest_first(session, rows, ApiKey.created_at, ApiKey.id, cursor=cursor, limit=PAGE)
    return Page(_listed(session, found.rows), found.next_cursor)


def one(session: Session, actor: Actor, key_id: UUID) -> Listed:
    """Raises NotFound."""
    rows = queries.keys_visible_to(actor).options(joinedload(ApiKey.store)).where(ApiKey.id == key_id)
    key = session.scalars(rows.execution_options(populate_existing=True)).one_or_none()
    if key is None:
        raise NotFound()
    return _listed(session, [key])[0]


def newest_test_key(session: Session, actor: Actor) -> Listed | None:
    """Whose beginning stands in samples for copying."""
    rows = queries.keys_visible_to(actor).where(ApiKey.live.is_(False), ApiKey.revoked_at.is_(None))
    key = session.scalars(rows.order_by(ApiKey.created_at.desc(), ApiKey.id.desc()).limit(1)).first()
    return Listed(key, "") if key is not None else None


def stores(session: Session, actor: Actor) -> Sequence[Store]:
    """Those a key or an endpoint can be made for, with their merchant, by name."""
    rows = queries.stores_visible_to(actor).options(joinedload(Store.merchant))
    return session.scalars(rows.order_by(in_order(Store.name), Store.id).limit(STORES_MAX)).all()


def paying_without_secret(session: Session, actor: Actor) -> Sequence[ApiKey]:
    """Keys that may make payouts and cannot sign them, with their store: refused where a store wants them signed."""
    rows = queries.keys_visible_to(actor).options(joinedload(ApiKey.store)).where(
        ApiKey.revoked_at.is_(None), ApiKey.signing_sealed.is_(None), literal("payouts:write") == any_(ApiKey.scopes),
        or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > clock.now()))
    return session.scalars(rows.order_by(ApiKey.created_at.desc(), ApiKey.id.desc()).limit(PAGE)).all()


def _listed(session: Session, keys: Sequence[ApiKey]) -> list[Listed]:
    made = session.execute(
        select(AuditRow.target_id, AuditRow.actor_name).where(  # ix_audit_rows_target
            AuditRow.target_kind == "key", AuditRow.target_id.in_([str(key.id) for key in keys]),
            AuditRow.action == "key.created"))
    makers = {row.target_id: row.actor_name for row in made}
    rolled = dict(session.execute(select(ApiKey.replaces_id, ApiKey.id).where(  # uq_api_keys_replaces_id
        ApiKey.replaces_id.in_([key.id for key in keys]))).all())
    return [Listed(key, makers.get(str(key.id), ""), rolled.get(key.id)) for key in keys]
