"""Signed-in browsers: rows, so that ending one counts at once in every process.

The cookie holds a token of 256 bits, the database its SHA-256. Two limits: idle since `seen_at`, and `ends_at`.
"""
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, case, delete, func, or_, select, update
from sqlalchemy.orm import Session

from portal.core import audit, clock, crypto, ids
from portal.core.access import Actor, Permission, Role
from portal.core.db import locked_one
from portal.core.errors import NotFound
from portal.parties import queries
from portal.parties.models import User, UserPermission, UserSession

TOKEN_BYTES = 32
STAFF = (Role.SUPPORT, Role.ADMIN)
IDLE, IDLE_STAFF = timedelta(minutes=60), timedelta(minutes=15)
WHOLE, WHOLE_STAFF = timedelta(hours=12), timedelta(hours=8)
PER_USER_MAX = 5
SEEN_EVERY = timedelta(minutes=1)  # a session is written at most this often for being used
KEPT = timedelta(days=30)
USER_AGENT_MAX = 300


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """Who sits at a browser, as one query found them."""

    session_id: UUID
    seen_at: datetime
    values: dict[str, Any]
    user_id: UUID
    email: str
    name: str
    role: Role
    permissions: frozenset[Permission]
    merchant_id: UUID | None
    trader_id: UUID | None
    locale: str
    time_zone: str
    must_choose: bool  # came in with a password that staff gave out: their own comes before anything else


def begin(session: Session, user_id: UUID, *, address: str | None, user_agent: str | None,
          values: dict[str, Any]) -> str:
    """A new signed-in browser; of more than five the oldest ends. Returns the cookie's token, which is kept nowhere."""
    user = locked_one(session, select(User).where(User.id == user_id))
    if user is None:
        raise NotFound()
    now = clock.now()
    newest_first = _open(user_id, now).order_by(UserSession.created_at.desc(), UserSession.id.desc())
    for row in session.scalars(newest_first).all()[PER_USER_MAX - 1:]:
        row.ended_at, row.ended_because = now, "too_many"
    token = secrets.token_urlsafe(TOKEN_BYTES)
    session.add(UserSession(
        user_id=user_id, token_digest=crypto.sha256(token), created_at=now, seen_at=now,
        ends_at=now + (WHOLE_STAFF if user.role in STAFF else WHOLE), address=address,
        user_agent=(user_agent or "")[:USER_AGENT_MAX] or None, values=values))
    session.flush()
    return token


FIND = (
    select(UserSession.id, UserSession.seen_at, UserSession.values, User.id, User.email, User.name, User.role,
           select(func.array_agg(UserPermission.permission)).where(UserPermission.user_id == User.id)
           .correlate(User).scalar_subquery(),
           User.merchant_id, User.trader_id, User.locale, User.time_zone, User.one_time_until.is_not(None))
    .join(User, User.id == UserSession.user_id)
    .where(UserSession.token_digest == bindparam("digest"), UserSession.ended_at.is_(None), User.active,
           UserSession.ends_at > bindparam("now"),
           UserSession.seen_at > case((User.role.in_(STAFF), bindparam("idle_staff")), else_=bindparam("idle"))))


def find(session: Session, token: str) -> SignedIn | None:
    """The living session behind a cookie, with its user and what they may do: one query."""
    now = clock.now()
    row = session.execute(FIND, {"digest": crypto.sha256(token), "now": now, "idle": now - IDLE,
                                 "idle_staff": now - IDLE_STAFF}).one_or_none()
    if row is None:
        return None
    known = set(Permission)
    return SignedIn(
        session_id=row[0], seen_at=row[1], values=dict(row[2]), user_id=row[3], email=row[4], name=row[5],
        role=Role(row[6]), permissions=frozenset(Permission(name) for name in row[7] or () if name in known),
        merchant_id=row[8], trader_id=row[9], locale=row[10], time_zone=row[11],
        must_choose=row[12])


def why_ended(session: Session, token: str) -> str | None:
    """Why a cookie opens nothing any more: `ended_because`, `idle`; None for one that was never ours."""
    row = session.execute(select(UserSession.ended_at, UserSession.ended_because)
                          .where(UserSession.token_digest == crypto.sha256(token))).one_or_none()
    return None if row is None else row.ended_because if row.ended_at is not None else "idle"


def touch(session: Session, session_id: UUID) -> None:
    """The person did something: the idle limit starts anew. Not for what a page fetches by itself."""
    now = clock.now()
    session.execute(update(UserSession).where(UserSession.id == session_id, UserSession.ended_at.is_(None),
                                              UserSession.seen_at <= now - SEEN_EVERY).values(seen_at=now))


def keep(session: Session, session_id: UUID, values: dict[str, Any]) -> None:
    """Write what the browser's pages remember."""
    session.execute(update(UserSession).where(UserSession.id == session_id).values(values=values))


def end(session: Session, actor: Actor, session_id: UUID, *, because: str) -> None:
    """End one; ended ones stay as they are."""
    ended = session.execute(
        update(UserSession).where(UserSession.id == session_id, UserSession.ended_at.is_(None))
        .values(ended_at=clock.now(), ended_because=because).returning(UserSession.user_id)).scalar_one_or_none()
    if ended is not None:
        audit.record(session, actor, "session.ended", "user", ended, after={"session": str(session_id)}, reason=because)


def end_own(session: Session, actor: Actor, session_id: str) -> None:
    """A person ends one of their own, by its public id. Raises NotFound."""
    row = queries.found(session, queries.sessions_visible_to(actor), ids.parse("ses", session_id))
    end(session, actor, row.id, because="ended_by_owner")


def end_all(session: Session, user_id: UUID, *, because: str) -> None:
    """End every session of a user: disabled, or a new password."""
    session.execute(update(UserSession).where(UserSession.user_id == user_id, UserSession.ended_at.is_(None))
                    .values(ended_at=clock.now(), ended_because=because))


def of_user(session: Session, user_id: UUID) -> list[UserSession]:
    """The user's living sessions, newest first."""
    return list(session.scalars(_open(user_id, clock.now()).order_by(UserSession.seen_at.desc())))


def sweep(session: Session) -> None:
    """Forget sessions that ended long ago, and the failures of signing in that no limit looks at any more."""
    from portal.parties import login_throttle

    before = clock.now() - KEPT
    session.execute(delete(UserSession).where(or_(UserSession.ended_at < before, UserSession.ends_at < before)))
    login_throttle.sweep(session)


def _open(user_id: UUID, now: datetime) -> Any:
    return select(UserSession).where(UserSession.user_id == user_id, UserSession.ended_at.is_(None),
                                     UserSession.ends_at > now)
