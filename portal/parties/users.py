"""People who sign in: making them, letting them in, turning them away."""
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import approvals, notices
from portal.approvals import Approval, StaleApproval, admissions
from portal.core import audit, clock
from portal.core.access import TEMPLATES, Actor, ActorKind, Permission, Role
from portal.core.db import locked_one
from portal.core.errors import Conflict, FieldError, Invalid, NotFound, judges
from portal.parties import passwords, permissions, queries, sessions
from portal.parties.commands import CreateUser, DisableUser, SetPassword
from portal.parties.models import Merchant, Trader, User, UserPermission

ROLES = {"super_admin": Role.ADMIN, "admin": Role.ADMIN, "support_orders": Role.SUPPORT,
         "support_traders": Role.SUPPORT, "support_readonly": Role.SUPPORT, "trader": Role.TRADER}
"""Of the templates; every other one is a merchant's."""
ENABLING = "user_enabling"
WRONG_PASSWORD = "wrong_password"


class EmailTaken(Conflict):
    """Somebody has this e-mail address already."""

    code = "email_taken"


class WrongLogin(Invalid):
    """The e-mail address or the password is wrong."""

    code = "wrong_login"


judges({"uq_users_email": EmailTaken})


@dataclass(frozen=True)
class Account:
    """What signing in needs to know of a user; all None for an account that does not exist."""

    user_id: UUID | None
    password_hash: str | None
    password_version: str | None = None


def create(session: Session, actor: Actor, command: CreateUser, *, password_hash: str | None = None,
           granted: bool = True) -> User:
    """A person gets an account; the template fills in what they may do, their own rows decide from then on.

    `password_hash`: of this very password, where many accounts share one (demo data). `granted` false: they may do
    nothing until a second person agrees (`invitations`).
    Raises Invalid (template, belonging, password, time zone), NotFound (merchant, trader), EmailTaken.
    """
    role = _role(command)
    _check_belonging(session, actor, role, command)
    password = command.password.get_secret_value()
    passwords.check(password, about=(command.email, command.name))
    user = User(email=command.email, name=command.name, role=role,
                password_hash=password_hash or passwords.hashed(password), merchant_id=command.merchant_id,
                trader_id=command.trader_id, locale=command.locale, time_zone=command.time_zone,
                permissions=[UserPermission(permission=name) for name in sorted(TEMPLATES[command.template])
                             if granted])
    session.add(user)
    session.flush()
    audit.record(session, actor, "user.created", "user", user.id,
                 after={"email": user.email, "role": role, "template": command.template})
    return user


def account(session: Session, email: str) -> Account:
    """The account behind an e-mail address, as it stands before the password is looked at."""
    user = session.execute(select(User.id, User.password_hash, User.password_changed_at)
                           .where(User.email == email, User.active)).one_or_none()
    return Account(None, None) if user is None else Account(user.id, user.password_hash, version(user))


def came_in_by_passkey(session: Session, user_id: UUID, *, address: str | None, user_agent: str | None,
                       values: dict[str, object]) -> tuple[str, str]:
    """Both factors at once. Returns the cookie's token, and which password it is. Raises WrongLogin."""
    user = locked_one(session, select(User).where(User.id == user_id, User.active))
    if user is None:
        raise WrongLogin()
    user.last_login_at = clock.now()
    audit.record(session, actor_of(user, address=address), "user.signed_in", "user", user.id, after={"by": "passkey"})
    return sessions.begin(session, user.id, address=address, user_agent=user_agent, factor_proved=True,
                          values={**values, "_user_id": str(user.id)}), version(user)


def version_of(session: Session, actor: Actor) -> str:
    return version(session.execute(select(User.password_changed_at).where(User.id == actor.id)).one())


def version(of: User | Any) -> str:
    """Another one with each new password; the same when a hash is made anew. Says nothing about the password."""
    changed_at: datetime = of.password_changed_at
    return changed_at.astimezone(UTC).isoformat()


def let_in(session: Session, found: Account, *, address: str | None, user_agent: str | None, request_id: str | None,
           rehashed: str | None, values: dict[str, object]) -> str:
    """The password was right: a new session, audited. Returns the cookie's token.

    Raises WrongLogin when the account was disabled or got a new password meanwhile, and for a password that staff gave
    out and that was used or has run out.
    """
    user = locked_one(session, select(User).where(User.id == found.user_id))
    if user is None or not user.active or user.password_hash != found.password_hash:
        raise WrongLogin()
    now = clock.now()
    if user.one_time_until is not None:
        if user.one_time_until <= now:
            raise WrongLogin()
        user.one_time_until = now  # it opened the desk this once
    if rehashed is not None:
        user.password_hash = rehashed
    if user.factor_since is None:
        user.last_login_at = now
    token = sessions.begin(session, user.id, address=address, user_agent=user_agent,
                           values={**values, "_user_id": str(user.id)})
    actor = Actor(kind=ActorKind.USER, id=user.id, role=Role(user.role), name=user.email, address=address,
                  request_id=request_id)
    did = "user.signed_in" if user.factor_since is None else "user.password_shown"
    audit.record(session, actor, did, "user", user.id)
    return token


def came_in(session: Session, actor: Actor, *, address: str | None, user_agent: str | None,
            values: dict[str, object]) -> str:
    """The second factor was right too: a new session in place of the half one. Returns the cookie's token.

    Raises NotFound.
    """
    user = locked_one(session, select(User).where(User.id == actor.id, User.active))
    if user is None:
        raise NotFound()
    sessions.end(session, actor, UUID(actor.details["session"]), because="replaced")
    user.last_login_at = clock.now()
    audit.record(session, actor, "user.signed_in", "user", user.id)
    return sessions.begin(session, user.id, address=address, user_agent=user_agent, factor_proved=True,
                          values={**values, "_user_id": str(user.id)})


def disable(session: Session, actor: Actor, command: DisableUser) -> User:
    """They are out at once, everywhere, and cannot come back. Harmless twice.

    Raises NotFound, Invalid for oneself, Outranked, LastSuperAdmin.
    """
    if command.user_id == actor.id:
        raise Invalid("You cannot disable your own account.")
    user = permissions.lock_other(session, actor, command.user_id)
    if user.active:
        permissions.somebody_is_left(session, user)
        user.active = False
        sessions.end_all(session, user.id, because="disabled")
        audit.record(session, actor, "user.disabled", "user", user.id, before={"active": True},
                     after={"active": False}, reason=command.reason)
    return user


def enable(session: Session, actor: Actor, command: DisableUser) -> Approval | None:
    """They are to sign in again, which a second person agrees to. Harmless twice.

    Raises NotFound, OwnPermissions, Outranked, AlreadyAsked.
    """
    user = permissions.lock_other(session, actor, command.user_id)
    if user.active:
        return None
    return approvals.ask_once(
        session, actor, kind=ENABLING, target_kind="user", target_id=user.id, before={"active": False},
        after={"email": user.email, "active": True}, reason=command.reason)


def enabling_approved(session: Session, actor: Actor, approval: Approval) -> None:
    """A second person agrees: they may sign in. Raises NotFound, OwnPermissions, Outranked, StaleApproval."""
    user = permissions.lock_other(session, actor, UUID(approval.target_id))
    if user.active:
        raise StaleApproval()
    user.active = True
    admissions.record_asked(session, user.id, "enabled", approval=approval)
    audit.record(session, actor, "user.enabled", "user", user.id, before={"active": False}, after={"active": True},
                 reason=approval.reason)


def set_password(session: Session, actor: Actor, command: SetPassword) -> User:
    """A person chooses a new password: every session of theirs ends, here too; the door begins a new one.

    Raises Invalid (the present password is wrong, the new one is weak), NotFound.
    """
    user = session.scalar(select(User).where(User.id == actor.id, User.active))
    if user is None:
        raise NotFound()
    before = user.password_hash
    if not passwords.matches(before, command.current.get_secret_value()):
        raise Invalid(fields=[FieldError("/current", WRONG_PASSWORD, "This is not your present password.")])
    chosen = command.password.get_secret_value()
    passwords.check(chosen, about=(user.email, user.name), second_factor=user.factor_since is not None)
    new_hash = passwords.hashed(chosen)
    user = locked_one(session, select(User).where(User.id == actor.id))
    if user is None or user.password_hash != before:
        raise Conflict()
    user.password_hash, user.password_changed_at, user.one_time_until = new_hash, clock.now(), None
    sessions.end_all(session, user.id, because="new_password")
    audit.record(session, actor, "user.password_changed", "user", user.id)
    notices.notify(session, "account.password_changed", notices.user(user.id))
    return user


def check_own(session: Session, actor: Actor, password: str, *, field: str = "/password") -> None:
    """Is it really they who sit there? Raises Invalid when this is not their present password."""
    own = session.scalar(select(User.password_hash).where(User.id == actor.id, User.active))
    if not passwords.matches(own, password):
        raise Invalid(fields=[FieldError(field, WRONG_PASSWORD, "This is not your present password.")])


def actor_of(user: User, *, address: str | None = None, request_id: str | None = None) -> Actor:
    """The user as one who acts: for commands and tests; pages get theirs from the session."""
    return Actor(kind=ActorKind.USER, id=user.id, role=Role(user.role), name=user.email,
                 permissions=frozenset(map(Permission, permissions.held(user))),
                 merchant_id=user.merchant_id, trader_id=user.trader_id, address=address, request_id=request_id,
                 locale=user.locale, time_zone=user.time_zone)


def _role(command: CreateUser) -> Role:
    if command.template not in TEMPLATES:
        raise Invalid(fields=[FieldError("/template", "unknown_template", "There is no such template.")])
    try:
        ZoneInfo(command.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(fields=[FieldError("/time_zone", "unknown_time_zone", "There is no such time zone.")]) from None
    return ROLES.get(command.template, Role.MERCHANT)


def _check_belonging(session: Session, actor: Actor, role: Role, command: CreateUser) -> None:
    """A merchant's user belongs to one merchant, a trader's to one trader, staff to nobody."""
    if (role is Role.MERCHANT) != (command.merchant_id is not None):
        raise Invalid(fields=[FieldError("/merchant_id", "belongs", "Only a merchant's user belongs to a merchant.")])
    if (role is Role.TRADER) != (command.trader_id is not None):
        raise Invalid(fields=[FieldError("/trader_id", "belongs", "Only a trader's user belongs to a trader.")])
    if command.merchant_id is not None:
        queries.found(session, queries.merchants_visible_to(actor).where(Merchant.status != "suspended"),
                      command.merchant_id)
    if command.trader_id is not None:
        queries.found(session, queries.traders_visible_to(actor).where(~Trader.robot), command.trader_id)


approvals.register(ENABLING, apply=enabling_approved, title="Let a disabled person in again")
