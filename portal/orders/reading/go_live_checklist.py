"""What a merchant still has to do before real customers can pay: found in the records, never ticked by hand."""
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from portal.ledger.models import AccountRow, BalanceRow
from portal.orders.models import Order
from portal.orders.states import Direction
from portal.parties.models import ApiKey
from portal.webhooks.models import Endpoint, EndpointStatus


@dataclass(frozen=True)
class Checklist:
    """In the order in which people do them."""

    test_key: bool
    test_order: bool  # completed
    endpoint: bool
    live_key: bool
    live_order: bool

    @property
    def done(self) -> bool:
        return all(vars(self).values())


def checklist(session: Session, store_ids: Collection[UUID]) -> Checklist:
    """One statement of five probes."""
    keys = [exists().where(ApiKey.store_id.in_(store_ids), ApiKey.live.is_(live), ApiKey.revoked_at.is_(None))
            for live in (False, True)]
    # only settlement pays into a store's test account, so that no list of its test orders need be walked
    completed = exists().where(
        AccountRow.owner_kind == "store", AccountRow.owner_id.in_(store_ids), AccountRow.purpose == "available",
        AccountRow.live.is_(False), BalanceRow.account_id == AccountRow.id, BalanceRow.credits_minor > 0)
    live_order = exists().where(Order.store_id.in_(store_ids), Order.live.is_(True),
                                Order.direction == Direction.PAYIN)
    endpoint = exists().where(Endpoint.store_id.in_(store_ids), Endpoint.status == EndpointStatus.ACTIVE)
    found = session.execute(select(keys[0], completed, endpoint, keys[1], live_order)).one()
    return Checklist(*found)
