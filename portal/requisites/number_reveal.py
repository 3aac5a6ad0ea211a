"""Showing a number in full, kept by the audit: to its trader; to staff with a reason, behind a step-up."""
from sqlalchemy.orm import Session

from portal.core import audit, ids
from portal.core.access import Actor, Permission
from portal.core.commands import Command
from portal.core.errors import Denied
from portal.requisites import numbers, queries
from portal.requisites.commands import Reason, ShowNumber
from portal.requisites.models import PREFIX


class RevealToStaff(Command):
    requisite_id: str
    reason: Reason


def reveal_to_owner(session: Session, actor: Actor, command: ShowNumber) -> str:
    """Its trader looks at the number in full; the audit keeps that they did. Raises Denied, NotFound."""
    if actor.trader_id is None:
        raise Denied()
    return _shown(session, actor, command.requisite_id)


def reveal_to_staff(session: Session, actor: Actor, command: RevealToStaff) -> str:
    """The number in full; the audit keeps who looked and why. Raises Denied, NotFound."""
    if not (actor.is_staff and actor.may(Permission.REQUISITE_MANAGE)):
        raise Denied()
    return _shown(session, actor, command.requisite_id, reason=command.reason)


def _shown(session: Session, actor: Actor, requisite_id: str, *, reason: str | None = None) -> str:
    requisite = queries.lock(session, actor, ids.parse(PREFIX, requisite_id))
    audit.record(session, actor, "requisite.number_shown", "requisite", requisite.id, reason=reason)
    return numbers.reveal(session, requisite)
