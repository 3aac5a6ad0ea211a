"""What is done to orders after a commit: matching, the clock, settlement."""
from collections.abc import Sequence

import structlog
from sqlalchemy.orm import Session

from portal.core.jobs import Claimed, Kind, register
from portal.orders import deadlines, other_amount, payouts, proof, settlement
from portal.orders.coverage import demand, holes
from portal.orders.matching import match

log = structlog.get_logger("orders")
MATCHING_LEASE_S = 8  # what a killed worker held waits less than the customer does; renewed while it is in hand



def count_demand(session: Session, jobs: Sequence[Claimed]) -> None:
    """What was asked for in the hours that are over."""
    demand.count(session)


def watch_coverage(session: Session, jobs: Sequence[Claimed]) -> None:
    """Sizes that are asked for and nobody could take: staff are told as one begins."""
    for hole in holes.watch(session):
        log.warning("coverage_hole", direction=hole.direction, currency=hole.currency, method=hole.method,
                    band=hole.band, asked=hole.expected)


register(
    Kind("match_order", match.work, batch_max=40, lease_s=MATCHING_LEASE_S, attempts_max=8, failed=match.failed,
         drains_max=2),
    Kind("expire_order", deadlines.expire),
    Kind("flag_unconfirmed", deadlines.flag_unconfirmed),
    Kind(other_amount.DEADLINE, other_amount.unanswered),
    Kind("confirm_payout", payouts.confirm_overdue),
    Kind("count_demand", count_demand, every_s=600, batch_max=1),
    Kind("watch_coverage", watch_coverage, every_s=300, batch_max=1),
    Kind("settle_order", settlement.work, attempts_max=20, drains_max=2),
)
assert proof.CHECKS
