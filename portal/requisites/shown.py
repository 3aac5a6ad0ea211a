"""Showing a number in full to the staff: with a reason, behind their own password, kept by the audit."""
from pydantic import SecretStr
from sqlalchemy.orm import Session

from portal.core import audit, ids
from portal.core.access import Actor, Permission
from portal.core.commands import Command
from portal.core.errors import Denied
from portal.requisites import numbers, queries
from portal.requisites.commands import Reason
from portal.requisites.models import PREFIX


class ShowToStaff(Command):
    """`password`: the present one of who asks; the door has compared it."""

    requisite_id: str
    reason: Reason
    password: SecretStr


def show_to_staff(session: Session, actor: Actor, command: ShowToStaff) -> str:
    """The number in full; the audit keeps who looked and why. Raises Denied, NotFound."""
    if not (actor.is_staff and actor.may(Permission.REQUISITE_MANAGE)):
        raise Denied()
    requisite = queries.lock(session, actor, ids.parse(PREFIX, command.requisite_id))
    audit.record(session, actor, "requisite.number_shown", "requisite", requisite.id, reason=command.reason)
    return numbers.reveal(session, requisite)
