"""Saying that something happened: one statement in the transaction of the act; people are told by a job after it."""
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.core import clock, ids, jobs, request_log
from portal.notices import catalogue

KIND = "tell_people"
FACT_MAX = 300  # characters
# The happening and the job that tells of it. Where `once` was said before, neither.
HAPPENED = text("""
    WITH made AS (
        INSERT INTO happenings (id, event, audience, audience_id, but_user_id, facts, once, happened_at)
        SELECT w.id, :event, w.audience, w.audience_id, :but, w.facts, w.once, :now
          FROM unnest(CAST(:ids AS uuid[]), CAST(:audiences AS text[]), CAST(:audience_ids AS uuid[]),
                      CAST(:facts AS jsonb[]), CAST(:once AS text[])) AS w (id, audience, audience_id, facts, once)
        ON CONFLICT (once) DO NOTHING RETURNING id)
    INSERT INTO jobs (kind, reference, unique_key, run_at, request_id, created_at)
    SELECT :kind, id, id::text, least(:now, now()), :request_id, :now
      FROM made ON CONFLICT (kind, unique_key) DO NOTHING""")

# Which of these traders have somebody who wishes to hear of what comes with every order.
WISHING = text("""
    SELECT DISTINCT u.trader_id FROM notice_choices c JOIN users u ON u.id = c.user_id
     WHERE c.event = :event AND c.how <> 'off' AND u.trader_id = ANY (CAST(:traders AS uuid[]))""")


class Audience(NamedTuple):
    """Whom it concerns: of these, who may do what the event's permission says."""

    kind: str
    id: UUID | None = None


STAFF = Audience("staff")


def user(id: UUID) -> Audience:
    return Audience("user", id)


def trader(id: UUID) -> Audience:
    return Audience("trader", id)


def merchant(id: UUID) -> Audience:
    return Audience("merchant", id)


def store(id: UUID) -> Audience:
    return Audience("store", id)


class Said(NamedTuple):
    to: Audience
    facts: dict[str, Any]
    once: str | None = None


def notify(session: Session, event: str, *to: Audience, but: UUID | None = None, once: str | None = None,
           **facts: Any) -> None:
    """Tell these people after this transaction. `but`: who did it. `once`: said a second time it changes nothing.

    Facts are short words for the event's sentence and ids for where it leads: never secrets nor full numbers.
    """
    notify_all(session, event, [Said(one, facts, None if once is None else f"{once}:{one.kind}:{one.id or ''}")
                                for one in to], but=but)


def notify_all(session: Session, event: str, said: Sequence[Said], *, but: UUID | None = None) -> None:
    """As `notify` for many at once, in one statement. Of what is told on a trader's wish alone only to those, and who
    they are is one look at an index."""
    if said and not catalogue.of(event).usually:
        wishing = set(session.scalars(WISHING, {"event": event, "traders": list({one.to.id for one in said})}))
        said = [one for one in said if one.to.id in wishing]
    if not said:
        return
    session.execute(HAPPENED, {
        "event": event, "but": but, "now": clock.now(), "kind": KIND,
        "request_id": request_log.promised_by(),
        "ids": [ids.new_id() for _ in said], "audiences": [one.to.kind for one in said],
        "audience_ids": [one.to.id for one in said], "facts": [Jsonb(_short(one.facts)) for one in said],
        "once": [None if one.once is None else f"{event}:{one.once}" for one in said]})
    if "after_commit" in session.info:  # a session of whoever commits it himself: the dispatcher finds the job
        jobs.wake(session, KIND)


def _short(facts: dict[str, Any]) -> dict[str, str]:
    return {name: str(value)[:FACT_MAX] for name, value in facts.items() if value is not None}
