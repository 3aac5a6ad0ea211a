"""What a side has brought of what would help: its own word about its files, and the receipts that the order holds."""
from collections.abc import Collection, Iterable
from uuid import UUID

from sqlalchemy.orm import Session

from portal import files
from portal.disputes.models import Dispute, Statement
from portal.disputes.reasons import Evidence, Side
from portal.orders import payout_receipts, receipts
from portal.orders.states import Direction


def brought(session: Session, dispute: Dispute, said: Iterable[Statement], with_files: Collection[UUID]) -> dict[
        str, set[Evidence]]:
    """By side, a payer's with his store's. A file of which nobody said what it is counts as nothing.

    `said`: what its reader sees; `with_files`: those statements that have any.
    """
    found: dict[str, set[Evidence]] = {Side.STORE: set(), Side.TRADER: set()}
    for one in said:
        side = Side.STORE if one.side == Side.CUSTOMER else Side(one.side)
        if side in found and one.id in with_files and one.trader_id in (None, dispute.trader_id):
            found[side] |= {Evidence(what) for what in one.shows}
    if dispute.order.direction == Direction.PAYIN and receipts.of(session, dispute.order):
        found[Side.STORE].add(Evidence.RECEIPT)
    if dispute.order.direction == Direction.PAYOUT and files.of(
            session, payout_receipts.RECEIPT, [dispute.assignment_id]):
        found[Side.TRADER].add(Evidence.RECEIPT)
    return found
