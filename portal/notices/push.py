"""Web push: a browser that its person has named is told by the push service of its maker, also while no page is open.

Whoever has the address of a browser's subscription can only wake it: what is said is sealed for that browser alone.
No transaction is open while a push service is spoken to.
"""
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import Field
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.core import audit, clock, ids, jobs, web_push
from portal.core.access import Actor
from portal.core.commands import Command
from portal.core.db import transaction
from portal.core.errors import FieldError, Invalid, NotFound
from portal.core.jobs import Claimed
from portal.core.outbound import addresses, transport
from portal.notices import catalogue, channels, mailing, words
from portal.notices.catalogue import PUSH
from portal.notices.models import Notice, PushBrowser

KIND = channels.SENDS[PUSH]
BROWSERS_MAX = 8  # a person's; of more the oldest is forgotten
AT_ONCE, LEASE_S, TRIES_MAX = 4, 60, 6
KEPT_FOR_S = 12 * 3600  # by the push service, for a browser that is off: what is older is no news
TEXT_MAX = 300
# the person has forbidden it, the browser is no more, or it was named with another PUSH_KEY
GONE = (401, 403, 404, 410)
N_ = str


class AddBrowser(Command):
    """A subscription as `pushManager.subscribe` gives it."""

    endpoint: Annotated[str, Field(max_length=1000)]
    p256dh: Annotated[str, Field(max_length=100)]
    auth: Annotated[str, Field(max_length=40)]


@dataclass(frozen=True)
class Message:
    """To one browser."""

    browser_id: UUID
    endpoint: str
    public: bytes
    auth: bytes


class _Desk:
    sender: web_push.Sender | None = None


_desk = _Desk()


def configure(sender: web_push.Sender | None) -> None:
    """Called once by `create_app`."""
    _desk.sender = sender


def public_key() -> str | None:
    """What a browser subscribes with; None where the desk has no key."""
    return None if _desk.sender is None else _desk.sender.public


def add(session: Session, actor: Actor, command: AddBrowser, *, called: str | None) -> PushBrowser:
    """This browser is told from now on. Of somebody else before: his no more. Harmless twice. Raises Invalid."""
    public, auth = _keys(command)
    try:
        addresses.guard().check(command.endpoint)
    except addresses.Refused as error:
        raise Invalid(fields=[FieldError("/endpoint", error.code, error.message)]) from None
    values = {"user_id": actor.id, "public": public, "auth": auth, "called": called, "added_at": clock.now()}
    made = session.scalars(insert(PushBrowser).values(id=ids.new_id(), endpoint=command.endpoint, **values)
                           .on_conflict_do_update(index_elements=["endpoint"], set_=values).returning(PushBrowser),
                           execution_options={"populate_existing": True}).one()
    newest = select(PushBrowser.id).where(PushBrowser.user_id == actor.id).order_by(
        PushBrowser.added_at.desc(), PushBrowser.id.desc()).limit(BROWSERS_MAX)
    session.execute(delete(PushBrowser).where(PushBrowser.user_id == actor.id, PushBrowser.id.not_in(newest)))
    audit.record(session, actor, "user.notices_set", "user", actor.id, after={"browser": called})
    return made


def remove(session: Session, actor: Actor, browser_id: str) -> None:
    """Nothing goes there any more. Raises NotFound."""
    gone = session.execute(delete(PushBrowser).where(
        PushBrowser.user_id == actor.id, PushBrowser.id == ids.parse("psh", browser_id))
        .returning(PushBrowser.called)).one_or_none()
    if gone is None:
        raise NotFound()
    audit.record(session, actor, "user.notices_set", "user", actor.id, before={"browser": gone.called})


def browsers(session: Session, actor: Actor) -> Sequence[PushBrowser]:
    """One's own, the newest first."""
    return session.scalars(select(PushBrowser).where(PushBrowser.user_id == actor.id)
                           .order_by(PushBrowser.added_at.desc()).limit(BROWSERS_MAX)).all()


def drain() -> int:
    """Send whatever waits. Returns how many people were tried."""
    done = 0
    while claimed := jobs.claim(KIND, limit=AT_ONCE, lease_s=LEASE_S):
        for job in claimed:
            _send(job)
        done += len(claimed)
    return done


def _send(job: Claimed) -> None:
    """What is due to a person, to each of their browsers. A worker that dies in between sends it twice."""
    assert job.reference is not None
    with transaction() as session:
        due = mailing.due_of(session, job.reference, PUSH)
        person = session.execute(mailing.PERSON, {"id": job.reference}).one_or_none()
        text, urgent = (_text(due, person), _urgent(due)) if due and person is not None else (None, False)
        to = [] if text is None else [Message(one.id, one.endpoint, one.public, one.auth) for one in session.scalars(
            select(PushBrowser).where(PushBrowser.user_id == job.reference).limit(BROWSERS_MAX))]
        sent = [one.id for one in due]
    answers = {one.browser_id: _call(one, text or b"", urgent=urgent) for one in to}
    _settle(job, sent, answers)


def _settle(job: Claimed, sent: Sequence[UUID], answers: dict[UUID, transport.Answer]) -> None:
    """Done where one browser took it, or none is left; tried again where all are out of reach just now."""
    gone = [id for id, answer in answers.items() if answer.status in GONE]
    failing = [answer for id, answer in answers.items() if id not in gone and not answer.succeeded]
    took = any(answer.succeeded for answer in answers.values())
    failed = None if took else f"push_{failing[0].status or failing[0].error}" if failing else "no_browser"
    with transaction() as session:
        if gone:
            session.execute(delete(PushBrowser).where(PushBrowser.id.in_(gone)))
        session.execute(update(PushBrowser).where(
            PushBrowser.id.in_([id for id, answer in answers.items() if answer.succeeded])).values(told_at=clock.now()))
        mailing.close(session, job, sent, error=failed, again=bool(failing) and not took, tries_max=TRIES_MAX)


def _call(message: Message, text: bytes, *, urgent: bool) -> transport.Answer:
    """Never raises for what the other side does."""
    if _desk.sender is None:
        return transport.Answer(None, 0, "no_key")
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(message.endpoint))
    headers = {"TTL": str(KEPT_FOR_S), "Urgency": "high" if urgent else "normal", "Content-Encoding": "aes128gcm",
               "Content-Type": "application/octet-stream", "Authorization": _desk.sender.proof(origin)}
    body = web_push.sealed(text, browser=message.public, auth=message.auth)
    try:
        return transport.post(addresses.guard(), message.endpoint, body, headers, of=KIND)
    except addresses.NoPlace:
        return transport.Answer(None, 0, "no_place")


def _text(due: Sequence[Notice], person: Any) -> bytes:
    """What `static/js/push/worker.js` shows: one as it is, several as how many."""
    said = [words.of(one.happening.event, one.happening.facts, locale=person.locale, role=person.role) for one in due]
    if len(said) == 1:
        title, text, path = said[0]
    else:
        title, path = words.translated(N_("Notices from the desk: %(count)s"), person.locale) % {
            "count": len(said)}, "/notices"
        text = "\n".join(one.title for one in said)
    return json.dumps({"title": title[:TEXT_MAX], "text": text[:TEXT_MAX], "path": path[:TEXT_MAX],
                       "tag": str(due[-1].id)}, ensure_ascii=False).encode()


def _urgent(due: Sequence[Notice]) -> bool:
    known = (catalogue.EVENTS.get(one.happening.event) for one in due)
    return any(event is not None and event.urgent for event in known)


def _keys(command: AddBrowser) -> tuple[bytes, bytes]:
    try:
        public = web_push.decoded(command.p256dh, web_push.POINT)
        web_push.read_point(public)
        return public, web_push.decoded(command.auth, web_push.AUTH)
    except web_push.BadKey:
        raise Invalid(fields=[FieldError("/p256dh", "invalid", "This is not what a browser gives.")]) from None
