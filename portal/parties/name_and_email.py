"""A person's name and the address they sign in with, set by staff. The address is for two people: it is the account."""
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import approvals
from portal.approvals import Approval, StaleApproval, admissions
from portal.core import audit
from portal.core.access import Actor
from portal.core.errors import FieldError, Invalid
from portal.parties import permissions, sessions
from portal.parties.commands import SetPerson
from portal.parties.models import User

KIND = "user_email"


def set_person(session: Session, actor: Actor, command: SetPerson) -> Approval | None:
    """The name holds at once; another address waits as the approval that is returned. Harmless twice.

    Raises NotFound, OwnPermissions, Outranked, Invalid (somebody's address), AlreadyAsked.
    """
    user = permissions.lock_other(session, actor, command.user_id)
    if user.name != command.name:
        audit.record(session, actor, "user.named", "user", user.id, before={"name": user.name},
                     after={"name": command.name}, reason=command.reason)
        user.name = command.name
    if user.email == command.email:
        return None
    if session.scalar(select(User.id).where(User.email == command.email)) is not None:
        raise Invalid(fields=[FieldError("/email", "email_taken", "Somebody has this e-mail address already.")])
    return approvals.ask_once(session, actor, kind=KIND, target_kind="user", target_id=user.id,
                              before={"email": user.email}, after={"email": command.email}, reason=command.reason)


def approved(session: Session, actor: Actor, approval: Approval) -> None:
    """A second person agrees: they sign in with it from now on, and anew everywhere.

    Raises OwnPermissions, Outranked, StaleApproval, EmailTaken.
    """
    user = permissions.lock_other(session, actor, UUID(approval.target_id))
    if user.email != approval.before["email"]:
        raise StaleApproval()
    user.email = approval.after["email"]
    admissions.record_asked(session, user.id, "email", approval=approval)
    session.flush()
    sessions.end_all(session, user.id, because="new_email")
    audit.record(session, actor, "user.email_set", "user", user.id, before=approval.before, after=approval.after,
                 reason=approval.reason)


approvals.register(KIND, apply=approved, title="E-mail of a person")
