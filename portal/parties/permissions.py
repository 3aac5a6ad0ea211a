"""What people may do: their own permission rows. Less holds at once, more is for two people.

Nobody changes their own, nobody gives what they do not hold, nobody meddles with somebody who may do more than they,
and one who can manage users is always left.
"""
from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from portal import approvals
from portal.approvals import Approval, StaleApproval, admissions
from portal.core import audit, clock
from portal.core.access import SYSTEM, TEMPLATES, Actor, Permission, Role
from portal.core.db import locked, locked_one
from portal.core.errors import Denied, FieldError, Invalid, NotFound, Rejected
from portal.parties import queries
from portal.parties.commands import SetPermissions
from portal.parties.models import User, UserPermission

KIND = "permissions"
EXPIRED_MAX = 200
OF_ROLE: dict[Role, tuple[str, ...]] = {
    Role.ADMIN: ("super_admin", "admin", "support_orders", "support_traders", "support_readonly"),
    Role.SUPPORT: ("super_admin", "admin", "support_orders", "support_traders", "support_readonly"),
    Role.MERCHANT: ("merchant_owner", "merchant_finance", "merchant_developer", "merchant_viewer"),
    Role.TRADER: ("trader",),
}


class OwnPermissions(Denied):
    """Nobody decides what they themselves may do."""

    code = "own_permissions"


class Outranked(Denied):
    """This person may do more than you: somebody with the same rights has to do this."""

    code = "outranked"


class LastSuperAdmin(Rejected):
    """Nobody else could manage users after this. Make somebody else a super administrator first."""

    code = "last_super_admin"


def set_permissions(session: Session, actor: Actor, command: SetPermissions) -> Approval | None:
    """Returns the approval that more rights wait for, None where it holds at once.

    Raises NotFound, OwnPermissions, Outranked, Invalid (beyond the role or the giver), LastSuperAdmin, AlreadyAsked.
    """
    user = lock_other(session, actor, command.user_id)
    before, after = held(user), set(command.permissions)
    if before == after:
        return None
    if after - before:
        return ask(session, actor, user, after, reason=command.reason, days=command.days)
    _set(session, actor, user, after, command.reason)
    return None


def ask(session: Session, actor: Actor, user: User, wanted: Iterable[str], *, reason: str,
        days: int | None = None) -> Approval:
    """Put more rights before a second person; `days`: what is given goes again by itself.

    Raises Invalid (beyond the role or the giver), AlreadyAsked.
    """
    before, after = held(user), set(wanted)
    beyond = sorted((after - before) - givable(actor, Role(user.role)))
    if beyond:
        raise Invalid(fields=[FieldError("/permissions", "not_yours_to_give",
                                         "Nobody gives rights they do not hold or that this role cannot have.")])
    return approvals.ask_once(
        session, actor, kind=KIND, target_kind="user", target_id=user.id, before={"permissions": sorted(before)},
        after={"email": user.email, "given": sorted(after - before), "taken": sorted(before - after)}
        | ({"for_days": days} if days else {}), reason=reason)


def approved(session: Session, actor: Actor, approval: Approval) -> None:
    """A second person agrees. Raises OwnPermissions for the one who would gain, StaleApproval, LastSuperAdmin."""
    user = locked_one(session, queries.users_visible_to(SYSTEM).where(User.id == UUID(approval.target_id)))
    if user is None:
        raise NotFound()
    if user.id == actor.id:
        raise OwnPermissions()
    if sorted(held(user)) != approval.before["permissions"]:
        raise StaleApproval()
    after = (held(user) | set(approval.after["given"])) - set(approval.after["taken"])
    admissions.record_asked(session, user.id, "rights", approval=approval)
    _set(session, actor, user, after, approval.reason, days=approval.after.get("for_days"))


def givable(actor: Actor, role: Role) -> set[str]:
    """What this actor may give to a role's people: to staff what they hold themselves, to others what such have."""
    of_role = set().union(*(TEMPLATES[name] for name in OF_ROLE[role]))
    staff = role in (Role.ADMIN, Role.SUPPORT)
    return {str(p) for p in (of_role & actor.permissions if staff and not actor.is_system else of_role)}


def is_staff(user: User) -> bool:
    return Role(user.role) in (Role.ADMIN, Role.SUPPORT)


def held(user: User) -> set[str]:
    """Now: what was given for a time and is over counts no more, whether upkeep has taken it away or not."""
    now = clock.now()
    return {row.permission for row in user.permissions if row.expires_at is None or row.expires_at > now}


def in_force() -> ColumnElement[bool]:
    """The same of rows."""
    return or_(UserPermission.expires_at.is_(None), UserPermission.expires_at > clock.now())


def expire(session: Session) -> int:
    """Rights whose time is over are taken away, audited. Returns of how many people."""
    over = select(UserPermission.user_id).where(UserPermission.expires_at <= clock.now()).distinct()
    people = locked(session, select(User).where(User.id.in_(over)).order_by(User.id).limit(EXPIRED_MAX))
    for user in people:
        gone = {row.permission for row in user.permissions} - held(user)
        user.permissions = [row for row in user.permissions if row.permission not in gone]
        audit.record(session, SYSTEM, "user.permissions_expired", "user", user.id, before={"permissions": sorted(gone)},
                     after={"permissions": sorted(held(user))})
    return len(people)


def lock_other(session: Session, actor: Actor, user_id: UUID) -> User:
    """Somebody else's account, locked and fresh. Raises NotFound, OwnPermissions, Outranked."""
    if user_id == actor.id:
        raise OwnPermissions()
    user = locked_one(session, queries.users_visible_to(actor).where(User.id == user_id))
    if user is None:
        raise NotFound()
    if is_staff(user) and not actor.is_system and not held(user) <= actor.permissions:
        raise Outranked()
    return user


def somebody_is_left(session: Session, without: User) -> None:
    """Of all who manage users, locked in one order so that two cannot put each other out. Raises LastSuperAdmin."""
    if Permission.USER_MANAGE not in held(without) or not without.active:
        return
    managers = select(UserPermission.user_id).where(UserPermission.permission == Permission.USER_MANAGE,
                                                    UserPermission.expires_at.is_(None))
    left = locked(session, select(User).where(User.active, User.id.in_(managers)).order_by(User.id))
    if not any(user.id != without.id for user in left):
        raise LastSuperAdmin()


def _set(session: Session, actor: Actor, user: User, after: set[str], reason: str, *, days: int | None = None) -> None:
    before, until = held(user), clock.now() + timedelta(days=days) if days else None
    if Permission.USER_MANAGE in before - after:
        somebody_is_left(session, user)
    known = {str(permission) for permission in Permission}
    kept = [row for row in user.permissions if row.permission in after & before]
    over = {row.permission: row for row in user.permissions if row.permission not in before}
    for name in sorted((after - before) & known):
        row = over.get(name) or UserPermission(permission=name)
        row.expires_at = until
        kept.append(row)
    user.permissions = kept
    session.flush()
    audit.record(session, actor, "user.permissions_set", "user", user.id, before={"permissions": sorted(before)},
                 after={"permissions": sorted(after)} | ({"given_until": clock.rfc3339(until)} if until else {}),
                 reason=reason)


approvals.register(KIND, apply=approved, title="Permissions")
