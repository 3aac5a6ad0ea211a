"""The demo is what operations.md promises, made by the services people use, and its books are right."""
import pytest
import sqlalchemy as sa

from portal import files, ledger
from portal.core import clock
from portal.core.access import SYSTEM, TEMPLATES
from portal.core.db import reader, transaction
from portal.core.money import Money
from portal.demo import cast, day, load
from portal.orders.models import Assignment, OpenPlace, Order
from portal.orders.reserves import Reserve
from portal.parties import passwords
from portal.parties.models import Store, StoreCurrency, Trader, User
from portal.reference import quote
from portal.requisites.models import Requisite
from portal.treasury import result
from portal.treasury.book_models import Adjustment, Transfer
from portal.treasury.models import Deposit, Withdrawal, WithdrawalAddress

PASSWORD = "quittance-demo-password"


@pytest.fixture
def desk(fresh_app):
    with clock.moved(day.BEGINS), transaction() as session:
        made = load.load(session, PASSWORD)
    day.play(made)
    return made


def test_the_demo_is_what_it_promises(desk):
    """One loading, many looks: it takes seconds."""
    session = reader()
    accounts_sign_in(session)
    the_books_verify(session)
    stores_take_what_they_should(session)
    traders_have_room(session)
    the_day_shows_every_state(session)
    nothing_is_open_on_the_first_four(session)
    money_in_and_out_waits_and_is_over(session)
    balances_are_put_right_and_something_is_kept_back(session)
    rates_do_not_age()
    it_is_not_loaded_twice()


def accounts_sign_in(session) -> None:
    wanted = {"admin", "second", "support", "viewer", "merchant1", "merchant2", *(f"trader{n}" for n in range(1, 6))}
    users = {user.email: user for user in session.scalars(sa.select(User))}
    assert {f"{name}@quittance.example" for name in wanted} <= users.keys()
    assert passwords.matches(users["admin@quittance.example"].password_hash, PASSWORD)
    for mailbox, template in (("admin", "super_admin"), ("second", "admin"), ("viewer", "support_readonly")):
        granted = {row.permission for row in users[f"{mailbox}@quittance.example"].permissions}
        assert granted == {str(permission) for permission in TEMPLATES[template]}


def the_books_verify(session) -> None:
    session.rollback()
    report = ledger.verify.run(session)
    assert not report.differences


def stores_take_what_they_should(session) -> None:
    stores = {store.slug: store for store in session.scalars(sa.select(Store))}
    assert stores.keys() == {"bookshop", "games", "travel"}
    assert {store.settlement_currency for store in stores.values()} == {"USDT"}
    bookshop = session.get(StoreCurrency, (stores["bookshop"].id, "RUB"))
    assert (bookshop.min_minor, bookshop.max_minor) == (50_00, 100_000_00)
    assert "card" in bookshop.methods
    assert bookshop.payout
    assert session.get(StoreCurrency, (stores["travel"].id, "KZT"))
    sums = session.execute(sa.select(Order.status, Order.amount_minor).where(Order.currency == "UZS")).all()
    assert {tuple(row) for row in sums} == {("completed", 1_850_000_00), ("paid", 640_000_00)}
    held = ledger.balance(session, ledger.store_available(stores["bookshop"].id, "USDT", True))
    assert held >= Money.parse("500.000000", "USDT")


def traders_have_room(session) -> None:
    for number, part in enumerate(cast.TRADERS, start=1):
        trader = session.scalars(sa.select(Trader).where(Trader.name == part.name)).one()
        assert trader.on_shift is (number <= 4)
        if number == 5:
            continue
        collateral = ledger.balance(session, ledger.trader_available(trader.id, "USDT", True))
        assert collateral >= Money.parse("5000.000000", "USDT")
        cards = session.scalars(sa.select(Requisite).where(
            Requisite.trader_id == trader.id, Requisite.method == "card", Requisite.currency == "RUB",
            Requisite.status == "active", Requisite.min_minor <= 50_00, Requisite.max_minor >= 100_000_00)).all()
        assert sum(card.open_orders_max - card.open_orders for card in cards) >= 10
        assert sum(card.open_orders_max for card in cards if not card.cooldown_s) >= 10
    live = session.scalars(sa.select(Requisite).where(Requisite.live)).all()
    assert len(live) == 21
    assert len({requisite.method for requisite in live}) == 3
    robots = session.scalars(sa.select(Requisite).where(~Requisite.live)).all()
    assert {(robot.method, robot.currency) for robot in robots} == {
        ("card", "RUB"), ("sbp", "RUB"), ("account", "RUB"), ("card", "KZT"), ("card", "UZS")}


def the_day_shows_every_state(session) -> None:
    statuses = set(session.scalars(sa.select(Order.status).distinct()))
    assert statuses == {"new", "retrying", "assigned", "paid", "confirmed", "completed", "cancelled", "expired",
                        "failed"}
    ages = session.execute(sa.select(sa.func.min(Order.created_at), sa.func.max(Order.created_at))).one()
    assert (clock.now() - ages[0]).total_seconds() > 20 * 3600
    assert ages[1] <= clock.now()


def nothing_is_open_on_the_first_four(session) -> None:
    open_on = set(session.scalars(sa.select(Trader.name).join(Assignment, Assignment.trader_id == Trader.id)
                                  .where(Assignment.state != "ended")))
    assert open_on == {cast.TRADERS[4].name}
    assert session.scalar(sa.select(sa.func.count()).select_from(OpenPlace)) == 4


def rates_do_not_age() -> None:
    with clock.moved(-100 * day.BEGINS):
        assert [quote("USDT", code).rate for code in ("RUB", "KZT", "UZS")] == [92, 520, 12_700]


def it_is_not_loaded_twice() -> None:
    with pytest.raises(load.NotEmpty), transaction() as session:
        load.load(session, PASSWORD)


def money_in_and_out_waits_and_is_over(session) -> None:
    for kind, states in ((Withdrawal, {"requested", "approved", "sent", "refused"}), (Deposit, {"asked", "credited"}),
                         (WithdrawalAddress, {"pending", "active"})):
        assert set(session.scalars(sa.select(kind.status))) == states
    told = session.scalars(sa.select(Deposit).where(Deposit.status == "asked")).one()
    assert files.of(session, "deposit", [told.id])[told.id]


def balances_are_put_right_and_something_is_kept_back(session) -> None:
    assert set(session.scalars(sa.select(Adjustment.status))) == {"posted", "asked"}
    assert session.scalars(sa.select(Transfer)).one().amount == Money.parse("25.000000", "USDT")
    kept = session.scalars(sa.select(Reserve)).all()
    assert kept
    assert all(row.released_at is None and row.free_on > clock.today() for row in kept)
    brought = result.lines(session, SYSTEM, result.Period.of(None, None), "store")
    assert sum(line.orders for line in brought) == session.scalar(
        sa.select(sa.func.count()).where(Order.status == "completed", Order.live))
    assert any(line.other for line in brought)
