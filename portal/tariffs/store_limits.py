"""What a store takes in a currency, by four eyes: smallest and largest order, methods, directions."""
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import approvals, reference
from portal.approvals import Approval, StaleApproval
from portal.core import audit, jobs, typed_amounts
from portal.core.access import Actor, Permission
from portal.core.db import locked_one
from portal.core.errors import Denied, FieldError, Invalid, NotFound
from portal.parties import queries
from portal.parties.models import Store, StoreCurrency
from portal.tariffs.commands import AskTerms

KIND = "store_terms"


def ask(session: Session, actor: Actor, command: AskTerms) -> Approval:
    """Put other limits before a second person; nothing changes yet. Raises Denied, NotFound, Invalid."""
    if not (actor.is_system or actor.may(Permission.PARTY_MANAGE)):
        raise Denied()
    store = locked_one(session, queries.stores_visible_to(actor).where(Store.id == command.store_id))
    if store is None:
        raise NotFound()
    known = reference.snapshot(session)
    if known.currency(command.currency).kind != "fiat":
        raise Invalid(fields=[FieldError("/currency", "not_fiat", "Stores take fiat currencies.")])
    for method in command.methods:
        known.method(method)
    least = typed_amounts.amount("min_amount", command.min_amount, command.currency)
    most = typed_amounts.amount("max_amount", command.max_amount, command.currency)
    if not 0 < least.minor <= most.minor:
        raise Invalid(fields=[FieldError("/max_amount", "range", "The largest is below the smallest.")])
    after = {"currency": command.currency, "min_minor": least.minor, "max_minor": most.minor,
             "methods": sorted(set(command.methods)), "payin": command.payin, "payout": command.payout}
    return approvals.ask(session, actor, kind=KIND, target_kind="store", target_id=store.id,
                         before=_now(session, store.id, command.currency), after=after, reason=command.reason)


def approved(session: Session, actor: Actor, approval: Approval) -> None:
    """A second person agrees: it counts for the store's next order. Raises StaleApproval."""
    store = locked_one(session, select(Store).where(Store.id == UUID(approval.target_id)))
    if store is None:
        raise NotFound()
    asked = dict(approval.after)
    if _now(session, store.id, asked["currency"]) != approval.before:
        raise StaleApproval()
    row = session.get(StoreCurrency, (store.id, asked["currency"]))
    if row is None:
        session.add(StoreCurrency(store_id=store.id, **asked))
    else:
        for name, value in asked.items():
            setattr(row, name, value)
    session.flush()
    audit.record(session, actor, "store.terms_set", "store", store.id, before=approval.before, after=asked,
                 reason=approval.reason)
    jobs.enqueue(session, "ensure_robots", store.id)


def _now(session: Session, store_id: UUID, currency: str) -> dict[str, Any]:
    row = session.get(StoreCurrency, (store_id, currency), populate_existing=True)
    if row is None:
        return {}
    return {"currency": row.currency, "min_minor": row.min_minor, "max_minor": row.max_minor,
            "methods": sorted(row.methods), "payin": row.payin, "payout": row.payout}


approvals.register(KIND, apply=approved, title="Limits of a store")
