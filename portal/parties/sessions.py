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

from portal.core import audit, clock, crypto, ids, retention
from portal.core.access import Actor, Permission, Role
from portal.core.db import locked_one
from portal.core.errors import NotFound
from portal.parties import queries
from portal.parties.factor_models import PasskeyChallenge
from portal.parties.models import User, UserPermission, UserSession

TOKEN_BYTES = 32
STAFF = (Role.SUPPORT, Role.ADMIN)
IDLE, IDLE_STAFF = timedelta(minutes=60), timedelta(minutes=15)
WHOLE, WHOLE_STAFF = timedelta(hours=12), timedelta(hours=8)
WHOLE_GLASS = timedelta(hours=1)  # of the account for the day nobody gets in
PER_USER_MAX = 5
HALF_FOR = timedelta(minutes=10)  # between the password and the second factor
SEEN_EVERY = timedelta(minutes=1)  # a session is written at most this often for being used
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
    has_factor: bool
    factor_at: datetime | None  # proved in this session
    break_glass: bool
    must_choose: bool  # came in with a password that staff gave out: their own comes before anything else

    @property
    def is_half(self) -> bool:
        """The password alone was right, or the second factor came after this session: it opens nothing yet."""
        return self.has_factor and self.factor_at is None


def begin(session: Session, user_id: UUID, *, address: str | None, user_agent: str | None,
          values: dict[str, Any], factor_proved: bool = False) -> str:
    """A new signed-in browser; of more than five the oldest ends. Returns the cookie's token, which is kept nowhere.

    Whose second factor is still to be proved has ten minutes for it, and puts nobody out who has proved it.
    """
    user = locked_one(session, select(User).where(User.id == user_id))
    if user is None:
        raise NotFound()
    now = clock.now()
    half = user.factor_since is not None and not factor_proved
    of_its_kind = _open(user_id, now)
    if user.factor_since is not None:
        of_its_kind = of_its_kind.where(UserSession.factor_at.is_(None) == half)
    newest_first = of_its_kind.order_by(UserSession.created_at.desc(), UserSession.id.desc())
    for row in session.scalars(newest_first).all()[PER_USER_MAX - 1:]:
        row.ended_at, row.ended_because = now, "too_many"
    token = secrets.token_urlsafe(TOKEN_BYTES)
    session.add(UserSession(
        user_id=user_id, token_digest=crypto.sha256(token), created_at=now, seen_at=now,
        ends_at=now + (HALF_FOR if half else _whole(user)),
        factor_at=now if factor_proved else None, address=address,
        user_agent=(user_agent or "")[:USER_AGENT_MAX] or None, values=values))
    session.flush()
    return token


FIND = (
    select(UserSession.id, UserSession.seen_at, UserSession.values, User.id, User.email, User.name, User.role,
           select(func.array_agg(UserPermission.permission)).where(
               UserPermission.user_id == User.id,
               or_(UserPermission.expires_at.is_(None), UserPermission.expires_at > bindparam("now")))
           .correlate(User).scalar_subquery(),
           User.merchant_id, User.trader_id, User.locale, User.time_zone, User.one_time_until.is_not(None),
           User.factor_since.is_not(None), UserSession.factor_at, User.break_glass)
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
        must_choose=row[12], has_factor=row[13], factor_at=row[14], break_glass=row[15])


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


def end_all(session: Session, user_id: UUID, *, because: str, but: UUID | None = None) -> None:
    """End every session of a user, or every other one: disabled, a new password, a second factor."""
    ending = update(UserSession).where(UserSession.user_id == user_id, UserSession.ended_at.is_(None))
    if but is not None:
        ending = ending.where(UserSession.id != but)
    session.execute(ending.values(ended_at=clock.now(), ended_because=because))


def note_factor(session: Session, session_id: UUID) -> None:
    """The second factor was set up in this very session."""
    session.execute(update(UserSession).where(UserSession.id == session_id).values(factor_at=clock.now()))


def new_token(session: Session, session_id: UUID) -> str:
    """The session goes on under another token: it may do more than before, and a copy of the old one nothing."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    session.execute(update(UserSession).where(UserSession.id == session_id).values(token_digest=crypto.sha256(token)))
    return token


def of_user(session: Session, user_id: UUID, role: str) -> list[UserSession]:
    """The user's living sessions, newest first: those that idleness has ended are not among them."""
    now = clock.now()
    idle = IDLE_STAFF if role in STAFF else IDLE
    return list(session.scalars(_open(user_id, now).where(UserSession.seen_at > now - idle)
                                .order_by(UserSession.seen_at.desc())))


def sweep(session: Session) -> None:
    """Forget sessions that ended long ago, and the failures of signing in that no limit looks at any more."""
    from portal.parties import login_throttle

    before = retention.before("sessions")
    assert before is not None, "the settings want a day at least"
    session.execute(delete(UserSession).where(or_(UserSession.ended_at < before, UserSession.ends_at < before)))
    login_throttle.sweep(session)
    session.execute(delete(PasskeyChallenge).where(PasskeyChallenge.expires_at < clock.now()))


def _whole(user: User) -> timedelta:
    """How long a session of theirs lasts, whatever they do."""
    return WHOLE_GLASS if user.break_glass else WHOLE_STAFF if user.role in STAFF else WHOLE


def _open(user_id: UUID, now: datetime) -> Any:
    return select(UserSession).where(UserSession.user_id == user_id, UserSession.ended_at.is_(None),
                                     UserSession.ends_at > now)
