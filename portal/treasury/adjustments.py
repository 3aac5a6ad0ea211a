"""Adjustments: staff put a balance right, for a reason out of a short list, on the word of two people.

Most go against suspense, where money lies that has not been placed; what the desk gives or takes at its own cost goes
against what it earned (decision 0131).
"""
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal import approvals, ledger
from portal.approvals import Approval
from portal.approvals import kinds as approval_kinds
from portal.core import clock, ids, typed_amounts
from portal.core.access import Actor, Permission
from portal.core.db import locked_one
from portal.core.errors import Denied, FieldError, Invalid
from portal.core.money import Money
from portal.core.paging import Page, newest_ids_first
from portal.ledger import EXTERNAL, FEES, SUSPENSE, Account, Draft
from portal.treasury import owners, taking
from portal.treasury.book_models import Adjustment
from portal.treasury.commands import AskAdjustment

KIND = "adjustment"
PAGE = 50


@dataclass(frozen=True)
class Code:
    """Why: for whom it may be, whether the desk itself bears it, and the one direction it has, if it has but one."""

    of: tuple[str, ...]
    at_the_desks_cost: bool = False
    direction: Literal["credit", "debit"] | None = None


OWNERS = ("store", "trader")
CODES = {
    "found": Code(OWNERS),  # money that lay in suspense, and whose it is
    "mistake": Code(OWNERS),
    "taken_back": Code(OWNERS, direction="debit"),  # a bank or a network took a deposit back
    "goodwill": Code(OWNERS, at_the_desks_cost=True, direction="credit"),
    "penalty": Code(OWNERS, at_the_desks_cost=True, direction="debit"),
    "other": Code(OWNERS),
    "written_off": Code(("platform",)),  # the desk bears what suspense lacks, or keeps what nobody claims
    "unplaced": Code(("world",)),  # money that came from outside, or went there, and nobody knows whose it is
}
"""The short list. `platform`: the desk's own earnings; `world`: the outside."""


def ask(session: Session, actor: Actor, command: AskAdjustment) -> Approval:
    """Put it before a second person; nothing is posted yet. Raises Denied, NotFound, Invalid."""
    if not (actor.is_system or (actor.is_staff and actor.may(Permission.ADJUSTMENT_REQUEST))):
        raise Denied()
    code = CODES[command.code]
    if command.owner_kind not in code.of:
        raise Invalid(fields=[FieldError("/code", "wrong_reason", "This reason is for another kind of account.")])
    if code.direction not in (None, command.direction):
        raise Invalid(fields=[FieldError("/direction", "wrong_direction",
                                         "Money goes the other way for this reason.")])
    if command.day is not None and command.day > clock.today():
        raise Invalid(fields=[FieldError("/day", "not_yet", "This day is still to come.")])
    name = None
    if command.owner_kind in OWNERS:
        owner = owners.lock(session, actor, command.owner_kind, command.owner_id)
        name = owner.name
        if command.currency not in currencies(session, owner):
            raise Invalid(fields=[FieldError("/currency", "not_settlement_currency",
                                             "This balance is kept in %(currency)s.",
                                             {"currency": owner.settlement_currency})])
    amount = typed_amounts.amount("amount", command.amount, command.currency)
    if not amount:
        raise Invalid(fields=[FieldError("/amount", "invalid_amount", "An adjustment is more than nothing.")])
    approval = approvals.ask(
        session, actor, kind=KIND, target_kind=command.owner_kind, target_id=command.owner_id, reason=command.reason,
        before={"name": name} if name else None,
        after={"direction": command.direction, "amount": amount.text, "currency": amount.currency,
               "code": command.code} | ({"day": command.day.isoformat()} if command.day else {}))
    session.add(Adjustment(
        id=ids.new_id(), owner_kind=command.owner_kind, owner_id=command.owner_id, currency=amount.currency,
        amount_minor=amount.minor if command.direction == "credit" else -amount.minor, code=command.code,
        approval_id=approval.id, reason=command.reason, asked_name=actor.name))
    session.flush()
    return approval


def apply(session: Session, actor: Actor, approval: Approval) -> None:
    """Approved: it is in the books, in the same transaction. What an owner has spent already is claimed.

    Raises InsufficientFunds where nothing of it is there and it would go to suspense.
    """
    adjustment = _end(session, approval, "posted")
    payer, taker, amount = _moves(adjustment)
    taking.post(session, actor, payer, taker, amount, lambda own: _draft(adjustment, approval, own),
                reference=approval.id)


def refused(session: Session, actor: Actor, approval: Approval) -> None:
    _end(session, approval, "refused")


def drafts(session: Session, approval: Approval) -> list[Draft]:
    """What approving it would post."""
    adjustment = session.scalars(select(Adjustment).where(Adjustment.approval_id == approval.id)).one()
    payer, taker, amount = _moves(adjustment)
    return taking.drafts(session, payer, taker, amount, lambda own: _draft(adjustment, approval, own))


def currencies(session: Session, owner: owners.Owner) -> list[str]:
    """What an owner's balance can be put right in: the settlement currency first, then others it has something in."""
    held = ledger.balances_of(session, owners.kind_of(owner), owner.id, True)
    return [owner.settlement_currency, *sorted(held.keys() - {owner.settlement_currency})]


def page(session: Session, actor: Actor, *, owner_id: UUID | None = None, cursor: str | None = None,
         ) -> Page[Adjustment]:
    """Newest first, of everybody or of one store or trader. Raises Invalid for a wrong cursor."""
    rows = select(Adjustment).where(owners.belongs(actor, Adjustment.owner_kind, Adjustment.owner_id))
    if owner_id is not None:
        rows = rows.where(Adjustment.owner_id == owner_id)
    return newest_ids_first(session, rows, Adjustment.id, cursor=cursor, limit=PAGE)


def reversed_of(session: Session, adjustments: Collection[Adjustment]) -> set[UUID]:
    """By approval: which were reversed since."""
    return ledger.reversed_among(session, KIND, [one.approval_id for one in adjustments])


def waiting(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Adjustment).where(Adjustment.status == "asked")) or 0


def _end(session: Session, approval: Approval, status: str) -> Adjustment:
    adjustment = locked_one(session, select(Adjustment).where(Adjustment.approval_id == approval.id))
    assert adjustment is not None, "it was written with its approval"
    adjustment.status, adjustment.ended_at = status, clock.now()
    session.flush()
    return adjustment


def _draft(adjustment: Adjustment, approval: Approval, own: Money) -> Draft:
    (owner, against), day = _accounts(adjustment), approval.after.get("day")
    return ledger.entries.adjustment(approval.id, owner, against, adjustment.amount, own,
                                     date.fromisoformat(day) if day else None)


def _moves(adjustment: Adjustment) -> tuple[Account, Account, Money]:
    """Who gives, who takes, how much."""
    owner, against = _accounts(adjustment)
    amount = Money(abs(adjustment.amount_minor), adjustment.currency)
    return (against, owner, amount) if adjustment.amount_minor > 0 else (owner, against, amount)


def _accounts(adjustment: Adjustment) -> tuple[Account, Account]:
    """The account that is put right, and the one that gives or takes it."""
    currency = adjustment.currency
    if adjustment.owner_kind == "platform":
        return FEES(currency, True), SUSPENSE(currency, True)
    if adjustment.owner_kind == "world":
        return EXTERNAL(currency, True), SUSPENSE(currency, True)
    against = FEES if CODES[adjustment.code].at_the_desks_cost else SUSPENSE
    return owners.moves(adjustment.owner_kind, adjustment.owner_id, currency)[0], against(currency, True)


approvals.register(KIND, apply=apply, reject=refused, title="Adjustment", drafts=drafts,
                   counted_as=approval_kinds.CREDITS)
