"""What a merchant still has to do before real customers can pay: found in the records, never ticked by hand."""
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from portal.orders.models import Order
from portal.parties.models import ApiKey
from portal.webhooks.models import Endpoint, EndpointStatus


@dataclass(frozen=True)
class Checklist:
    """In the order in which people do them."""

    test_key: bool
    test_order: bool
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
    orders = [exists().where(Order.store_id.in_(store_ids), Order.live.is_(live)) for live in (False, True)]
    endpoint = exists().where(Endpoint.store_id.in_(store_ids), Endpoint.status == EndpointStatus.ACTIVE)
    found = session.execute(select(keys[0], orders[0], endpoint, keys[1], orders[1])).one()
    return Checklist(*found)
