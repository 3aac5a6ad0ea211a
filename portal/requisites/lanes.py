"""Lanes: who could take which kind of order, and in what turn. The SQL of this room, in migrations/sql, has the how."""
from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal.core.jobs import Claimed
from portal.requisites.models import Requisite

CHUNK = 2_000  # requisites in one statement: a row lock is held on each until the transaction ends


def rebuild(session: Session, requisite_ids: Iterable[UUID]) -> int:
    """Put these requisites on the lanes they belong to by their limits, status, tier and shift, and off all others.

    Nobody else's place changes and cursors keep going. Returns how many places were made or taken away.
    """
    ids = sorted(set(requisite_ids))
    session.flush()
    return sum(session.execute(text("SELECT rebuild_lanes(:ids)"), {"ids": ids[first:first + CHUNK]}).scalar_one()
               for first in range(0, len(ids), CHUNK))


def rebuild_for_traders(session: Session, trader_ids: Iterable[UUID]) -> int:
    """The same for everything these traders own: their shift, switches, tier or status changed."""
    return rebuild(session, session.scalars(
        select(Requisite.id).where(Requisite.trader_id.in_(sorted(set(trader_ids))))).all())


def rebuild_for_jobs(session: Session, jobs: Sequence[Claimed]) -> None:
    """Work of the kind `rebuild_lanes`: the reference is a trader; without one, every requisite."""
    if any(job.reference is None for job in jobs):
        rebuild(session, session.scalars(select(Requisite.id)).all())
    else:
        rebuild_for_traders(session, [job.reference for job in jobs if job.reference is not None])
