"""People named on requisites, and what all their requisites may take together: tighter at once, wider by four eyes."""
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session, joinedload

from portal import approvals, reference
from portal.approvals import Approval, StaleApproval
from portal.core import audit, clock, crypto, ids
from portal.core.access import Actor, Permission
from portal.core.db import locked_one
from portal.core.errors import Denied, FieldError, Invalid, NotFound
from portal.core.money import Money
from portal.parties.models import Holder
from portal.requisites import queries
from portal.requisites.commands import SetHolderLimits
from portal.requisites.limits import LimitsMoved
from portal.requisites.models import Requisite
from portal.requisites.queries import Used

PREFIX, KIND, SHOWN_MAX = "hld", "holder_limits", 100
NAMES = ("currency", "day_max_minor", "day_count_max", "month_max_minor")
LIMITS = NAMES[1:]

# What open and completed orders of this month took; what ended without money was given back and counts for nothing.
# By each trader's history (ix_assignments_history).
USED = text("""
    SELECT coalesce(sum(a.amount_minor) FILTER (WHERE a.counted_on = :day), 0) AS day_used_minor,
           count(*) FILTER (WHERE a.counted_on = :day) AS day_count,
           coalesce(sum(a.amount_minor), 0) AS month_used_minor
      FROM requisites r JOIN assignments a ON a.requisite_id = r.id AND a.trader_id = r.trader_id
     WHERE r.holder_id = :holder AND r.currency = :currency AND NOT r.robot
       AND a.created_at >= CAST(:month AS date) - 2 AND a.counted_on >= :month
       AND (a.state <> 'ended' OR a.end_reason = 'settled')""")


def find(session: Session, actor: Actor, holder_id: str) -> Holder:
    """By the public id. Raises NotFound, also for who is no staff."""
    _staff_only(actor)
    found = session.get(Holder, ids.parse(PREFIX, holder_id), populate_existing=True)
    if found is None:
        raise NotFound()
    return found


def requisites_of(session: Session, actor: Actor, holder_id: UUID) -> Sequence[Requisite]:
    """Of every trader, newest first, with the trader."""
    return session.scalars(queries.visible_to(actor).where(Requisite.holder_id == holder_id)
                           .options(joinedload(Requisite.trader)).order_by(Requisite.id.desc())
                           .limit(SHOWN_MAX)).all()


def used(holder: Holder) -> Used | None:
    """What counts against the limits today and this month; None where there are none. Open orders are not limited."""
    if holder.currency is None:
        return None
    today = clock.today()
    this_day, this_month = holder.day_on == today, holder.month_on == today.replace(day=1)
    return Used(day=Money(holder.day_used_minor if this_day else 0, holder.currency),
                day_count=holder.day_count if this_day else 0,
                month=Money(holder.month_used_minor if this_month else 0, holder.currency), open_orders=0)


def seen(holder: Holder) -> str:
    """The limits as a form shows them, in a few characters."""
    return crypto.sha256(repr(_of(holder))).hex()[:16]


def set_limits(session: Session, actor: Actor, command: SetHolderLimits) -> Approval | None:
    """Change what a person's requisites may take together. Returns the approval that wider limits wait for.

    Raises Denied, NotFound, Invalid, LimitsMoved, AlreadyAsked.
    """
    _staff_only(actor)
    if not actor.may(Permission.REQUISITE_MANAGE):
        raise Denied()
    holder = _locked(session, ids.parse(PREFIX, command.holder_id))
    before, after = _of(holder), command.columns()
    if command.seen is not None and command.seen != seen(holder):
        raise LimitsMoved()
    if before == after:
        return None
    if after["currency"] is not None and reference.snapshot(session).currency(str(after["currency"])).kind != "fiat":
        raise Invalid(fields=[FieldError("/currency", "not_fiat", "Requisites take fiat currencies.")])
    if _only_tighter(before, after):
        _set(session, actor, holder, after, command.reason)
        return None
    return approvals.ask_once(session, actor, kind=KIND, target_kind="holder", target_id=holder.id, before=before,
                              after=after, reason=command.reason)


def approved(session: Session, actor: Actor, approval: Approval) -> None:
    """A second person agrees to wider limits. Raises StaleApproval where they were changed meanwhile."""
    holder = _locked(session, UUID(approval.target_id))
    if _of(holder) != approval.before:
        raise StaleApproval()
    _set(session, actor, holder, dict(approval.after), approval.reason)


def _set(session: Session, actor: Actor, holder: Holder, after: dict[str, Any], reason: str) -> None:
    """In another currency than before what was used is counted anew: those orders were counted for nobody so far."""
    before = _of(holder)
    audit.record(session, actor, "holder.limits_set", "holder", holder.id, before=before, after=after, reason=reason)
    for name in NAMES:
        setattr(holder, name, after[name])
    if after["currency"] not in (None, before["currency"]):
        today = clock.today()
        month = today.replace(day=1)
        used = session.execute(USED, {"holder": holder.id, "currency": after["currency"], "day": today,
                                      "month": month}).one()
        holder.day_on, holder.month_on = today, month
        holder.day_used_minor, holder.day_count = int(used.day_used_minor), used.day_count
        holder.month_used_minor = int(used.month_used_minor)
    session.flush()


def _only_tighter(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """No limit at all is the widest, and limits of another currency cannot be compared."""
    if before["currency"] is None:
        return True
    if after["currency"] != before["currency"]:
        return False
    return all(before[name] is None or (after[name] is not None and after[name] <= before[name]) for name in LIMITS)


def _of(holder: Holder) -> dict[str, Any]:
    return {name: getattr(holder, name) for name in NAMES}


def _locked(session: Session, id: UUID) -> Holder:
    found = locked_one(session, select(Holder).where(Holder.id == id))
    if found is None:
        raise NotFound()
    return found


def _staff_only(actor: Actor) -> None:
    if not (actor.is_system or (actor.is_staff and actor.may(Permission.REQUISITE_READ))):
        raise NotFound()


approvals.register(KIND, apply=approved, title="Wider limits of a person")
