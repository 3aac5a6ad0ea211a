"""Links that the desk sends by mail: to choose a new password, and to prove both addresses of a change of e-mail.

A link is 256 bits, kept as SHA-256, counts once and not for long, and signs nobody in. A new password ends every
session and every other link; the second factor stays.
"""
import secrets
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, delete, exists, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal import notices
from portal.core import audit, clock, crypto
from portal.core.access import Actor
from portal.core.columns import Id, LongText
from portal.core.commands import Command
from portal.core.db import Base, locked_one
from portal.core.errors import FieldError, Invalid, NotFound, Rejected
from portal.core.names import Email
from portal.parties import passwords, sessions, users
from portal.parties.models import User

RECOVERY_FOR = timedelta(minutes=30)
CHANGE_FOR = timedelta(hours=24)
TOKEN_BYTES = 32


class RecoveryLink(Base):
    """Sent to who forgot their password; worthless once another password is chosen, or the address is another one."""

    __tablename__ = "recovery_links"
    __table_args__ = (Index("ix_recovery_links_expires_at", "expires_at"),)  # upkeep forgets
    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    password_changed_at: Mapped[datetime]
    email: Mapped[LongText]  # where it was sent
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class EmailChange(Base):
    """Another address of a person, which both addresses agree to; over once another password is chosen."""

    __tablename__ = "email_changes"
    __table_args__ = (
        Index("ix_email_changes_user_id", "user_id"),
        Index("ix_email_changes_old_digest", "old_digest"),  # a link of the old address
        Index("ix_email_changes_new_digest", "new_digest"),  # a link of the new one
        CheckConstraint("new_email = lower(new_email)", name="email_lower"),
    )
    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    old_email: Mapped[LongText]
    new_email: Mapped[str] = mapped_column(Text)
    old_digest: Mapped[bytes] = mapped_column(LargeBinary)
    new_digest: Mapped[bytes] = mapped_column(LargeBinary)
    old_proved_at: Mapped[datetime | None]
    new_proved_at: Mapped[datetime | None]
    password_changed_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    done_at: Mapped[datetime | None]


class DeadLink(Rejected):
    """This link was used, has run out, or a newer one was sent. Ask for another."""

    code = "dead_link"


class ChangeEmail(Command):
    email: Email


class Letter(NamedTuple):
    """To whom a link goes, in which language they read."""

    email: str
    locale: str
    token: str


def recoverable(session: Session, token: str, *, actor: Actor | None) -> User:
    """Whose password this link is for. Raises DeadLink, for somebody else who is signed in too."""
    found = session.execute(
        select(RecoveryLink, User).join(User, User.id == RecoveryLink.user_id)
        .where(RecoveryLink.digest == crypto.sha256(token), RecoveryLink.used_at.is_(None),
               RecoveryLink.expires_at > clock.now(), User.active,
               RecoveryLink.password_changed_at == User.password_changed_at,
               RecoveryLink.email == User.email)).one_or_none()
    if found is None or (actor is not None and actor.id != found.User.id):
        raise DeadLink()
    user: User = found.User
    return user


def recover(session: Session, token: str, password: SecretStr, *, actor: Actor | None) -> User:
    """A new password by a link: every session ends, nobody is signed in. Raises DeadLink, Invalid."""
    user = recoverable(session, token, actor=actor)
    chosen = password.get_secret_value()
    passwords.check(chosen, about=(user.email, user.name), second_factor=user.factor_since is not None)
    new_hash = passwords.hashed(chosen)
    locked = locked_one(session, select(User).where(User.id == user.id))
    if locked is None or session.execute(
            update(RecoveryLink).where(RecoveryLink.digest == crypto.sha256(token), RecoveryLink.used_at.is_(None),
                                       RecoveryLink.password_changed_at == locked.password_changed_at,
                                       RecoveryLink.email == locked.email)
            .values(used_at=clock.now()).returning(RecoveryLink.user_id)).first() is None:
        raise DeadLink()
    locked.password_hash, locked.password_changed_at, locked.one_time_until = new_hash, clock.now(), None
    sessions.end_all(session, locked.id, because="new_password")
    audit.record(session, users.actor_of(locked), "user.password_recovered", "user", locked.id)
    notices.notify(session, "account.password_changed", notices.user(locked.id))
    return locked


def ask_change(session: Session, actor: Actor, command: ChangeEmail) -> tuple[Letter, Letter]:
    """Both addresses get a link; the one asked for before is dead. Raises Invalid (the same, or somebody's)."""
    user = session.scalar(select(User).where(User.id == actor.id, User.active))
    if user is None:
        raise NotFound()
    if session.scalar(select(User.id).where(User.email == command.email)) is not None:
        raise Invalid(fields=[FieldError("/email", "email_taken", "Somebody has this e-mail address already.")])
    session.execute(delete(EmailChange).where(EmailChange.user_id == user.id, EmailChange.done_at.is_(None)))
    old, new = (secrets.token_urlsafe(TOKEN_BYTES) for _ in range(2))
    session.add(EmailChange(user_id=user.id, old_email=user.email, new_email=command.email,
                            old_digest=crypto.sha256(old), new_digest=crypto.sha256(new),
                            password_changed_at=user.password_changed_at,
                            expires_at=clock.now() + CHANGE_FOR))
    audit.record(session, actor, "user.email_change_asked", "user", user.id)
    return Letter(user.email, user.locale, old), Letter(command.email, user.locale, new)


def change_of(session: Session, token: str) -> EmailChange:
    """Of the account as it was when it was asked for. Raises DeadLink."""
    digest = crypto.sha256(token)
    as_it_was = exists().where(User.id == EmailChange.user_id, User.active, User.email == EmailChange.old_email,
                               User.password_changed_at == EmailChange.password_changed_at)
    found = locked_one(session, select(EmailChange).where(
        or_(EmailChange.old_digest == digest, EmailChange.new_digest == digest), EmailChange.done_at.is_(None),
        EmailChange.expires_at > clock.now(), as_it_was))
    if found is None:
        raise DeadLink()
    return found


def prove_address(session: Session, token: str) -> bool:
    """One of the two agrees. Returns whether that was the second: the address is changed, every session ends.

    Raises DeadLink (also where the account has got another address or password meanwhile), EmailTaken.
    """
    change, digest, now = change_of(session, token), crypto.sha256(token), clock.now()
    if change.old_digest == digest:
        change.old_proved_at = change.old_proved_at or now
    else:
        change.new_proved_at = change.new_proved_at or now
    if change.old_proved_at is None or change.new_proved_at is None:
        return False
    user = locked_one(session, select(User).where(User.id == change.user_id, User.active))
    if (user is None or user.email != change.old_email
            or user.password_changed_at != change.password_changed_at):
        raise DeadLink()
    user.email, change.done_at = change.new_email, now
    session.flush()
    sessions.end_all(session, user.id, because="new_email")
    audit.record(session, users.actor_of(user), "user.email_changed", "user", user.id,
                 before={"email": change.old_email}, after={"email": change.new_email})
    return True


def sweep(session: Session) -> None:
    """Forget what opens nothing any more."""
    session.execute(delete(RecoveryLink).where(RecoveryLink.expires_at < clock.now()))
    session.execute(delete(EmailChange).where(EmailChange.expires_at < clock.now()))
