"""Personal data that was kept long enough, some each hour."""
from collections.abc import Sequence

from sqlalchemy.orm import Session

from portal.core import retention
from portal.core.access import SYSTEM
from portal.core.audit import record
from portal.core.jobs import Claimed, Kind, register
from portal.privacy import purge

BATCH = 500


def purge_personal_data(session: Session, jobs: Sequence[Claimed]) -> None:
    """A bounded number of each kind; the next hour goes on."""
    for kind in purge.KINDS:
        before = retention.before(kind.name)
        gone = purge.purge(session, kind, before, limit=BATCH).gone if before is not None else 0
        if gone:
            record(session, SYSTEM, "personal_data.purged", "desk", "desk", after={"kind": kind.name, "rows": gone})


register(Kind("purge_personal_data", purge_personal_data, every_s=3600))
