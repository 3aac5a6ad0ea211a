"""Work that has failed for good is told to those who can mend it: once an hour for each kind."""
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.core import clock
from portal.core.codes import named
from portal.core.jobs import Job
from portal.notices.happening import STAFF, notify

LOOKS_BACK = timedelta(minutes=10)


def watch(session: Session) -> None:
    """Work of a recurring job: what died since it may have looked last, by `ix_jobs_dead`."""
    now = clock.now()
    died = session.execute(select(Job.kind, func.count()).where(Job.dead_at > now - LOOKS_BACK).group_by(Job.kind)
                           .order_by(Job.kind))
    for kind, count in died.all():
        notify(session, "jobs.dead", STAFF, once=f"{kind}:{now:%Y%m%d%H}", kind=named(kind),
               count=count)
