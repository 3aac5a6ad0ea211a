"""Promising work inside a transaction, and waking whoever does it after the commit."""
from collections.abc import Callable, Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, text
from sqlalchemy.orm import Session

from portal.core import clock, request_log
from portal.core.db import after_commit

# At once is not later than by the database's clock: where the promiser's is ahead, others would find nothing due.
# columns as arrays: a statement whose text never changes, where VALUES are composed and planned anew for each size
ENQUEUE = text("""
    INSERT INTO jobs (kind, reference, unique_key, partition, run_at, request_id, created_at)
    SELECT :kind, w.reference, w.key, w.partition, coalesce(:run_at, least(:now, now())), :request_id, :now
      FROM unnest(CAST(:references AS uuid[]), CAST(:keys AS text[]), CAST(:partitions AS text[]))
           AS w (reference, key, partition)
    ON CONFLICT (kind, unique_key) DO NOTHING""")

_poke: Callable[[str], None] = lambda kind: None  # noqa: E731
_note_poll: Callable[[str, bool], None] = lambda kind, behind: None  # noqa: E731
_reopen_wakeups: Callable[[str], None] = lambda kind: None  # noqa: E731


def poke_with(poke: Callable[[str], None], *, note_poll: Callable[[str, bool], None] | None = None,
              reopen_wakeups: Callable[[str], None] | None = None) -> None:
    """Each process says how a kind's workers are woken (Huey), a worker also how it looks for work and listens.

    Best effort, none may raise.
    """
    global _poke, _note_poll, _reopen_wakeups
    _poke, _note_poll, _reopen_wakeups = poke, note_poll or _note_poll, reopen_wakeups or _reopen_wakeups


def poke(kind: str) -> None:
    _poke(kind)


def note_poll(kind: str, *, behind: bool = False) -> None:
    """Somebody is about to look for work. `behind`: there is more than one batch, so whoever else is free may, too."""
    _note_poll(kind, behind)


def reopen_wakeups(kind: str) -> None:
    """Wake-ups are wanted again: until now whoever is at work was to find by himself what is promised.

    What was promised before has to be looked for once more.
    """
    _reopen_wakeups(kind)


def enqueue(session: Session, kind: str, reference: UUID | None = None, *, key: str | None = None,
            run_at: datetime | None = None, partition: str | None = None) -> None:
    """Have `kind` done for `reference` after this transaction, at `run_at` or at once.

    `key` (default: the reference) is unique among the kind's live rows; a second promise of it changes nothing.
    """
    enqueue_all(session, kind, [(reference, key, partition)], run_at=run_at)


def enqueue_all(session: Session, kind: str, wanted: Iterable[tuple[UUID | None, str | None, str | None]], *,
                run_at: datetime | None = None) -> None:
    """As `enqueue` for many at once: (reference, key, partition)."""
    now = clock.now()
    rows = list(wanted)
    if not rows:
        return
    session.execute(ENQUEUE, {
        "kind": kind, "run_at": run_at, "request_id": request_log.promised_by(), "now": now,
        "references": [reference for reference, _, _ in rows],
        "keys": [key or str(reference) for reference, key, _ in rows],
        "partitions": [partition for _, _, partition in rows]})
    if run_at is None or run_at <= now:
        wake(session, kind)


def wake(session: Session, kind: str) -> None:
    """Poke the kind's workers once when this transaction has committed."""
    after_commit(session, lambda: poke(kind), once=("wake", kind))


def at_once(now: datetime) -> ColumnElement[datetime]:
    """When a row that is changed is due: as in ENQUEUE, by the earlier of two clocks (decision 0203)."""
    return func.least(now, func.now())


def cancel(session: Session, kind: str, key: str) -> None:
    """Take back a promise that nobody is working on. Work must be harmless when it comes all the same."""
    session.execute(text("DELETE FROM jobs WHERE kind = :kind AND unique_key = :key AND lease IS NULL"),
                    {"kind": kind, "key": key})


def lives(session: Session, kind: str, key: str) -> bool:
    """Whether there is such a promise that has not died; one that is done lives no more."""
    return bool(session.scalar(text(
        "SELECT EXISTS (SELECT FROM jobs WHERE kind = :kind AND unique_key = :key AND dead_at IS NULL)"),
        {"kind": kind, "key": key}))
