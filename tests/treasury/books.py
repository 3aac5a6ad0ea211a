"""What staff put right, and what merchants move, as tests do it."""
from datetime import date
from uuid import UUID

from portal import approvals, ledger
from portal.approvals import Approval, DecideApproval
from portal.core.access import Actor
from portal.ledger.models import JournalEntry
from portal.parties.models import Store
from portal.treasury import adjustments, reversals, transfers
from portal.treasury.book_models import Transfer
from portal.treasury.commands import AskAdjustment, AskReversal, MakeTransfer
from tests import factories as f

NIL = UUID(int=0)


def adjust(owner_kind: str, owner_id: UUID = NIL, amount: str = "10", *, direction: str = "credit",
           code: str = "mistake", by: Actor | None = None, currency: str = "USDT", day: date | None = None) -> Approval:
    with f.act() as session:
        return adjustments.ask(session, by or f.staff("admin"), AskAdjustment(
            owner_kind=owner_kind, owner_id=owner_id, direction=direction, amount=amount, currency=currency, code=code,
            day=day, reason="Seen in the bank's list"))


def decide(approval: Approval, decision: str = "approve", by: Actor | None = None) -> None:
    with f.act() as session:
        approvals.decide(session, by or f.staff("admin"), DecideApproval(
            approval_id=approval.public_id, decision=decision, reason="Seen"))


def adjusted(*args: object, **named: object) -> Approval:
    """Asked for and approved."""
    approval = adjust(*args, **named)  # type: ignore[arg-type]
    decide(approval)
    return approval


def reverse(entry_id: int, by: Actor | None = None) -> Approval:
    with f.act() as session:
        return reversals.ask(session, by or f.staff("admin"), AskReversal(entry_id=entry_id, reason="Posted twice"))


def entry_of(reference: UUID, kind: str | None = None) -> int:
    with f.look() as session:
        rows = session.query(JournalEntry.id).filter(JournalEntry.reference == reference)
        return int((rows.filter(JournalEntry.kind == kind) if kind else rows).one()[0])


def move(actor: Actor, source: Store, target: Store, amount: str = "40") -> Transfer:
    with f.act() as session:
        return transfers.make(session, actor, MakeTransfer(
            from_store=source.public_id, to_store=target.public_id, amount=amount))


def suspense() -> int:
    return f.balance(ledger.SUSPENSE("USDT", True)).minor


def fees() -> int:
    return f.balance(ledger.FEES("USDT", True)).minor


def outside() -> int:
    return f.balance(ledger.EXTERNAL("USDT", True)).minor


def owed(kind: str, id: UUID) -> str:
    with f.look() as session:
        return ledger.claims.owed(session, kind, id, "USDT").text
