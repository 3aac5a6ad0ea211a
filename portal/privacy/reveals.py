"""Who looked at full numbers and took files with names: from the audit, by person."""
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.core import audit, clock
from portal.core.access import Actor
from portal.core.audit import AuditRow
from portal.core.paging import Page, newest_first

LOOKED_BACK = timedelta(days=90)
PEOPLE_MAX, PAGE = 100, 50
ACTS = ("requisite.number_shown", "order.number_shown", "withdrawal_address.shown", "withdrawal.taken",
        "orders.exported", "statement.exported", "result.exported", "payout_import.rows_taken", "customer.exported")


class Looked(NamedTuple):
    """One person's, in ninety days."""

    name: str
    role: str | None
    numbers: int
    files: int
    last_at: datetime


def people(session: Session, actor: Actor) -> Sequence[Looked]:
    """Whoever looked most first."""
    seen = audit.visible_to(actor).where(AuditRow.action.in_(ACTS), AuditRow.actor_kind == "user",
                                         AuditRow.created_at > clock.now() - LOOKED_BACK).subquery()
    exported = seen.c.action.like("%exported") | (seen.c.action == "payout_import.rows_taken")
    rows = session.execute(
        select(seen.c.actor_name, func.max(seen.c.role), func.count().filter(~exported),
               func.count().filter(exported), func.max(seen.c.created_at))
        .group_by(seen.c.actor_name).order_by(func.count().desc(), seen.c.actor_name).limit(PEOPLE_MAX))
    return [Looked(*row) for row in rows]


def page(session: Session, actor: Actor, *, who: str | None, cursor: str | None) -> Page[AuditRow]:
    """Each look, newest first."""
    rows = audit.visible_to(actor).where(AuditRow.action.in_(ACTS))
    if who:
        rows = rows.where(AuditRow.actor_name == who)
    return newest_first(session, rows, AuditRow.created_at, AuditRow.id, cursor=cursor, limit=PAGE)
