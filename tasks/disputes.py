"""Disputes under the clock: a side that did not answer, a payin that nobody confirms."""
from portal.core.jobs import Kind, register
from portal.disputes import clocks, decisions, endings, proof

register(
    Kind(endings.DEADLINE, clocks.overdue),
    Kind(clocks.UNCONFIRMED, clocks.open_unconfirmed, every_s=60, batch_max=1),
)
assert decisions.KIND
assert proof.STANDS
