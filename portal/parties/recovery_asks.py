"""Somebody forgot a password, or tries whose address has an account here: the door takes it down and looks nobody up.

What it writes is the same for everybody, so its answer takes the same time. A worker looks who it is, and sends the
letter or forgets it.
"""
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import LargeBinary, delete, select
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal import mail
from portal.core import audit, clock, crypto, ids, jobs
from portal.core.columns import Id, LongText
from portal.core.db import Base
from portal.core.jobs import Claimed
from portal.parties import users
from portal.parties.mail_links import RECOVERY_FOR, RecoveryLink
from portal.parties.models import User

KIND = "answer_recovery"


class RecoveryAsk(Base):
    """Until a worker has looked. The letter is written already, in the language of the page that was used."""

    __tablename__ = "recovery_asks"
    id: Mapped[Id]
    email_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[bytes] = mapped_column(LargeBinary)  # of the link's token
    subject: Mapped[LongText]
    text_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    address: Mapped[str | None] = mapped_column(INET)
    asked_at: Mapped[datetime] = mapped_column(default=clock.now)


class Letter(NamedTuple):
    """With the link, whose token nobody else has."""

    token: str
    subject: str
    text: str


def take_down(session: Session, email: str, letter: Letter, *, address: str | None) -> None:
    """The same for who has an account and who has none."""
    id = ids.new_id()
    session.add(RecoveryAsk(
        id=id, email_sealed=crypto.seal(email, place=_place(id, "email_sealed")), digest=crypto.sha256(letter.token),
        subject=letter.subject, text_sealed=crypto.seal(letter.text, place=_place(id, "text_sealed")),
        address=address))
    session.flush()
    jobs.enqueue(session, KIND, id)


def answer(session: Session, claimed: Sequence[Claimed]) -> None:
    """Who has an account gets the letter, its 30 minutes counted from the asking; of the others nothing is kept."""
    wanted = [job.reference for job in claimed]
    for ask in session.scalars(select(RecoveryAsk).where(RecoveryAsk.id.in_(wanted))).all():
        email = crypto.open_sealed(ask.email_sealed, place=_place(ask.id, "email_sealed"))
        user = session.scalar(select(User).where(User.email == email, User.active))
        if user is None or ask.asked_at + RECOVERY_FOR <= clock.now():
            continue
        session.add(RecoveryLink(digest=ask.digest, user_id=user.id, email=user.email,
                                 expires_at=ask.asked_at + RECOVERY_FOR,
                                 password_changed_at=user.password_changed_at))
        audit.record(session, users.actor_of(user, address=ask.address), "user.recovery_asked", "user", user.id)
        mail.post(session, to=user.email, subject=ask.subject,
                  text=crypto.open_sealed(ask.text_sealed, place=_place(ask.id, "text_sealed")))
    session.execute(delete(RecoveryAsk).where(RecoveryAsk.id.in_(wanted)))


def _place(id: UUID, column: str) -> str:
    return f"recovery_asks|{column}|{id}"
