"""What staff do for people who cannot yet help themselves: an account, a password for one sign-in, an end."""
import re
import secrets
from datetime import timedelta
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy.orm import Session

from portal import approvals
from portal.approvals import Approval, admissions
from portal.core import audit, clock
from portal.core.access import TEMPLATES, Actor
from portal.parties import passwords, permissions, sessions, users
from portal.parties.commands import CreateUser, InviteUser, MoveUser
from portal.parties.models import User

KIND = "user_password"
ONE_TIME_FOR = timedelta(hours=24)
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that is read for something else
GROUPS, IN_A_GROUP = 4, 5
GIVEN_OUT = re.compile(rf"[{LETTERS}]{{{IN_A_GROUP}}}(-[{LETTERS}]{{{IN_A_GROUP}}}){{{GROUPS - 1}}}")
UNSEEN = re.compile(r"[\s\u200b-\u200f\u2060\ufeff]+")  # what a message or a table adds to what is copied out of it


def invite(session: Session, actor: Actor, command: InviteUser) -> tuple[User, str]:
    """An account with a password for one sign-in; what its template grants waits for a second person.

    Returns the password, which is kept nowhere. Raises as `users.create` and `permissions.ask`.
    """
    password = _new_password()
    typed = command.model_dump(exclude={"reason"})
    user = users.create(session, actor, CreateUser(**typed, password=SecretStr(password)), granted=False)
    user.one_time_until = clock.now() + ONE_TIME_FOR
    admissions.record(session, user.id, "password", by=actor)
    permissions.ask(session, actor, user, TEMPLATES[command.template], reason=command.reason)
    return user, password


def give_password(session: Session, actor: Actor, command: MoveUser) -> tuple[User, str | None]:
    """Somebody who lost theirs gets a password for one sign-in, and is out everywhere. Their second factor stays.

    For one of the staff a second person agrees first, and it is they who are shown it.
    Returns the password, which is kept nowhere; None where it waits. Raises NotFound, OwnPermissions, Outranked,
    AlreadyAsked.
    """
    user = permissions.lock_other(session, actor, command.user_id)
    if not permissions.is_staff(user) or actor.is_system:
        return user, _give(session, actor, user, command.reason)
    approvals.ask_once(session, actor, kind=KIND, target_kind="user", target_id=user.id, before=None,
                       after={"email": user.email}, reason=command.reason)
    return user, None


def approved(session: Session, actor: Actor, approval: Approval) -> None:
    """A second person agrees, and hands the password out. Raises NotFound, OwnPermissions, Outranked."""
    user = permissions.lock_other(session, actor, UUID(approval.target_id))
    approval.shown_once = _give(session, actor, user, approval.reason, approval)  # type: ignore[misc]


def _give(session: Session, actor: Actor, user: User, reason: str, approval: Approval | None = None) -> str:
    """Whoever acts has seen it: they may decide nothing for this person, nor this person for them."""
    password = _new_password()
    admissions.record(session, user.id, "password", by=actor, approval=approval)
    user.password_hash, user.password_changed_at = passwords.hashed(password), clock.now()
    user.one_time_until = clock.now() + ONE_TIME_FOR
    sessions.end_all(session, user.id, because="new_password")
    audit.record(session, actor, "user.password_given", "user", user.id, reason=reason)
    return password


def end_sessions(session: Session, actor: Actor, command: MoveUser) -> User:
    """They are signed out everywhere and may sign in again. Raises NotFound, OwnPermissions, Outranked."""
    user = permissions.lock_other(session, actor, command.user_id)
    sessions.end_all(session, user.id, because="ended_by_staff")
    audit.record(session, actor, "user.sessions_ended", "user", user.id, reason=command.reason)
    return user


def as_pasted(typed: str) -> str:
    """A password for one sign-in loses the blanks it was pasted with; any other stays as it was typed."""
    bare = UNSEEN.sub("", typed)
    return bare if GIVEN_OUT.fullmatch(bare) else typed


def _new_password() -> str:
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(IN_A_GROUP)) for _ in range(GROUPS))


approvals.register(KIND, apply=approved, title="Password for one sign-in")
