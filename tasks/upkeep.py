"""The desk's own housekeeping: partitions ahead of time, ended sessions swept, lanes rebuilt."""
from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.core.jobs import Job, Kind, register
from portal.parties import sessions
from portal.requisites import lanes

DAY_S = 24 * 3600
MONTHS_AHEAD = 3


def make_partitions(session: Session, jobs: Sequence[Job]) -> None:
    """Months ahead for every append-only table; the function runs as the owner."""
    session.execute(text("SELECT make_partitions(:months)"), {"months": MONTHS_AHEAD})


def sweep_sessions(session: Session, jobs: Sequence[Job]) -> None:
    """Forget sessions that ended long ago."""
    sessions.sweep(session)


register(
    Kind("make_partitions", make_partitions, every_s=DAY_S),
    Kind("sweep_sessions", sweep_sessions, every_s=3600),
    Kind("rebuild_lanes", lanes.rebuild_for_jobs),
)
