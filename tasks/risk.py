"""Risk: rules put to past orders, counters that no rule can ask for any more."""
from collections.abc import Sequence

from sqlalchemy.orm import Session

from portal.core.jobs import Claimed, Kind, register
from portal.orders.judging import replay
from portal.risk import counters, rules


def sweep_risk_counters(session: Session, jobs: Sequence[Claimed]) -> None:
    """Minutes and hours that have passed, a bounded number at a time."""
    counters.sweep(session)


register(
    Kind(rules.REPLAY, replay.work, lease_s=600, attempts_max=3, batch_max=1),
    Kind("sweep_risk_counters", sweep_risk_counters, every_s=60),
)
