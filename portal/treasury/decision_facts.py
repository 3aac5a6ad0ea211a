"""What the second person must know before deciding: whose it is, the person named, the balance before and after.

The labels are translated where they are shown: `web.labels.ABOUT`.
"""
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from portal.approvals import Approval
from portal.core.access import Actor, Permission
from portal.core.money import Money
from portal.parties.models import Holder, Merchant, Store, Trader, User
from portal.requisites import numbers
from portal.requisites.models import Requisite
from portal.treasury.deposits import KIND as DEPOSIT
from portal.treasury.holdings import holdings

PERSON = "Person named on it"


class Fact(NamedTuple):
    """`label` is to be translated; the value is an amount or a text."""

    label: str
    value: Money | str


def facts_of(session: Session, actor: Actor, asked: Sequence[Approval]) -> dict[UUID, list[Fact]]:
    """By approval, for a page of them: at most two queries a kind of record, however many there are."""
    facts: dict[UUID, list[Fact]] = {approval.id: [] for approval in asked}
    named = {"requisite": _requisites, "trader": _traders, "store": _stores, "holder": _holders, "user": _users}
    for kind, read in named.items():
        of_kind = [approval for approval in asked if approval.target_kind == kind]
        about = read(session, {UUID(approval.target_id) for approval in of_kind}) if of_kind else {}
        for approval in of_kind:
            facts[approval.id] += about.get(UUID(approval.target_id), [])
    for approval in asked:
        facts[approval.id] += _balance(session, actor, approval)
    if not actor.may(Permission.APPROVAL_DECIDE):  # a person's name is for those who decide
        facts = {id: [fact for fact in of_one if fact.label != PERSON] for id, of_one in facts.items()}
    return facts


def _requisites(session: Session, ids: Iterable[UUID]) -> dict[UUID, list[Fact]]:
    rows = session.execute(
        select(Requisite, Trader.name).join(Trader, Trader.id == Requisite.trader_id)
        .where(Requisite.id.in_(list(ids))).options(joinedload(Requisite.holder)))
    return {requisite.id: [Fact("Trader", trader), Fact(PERSON, _name(requisite.holder)),
                           Fact("Number", requisite.mask)] for requisite, trader in rows}


def _traders(session: Session, ids: Iterable[UUID]) -> dict[UUID, list[Fact]]:
    rows = session.execute(select(Trader.id, Trader.name).where(Trader.id.in_(list(ids))))
    return {id: [Fact("Trader", name)] for id, name in rows}


def _stores(session: Session, ids: Iterable[UUID]) -> dict[UUID, list[Fact]]:
    rows = session.execute(select(Store.id, Store.name, Merchant.name).join(Merchant, Merchant.id == Store.merchant_id)
                           .where(Store.id.in_(list(ids))))
    return {id: [Fact("Store", store), Fact("Merchant", merchant)] for id, store, merchant in rows}


def _holders(session: Session, ids: Iterable[UUID]) -> dict[UUID, list[Fact]]:
    rows = session.scalars(select(Holder).where(Holder.id.in_(list(ids))))
    return {holder.id: [Fact(PERSON, _name(holder))] for holder in rows}


def _users(session: Session, ids: Iterable[UUID]) -> dict[UUID, list[Fact]]:
    rows = session.execute(select(User.id, User.name, User.email).where(User.id.in_(list(ids))))
    return {id: [Fact("User", f"{name} · {email}")] for id, name, email in rows}


def _name(holder: Holder) -> str:
    return numbers.opened_name(holder.id, holder.name_sealed)


def _balance(session: Session, actor: Actor, approval: Approval) -> list[Fact]:
    """A deposit that waits: what the owner has now, and would have. Once it is decided the statement tells it."""
    if approval.kind != DEPOSIT or approval.state != "pending":
        return []
    owner, currency = UUID(approval.target_id), approval.after["currency"]
    held = holdings(session, actor, approval.target_kind, {owner: currency}).get(owner)
    if held is None:
        return []
    amount = Money.parse(approval.after["amount"], currency)
    return [Fact("Available now", held.available), Fact("Available afterwards", held.available + amount)]
