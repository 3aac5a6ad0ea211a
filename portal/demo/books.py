"""What staff put right on the demo day, what a merchant moved between its stores, and a new shop's reserve."""
from collections.abc import Callable
from uuid import UUID

from portal import approvals
from portal.approvals import Approval, DecideApproval
from portal.core.db import transaction
from portal.demo import cast
from portal.demo.load import Desk
from portal.ledger.accounts import NIL
from portal.tariffs import reserve_terms
from portal.tariffs.commands import AskReserveTerms
from portal.treasury import adjustments, transfers
from portal.treasury.commands import AskAdjustment, MakeTransfer

Scene = Callable[[], object]
MORNING = 26 * 60 - 2


def scenes(desk: Desk) -> list[tuple[int, Scene]]:
    """(minutes ago, what happens then). The travel shop's first day is kept back in part; then its terms are lifted."""
    travel, games = desk.stores["travel"].id, desk.stores["games"].id
    found, late = desk.traders[2].id, desk.traders[1].id
    return [
        (MORNING, lambda: _reserve(desk, travel, "10", 30, "A new shop")),
        (90, lambda: _adjust(desk, "world", NIL, "40", "debit", "unplaced", "On the wallet, no deposit tells of it")),
        (75, lambda: _adjust(desk, "trader", found, "25", "credit", "found", "He sent the receipt by mail")),
        (60, lambda: _adjust(desk, "store", games, "3", "credit", "goodwill", "Two payments answered late")),
        (50, lambda: _move(desk)),
        (25, lambda: _adjust(desk, "trader", late, "20", "debit", "taken_back", "The bank took a transfer back",
                             decided=False)),
        (5, lambda: _reserve(desk, travel, "0", 0, "The first day went well")),
    ]


def _adjust(desk: Desk, kind: str, owner_id: UUID, amount: str, direction: str, code: str, reason: str, *,
            decided: bool = True) -> None:
    with transaction() as session:
        asked = adjustments.ask(session, desk.admin, AskAdjustment(
            owner_kind=kind, owner_id=owner_id, direction=direction, amount=amount,  # type: ignore[arg-type]
            currency=cast.SETTLEMENT, code=code, reason=f"Demo: {reason}"))  # type: ignore[arg-type]
    if decided:
        _decide(desk, asked)


def _reserve(desk: Desk, store_id: UUID, percent: str, days: int, reason: str) -> None:
    with transaction() as session:
        asked = reserve_terms.ask(session, desk.admin, AskReserveTerms(
            store_id=store_id, reserve_percent=percent, reserve_days=days, delay_days=0, reason=f"Demo: {reason}"))
    assert asked is not None
    _decide(desk, asked)


def _move(desk: Desk) -> None:
    source, target = desk.stores["games"], desk.stores["bookshop"]
    owner = next(one for one in desk.people.values() if one.merchant_id == source.merchant_id)
    with transaction() as session:
        transfers.make(session, owner, MakeTransfer(from_store=source.public_id, to_store=target.public_id,
                                                    amount="25"))


def _decide(desk: Desk, asked: Approval) -> None:
    with transaction() as session:
        approvals.decide(session, desk.second, DecideApproval(approval_id=asked.public_id, decision="approve",
                                                              reason="Demo: seen"))
