"""A cast for a test: a merchant with a store, traders with requisites, staff and strangers, and orders on their way.

Each cast has a payment rail of its own, so that no other test's requisite is ever a candidate for its orders.
"""
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from secrets import token_hex
from typing import Any, TypeVar
from uuid import UUID

from flask import Flask
from PIL import Image
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portal import approvals, files, ledger, reference, tariffs
from portal.approvals import Approval, DecideApproval
from portal.core import clock, jobs
from portal.core.access import SCOPES, SYSTEM, TEMPLATES, Actor, ActorKind, Permission, Role
from portal.core.db import db, reader, transaction
from portal.core.ids import new_id
from portal.core.money import Money
from portal.orders import payouts, receipts, service
from portal.orders import queries as order_queries
from portal.orders.commands import (
    AcceptPayout,
    CancelOrder,
    ConfirmOrder,
    ConfirmPayout,
    CreatePayin,
    CreatePayout,
    DeclineOrder,
    Destination,
    MarkPaid,
    PayPayout,
)
from portal.orders.intake import create as creation
from portal.orders.intake import store_terms
from portal.orders.models import Assignment, Order
from portal.orders.states import AssignmentState
from portal.parties import merchants, stores, traders
from portal.parties.commands import CreateMerchant, CreateStore, CreateTrader, MoveMerchant, MoveTrader, StoreTerms
from portal.parties.models import Merchant, Store, Trader
from portal.payouts import recipients
from portal.payouts import service as payout_files
from portal.payouts.commands import SaveRecipient
from portal.payouts.models import PayoutImport, PayoutRecipient
from portal.reference import service as reference_service
from portal.reference.commands import AddMethod, SetRate, Switch
from portal.requisites import lanes, robots
from portal.requisites import service as requisites
from portal.requisites.commands import AddRequisite
from portal.requisites.models import Requisite
from portal.tariffs.commands import SetFee, SetReward
from portal.tariffs.service import set_fee, set_reward
from tasks import registry
from tests.waiting import dawdle

assert registry.ALL  # so that `jobs.run` knows the work
T = TypeVar("T")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)  # terms that count on whichever day a test moves to
RATE = "92"  # roubles for one tether, in every test unless it says otherwise
PLENTY = "100000.000000"


def usdt(text: str) -> Money:
    """`usdt("16.304348")`: an amount of the settlement currency."""
    return Money.parse(text, "USDT")


def rub(text: str) -> Money:
    return Money.parse(text, "RUB")


def staff(template: str = "support_orders") -> Actor:
    role = Role.SUPPORT if template.startswith("support") else Role.ADMIN
    return Actor(kind=ActorKind.USER, id=new_id(), role=role, name=f"{template}@quittance.example",
                 permissions=TEMPLATES[template])


@dataclass
class Cast:
    """Who takes part in a test. `store` takes RUB by `method` and settles in USDT at a fee of 2.5 %."""

    method: str
    merchant: Merchant
    store: Store
    live: bool = True
    traders: list[Trader] = field(default_factory=list)

    @property
    def key(self) -> Actor:
        """The store's system, with every scope."""
        return Actor(kind=ActorKind.KEY, id=self.store.id, name="key", store_id=self.store.id, live=self.live,
                     permissions=frozenset().union(*SCOPES.values()))

    @property
    def test_key(self) -> Actor:
        return Actor(kind=ActorKind.KEY, id=self.store.id, name="test key", store_id=self.store.id, live=False,
                     permissions=frozenset().union(*SCOPES.values()))

    @property
    def owner(self) -> Actor:
        """The merchant's owner, in the portal."""
        return Actor(kind=ActorKind.USER, id=self.merchant.id, role=Role.MERCHANT, name="owner@shop.example",
                     merchant_id=self.merchant.id, permissions=TEMPLATES["merchant_owner"])

    def customer(self, order: Order) -> Actor:
        """Whoever has the payment link."""
        return Actor(kind=ActorKind.CUSTOMER, name="customer", order_id=order.id, live=order.live,
                     permissions=frozenset({Permission.ORDER_READ, Permission.DISPUTE_OPEN}))

    def trader(self, *, tier: int = 1, reward_bps: int | None = 100, deposit: str | None = PLENTY,
               on_shift: bool = True, **facts: Any) -> Trader:
        """Active and on shift, with a reward and collateral. `facts`: columns of the trader."""
        made = new_trader(tier=tier, reward_bps=reward_bps, deposit=deposit, on_shift=on_shift, **facts)
        self.traders.append(made)
        return made

    def requisite(self, trader: Trader | None = None, **limits: Any) -> Requisite:
        """An approved card on the lanes; without a trader, of a new one. `limits`: fields of AddRequisite."""
        return new_requisite(trader or self.trader(), self.method, **limits)

    def order(self, amount: str = "1500.00", **asked: Any) -> Order:
        """A payin as the store's system asks for it; not matched yet. In a millisecond of its own: lists go by time."""
        dawdle(.001)
        return create_payin(self, amount, **asked).order


@contextmanager
def act() -> Iterator[Session]:
    """A transaction as a door opens it; what it made is left detached, as it was, for the test to look at."""
    try:
        with transaction() as session:
            yield session
    finally:
        reader().expunge_all()


@contextmanager
def look() -> Iterator[Session]:
    """A session that sees what is committed now; what is read stays readable afterwards."""
    session = reader()
    session.expunge_all()
    session.rollback()
    yield session
    session.expunge_all()
    session.rollback()


def new_cast(*, fee_bps: int = 250, fee_fixed_minor: int = 0, currency: str = "RUB", rate: str = RATE,
             settlement: str = "USDT", range_minor: tuple[int, int] = (50_00, 100_000_00),
             validator: str = "luhn16", **facts: Any) -> Cast:
    """A merchant with a store and a rail of its own; nobody to take its orders yet. `facts`: columns of the store."""
    method = f"m{token_hex(6)}"
    with act() as session:
        reference_service.add_method(session, SYSTEM, AddMethod(code=method, name="Card", number_label="Card number",
                                                               validator=validator))
        known = reference.snapshot(session).rates.get((settlement, currency))
        if known is None or known.rate != Decimal(rate) or known.source != "manual":
            reference_service.set_rate(session, SYSTEM, SetRate(base=settlement, quote=currency, rate=rate, force=True))
        reference_service.switch(session, SYSTEM, Switch(kind="currency", code=currency, active=True))
        merchant = merchants.create(session, SYSTEM, CreateMerchant(name="Books"))
        merchants.move(session, SYSTEM, MoveMerchant(merchant_id=merchant.id, status="active", reason="test"))
        store = stores.create(session, SYSTEM, CreateStore(
            merchant_id=merchant.id, slug=f"s{token_hex(6)}", name="Bookshop", settlement_currency=settlement,
            return_hosts=("shop.example",), currencies=(StoreTerms(
                currency=currency, min_minor=range_minor[0], max_minor=range_minor[1], methods=(method,)),)))
        for direction in ("payin", "payout"):
            set_fee(session, SYSTEM, SetFee(store_id=store.id, direction=direction, fee_bps=fee_bps,
                                            fee_fixed_minor=fee_fixed_minor, valid_from=LONG_AGO))
    if facts:
        change(store, **facts)
    forget()
    return Cast(method, merchant, store)


def forget() -> None:
    """What this process has kept of reference data, tariffs and stores is read anew."""
    reference.forget()
    tariffs.forget()
    store_terms.forget()


def change(row: Any, **values: Any) -> None:
    """Change columns of a row as a test wants them, behind the services; matching's lanes follow."""
    with act() as session:
        session.execute(update(type(row)).where(type(row).id == row.id).values(**values)
                        .execution_options(synchronize_session=False))
        if isinstance(row, Trader):
            lanes.rebuild_for_traders(session, [row.id])
        if isinstance(row, Requisite):
            lanes.rebuild(session, [row.id])
    store_terms.forget()


def fresh(row: T) -> T:
    """The same row as the database has it now."""
    with look() as session:
        return session.get_one(type(row), row.id)  # type: ignore[attr-defined]


def new_trader(*, tier: int = 1, reward_bps: int | None = 100, deposit: str | None = PLENTY, on_shift: bool = True,
               settlement: str = "USDT", **facts: Any) -> Trader:
    with act() as session:
        trader = traders.create(session, SYSTEM, CreateTrader(name="Trader", settlement_currency=settlement, tier=tier,
                                                              open_orders_max=1000))
        traders.move(session, SYSTEM, MoveTrader(trader_id=trader.id, status="active", reason="test"))
        if reward_bps is not None:
            for direction in ("payin", "payout"):
                set_reward(session, SYSTEM, SetReward(
                    trader_id=trader.id, direction=direction, reward_bps=reward_bps, valid_from=LONG_AGO))
        if on_shift:
            traders.begin_shift(session, SYSTEM, trader.id)
    if deposit is not None:
        deposit_to(ledger.trader_available(trader.id, settlement, True), deposit)
    if facts:
        change(trader, **facts)
    return trader


def deposit_to(account: ledger.Account, amount: str) -> None:
    """Money from outside, as an approved deposit posts it."""
    with act() as session:
        ledger.post(session, SYSTEM, [ledger.entries.deposit(new_id(), account, Money.parse(amount, account.currency))])


def new_requisite(trader: Trader, method: str, **limits: Any) -> Requisite:
    """Offered by its trader, approved by staff, on the lanes."""
    typed = {"method": method, "bank": "alfa", "currency": "RUB", "holder": f"Holder {token_hex(8)}",
             "number": robots.test_number("luhn16", token_hex(8)), "min_amount": "100.00", "max_amount": "50000.00",
             "open_orders_max": 1000} | limits
    with act() as session:
        made = requisites.add(session, as_trader(trader), AddRequisite(**typed))
        asked = session.scalars(select(Approval).where(Approval.target_id == str(made.id))).one()
        approvals.decide(session, staff("admin"), DecideApproval(approval_id=asked.public_id, decision="approve",
                                                                 reason="Checked"))
    return made


def as_trader(trader: Trader | UUID) -> Actor:
    """Somebody who works for a trader."""
    trader_id = trader if isinstance(trader, UUID) else trader.id
    return Actor(kind=ActorKind.USER, id=trader_id, role=Role.TRADER, name="trader@quittance.example",
                 trader_id=trader_id, permissions=TEMPLATES["trader"])


def create_payin(cast: Cast, amount: str = "1500.00", *, actor: Actor | None = None, idempotency_key: str | None = None,
                 **asked: Any) -> creation.Created:
    """A store asks for a payin; what is not said is of its own."""
    body = {"external_id": f"order-{token_hex(6)}", "amount": amount, "currency": "RUB", "method": cast.method} | asked
    with act() as session:
        return creation.create(session, actor or cast.key, CreatePayin(**body),
                               idempotency_key=idempotency_key or token_hex(12))


def create_payout(cast: Cast, amount: str = "1500.00", *, actor: Actor | None = None,
                  idempotency_key: str | None = None, **asked: Any) -> creation.Created:
    """A store asks for a payout to a stranger's card."""
    body = {"external_id": f"payout-{token_hex(6)}", "amount": amount, "currency": "RUB", "destination": {
        "method": cast.method, "number": robots.test_number("luhn16", token_hex(8)), "holder": "I PETROV"}} | asked
    with act() as session:
        return creation.create(session, actor or cast.key, CreatePayout(**body),
                               idempotency_key=idempotency_key or token_hex(12))


def assigned_payout(cast: Cast, amount: str = "1500.00", **asked: Any) -> Order:
    """A payout some trader is to accept. The store can pay it, and the cast gets a requisite if it has none."""
    if not cast.traders:
        cast.requisite(payout=True)
    deposit_to(ledger.store_available(cast.store.id, "USDT", cast.live), "1000.000000")
    made = create_payout(cast, amount, **asked).order
    work_off()
    found = fresh(made)
    assert found.status == "assigned", found.status
    return found


def accepted_payout(cast: Cast, amount: str = "1500.00", **asked: Any) -> Order:
    order = assigned_payout(cast, amount, **asked)
    accept(its_trader(order), order)
    return fresh(order)


def paid_payout(cast: Cast, amount: str = "1500.00", **asked: Any) -> Order:
    order = accepted_payout(cast, amount, **asked)
    pay(its_trader(order), order)
    return fresh(order)


def found(public_id: str) -> Order:
    """An order by what pages and calls name it."""
    with look() as session:
        return order_queries.find(session, SYSTEM, public_id)


def accept(actor: Actor, order: Order, *, assignment_id: str | None = None) -> Order:
    with act() as session:
        return payouts.accept(session, actor, AcceptPayout(
            order_id=order.public_id, assignment_id=assignment_id or assignment_of(order).public_id))


def pay(actor: Actor, order: Order, *, receipts: Sequence[str] | None = None,
        assignment_id: str | None = None) -> Order:
    """Sent, with a receipt of its own unless `receipts` names files."""
    wanted = receipts or [upload(actor, picture()).public_id]
    with act() as session:
        return payouts.pay(session, actor, PayPayout(
            order_id=order.public_id, assignment_id=assignment_id or assignment_of(order).public_id,
            receipts=tuple(wanted)))


def agree(actor: Actor, order: Order) -> Order:
    """The store, or staff in its place, says that the recipient has the money."""
    with act() as session:
        return payouts.confirm(session, actor, ConfirmPayout(order_id=order.public_id, reason=why(actor)))


def upload(actor: Actor, content: bytes, name: str = "receipt.png") -> files.File:
    stored = files.store(files.Upload(name, content))
    with act() as session:
        return files.keep(session, actor, stored)


def picture(width: int = 90, height: int = 120, kind: str = "PNG") -> bytes:
    """A photograph that no other test has."""
    out = BytesIO()
    Image.effect_noise((width, height), 80).convert("RGB").save(out, kind)
    return out.getvalue()


def receipts_of(order: Order) -> list[str]:
    """Names of what the payer and the store have shown, oldest first."""
    with look() as session:
        return [one.name for one in receipts.of(session, order)]


def payout_import(cast: Cast, actor: Actor, *rows: Mapping[str, str]) -> PayoutImport:
    """A file of payouts that somebody of the merchant has taken in; what is not said of a row is right."""
    lines = ["external id,amount,currency,method,number,recipient"]
    for row in rows or ({},):
        cells = {"external_id": f"row-{token_hex(6)}", "amount": "1500.00", "currency": "RUB", "method": cast.method,
                 "number": robots.test_number("luhn16", token_hex(8)), "holder": "Anna Petrova"} | row
        lines.append(",".join('"' + text.replace('"', '""') + '"' for text in cells.values()))
    with act() as session:
        return payout_files.take_in(session, actor, cast.store.id, content="\n".join(lines).encode(),
                                    file_name="salaries.csv")


def saved_recipient(cast: Cast, actor: Actor, name: str = "Anna, salary") -> PayoutRecipient:
    with act() as session:
        return recipients.save(session, actor, cast.store.id, CreatePayout(
            external_id="x", amount="1500.00", currency="RUB", destination=Destination(
                method=cast.method, number=robots.test_number("luhn16", token_hex(8)), holder="Anna Petrova")),
            SaveRecipient(save_as=name))


def store_held(store: Store, live: bool = True) -> Money:
    return balance(ledger.store_held(store.id, "USDT", live))


def work_off(kind: str = "match_order") -> int:
    """Do the due work of a kind in this process, as a worker would: all of it, also what earlier tests left."""
    done = jobs.run(kind, for_s=120)
    db.session.remove()
    return done


def assigned_payin(cast: Cast, amount: str = "1500.00", **asked: Any) -> Order:
    """A payin somebody is to pay. The cast gets a requisite if it has none."""
    if not cast.traders:
        cast.requisite()
    order = cast.order(amount, **asked)
    work_off()
    found = fresh(order)
    assert found.status == "assigned", found.status
    return found


def paid_payin(cast: Cast, amount: str = "1500.00", **asked: Any) -> Order:
    order = assigned_payin(cast, amount, **asked)
    mark_paid(cast.customer(order), order)
    return fresh(order)


def confirmed_payin(cast: Cast, amount: str = "1500.00", **asked: Any) -> Order:
    """The money is there; settlement is queued."""
    order = paid_payin(cast, amount, **asked)
    confirm(its_trader(order), order)
    return fresh(order)


def completed_payin(cast: Cast, amount: str = "1500.00", **asked: Any) -> Order:
    order = confirmed_payin(cast, amount, **asked)
    work_off("settle_order")
    found = fresh(order)
    assert found.status == "completed", found.status
    return found


def assignment_of(order: Order) -> Assignment:
    """The open or chosen one."""
    with look() as session:
        return session.scalars(select(Assignment).where(Assignment.order_id == order.id, Assignment.state.in_(
            (AssignmentState.OPEN, AssignmentState.CHOSEN)))).one()


def assignments_of(order: Order) -> Sequence[Assignment]:
    """All of them, oldest first."""
    with look() as session:
        return session.scalars(select(Assignment).where(Assignment.order_id == order.id)
                               .order_by(Assignment.created_at)).all()


def its_trader(order: Order) -> Actor:
    return as_trader(assignment_of(order).trader_id)


def mark_paid(actor: Actor, order: Order) -> Order:
    with act() as session:
        return service.mark_paid(session, actor, MarkPaid(order_id=order.public_id))


def confirm(actor: Actor, order: Order, *, received: str | None = None, assignment_id: str | None = None) -> Order:
    """`assignment_id`: the public one that the form was made for; by default the one of now."""
    wanted = assignment_id or assignment_of(order).public_id
    with act() as session:
        return service.confirm(session, actor, ConfirmOrder(
            order_id=order.public_id, assignment_id=wanted, received=received or order.amount_to_pay.text,
            reason=why(actor)))


def cancel(actor: Actor, order: Order) -> Order:
    with act() as session:
        return service.cancel(session, actor, CancelOrder(order_id=order.public_id, reason=why(actor)))


def why(actor: Actor) -> str | None:
    """What staff force in another's place they give a reason for."""
    return "Seen in the bank" if actor.is_staff else None


def decline(actor: Actor, order: Order) -> Order:
    with act() as session:
        return service.decline(session, actor, DeclineOrder(order_id=order.public_id, why="away"))


def expire(order: Order) -> Order:
    """The clock runs past `expires_at` and the store's grace."""
    assert order.expires_at is not None
    with clock.moved(order.expires_at - clock.now() + timedelta(seconds=901)):
        work_off("expire_order")
    return fresh(order)


def balance(account: ledger.Account) -> Money:
    with look() as session:
        return ledger.balance(session, account)


def trader_available(trader: Trader | UUID, live: bool = True) -> Money:
    return balance(ledger.trader_available(getattr(trader, "id", trader), "USDT", live))


def trader_held(trader: Trader | UUID, live: bool = True) -> Money:
    return balance(ledger.trader_held(getattr(trader, "id", trader), "USDT", live))


def store_available(store: Store, live: bool = True) -> Money:
    return balance(ledger.store_available(store.id, "USDT", live))


def spend(owner: Store | Trader, amount: Money) -> None:
    """It leaves the desk, by an entry that is nobody's."""
    available = ledger.store_available if isinstance(owner, Store) else ledger.trader_available
    with act() as session:
        ledger.post(session, SYSTEM, [ledger.entries.draft("spent_by_a_test", new_id(), ledger.Line(
            available(owner.id, amount.currency, True), ledger.EXTERNAL(amount.currency, True), amount))])


def at_the_same_time(app: Flask, acts: Sequence[Callable[[], object]], threads: int | None = None) -> list[object]:
    """What each act came to: its result, or the error it raised. Each in a thread with a session of its own."""
    def run(act: Callable[[], object]) -> object:
        with app.app_context():
            try:
                return act()
            except Exception as error:
                return error
            finally:
                db.session.remove()

    with ThreadPoolExecutor(threads or len(acts)) as pool:
        return list(pool.map(run, acts))
