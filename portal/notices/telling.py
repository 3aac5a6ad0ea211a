"""Who is told of a happening, and by which channel when: the work of a job, never of the act itself."""
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.core import clock, ids, jobs, page_events
from portal.core.db import locked
from portal.core.jobs import Claimed
from portal.notices import catalogue, channels, hours
from portal.notices.catalogue import NOW, OFF, OPERATOR, PORTAL, PUSH, STAFF, TELEGRAM
from portal.notices.models import Happening, Notice

PEOPLE_MAX = 1000
# People of the audience who may see what it is about, with what they chose for this event.
PEOPLE = text("""
    SELECT u.id, u.role, u.time_zone, p.quiet_from, p.quiet_until, coalesce(p.digest_at, :digest_at) AS digest_at,
           p.telegram_chat IS NOT NULL AS has_telegram,
           EXISTS (SELECT FROM push_browsers b WHERE b.user_id = u.id) AS has_push,
           (SELECT jsonb_object_agg(c.channel, c.how) FROM notice_choices c
             WHERE c.user_id = u.id AND c.event = :event) AS choices
      FROM users u LEFT JOIN notice_plans p ON p.user_id = u.id
     WHERE u.active AND u.id IS DISTINCT FROM CAST(:but AS uuid) AND u.role = ANY(:roles)
       AND CASE :audience
             WHEN 'user' THEN u.id = :id
             WHEN 'trader' THEN u.trader_id = :id
             WHEN 'merchant' THEN u.merchant_id = :id
             WHEN 'store' THEN u.merchant_id = (SELECT s.merchant_id FROM stores s WHERE s.id = :id)
             ELSE true END
       AND EXISTS (SELECT FROM user_permissions g WHERE g.user_id = u.id AND g.permission = :permission)
     ORDER BY u.id LIMIT :most""")


def tell_people(session: Session, batch: Sequence[Claimed]) -> None:
    """Write each person's notices, and have sent what is due now. Does nothing for what was told."""
    found = locked(session, select(Happening).where(
        Happening.id.in_([job.reference for job in batch if job.reference]), Happening.told_at.is_(None))
        .order_by(Happening.id))
    now, due = clock.now(), set[tuple[str, UUID]]()
    for happening in found:
        happening.told_at = now
        if happening.event in catalogue.EVENTS:
            due |= _tell(session, happening, now)
    for kind, whose in sorted(due):  # in one order, or two batches would wait for each other's promises
        jobs.enqueue(session, kind, whose)
    session.flush()


def _tell(session: Session, happening: Happening, now: datetime) -> set[tuple[str, UUID]]:
    """Returns what is to be sent now: the kind of work, whose."""
    rows = [row for person in _people(session, happening) for row in _notices(happening, person, now)]
    if happening.audience == "staff" and channels.is_on(OPERATOR):
        rows.append(_row(happening, None, OPERATOR, now, now))
    if not rows:
        return set()
    session.execute(insert(Notice).on_conflict_do_nothing(), rows)
    shown = [row["user_id"] for row in rows if row["channel"] == PORTAL]
    page_events.tell(session, "notices", map(page_events.user, shown), staff=False)
    return {(channels.SENDS[row["channel"]], row["user_id"] or happening.id) for row in rows
            if row["state"] == "waiting" and row["due_at"] <= now}


def _people(session: Session, happening: Happening) -> Sequence[Any]:
    event = catalogue.of(happening.event)
    roles = STAFF if happening.audience == "staff" else event.roles
    return session.execute(PEOPLE, {
        "event": happening.event, "but": happening.but_user_id, "roles": [str(role) for role in roles & event.roles],
        "audience": happening.audience, "id": happening.audience_id, "permission": str(event.permission),
        "digest_at": hours.DIGEST_AT, "most": PEOPLE_MAX}).all()


def _notices(happening: Happening, person: Any, now: datetime) -> Iterator[dict[str, Any]]:
    event, reaches = catalogue.of(happening.event), {TELEGRAM: person.has_telegram, PUSH: person.has_push}
    for channel in catalogue.CHANNELS:
        how = channels.how(event, channel, person.choices or {})
        if how == OFF or not channels.is_on(channel) or not reaches.get(channel, True):
            continue
        due_at = now if channel == PORTAL or (event.urgent and how == NOW) else hours.due_at(
            now, zone=person.time_zone, digest_at=person.digest_at if how != NOW else None,
            quiet=None if person.quiet_from is None else (person.quiet_from, person.quiet_until))
        yield _row(happening, person.id, channel, due_at, now)


def _row(happening: Happening, user_id: UUID | None, channel: str, due_at: datetime, now: datetime) -> dict[str, Any]:
    in_portal = channel == PORTAL
    return {"id": ids.new_id(), "happening_id": happening.id, "user_id": user_id, "channel": channel,
            "state": "sent" if in_portal else "waiting", "due_at": due_at, "done_at": now if in_portal else None}
