"""Writing a mail into the outbox."""
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from portal.core import crypto, ids, jobs, retention
from portal.mail.models import Mail

KIND = "send_mail"
SHOWN_MAX = 50


@dataclass(frozen=True)
class Server:
    """Where mails are handed in. `security`: tls, starttls, or none for a relay on the same machine."""

    host: str
    port: int
    security: str
    sender: str
    user: str | None = None
    password: str | None = None


class Shown(NamedTuple):
    """A mail as /dev/mail shows it."""

    to: str
    subject: str
    text: str
    mail: Mail


class _Post:
    server: Server | None = None
    kept_to_be_seen = False


_post = _Post()


def configure(server: Server | None, *, kept_to_be_seen: bool) -> None:
    """`kept_to_be_seen`: in development, where mails without a server are read at /dev/mail."""
    _post.server, _post.kept_to_be_seen = server, kept_to_be_seen


def is_on() -> bool:
    return _post.server is not None or _post.kept_to_be_seen


def server() -> Server:
    assert _post.server is not None, "work of this kind is enqueued where there is a server"
    return _post.server


def post(session: Session, *, to: str, subject: str, text: str) -> None:
    """Sent after this transaction, and only if it is committed. A desk that sends no mail does nothing."""
    if not is_on():
        return
    id = ids.new_id()
    session.add(Mail(id=id, to_sealed=crypto.seal(to, place=place(id, "to_sealed")), subject=subject,
                     text_sealed=crypto.seal(text, place=place(id, "text_sealed"))))
    session.flush()
    if _post.server is not None:
        jobs.enqueue(session, KIND, id)


def latest(session: Session) -> Sequence[Shown]:
    """The newest, for people who build the desk."""
    rows = session.scalars(select(Mail).order_by(Mail.made_at.desc()).limit(SHOWN_MAX))
    return [Shown(crypto.open_sealed(row.to_sealed, place=place(row.id, "to_sealed")), row.subject,
                  crypto.open_sealed(row.text_sealed, place=place(row.id, "text_sealed")) if row.text_sealed else "",
                  row) for row in rows]


def sweep(session: Session) -> None:
    session.execute(delete(Mail).where(Mail.made_at < retention.before("mails")))


def place(id: UUID, column: str) -> str:
    return f"mails|{column}|{id}"
