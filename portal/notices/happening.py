"""Saying that something happened: one statement in the transaction of the act; people are told by a job after it."""
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy.orm import Session

from portal.core import clock, ids, jobs, request_log
from portal.core.pipeline import Rows, array, queue
from portal.notices import catalogue

KIND = "tell_people"
FACT_MAX = 300  # characters
# The happening and the job that tells of it. Where `once` was said before, neither. What comes with every order is told
# to traders of whom somebody wishes it.
HAPPENED = """
    WITH made AS (
        INSERT INTO happenings (id, event, audience, audience_id, but_user_id, facts, once, happened_at)
        SELECT w.id, %(event)s, w.audience, w.audience_id, %(but)s, w.facts, w.once, %(now)s
          FROM unnest(%(ids)s::uuid[], %(audiences)s::text[], %(audience_ids)s::uuid[], %(facts)s::jsonb[],
                      %(once)s::text[]) AS w (id, audience, audience_id, facts, once)
         WHERE %(usually)s OR EXISTS (
               SELECT FROM notice_choices c JOIN users u ON u.id = c.user_id
                WHERE c.event = %(event)s AND c.how <> 'off' AND u.trader_id = w.audience_id)
        ON CONFLICT (once) DO NOTHING RETURNING id)
    INSERT INTO jobs (kind, reference, unique_key, run_at, request_id, created_at)
    SELECT %(kind)s, id, id::text, least(%(now)s, now()), %(request_id)s, %(now)s
      FROM made ON CONFLICT (kind, unique_key) DO NOTHING RETURNING id"""


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
    """As `notify` for many at once, in one statement. Of what is told on a trader's wish alone only to those; nobody
    waits to learn who they are."""
    if not said:
        return

    def happened(made: Rows) -> None:
        if made and "after_commit" in session.info:  # else of whoever commits himself: the dispatcher finds the job
            jobs.wake(session, KIND)

    queue(session, HAPPENED, {
        "event": event, "usually": bool(catalogue.of(event).usually), "but": but, "now": clock.now(), "kind": KIND,
        "request_id": request_log.promised_by(),
        "ids": array(ids.new_id() for _ in said), "audiences": array(one.to.kind for one in said),
        "audience_ids": array(one.to.id for one in said), "facts": array(_short(one.facts) for one in said),
        "once": array(None if one.once is None else f"{event}:{one.once}" for one in said)}, happened)


def _short(facts: dict[str, Any]) -> str:
    return to_json({name: str(value)[:FACT_MAX] for name, value in facts.items() if value is not None}).decode()
