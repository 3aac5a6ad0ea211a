"""The operator's own address: what staff are told of goes there too, signed as every webhook, for the operator's tools.

One attempt a job, tried again with patience; no transaction is open meanwhile.
"""
from dataclasses import dataclass

import structlog
from sqlalchemy import select

from portal.core import clock, jobs
from portal.core.db import locked_one, transaction
from portal.core.jobs import Claimed
from portal.core.outbound import addresses, transport
from portal.notices import channels, words
from portal.notices.catalogue import OPERATOR
from portal.notices.models import Happening, Notice
from portal.webhooks import signature

KIND = channels.SENDS[OPERATOR]
AT_ONCE, LEASE_S, TRIES_MAX = 2, 60, 12
log = structlog.get_logger("webhooks")


@dataclass(frozen=True)
class Address:
    url: str
    secrets: tuple[str, ...]  # whsec_…; each signs while one is changed


class _Desk:
    address: Address | None = None


_desk = _Desk()


def configure(address: Address | None) -> None:
    """Called once by `create_app`."""
    _desk.address = address


def drain() -> int:
    """Send whatever waits. Returns how many were tried."""
    done = 0
    while claimed := jobs.claim(KIND, limit=AT_ONCE, lease_s=LEASE_S):
        for job in claimed:
            _send(job)
        done += len(claimed)
    return done


def _send(job: Claimed) -> None:
    """The reference is the happening; `webhook-id` is its own, so that a second sending is known as one."""
    with transaction() as session:
        happening = session.get(Happening, job.reference)
    answer = None
    if happening is not None and _desk.address is not None:
        body = signature.body(happening.event, happening.happened_at, _payload(happening))
        signed = signature.headers(f"hap_{happening.id.hex}", clock.now(), body, list(_desk.address.secrets))
        try:
            answer = transport.post(addresses.guard(), _desk.address.url, body, signed, of=KIND)
        except addresses.NoPlace:
            answer = transport.Answer(None, 0, "no_place")
    with transaction() as session:
        failed = None if answer is None or answer.succeeded else str(answer.status or answer.error)
        dead = job.attempts + 1 >= TRIES_MAX
        if failed is None:
            jobs.finish(session, [job])
        else:
            log.warning("operator_not_called", error=failed, attempt=job.attempts + 1)
            jobs.fail(session, job, failed, dead=dead)
        notice = locked_one(session, select(Notice).where(
            Notice.happening_id == job.reference, Notice.user_id.is_(None), Notice.state == "waiting"))
        if notice is not None and (failed is None or dead):
            error = failed if answer is not None else "no_address"
            notice.state, notice.done_at, notice.error = "sent" if error is None else "failed", clock.now(), error


def _payload(happening: Happening) -> dict[str, object]:
    said = words.of(happening.event, happening.facts, locale="en", role="admin")
    return {"title": said.title, "text": said.text, "url": channels.link(said.path), "facts": happening.facts}
