"""After whatever happened to a test order its robots have a look at it, a second later."""
from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from portal.core import clock, jobs
from portal.requisites.test_outcomes import PLAY

AFTER = timedelta(seconds=1)


def promise(session: Session, test_orders: Collection[UUID]) -> None:
    """Harmless twice. Of live orders nobody calls this."""
    if test_orders:
        jobs.enqueue_all(session, PLAY, [(id, None, None) for id in sorted(set(test_orders))],
                         run_at=clock.now() + AFTER)
