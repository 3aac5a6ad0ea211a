"""An ended order forgets its person: name, address, texts and where a payout went. Amounts, states and books stay."""
import secrets
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from portal.orders.destinations import FORGOTTEN, erased_print, forgotten
from portal.orders.models import Order

PREFIX = "erased_"
TOKEN_BYTES = 6


def forget(session: Session, orders: Sequence[Order]) -> None:
    """Of orders that the caller has locked. A store's customer becomes one token, which leads back to nobody."""
    tokens: dict[tuple[UUID, str], str] = {}
    for order in orders:
        assert order.ended_at is not None, "an order that runs needs what it knows"
        if order.customer_id is not None and not order.customer_id.startswith(PREFIX):
            known = (order.store_id, order.customer_id)
            order.customer_id = tokens.setdefault(known, PREFIX + secrets.token_hex(TOKEN_BYTES))
        order.customer_name = order.customer_ip = order.description = order.return_url = None
        order.meta = {}
        if order.destination_sealed is not None and order.destination_mask != FORGOTTEN:
            order.destination_sealed = forgotten(session, order, FORGOTTEN)
            order.destination_mask = FORGOTTEN
            order.destination_fingerprint = erased_print(order.id)
            order.recipient_sealed = None
    session.flush()
