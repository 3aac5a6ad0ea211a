"""Renewing leases of work in hand, so that they may be short: a killed worker's work is taken up soon.

Whoever works says what it holds; a thread of the worker (`tasks/watch.py`) renews what has been held for a while. Most
batches are done long before: they cost nobody a statement.
"""
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

from portal.core import clock
from portal.core.db import engine, translated
from portal.core.pipeline import array, autocommit

RENEWED_AFTER = 1 / 3  # of its time
# Rows that are being finished or given back at this moment are left alone.
RENEW = """
    UPDATE jobs SET leased_until = %(until)s FROM set_config('synchronous_commit', 'off', true)
     WHERE id IN (SELECT id FROM jobs WHERE lease = %(lease)s AND id = ANY(%(ids)s::bigint[]) FOR UPDATE SKIP LOCKED)
    RETURNING id"""


class _InHand:
    __slots__ = ("ids", "lease_s", "renewed_at")

    def __init__(self, ids: str, lease_s: int) -> None:
        self.ids, self.lease_s, self.renewed_at = ids, lease_s, time.monotonic()


_held: dict[UUID, _InHand] = {}


@contextmanager
def in_hand(lease: UUID, ids: Iterable[int], *, lease_s: int) -> Iterator[None]:
    """These jobs are being worked on under this lease, and will be renewed as long as they are."""
    held = _held.setdefault(lease, _InHand(array(ids), lease_s))
    try:
        yield
    finally:
        if _held.get(lease) is held:
            del _held[lease]


def renew() -> int:
    """Renew what has been in hand for a third of its lease's time; how many jobs.

    Raises what the database does, once all have had their turn; what failed is tried again the next time.
    """
    count, failed = 0, None
    for lease, held in list(_held.items()):
        if time.monotonic() - held.renewed_at < held.lease_s * RENEWED_AFTER:
            continue
        asked_at = time.monotonic()
        try:
            with translated():
                count += len(autocommit(engine(), RENEW, {
                    "lease": lease, "ids": held.ids, "until": clock.now() + timedelta(seconds=held.lease_s)}))
        except Exception as error:  # the others are renewed all the same
            failed = error
        else:
            held.renewed_at = asked_at
    if failed is not None:
        raise failed
    return count
