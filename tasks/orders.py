"""What is done to orders after a commit: matching, the clock, settlement."""
from portal.core.jobs import Kind, register
from portal.orders import deadlines, payouts, proof, settlement
from portal.orders.matching import match

MATCHING_LEASE_S = 8  # what a killed worker held waits less than the customer does; renewed while it is in hand

register(
    Kind("match_order", match.work, batch_max=40, lease_s=MATCHING_LEASE_S, attempts_max=8, failed=match.failed,
         drains_max=2),
    Kind("expire_order", deadlines.expire),
    Kind("flag_unconfirmed", deadlines.flag_unconfirmed),
    Kind("confirm_payout", payouts.confirm_overdue),
    Kind("settle_order", settlement.work, attempts_max=20, drains_max=2),
)
assert proof.CHECKS
