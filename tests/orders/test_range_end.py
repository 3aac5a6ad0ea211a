"""Near the end of what a bigint holds: refused with a sentence, at once, and the books stay as they were.

In an asset of each test's own: sums of the outside world only grow, and other tests share its accounts.
"""
from secrets import token_hex

import pytest
import sqlalchemy as sa

from portal import approvals, ledger, reference, treasury
from portal.approvals import DecideApproval
from portal.core.access import SYSTEM
from portal.core.db import db
from portal.core.errors import Invalid, NumberTooLarge
from portal.core.ids import new_id
from portal.core.money import AMOUNT_MAX, MINOR_MAX, Money, text_of
from portal.ledger import verify
from portal.reference.models import Currency
from tests import factories as f


@pytest.fixture
def asset(app) -> str:
    code = f"E{token_hex(3).upper()}"
    with db.engine.begin() as connection:
        connection.execute(sa.insert(Currency).values(code=code, exponent=6, kind="crypto", sign=code, name="Coin"))
    reference.forget()
    return code


@pytest.fixture
def cast(app, asset):
    return f.new_cast(settlement=asset, rate="1", range_minor=(1, AMOUNT_MAX))


def available(cast, asset) -> Money:
    return f.balance(ledger.store_available(cast.store.id, asset, True))


def filled(account: ledger.Account, minor: int) -> None:
    """Money from outside, in as many entries as it takes."""
    f.deposit_to(account, text_of(minor, account.currency))


def books_hold(*about: object) -> None:
    with f.look() as session:
        assert not [one for one in verify.run(session).differences if any(str(id) in one for id in about)]


def test_a_balance_holds_nine_thousand_of_the_largest_amounts(cast, asset):
    account = ledger.store_available(cast.store.id, asset, True)
    filled(account, MINOR_MAX - AMOUNT_MAX)
    filled(account, AMOUNT_MAX)
    assert available(cast, asset).minor == MINOR_MAX
    with pytest.raises(NumberTooLarge):
        filled(account, 1)
    assert available(cast, asset).minor == MINOR_MAX
    books_hold(cast.store.id, asset)


def test_a_deposit_without_room_is_refused_at_its_approval(cast, asset):
    account = ledger.store_available(cast.store.id, asset, True)
    filled(account, MINOR_MAX - AMOUNT_MAX + 1)
    with f.act() as session:
        asked = treasury.ask(session, SYSTEM, treasury.AskDeposit(
            owner_kind="store", owner_id=cast.store.id, amount=text_of(AMOUNT_MAX, asset), currency=asset,
            reason="Seen on the wallet"))
    for _ in range(2):
        with pytest.raises(NumberTooLarge), f.act() as session:
            approvals.decide(session, f.staff("admin"), DecideApproval(
                approval_id=asked.public_id, decision="approve", reason="Seen"))
    assert f.fresh(asked).state == "pending"
    assert available(cast, asset).minor == MINOR_MAX - AMOUNT_MAX + 1
    with f.act() as session:  # it can still be put away
        approvals.decide(session, f.staff("admin"), DecideApproval(
            approval_id=asked.public_id, decision="reject", reason="No room"))
    books_hold(cast.store.id, asset)


def test_more_than_an_act_may_ask_for_is_no_deposit(cast, asset):
    with pytest.raises(Invalid) as refused, f.act() as session:
        treasury.ask(session, SYSTEM, treasury.AskDeposit(
            owner_kind="store", owner_id=cast.store.id, amount=text_of(AMOUNT_MAX + 1, asset), currency=asset,
            reason="Seen on the wallet"))
    assert [error.field for error in refused.value.fields] == ["/amount"]


@pytest.fixture
def taking(cast, asset):
    """With a trader who can cover the largest order."""
    trader = cast.trader(settlement=asset, deposit=text_of(3 * AMOUNT_MAX, asset))
    cast.requisite(trader, min_amount="1", max_amount=text_of(AMOUNT_MAX, "RUB"))
    return cast


def test_a_settlement_without_room_stays_confirmed_and_the_others_of_its_batch_settle(taking, asset):
    """1 RUB is 1 of the asset. Sums are cumulative, so an account is worn by what passes through it too."""
    small, large = [f.confirmed_payin(taking, amount) for amount in ("100.00", "200.00")]
    wear(taking, asset, room=150_000_000)
    before = available(taking, asset)
    f.work_off("settle_order")
    assert (f.fresh(small).status, f.fresh(large).status) == ("completed", "confirmed")
    assert available(taking, asset) == before + small.settlement - small.fee
    assert f.balance(ledger.trader_held(taking.traders[0].id, asset, True)) == large.settlement
    books_hold(taking.store.id, asset, small.id, large.id)


def wear(cast, asset, *, room: int) -> None:
    """The store is paid, keeps all of it for a payout and has it back: what it was credited ends short of the range."""
    half = Money((MINOR_MAX - room) // 2, asset)
    filled(ledger.store_available(cast.store.id, asset, True), half.minor)
    facts = ledger.PayoutFacts(order_id=new_id(), store_id=cast.store.id, amount=half, fee=Money.zero(asset), live=True)
    for entry in (ledger.entries.payout_hold, ledger.entries.payout_release):
        with f.act() as session:
            ledger.post(session, SYSTEM, [entry(facts)])


def test_the_largest_order_is_matched_paid_settled(taking, asset):
    """10^13.00 roubles at 10 000 for one: 10^15 millionths."""
    with f.act() as session:
        f.reference_service.set_rate(session, SYSTEM, f.SetRate(base=asset, quote="RUB", rate="10000", force=True))
    f.forget()
    order = f.completed_payin(taking, text_of(AMOUNT_MAX, "RUB"))
    assert (order.amount.minor, order.settlement.minor) == (AMOUNT_MAX, AMOUNT_MAX)
    assert available(taking, asset) == order.settlement - order.fee
    books_hold(taking.store.id, asset, order.id)


@pytest.mark.parametrize("rate", ["0.000000000001", "0.01", "9999"])
def test_an_order_that_comes_to_more_than_an_act_may_move_is_refused(taking, asset, rate):
    with f.act() as session:
        f.reference_service.set_rate(session, SYSTEM, f.SetRate(base=asset, quote="RUB", rate=rate, force=True))
    f.forget()
    with pytest.raises(Invalid) as refused:
        f.create_payin(taking, text_of(AMOUNT_MAX, "RUB"))
    assert [(error.field, error.code) for error in refused.value.fields] == [("/amount", "amount_out_of_range")]


def test_no_entry_is_larger_than_a_balance(cast, asset):
    with pytest.raises(NumberTooLarge), f.act() as session:
        ledger.post(session, SYSTEM, [ledger.entries.deposit(
            new_id(), ledger.store_available(cast.store.id, asset, True), Money(MINOR_MAX + 1, asset))])
    books_hold(cast.store.id, asset)
