"""The names in what stores are told: a row says who keeps each, and it is opened as the row is told.

A requisite's holder keeps his own, a payout's order that of its recipient, until it is erased.
"""
from collections.abc import Callable, Collection
from functools import partial
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal import webhooks
from portal.core import ids
from portal.orders import destinations
from portal.orders.facts import PREFIXES, OrderFacts
from portal.orders.states import Direction
from portal.requisites import holders, numbers

HOLDER, PAYOUT = holders.PREFIX, PREFIXES[Direction.PAYOUT]
SEALED = text("""
    SELECT id, name_sealed AS sealed FROM holders WHERE id = ANY (CAST(:holders AS uuid[])) UNION ALL
    SELECT id, recipient_sealed FROM orders WHERE id = ANY (CAST(:orders AS uuid[]))""")


def of_holder(holder_id: UUID) -> dict[str, str]:
    """In place of the name of a requisite's holder: of this attempt's, whoever comes after."""
    return webhooks.kept_by(ids.public(HOLDER, holder_id))


def of_recipient(order: OrderFacts) -> dict[str, str] | None:
    """In place of the name of whom a payout goes to."""
    return None if order.recipient_sealed is None else webhooks.kept_by(order.public_id)


def find(session: Session, kept_by: Collection[str]) -> webhooks.Names:
    """All of these in one query."""
    wanted = {keeper: ids.parse_any((HOLDER, PAYOUT), keeper) for keeper in kept_by}
    of_holders = {keeper for keeper in wanted if keeper.startswith(HOLDER)}
    rows = session.execute(SEALED, {"holders": [wanted[keeper] for keeper in of_holders],
                                    "orders": [id for keeper, id in wanted.items() if keeper not in of_holders]})
    sealed = {id: None if held is None else bytes(held) for id, held in rows}
    return {keeper: partial(_opened, numbers.opened_name if keeper in of_holders else destinations.opened_name,
                            id, sealed.get(id)) for keeper, id in wanted.items()}


def _opened(opens: Callable[[UUID, bytes], str], id: UUID, sealed: bytes | None) -> str | None:
    return None if sealed is None else opens(id, sealed)


webhooks.names_by(find)
