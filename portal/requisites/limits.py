"""Other limits for a requisite: tighter ones at once, wider ones by four eyes."""
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from portal import approvals
from portal.approvals.models import Approval
from portal.core import audit, crypto, ids
from portal.core.access import SYSTEM, Actor
from portal.core.errors import Conflict
from portal.requisites import lanes, queries, service
from portal.requisites.commands import SetLimits
from portal.requisites.models import PREFIX, Requisite
from portal.requisites.states import Status

KIND = "requisite_limits"
NAMES = ("min_minor", "max_minor", "day_max_minor", "day_count_max", "month_max_minor", "open_orders_max",
         "cooldown_s", "weight")
_SMALLER_IS_TIGHTER = ("max_minor", "day_max_minor", "day_count_max", "month_max_minor", "open_orders_max", "weight")
_LARGER_IS_TIGHTER = ("min_minor", "cooldown_s")


class LimitsMoved(Conflict):
    """Somebody else changed these limits meanwhile. Look at them and change them again."""

    code = "limits_moved"


def seen(requisite: Requisite) -> str:
    """The limits as a form shows them, in a few characters."""
    return crypto.sha256(repr(_of(requisite))).hex()[:16]


def set_limits(session: Session, actor: Actor, command: SetLimits) -> Approval | None:
    """Change what a requisite may take. Returns the approval a wider limit waits for, None where it holds at once.

    One that waits for its first approval is put before a second person anew: the earlier request is stale.

    Raises NotFound, Invalid, LimitsMoved.
    """
    requisite = queries.lock(session, actor, ids.parse(PREFIX, command.requisite_id))
    before, after = _of(requisite), command.columns(requisite.currency)
    if command.seen is not None and command.seen != seen(requisite):
        raise LimitsMoved()
    if before == after:
        return None
    pending = requisite.status == Status.PENDING
    if not pending and not _only_tighter(before, after):
        return approvals.ask(session, actor, kind=KIND, target_kind="requisite", target_id=requisite.id,
                             before=_told(requisite, before), after=_told(requisite, after),
                             reason=command.reason or "Wider limits")
    _set(session, actor, requisite, after, command.reason)
    return service.ask(session, actor, requisite, reason=command.reason or "New requisite") if pending else None


def approved(session: Session, actor: Actor, approval: Approval) -> None:
    """A second person agrees to wider limits. Raises StaleApproval where they were changed meanwhile."""
    requisite = queries.lock(session, SYSTEM, UUID(str(approval.target_id)))
    if _told(requisite, _of(requisite)) != approval.before:
        raise approvals.StaleApproval()
    _set(session, actor, requisite, dict(approval.after), approval.reason)


def _of(requisite: Requisite) -> dict[str, Any]:
    return {name: getattr(requisite, name) for name in NAMES}


def _told(requisite: Requisite, limits: dict[str, Any]) -> dict[str, Any]:
    """With the currency that the amounts are of: without it they are shown in minor units."""
    return limits | {"currency": requisite.currency}


def _only_tighter(before: dict[str, Any], after: dict[str, Any]) -> bool:
    unlimited = 2**63
    smaller = all((unlimited if after[name] is None else after[name])
                  <= (unlimited if before[name] is None else before[name]) for name in _SMALLER_IS_TIGHTER)
    return smaller and all(after[name] >= before[name] for name in _LARGER_IS_TIGHTER)


def _set(session: Session, actor: Actor, requisite: Requisite, after: dict[str, Any], reason: str | None) -> None:
    audit.record(session, actor, "requisite.limits_set", "requisite", requisite.id,
                 before=_told(requisite, _of(requisite)), after=_told(requisite, after), reason=reason)
    for name in NAMES:
        setattr(requisite, name, after[name])
    lanes.rebuild(session, [requisite.id])


approvals.register(KIND, apply=approved, reject=None, title="Wider limits of a requisite")
