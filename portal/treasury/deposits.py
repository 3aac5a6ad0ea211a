"""Deposits: staff say that money came in from outside, a second person agrees, and the owner can use it."""
from typing import Annotated, Literal
from uuid import UUID

from pydantic import StringConstraints
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import approvals, ledger
from portal.approvals import Approval, StaleApproval
from portal.core import typed_amounts
from portal.core.access import Actor, Permission
from portal.core.commands import Command
from portal.core.db import locked_one
from portal.core.errors import Denied, FieldError, Invalid, NotFound
from portal.core.money import Money
from portal.parties.models import Store, Trader

KIND = "deposit"


class AskDeposit(Command):
    """`amount` is as people type it. Only live money is deposited."""

    owner_kind: Literal["store", "trader"]
    owner_id: UUID
    amount: str
    currency: str
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]


def ask(session: Session, actor: Actor, command: AskDeposit) -> Approval:
    """Put a deposit before a second person; nothing is posted yet.

    Raises Denied, NotFound (no such owner), Invalid (not a positive amount of the owner's settlement currency).
    """
    if not (actor.is_system or actor.may(Permission.DEPOSIT_REQUEST)):
        raise Denied()
    owner = _owner(session, command.owner_kind, command.owner_id)
    amount = _amount(command, owner)
    return approvals.ask(
        session, actor, kind=KIND, target_kind=command.owner_kind, target_id=command.owner_id, reason=command.reason,
        before=_standing(owner), after={"amount": amount.text, "currency": amount.currency})


def apply(session: Session, actor: Actor, approval: Approval) -> None:
    """Approved: the money is on the owner's account, in the same transaction.

    Raises StaleApproval when the owner has been suspended, renamed or moved to another currency since.
    """
    owner = _owner(session, approval.target_kind, UUID(approval.target_id))
    if _standing(owner) != approval.before:
        raise StaleApproval(before=approval.before, now=_standing(owner))
    amount = Money.parse(approval.after["amount"], approval.after["currency"])
    account = ledger.Account(approval.target_kind, owner.id, "available", amount.currency, live=True)
    ledger.post(session, actor, [ledger.entries.deposit(approval.id, account, amount)])


def _owner(session: Session, kind: str, id: UUID) -> Store | Trader:
    """Locked, so that nobody suspends the owner between our look and the posting. Raises NotFound."""
    owner: Store | Trader | None
    if kind == "store":
        owner = locked_one(session, select(Store).where(Store.id == id))
    else:
        owner = locked_one(session, select(Trader).where(Trader.id == id))
    if owner is None:
        raise NotFound()
    return owner


def _standing(owner: Store | Trader) -> dict[str, str]:
    """What must still be so when the deposit is decided. Being set going is no reason to ask anew; a suspension is."""
    status = "active" if owner.status == "pending" else owner.status
    return {"name": owner.name, "status": status, "currency": owner.settlement_currency}


def _amount(command: AskDeposit, owner: Store | Trader) -> Money:
    if command.currency != owner.settlement_currency:
        raise Invalid(fields=[FieldError("/currency", "not_settlement_currency",
                                         "This balance is kept in %(currency)s.",
                                         {"currency": owner.settlement_currency})])
    amount = typed_amounts.amount("amount", command.amount, command.currency)
    if not amount:
        raise Invalid(fields=[FieldError("/amount", "invalid_amount", "A deposit is more than nothing.")])
    return amount


approvals.register(KIND, apply=apply, title="Deposit")
