"""Put the cast on the desk, by the services and approvals that people use."""
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import approvals, treasury
from portal.approvals import Approval, DecideApproval
from portal.core import clock
from portal.core.access import SCOPES, SYSTEM, Actor
from portal.core.errors import Rejected
from portal.core.logging import luhn
from portal.demo import cast
from portal.parties import keys, merchants, passwords, stores, traders, users
from portal.parties.commands import (
    CreateKey,
    CreateMerchant,
    CreateStore,
    CreateTrader,
    CreateUser,
    MoveMerchant,
    MoveTrader,
    StoreTerms,
)
from portal.parties.models import ApiKey, Store, Trader, User
from portal.reference.commands import SetRate, Switch
from portal.reference.service import set_rate, switch
from portal.requisites import lanes, robots, service
from portal.requisites.commands import AddRequisite
from portal.requisites.models import Requisite
from portal.tariffs.commands import SetFee, SetReward
from portal.tariffs.service import set_fee, set_reward

APPROVED = "Demo: papers seen"
SINCE = timedelta(days=30)  # fees and rewards count: longer than the days that are played


class NotEmpty(Rejected):
    """There are people on this desk already: demo data goes into an empty one."""

    code = "not_empty"


@dataclass(frozen=True)
class Secret:
    """One password for all, hashed once: each hash takes a core for a while."""

    password: str
    hash: str


@dataclass
class Desk:
    """Who was put on the desk, for the day of orders that follows."""

    admin: Actor
    second: Actor
    support: Actor
    stores: dict[str, Store] = field(default_factory=dict)
    keys: dict[str, ApiKey] = field(default_factory=dict)
    traders: list[Trader] = field(default_factory=list)
    people: dict[str, Actor] = field(default_factory=dict)
    requisites: list[Requisite] = field(default_factory=list)


def is_empty(session: Session) -> bool:
    """Nobody can sign in yet."""
    return session.scalar(select(User.id).limit(1)) is None


def load(session: Session, password: str) -> Desk:
    """The whole cast, with money on its balances, and all traders on shift for the day that follows.

    Raises NotEmpty.
    """
    if not is_empty(session):
        raise NotEmpty()
    secret = Secret(password, passwords.hashed(password))
    staff = {person.mailbox: _user(session, person, secret) for person in cast.STAFF}
    desk = Desk(admin=staff["admin"], second=staff["second"], support=staff["support"], people=staff)
    for kind, code in cast.OFFERED:
        switch(session, desk.admin, Switch(kind=kind, code=code, active=True))  # type: ignore[arg-type]
    for (base, quote), rate in cast.RATES.items():
        set_rate(session, desk.admin, SetRate(base=base, quote=quote, rate=rate))
    for merchant in cast.MERCHANTS:
        _merchant(session, desk, merchant, secret)
    for trader in cast.TRADERS:
        _trader(session, desk, trader, secret)
    lanes.rebuild(session, [requisite.id for requisite in desk.requisites])
    robots.ensure_all(session)
    return desk


def _user(session: Session, person: cast.Person, secret: Secret, **belongs: object) -> Actor:
    user = users.create(session, SYSTEM, CreateUser(
        email=person.email, name=person.name, password=SecretStr(secret.password), template=person.template,
        locale=person.locale, time_zone="Europe/Moscow", **belongs), password_hash=secret.hash)  # type: ignore[arg-type]
    return users.actor_of(user)


def _merchant(session: Session, desk: Desk, part: cast.MerchantPart, secret: Secret) -> None:
    merchant = merchants.create(session, desk.admin, CreateMerchant(name=part.name))
    merchants.move(session, desk.second, MoveMerchant(merchant_id=merchant.id, status="active", reason=APPROVED))
    desk.people[part.owner.mailbox] = _user(session, part.owner, secret, merchant_id=merchant.id)
    for shop in part.stores:
        store = stores.create(session, desk.admin, CreateStore(
            merchant_id=merchant.id, slug=shop.slug, name=shop.name, settlement_currency=cast.SETTLEMENT,
            brand_color=shop.color, return_hosts=(f"{shop.slug}.example", "127.0.0.1", "localhost"),
            currencies=tuple(StoreTerms(currency=terms.currency, min_minor=terms.min_minor,
                                        max_minor=terms.max_minor, methods=terms.methods) for terms in shop.terms)))
        _fee(session, desk, store, "payin", shop.payin_bps)
        _fee(session, desk, store, "payout", shop.payout_bps)
        key, _ = keys.create(session, desk.people[part.owner.mailbox], CreateKey(
            store_id=store.id, live=True, name="Website", scopes=tuple(SCOPES)))
        _deposit(session, desk, "store", store, shop.deposit)
        desk.stores[shop.slug], desk.keys[shop.slug] = store, key


def _fee(session: Session, desk: Desk, store: Store, direction: Literal["payin", "payout"], bps: int) -> None:
    set_fee(session, desk.admin, SetFee(store_id=store.id, direction=direction, fee_bps=bps,
                                        valid_from=clock.now() - SINCE))


def _reward(session: Session, desk: Desk, trader: Trader, direction: Literal["payin", "payout"], bps: int) -> None:
    set_reward(session, desk.admin, SetReward(trader_id=trader.id, direction=direction, reward_bps=bps,
                                              valid_from=clock.now() - SINCE))


def _trader(session: Session, desk: Desk, part: cast.TraderPart, secret: Secret) -> None:
    trader = traders.create(session, desk.admin, CreateTrader(
        name=part.name, settlement_currency=cast.SETTLEMENT, tier=part.tier, open_orders_max=100))
    traders.move(session, desk.second, MoveTrader(trader_id=trader.id, status="active", reason=APPROVED))
    person = desk.people[part.person.mailbox] = _user(session, part.person, secret, trader_id=trader.id)
    _reward(session, desk, trader, "payin", cast.PAYIN_REWARD_BPS)
    _reward(session, desk, trader, "payout", cast.PAYOUT_REWARD_BPS)
    _deposit(session, desk, "trader", trader, part.deposit)
    for requisite in part.requisites:
        made = service.add(session, person, AddRequisite(
            method=requisite.method, bank=requisite.bank, currency=requisite.currency, holder=part.name,
            number=_number(requisite), min_amount=requisite.min_amount, max_amount=requisite.max_amount,
            day_max=requisite.day_max, open_orders_max=cast.OPEN_ORDERS_EACH, cooldown_s=requisite.cooldown_s,
            weight=requisite.weight, payout=requisite.payout))
        _approve(session, desk, made.id)
        desk.requisites.append(made)
    traders.begin_shift(session, person, trader.id)
    desk.traders.append(trader)


def _deposit(session: Session, desk: Desk, kind: str, owner: Store | Trader, amount: str) -> None:
    asked = treasury.ask(session, desk.admin, treasury.AskDeposit(
        owner_kind=kind, owner_id=owner.id, amount=amount, currency=cast.SETTLEMENT,  # type: ignore[arg-type]
        reason="Demo: opening deposit"))
    approvals.decide(session, desk.second, DecideApproval(
        approval_id=asked.public_id, decision="approve", reason="Demo: seen on the wallet"))


def _approve(session: Session, desk: Desk, target_id: object) -> None:
    asked = session.scalars(select(Approval).where(Approval.target_id == str(target_id),
                                                   Approval.state == "pending")).one()
    approvals.decide(session, desk.second, DecideApproval(
        approval_id=asked.public_id, decision="approve", reason=APPROVED))


def _number(part: cast.RequisitePart) -> str:
    if part.method != "card":
        return part.number
    return next(part.number + last for last in "0123456789" if luhn(part.number + last))
