"""Mails: handed to the SMTP server, which is outside; forgotten after a week."""
from collections.abc import Sequence

from sqlalchemy.orm import Session

from portal import mail
from portal.core.jobs import Claimed, Kind, register, register_outside
from portal.parties import mail_links, recovery_asks


def sweep_mails(session: Session, jobs: Sequence[Claimed]) -> None:
    """Mails of last week, and links that open nothing any more."""
    mail.sweep(session)
    mail_links.sweep(session)


register(Kind("sweep_mails", sweep_mails, every_s=3600), Kind(recovery_asks.KIND, recovery_asks.answer))
register_outside(mail.KIND, mail.drain)
