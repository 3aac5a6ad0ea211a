"""Classes of trust that staff set: which hold for the customers of orders, for pages that show a customer.

Set and taken away as entries of a list (`lists`), judged as so many completed orders (`Facts.completed`).
Decision 0238.
"""
from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core import crypto
from portal.core.access import Actor, Permission
from portal.risk import lists
from portal.risk.models import RiskEntry, RiskPrint

Customer = tuple[UUID, str]
"""A store and its customer's id there."""


def of(session: Session, actor: Actor, customers: Collection[Customer]) -> dict[Customer, list[RiskEntry]]:
    """Those that hold or wait for a second person, oldest first, of whoever has one; nothing for who may not see."""
    if not (customers and actor.may(Permission.RISK_READ)):
        return {}
    whose = {print: one for one in customers for print in crypto.fingerprints(*lists.customer_said(*one))}
    found: dict[Customer, list[RiskEntry]] = {}
    for print, entry in session.execute(
            select(RiskPrint.print, RiskEntry).join(RiskEntry, RiskEntry.id == RiskPrint.entry_id)
            .where(RiskPrint.print.in_(whose), RiskEntry.verdict == "class", RiskEntry.removed_at.is_(None))
            .order_by(RiskEntry.created_at)):
        if entry.holds or entry.waits:
            found.setdefault(whose[bytes(print)], []).append(entry)
    return found


def of_one(session: Session, actor: Actor, store_id: UUID, customer_id: str | None) -> list[RiskEntry]:
    """The same for one customer; nothing for a payer without an id."""
    return of(session, actor, [(store_id, customer_id)]).get((store_id, customer_id), []) if customer_id else []
