"""Handing mails to the server. No transaction is open while it is spoken to; what fails is tried again, with patience.

A worker that dies between the server's yes and our own note sends a mail twice, under the same Message-ID: a letter too
many, never one too few.
"""
import smtplib
import ssl
from email.message import EmailMessage

import structlog
from sqlalchemy import select

from portal.core import clock, crypto, jobs
from portal.core.db import locked_one, transaction
from portal.core.jobs import Claimed
from portal.mail import posting
from portal.mail.models import Mail
from portal.mail.posting import KIND, Server

ANSWER_FOR_S = 15.0
LEASE_S = 60
AT_ONCE = 2
TRIES_MAX = 10
log = structlog.get_logger("mail")


def drain() -> int:
    """Send whatever waits. Returns how many were tried."""
    done = 0
    while claimed := jobs.claim(KIND, limit=AT_ONCE, lease_s=LEASE_S):
        for job in claimed:
            _send(job)
        done += len(claimed)
    return done


def _send(job: Claimed) -> None:
    with transaction() as session:
        mail = session.get(Mail, job.reference)
        letter = None if mail is None or mail.sent_at is not None or mail.text_sealed is None else _letter(mail)
    failed = None
    if letter is not None:
        try:
            deliver(posting.server(), letter)
        except (OSError, smtplib.SMTPException) as error:
            failed = type(error).__name__  # what a server says may hold the address
    with transaction() as session:
        if failed is not None:
            log.warning("mail_not_sent", error=failed, job=job.id)
            jobs.fail(session, job, failed, dead=job.attempts + 1 >= TRIES_MAX)
            return
        row = locked_one(session, select(Mail).where(Mail.id == job.reference))
        if row is not None and row.sent_at is None:
            row.sent_at, row.text_sealed = clock.now(), None
        jobs.finish(session, [job])


def deliver(server: Server, letter: EmailMessage) -> None:
    """Raises OSError, SMTPException."""
    tls = ssl.create_default_context()
    speaks: smtplib.SMTP
    if server.security == "tls":
        speaks = smtplib.SMTP_SSL(server.host, server.port, timeout=ANSWER_FOR_S, context=tls)
    else:
        speaks = smtplib.SMTP(server.host, server.port, timeout=ANSWER_FOR_S)
    with speaks:
        if server.security == "starttls":
            speaks.starttls(context=tls)
        if server.user is not None:
            speaks.login(server.user, server.password or "")
        speaks.send_message(letter)


def _letter(mail: Mail) -> EmailMessage:
    assert mail.text_sealed is not None
    letter, sender = EmailMessage(), posting.server().sender
    letter["From"], letter["Subject"] = sender, mail.subject
    letter["To"] = crypto.open_sealed(mail.to_sealed, place=posting.place(mail.id, "to_sealed"))
    letter["Date"] = mail.made_at
    letter["Message-ID"] = f"<{mail.id.hex}@{sender.rpartition('@')[2].strip('<> ')}>"  # the same when it is sent again
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(crypto.open_sealed(mail.text_sealed, place=posting.place(mail.id, "text_sealed")))
    return letter
