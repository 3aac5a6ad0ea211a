"""The account behind glass: for the day no administrator gets in. Using it is allowed, short, and loud.

It is marked in the operator's shell, is let in from any network, for an hour at a time, and whoever manages users hears
of it at once.
"""
from collections.abc import Sequence
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core import audit
from portal.core.access import Actor, Permission, Role
from portal.core.db import locked_one
from portal.core.errors import NotFound, Rejected
from portal.parties import permissions
from portal.parties.models import User, UserPermission

TOLD_MAX = 20
log = structlog.get_logger("security")


class NotStaff(Rejected):
    """Only an administrator's account can be the one behind glass."""

    code = "not_staff"


def mark(session: Session, actor: Actor, user_id: UUID, *, on: bool, reason: str) -> User:
    """Harmless twice. Raises NotFound, NotStaff."""
    user = locked_one(session, select(User).where(User.id == user_id))
    if user is None:
        raise NotFound()
    if user.role != Role.ADMIN:
        raise NotStaff()
    if user.break_glass != on:
        user.break_glass = on
        audit.record(session, actor, "user.break_glass_set", "user", user.id, before={"break_glass": not on},
                     after={"break_glass": on}, reason=reason)
    return user


def alarm(session: Session, actor: Actor) -> Sequence[User]:
    """Somebody came in by it: log, Sentry and audit say so. Returns who is to be told; nobody after other sign-ins.

    The mails are the door's, which knows languages.
    """
    user = session.get(User, actor.id)
    if user is None or not user.break_glass:
        return []
    log.error("break_glass_used", user=str(user.id), address=actor.address)
    audit.record(session, actor, "user.break_glass_used", "user", user.id)
    managers = session.scalars(
        select(User).where(User.active, User.id.in_(
            select(UserPermission.user_id).where(UserPermission.permission == Permission.USER_MANAGE,
                                                 permissions.in_force())))
        .order_by(User.email).limit(TOLD_MAX)).all()
    return managers
