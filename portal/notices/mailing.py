"""Notices as mail: one that is due alone is a letter of its own, several that are due together are one letter."""
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session, selectinload

from portal import mail
from portal.core import clock, jobs
from portal.core.db import locked
from portal.core.jobs import Claimed
from portal.notices import channels, words
from portal.notices.catalogue import MAIL
from portal.notices.models import Notice

KIND = channels.SENDS[MAIL]
TOGETHER_MAX = 50
DUE_MAX = 500
PERSON = text("SELECT email, locale, role FROM users WHERE id = :id AND active")
N_ = str


def send_notices(session: Session, batch: Sequence[Claimed]) -> None:
    """The reference is the person. What is due to them goes into one mail."""
    for job in batch:
        if job.reference is not None:
            _send(session, job.reference)


def _send(session: Session, user_id: UUID) -> None:
    due = due_of(session, user_id, MAIL)
    person = session.execute(PERSON, {"id": user_id}).one_or_none()
    if not due:
        return
    if person is not None:
        mail.post(session, to=person.email, **letter(due, person))
    settle(session, due, error=None if person is not None else "no_such_person")
    if len(due) == TOGETHER_MAX:
        jobs.enqueue(session, KIND, user_id, key=f"{user_id}:more")


def due_of(session: Session, user_id: UUID | None, channel: str) -> Sequence[Notice]:
    """What waits for a person and is due, oldest first, locked."""
    return locked(session, select(Notice).where(
        Notice.user_id == user_id, Notice.channel == channel, Notice.state == "waiting", Notice.due_at <= clock.now())
        .order_by(Notice.id).limit(TOGETHER_MAX).options(selectinload(Notice.happening)))


def settle(session: Session, notices: Sequence[Notice], *, error: str | None) -> None:
    for notice in notices:
        notice.state, notice.done_at, notice.error = "sent" if error is None else "failed", clock.now(), error
    session.flush()


def settle_ids(session: Session, ids: Sequence[UUID], *, error: str | None) -> None:
    """The same for those that a channel has sent meanwhile, if they still wait."""
    settle(session, locked(session, select(Notice).where(Notice.id.in_(ids), Notice.state == "waiting")
                           .order_by(Notice.id)), error=error)


def close(session: Session, job: Claimed, sent: Sequence[UUID], *, error: str | None, again: bool,
          tries_max: int) -> None:
    """A channel's work has ended; or, `again`, it is tried once more and what is due waits, while tries are left."""
    if not again:
        jobs.finish(session, [job])
    elif job.attempts + 1 < tries_max:
        jobs.fail(session, job, error or "", dead=False)
        return
    else:
        jobs.fail(session, job, error or "", dead=True)
    settle_ids(session, sent, error=error)


def letter(due: Sequence[Notice], person: Any) -> dict[str, str]:
    """Subject and text, in the language of who reads."""
    titles = [_words(one, person).title for one in due]
    foot = words.translated(N_("What you are told of, and how, is yours to choose: %(link)s"), person.locale) % {
        "link": channels.link("/profile/notices")}
    subject = titles[0] if len(titles) == 1 else words.translated(
        N_("Notices from the desk: %(count)s"), person.locale) % {"count": len(titles)}
    return {"subject": " ".join(subject.split()), "text": f"{told(due, person)}\n\n{foot}\n"}


def told(due: Sequence[Notice], person: Any) -> str:
    """Each with its title, its sentence and where it leads."""
    said = [_words(one, person) for one in due]
    return "\n\n".join("\n".join(filter(None, [one.title, one.text, channels.link(one.path)])) for one in said)


def _words(notice: Notice, person: Any) -> words.Words:
    return words.of(notice.happening.event, notice.happening.facts, locale=person.locale, role=person.role)


DUE = text("""SELECT DISTINCT channel, coalesce(user_id, happening_id) AS whose FROM (
    SELECT channel, user_id, happening_id FROM notices WHERE state = 'waiting' AND due_at <= :now
     ORDER BY due_at LIMIT :most) AS due""")


def send_due(session: Session, batch: Sequence[Claimed] = ()) -> None:
    """Recurring: what waited for the end of quiet hours or for a digest, and what a lost job left."""
    for channel, whose in session.execute(DUE, {"now": clock.now(), "most": DUE_MAX}):
        jobs.enqueue(session, channels.SENDS[channel], whose)
