"""Who holds what, looked through once a quarter: everybody of the staff, and whether their rights are still needed."""
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.core import audit, clock
from portal.core.access import Actor, Role
from portal.core.audit import AuditRow
from portal.parties import permissions, queries
from portal.parties.commands import MoveUser
from portal.parties.models import User

EVERY = timedelta(days=91)
PEOPLE_MAX = 500


class Reviewed(NamedTuple):
    """A person with what they hold; `acted_at`: their last act that the audit knows of."""

    user: User
    acted_at: datetime | None
    due: bool


def people(session: Session, actor: Actor) -> Sequence[Reviewed]:
    """Active staff: who is due first, longest unlooked at first."""
    staff = session.scalars(
        queries.users_visible_to(actor).where(User.role.in_((Role.ADMIN, Role.SUPPORT)), User.active)
        .order_by(User.reviewed_at.asc().nulls_first(), User.email).limit(PEOPLE_MAX)).all()
    last = select(func.max(AuditRow.created_at)).where(AuditRow.actor_name == User.email).scalar_subquery()
    acted: dict[str, datetime | None] = dict(session.execute(
        select(User.email, last).where(User.id.in_([user.id for user in staff]))).all())
    since = clock.now() - EVERY
    return [Reviewed(user, acted.get(user.email), user.reviewed_at is None or user.reviewed_at < since)
            for user in staff]


def confirm(session: Session, actor: Actor, command: MoveUser) -> User:
    """Somebody else has looked: the rights are needed as they are. Raises NotFound, OwnPermissions, Outranked."""
    user = permissions.lock_other(session, actor, command.user_id)
    user.reviewed_at, user.reviewed_name = clock.now(), actor.name
    audit.record(session, actor, "user.access_reviewed", "user", user.id,
                 after={"permissions": sorted(permissions.held(user))}, reason=command.reason)
    return user


def expiring(user: User) -> dict[str, datetime]:
    """What they hold for a time only."""
    return {row.permission: row.expires_at for row in user.permissions if row.expires_at is not None}


