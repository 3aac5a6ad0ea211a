"""Legal holds: one person of the staff puts one on, and takes it off; both are audited with the reason."""
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import StringConstraints
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core import audit, clock, ids
from portal.core.access import Actor
from portal.core.commands import Command
from portal.core.db import locked_one
from portal.core.errors import FieldError, Invalid, NotFound
from portal.disputes import queries as disputes
from portal.orders import queries as orders
from portal.parties import queries as parties
from portal.parties.commands import Reason
from portal.privacy.models import PREFIX, LegalHold

SHOWN_MAX = 200
FREE = """NOT EXISTS (SELECT FROM legal_holds h WHERE h.lifted_at IS NULL AND (h.order_id = o.id
          OR (h.store_id = o.store_id AND h.customer_id = o.customer_id)))"""
"""Of an order `o`: nobody holds it, as SQL."""


class PutOnHold(Command):
    """`target`: an order, a dispute, or of `store_id` a customer as the store calls them."""

    kind: Literal["order", "dispute", "person"]
    target: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    store_id: str | None = None
    reason: Reason


class LiftHold(Command):
    hold_id: str
    reason: Reason


def put(session: Session, actor: Actor, command: PutOnHold) -> LegalHold:
    """Nothing of it is purged or erased from now on. Raises Invalid where there is no such record."""
    try:
        about = _about(session, actor, command)
    except NotFound:
        raise Invalid(fields=[FieldError("/target", "not_found", "There is no such record.")]) from None
    hold = LegalHold(kind=command.kind, shown=command.target, reason=command.reason, made_name=actor.name, **about)
    session.add(hold)
    session.flush()
    audit.record(session, actor, "legal_hold.put", "legal_hold", hold.id,
                 after={"kind": command.kind, "target": command.target}, reason=command.reason)
    return hold


def lift(session: Session, actor: Actor, command: LiftHold) -> None:
    """Its time goes on where it stood. Harmless twice. Raises NotFound."""
    hold = locked_one(session, select(LegalHold).where(LegalHold.id == ids.parse(PREFIX, command.hold_id)))
    if hold is None:
        raise NotFound()
    if hold.lifted_at is None:
        hold.lifted_at, hold.lifted_name = clock.now(), actor.name
        audit.record(session, actor, "legal_hold.lifted", "legal_hold", hold.id,
                     before={"kind": hold.kind, "target": hold.shown}, reason=command.reason)


def page(session: Session) -> Sequence[LegalHold]:
    """Those that stand first, then the newest."""
    return session.scalars(select(LegalHold).order_by(LegalHold.lifted_at.is_not(None), LegalHold.id.desc())
                           .limit(SHOWN_MAX)).all()


def _about(session: Session, actor: Actor, command: PutOnHold) -> dict[str, object]:
    """Raises NotFound."""
    if command.kind == "order":
        return {"order_id": orders.find(session, actor, command.target).id}
    if command.kind == "dispute":
        return {"order_id": disputes.find(session, actor, command.target).order_id}
    store = parties.store(session, actor, command.store_id or "")
    return {"store_id": store.id, "customer_id": command.target}
