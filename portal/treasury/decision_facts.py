"""What the second person must know before deciding: whose it is, the person named, the balance before and after.

The labels are translated where they are shown: `web.approval_labels.ABOUT`.
"""
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from portal.approvals import Approval, limits
from portal.core.access import Actor, Permission
from portal.core.money import Money
from portal.ledger import Holdings, claims
from portal.orders.reading.tariff_effect import Effects, effects
from portal.parties.models import Holder, Merchant, Store, Trader, User
from portal.requisites import numbers
from portal.requisites.models import Requisite, RequisiteFreeze
from portal.tariffs import change_requests
from portal.treasury import money_out, owners
from portal.treasury.addresses import KIND as ADDRESS
from portal.treasury.addresses import elsewhere
from portal.treasury.deposits import KIND as DEPOSIT
from portal.treasury.deposits import shown_twice, told_of_twice
from portal.treasury.holdings import holdings
from portal.treasury.models import Withdrawal, WithdrawalAddress
from portal.treasury.states import AddressStatus
from portal.treasury.withdrawals import KIND as WITHDRAWAL

PERSON, WARNING = "Person named on it", "Warning"
BEFORE = {"person": "Asked for by the same person in 24 hours", "subject": "Moved on the same account in 24 hours",
          "decider": "Agreed to by you in 24 hours"}


class Fact(NamedTuple):
    """`label` is to be translated; the value is an amount or a text, of a warning one to be translated too."""

    label: str
    value: Money | str

    @property
    def warns(self) -> bool:
        return self.label == WARNING


def facts_of(session: Session, actor: Actor, asked: Sequence[Approval]) -> dict[UUID, list[Fact]]:
    """By approval, for a page of them: at most two queries a kind of record, however many there are, and three for each
    sum that limits count."""
    facts: dict[UUID, list[Fact]] = {approval.id: [] for approval in asked}
    named = {"requisite": _requisites, "trader": _traders, "store": _stores, "holder": _holders, "user": _users,
             WITHDRAWAL: _withdrawals, ADDRESS: _addresses}
    for kind, read in named.items():
        of_kind = [approval for approval in asked if approval.target_kind == kind]
        about = read(session, {UUID(approval.target_id) for approval in of_kind}) if of_kind else {}
        for approval in of_kind:
            facts[approval.id] += about.get(UUID(approval.target_id), [])
    by_two = limits.needing_two(session, asked, actor)
    coming = _coming(session, actor, [one for one in asked if one.kind == DEPOSIT and one.state == "pending"])
    for approval in asked:
        facts[approval.id] += _people(by_two.get(approval.id)) + coming.get(approval.id, [])
    if not actor.may(Permission.APPROVAL_DECIDE):  # a person's name is for those who decide
        facts = {id: [fact for fact in of_one if fact.label != PERSON] for id, of_one in facts.items()}
    return facts


def _requisites(session: Session, ids: Iterable[UUID]) -> dict[UUID, list[Fact]]:
    """Archived and offered again a number has no freeze of its own any more; its bank knows nothing of that."""
    rows = session.execute(
        select(Requisite, Trader.name).join(Trader, Trader.id == Requisite.trader_id)
        .where(Requisite.id.in_(list(ids))).options(joinedload(Requisite.holder))).all()
    kept = {(fingerprint, currency) for fingerprint, currency in session.execute(
        select(Requisite.number_fingerprint, Requisite.currency)
        .join(RequisiteFreeze, RequisiteFreeze.requisite_id == Requisite.id).where(
            RequisiteFreeze.kept, Requisite.number_fingerprint.in_([one.number_fingerprint for one, _ in rows])))}
    return {requisite.id: [
        Fact("Trader", trader), _person(requisite.holder), Fact("Number", requisite.mask),
        *([_warning("Its bank had frozen this number when it was archived: money may be kept there.")]
          if (requisite.number_fingerprint, requisite.currency) in kept else [])] for requisite, trader in rows}


def _traders(session: Session, ids: Iterable[UUID]) -> dict[UUID, list[Fact]]:
    rows = session.execute(select(Trader.id, Trader.name).where(Trader.id.in_(list(ids))))
    return {id: [Fact("Trader", name)] for id, name in rows}


def _stores(session: Session, ids: Iterable[UUID]) -> dict[UUID, list[Fact]]:
    rows = session.execute(select(Store.id, Store.name, Merchant.name).join(Merchant, Merchant.id == Store.merchant_id)
                           .where(Store.id.in_(list(ids))))
    return {id: [Fact("Store", store), Fact("Merchant", merchant)] for id, store, merchant in rows}


def _holders(session: Session, ids: Iterable[UUID]) -> dict[UUID, list[Fact]]:
    rows = session.scalars(select(Holder).where(Holder.id.in_(list(ids))))
    return {holder.id: [_person(holder)] for holder in rows}


def _users(session: Session, ids: Iterable[UUID]) -> dict[UUID, list[Fact]]:
    rows = session.execute(select(User.id, User.name, User.email).where(User.id.in_(list(ids))))
    return {id: [Fact("User", f"{name} · {email}")] for id, name, email in rows}


def _withdrawals(session: Session, ids: Iterable[UUID]) -> dict[UUID, list[Fact]]:
    """How its owner stands now, and what keeps money from leaving."""
    rows = session.scalars(select(Withdrawal).where(Withdrawal.id.in_(list(ids)))
                           .options(joinedload(Withdrawal.address)))
    return {one.id: [*_owned(session, one), *([Fact("Now in the hands of", one.taken_name)] if one.taken_name else []),
                     *([] if one.ended_at or one.address.status == AddressStatus.ACTIVE else
                       [_warning("Its address is not in the book any more.")])] for one in rows}


def _addresses(session: Session, ids: Iterable[UUID]) -> dict[UUID, list[Fact]]:
    rows = session.scalars(select(WithdrawalAddress).where(WithdrawalAddress.id.in_(list(ids))))
    return {one.id: [*_owned(session, one), *([_warning("The same address stands in somebody else's book too.")]
                                              if elsewhere(session, one) else [])] for one in rows}


def _owned(session: Session, of: Withdrawal | WithdrawalAddress) -> list[Fact]:
    owner = owners.of(session, of.owner_kind, of.owner_id)
    told = [Fact("Store" if of.owner_kind == "store" else "Trader", owner.name)]
    if of.ended_at is None:
        told += [] if owners.is_active(session, owner) else [_warning("Its owner is suspended.")]
        told += [_warning(stop.message) for stop in money_out.stops(session, owner)]
    return told


def _warning(sentence: str) -> Fact:
    return Fact(WARNING, sentence)


def _person(holder: Holder) -> Fact:
    name = numbers.shown_name(holder)
    return _warning("The name of the person on it does not open.") if name is None else Fact(PERSON, name)


def yesterday(found: Effects | None) -> list[Fact]:
    """A fee or a reward that waits: what it would have made of yesterday's orders. For the page of one, and no list:
    a day's orders are gone through."""
    if found is None:
        return []
    return [Fact("Yesterday's orders that it covers", str(found.total.orders)), Fact("They came to", found.total.was),
            Fact("With this they would come to", found.total.would_be)]


def tariff_of(session: Session, approval: Approval) -> Effects | None:
    """Of a fee or a reward that waits: band by band before and after, with yesterday's orders."""
    if approval.kind not in (change_requests.FEE, change_requests.REWARD) or approval.state != "pending":
        return None
    return effects(session, approval.kind, UUID(approval.target_id), approval.after)


def _people(found: limits.Judged | None) -> list[Fact]:
    """An amount for which one other person is not enough, and why."""
    if found is None or found.limit.two_from is None:
        return []
    told = [_warning("Two others have to agree to this."), Fact("Two others from", found.limit.two_from)]
    because = found.among_two.because
    return told + ([Fact(BEFORE[because], found.two_before)] if because else [])


def _coming(session: Session, actor: Actor, waiting: Sequence[Approval]) -> dict[UUID, list[Fact]]:
    """Deposits that wait: what each owner has now, and would have. Once one is decided the statement tells it."""
    if not waiting:
        return {}
    facts: dict[UUID, list[Fact]] = {}
    for kind in {approval.target_kind for approval in waiting}:
        of_kind = [approval for approval in waiting if approval.target_kind == kind]
        owners = {UUID(approval.target_id): str(approval.after["currency"]) for approval in of_kind}
        held, owed = holdings(session, actor, kind, owners), claims.owed_by(session, kind, owners)
        for approval in of_kind:
            owner = UUID(approval.target_id)
            facts[approval.id] = _afterwards(approval, held[owner], owed[owner]) if owner in held else []
    for id in told_of_twice(session, list(facts)):
        facts[id].append(_warning("The same reference was told of before."))
    for id in shown_twice(session, list(facts)):
        facts[id].append(_warning("The same proof was shown for another deposit."))
    return facts


def _afterwards(approval: Approval, held: Holdings, owed: Money) -> list[Fact]:
    amount = Money.parse(approval.after["amount"], owed.currency)
    comes = amount - owed if owed < amount else Money.zero(owed.currency)
    told = [Fact("Owed to the desk, paid first", owed)] if owed else []
    return [Fact("Available now", held.available), *told, Fact("Available afterwards", held.available + comes)]
