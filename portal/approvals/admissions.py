"""Who let whom in. A password handed out, an account enabled, rights asked for: the giver and the receiver may be one
person at two desks, so the one never decides what the other asks for, until somebody else has let them in again.
"""
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal.core import clock
from portal.core.access import Actor
from portal.core.columns import Id, LongText
from portal.core.db import Base

SHOWN_MAX = 10
NEWS_FOR = timedelta(days=30)  # at a browser that was told nothing yet
ONE_HAND = text("""
    WITH RECURSIVE
        chains (person, hand, at) AS (
            VALUES (CAST(:asker AS uuid), CAST(:asker AS uuid), CAST(:asked_at AS timestamptz)),
                   (:asker, :asker, 'infinity'), (:decider, :decider, 'infinity')
          UNION
            SELECT c.person, a.by_id, c.at FROM chains c JOIN admissions a ON a.user_id = c.hand AND a.given_at <= c.at
            WHERE a.by_id IS NOT NULL AND NOT EXISTS (
                SELECT FROM admissions later LEFT JOIN approvals wanted ON wanted.id = later.approval_id
                WHERE later.user_id = a.user_id AND later.given_at > a.given_at AND later.given_at <= c.at
                  AND CASE WHEN a.how IN ('password', 'enabled') THEN later.how = 'password'
                           ELSE later.how = a.how OR (later.how = 'password' AND later.by_id IS DISTINCT FROM a.by_id
                                                      AND wanted.asked_by IS DISTINCT FROM a.by_id) END))
    SELECT EXISTS (SELECT FROM chains WHERE (person, hand) IN ((:asker, :decider), (:decider, :asker)))""")


class Admission(Base):
    """One way into an account that somebody opened. Only added; `told_at` says when it was first told."""

    __tablename__ = "admissions"
    __table_args__ = (
        Index("ix_admissions_user_id_given_at", "user_id", "given_at"),  # who lets a person in now; their own page
        CheckConstraint("how IN ('password', 'enabled', 'rights', 'email', 'factor')", name="how"),
        CheckConstraint("by_id <> user_id", name="by_another"),
    )
    id: Mapped[Id]
    user_id: Mapped[UUID]
    how: Mapped[LongText]
    by_id: Mapped[UUID | None]  # who could use it themselves; None: the operator's shell
    by_name: Mapped[str] = mapped_column(Text)
    approval_id: Mapped[UUID | None]  # the decision it came from
    given_at: Mapped[datetime] = mapped_column(default=clock.now)
    told_at: Mapped[datetime | None]


def record(session: Session, user_id: UUID, how: str, *, by: Actor, approval: Any = None) -> None:
    """The one who acts opened a way in: they have seen the password, or enabled the account."""
    session.add(Admission(user_id=user_id, how=how, by_id=by.id, by_name=by.name,
                          approval_id=None if approval is None else approval.id))


def record_asked(session: Session, user_id: UUID, how: str, *, approval: Any) -> None:
    """What was approved was wanted by the one who asked: it is from them."""
    session.add(Admission(user_id=user_id, how=how, by_id=approval.asked_by, by_name=approval.asked_name,
                          approval_id=approval.id))


def one_hand(session: Session, asker: UUID, decider: UUID, *, asked_at: datetime) -> bool:
    """Did one of them let the other in, at first or at second hand, by now or by when it was asked for?

    A later password ends earlier ways in, but nobody's own rights and address by one they asked for themselves; nor
    does it make anybody else of who asked before it.
    """
    return bool(session.scalar(ONE_HAND, {"asker": asker, "decider": decider, "asked_at": asked_at}))


def tell(session: Session, user_id: UUID, *, since: datetime | None) -> list[Admission]:
    """What was done with a person's account after `since`, up to which this browser was told; the newest, in order.

    Each browser is told on its own: whoever came in by another's password has read nothing in the owner's place.
    """
    now = clock.now()
    news = list(session.scalars(select(Admission).where(
        Admission.user_id == user_id, Admission.given_at > max(since or now - NEWS_FOR, now - NEWS_FOR))
        .order_by(Admission.given_at.desc()).limit(SHOWN_MAX)))[::-1]
    session.execute(update(Admission).where(Admission.id.in_([row.id for row in news]), Admission.told_at.is_(None))
                    .values(told_at=now))
    return news


def of_user(session: Session, user_id: UUID) -> list[Admission]:
    """For the person's own page, newest first."""
    return list(session.scalars(select(Admission).where(Admission.user_id == user_id)
                                .order_by(Admission.given_at.desc()).limit(SHOWN_MAX)))
