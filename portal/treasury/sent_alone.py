"""What one person may send alone out of a store, as a sum of 24 hours: by whoever sends it, or to one recipient.

The limit is the store's (`payout_alone_max`); what is counted is `approvals/small_moves.py` (decision 0185): payouts,
and transfers to another store, from where nothing might hold them.
"""
from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.orm import Session

from portal.approvals import small_moves
from portal.approvals.small_moves import Piece, Whole
from portal.core.access import Actor
from portal.parties.models import Store


def piece(store: Store, actor: Actor, amounts: Mapping[str, int], reference: str = "") -> Piece:
    """`amounts`: with fees, in minor units of settlement currency, by recipient; of a transfer by `store:<id>`."""
    return Piece(scope=scope(store.id), currency=store.settlement_currency, reference=reference, asked_by=actor.id,
                 amounts=amounts)


def lock(session: Session, store: Store) -> None:
    """Two people, or one twice, send one after the other, where the store has a limit."""
    if store.payout_alone_max is not None:
        small_moves.lock(session, scope(store.id), store.settlement_currency)


def whole(session: Session, store: Store, sent: Piece) -> Whole:
    """What counts against the store's limit."""
    if store.payout_alone_max is None:
        return Whole(sum(sent.amounts.values()))
    return small_moves.whole(session, sent, others_max=0)


def note(session: Session, store: Store, sent: Piece) -> None:
    """It goes without a second person. What goes while there is no limit is not counted."""
    if store.payout_alone_max is not None:
        small_moves.note(session, sent, others=0)


def scope(store_id: UUID) -> str:
    return f"payout/{store_id}"
