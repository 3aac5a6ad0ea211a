"""Payouts: the store's money is held from the first moment, one trader at a time sees whom to pay, none pays twice."""
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from portal import files, ledger
from portal.core import clock, crypto
from portal.core.errors import Invalid, NotFound
from portal.core.lifecycle import InvalidTransition
from portal.core.money import Money
from portal.ledger import InsufficientFunds, verify
from portal.ledger.models import JournalEntry
from portal.orders import destinations
from portal.orders.models import Order
from portal.orders.payouts import NotAccepted
from portal.orders.service import AssignmentChanged
from portal.orders.steps import NotYours
from tests import factories as f
from tests.running import wait_for
from tests.statements import statements

TOTAL = f.usdt("16.711957")  # 16.304348 and 2.5 % of it


def prefunded(cast, amount="1000.000000"):
    f.deposit_to(ledger.store_available(cast.store.id, "USDT", True), amount)


def test_from_the_store_to_the_recipient(cast):
    order = f.assigned_payout(cast)
    assert f.store_held(cast.store) == TOTAL
    trader = f.its_trader(order)
    before = f.trader_available(trader.trader_id)
    f.accept(trader, order)
    assert f.fresh(order).accepted_at is not None
    f.pay(trader, order)
    f.agree(cast.key, order)
    f.work_off("settle_order")
    done = f.fresh(order)
    assert [step for step, _ in done.steps] == [
        "payout.new", "payout.assigned", "payout.paid", "payout.confirmed", "payout.completed"]
    assert f.store_held(cast.store) == f.usdt("0.000000")
    assert f.store_available(cast.store) == f.usdt("1000.000000") - TOTAL
    assert f.trader_available(trader.trader_id) == before + f.usdt("16.304348") + f.usdt("0.163043")
    with f.look() as session:
        about = (str(order.id), str(cast.store.id), str(trader.trader_id))
        assert not [one for one in verify.run(session).differences if any(id in one for id in about)]


def test_no_collateral_is_asked_of_its_trader(cast):
    cast.requisite(cast.trader(deposit=None), payout=True)
    assert f.assigned_payout(cast).status == "assigned"


def test_two_of_one_amount_may_go_out_by_one_card(cast):
    cast.requisite(payout=True)
    assert [f.assigned_payout(cast).status for _ in range(2)] == ["assigned", "assigned"]


def test_what_the_store_does_not_have_it_does_not_send(cast):
    prefunded(cast, "16.711956")
    with pytest.raises(InsufficientFunds) as refused:
        f.create_payout(cast)
    assert {name: refused.value.details[name] for name in ("missing_minor", "missing", "currency")} == {
        "missing_minor": 1, "missing": "0.000001", "currency": "USDT"}
    assert f.store_held(cast.store) == f.usdt("0.000000")
    prefunded(cast, "0.000001")
    assert f.create_payout(cast).order.status == "new"


def test_a_hundred_at_once_from_a_thousand_are_ten(app, cast):
    """Fault 13: fees aside, exactly what there is."""
    free = f.new_cast(fee_bps=0)
    prefunded(free, "10.000000")
    outcomes = f.at_the_same_time(app, [lambda: f.create_payout(free, "92.00") for _ in range(100)], threads=16)
    assert sum(isinstance(one, InsufficientFunds) for one in outcomes) == 90
    assert f.store_held(free.store) == f.usdt("10.000000")
    assert f.store_available(free.store) == f.usdt("0.000000")


def test_a_store_that_owes_sends_nothing_of_that_currency(cast):
    prefunded(cast)
    f.create_payout(cast)
    for currency in ("EUR", "USDT"):
        with f.act() as session:
            ledger.claims.add(session, ledger.store_available(cast.store.id, currency, True), Money(4_00, currency),
                              reference=f.new_id())
        if currency == "EUR":
            f.create_payout(cast)
    with pytest.raises(ledger.claims.ClaimOpen) as refused:
        f.create_payout(cast)
    assert refused.value.details == {"owed": "0.000400", "currency": "USDT"}
    assert f.store_held(cast.store) == TOTAL + TOTAL
    f.deposit_to(ledger.store_available(cast.store.id, "USDT", False), "20.000000")
    assert f.create_payout(cast, actor=cast.test_key).order.status == "new"  # robots' money is nobody's


WAITS = text("SELECT EXISTS (SELECT FROM pg_locks WHERE transactionid = pg_current_xact_id()::xid AND NOT granted)")
LINES = text("""
    SELECT e.kind, e.posted_at, CASE p.debit_id WHEN a.id THEN debit_after_minor ELSE credit_after_minor END
      FROM accounts a JOIN postings p ON a.id IN (p.debit_id, p.credit_id) JOIN journal_entries e ON e.id = p.entry_id
     WHERE a.owner_id = :store AND a.purpose = 'available' ORDER BY p.id""")


def meanwhile(app, cast, entry):
    """What becomes of a payout that waits for its store's balance while `entry` is posted there."""
    with ThreadPoolExecutor(1) as pool:
        with f.act() as session:
            ledger.lock_balances(session, entry.accounts)
            asked = pool.submit(f.at_the_same_time, app, [lambda: f.create_payout(cast)])
            wait_for(lambda: session.scalar(WAITS), "the payout waits")
            began = clock.now()
            ledger.post(session, f.SYSTEM, [entry])
            waited = clock.now() - began
        [outcome] = asked.result()
    with f.look() as session:
        return outcome, session.execute(LINES, {"store": cast.store.id}).all(), waited


def test_money_that_comes_while_a_payout_waits_for_the_balance_covers_it(app, cast):
    """The statement saw an empty balance when it began: it must hold by what it finds under the lock."""
    account = ledger.store_available(cast.store.id, "USDT", True)
    f.deposit_to(account, "1.000000")
    made, lines, waited = meanwhile(app, cast, ledger.entries.deposit(f.new_id(), account, TOTAL))
    assert f.fresh(made.order).status == "new"
    assert [(kind, after) for kind, _, after in lines] == [
        ("deposit", 1_000_000), ("deposit", 1_000_000 + TOTAL.minor), ("payout_hold", 1_000_000)]
    assert lines[-1].posted_at - made.order.created_at >= waited, "its moment is the one under the lock"
    assert (f.store_available(cast.store), f.store_held(cast.store)) == (f.usdt("1.000000"), TOTAL)


def test_money_that_goes_while_a_payout_waits_for_the_balance_is_not_held(app, cast):
    account = ledger.store_available(cast.store.id, "USDT", True)
    f.deposit_to(account, TOTAL.text)
    spent = ledger.entries.draft("spent_by_a_test", f.new_id(), ledger.Line(
        account, ledger.EXTERNAL("USDT", True), f.usdt("0.000003")))
    refused, lines, _ = meanwhile(app, cast, spent)
    assert isinstance(refused, InsufficientFunds)
    assert refused.details["missing_minor"] == 3
    assert [kind for kind, _, _ in lines] == ["deposit", "spent_by_a_test"]
    with f.look() as session:
        assert not session.scalars(select(Order).where(Order.store_id == cast.store.id)).all()


def test_order_hold_event_and_job_are_one_statement(cast):
    prefunded(cast)
    for _ in range(2):
        f.create_payout(cast)  # which opens the store's account, and remembers it
    with statements() as seen:
        order = f.create_payout(cast).order
    tables = {"orders", "order_events", "jobs", "balances", "journal_entries", "postings", "findings", "claims"}
    assert [tables - set(one.split()) for one in seen if tables & set(one.split())] == [set()]
    with f.look() as session:
        assert session.scalar(select(JournalEntry.kind).where(JournalEntry.reference == order.id)) == "payout_hold"


def test_one_key_holds_once_however_often_it_comes(app, cast):
    prefunded(cast)
    same = {"external_id": "one", "destination": {"method": cast.method, "number": "2200150000000007"}}
    made = f.at_the_same_time(app, [lambda: f.create_payout(cast, idempotency_key="k", **same) for _ in range(16)])
    assert {one.order.id for one in made} == {made[0].order.id}
    assert len({json.dumps(one.answer) for one in made}) == 1
    assert sum(not one.replayed for one in made) == 1
    assert f.store_held(cast.store) == TOTAL


def test_the_number_is_sealed_masked_and_known_again(cast):
    prefunded(cast)
    number = "2200150000000007"
    order = f.fresh(f.create_payout(cast, destination={"method": cast.method, "number": number}).order)
    assert order.destination_mask == "220015******0007"
    assert number.encode() not in bytes(order.destination_sealed)
    assert bytes(order.destination_fingerprint) == crypto.fingerprint("number", number)
    with f.look() as session:
        assert destinations.reveal(session, order) == number


@pytest.mark.parametrize(("destination", "field"), [
    ({"number": "2200150000000008"}, "/destination/number"), ({"method": "nothing"}, "/destination/method"),
    ({"bank": "nothing"}, "/destination/bank")])
def test_a_destination_that_cannot_be_is_refused_at_its_field(cast, destination, field):
    prefunded(cast)
    with pytest.raises(Invalid) as refused:
        f.create_payout(cast, destination={"method": cast.method, "number": "2200150000000007"} | destination)
    assert [one.field for one in refused.value.fields] == [field]
    assert f.store_held(cast.store) == f.usdt("0.000000")


def test_a_card_that_is_a_traders_own_is_known(cast):
    number = f.robots.test_number("card", cast.method)
    mine, spaced = cast.requisite(payout=True, number=number), " ".join((number[:4], number[4:10], number[10:]))
    order = f.assigned_payout(cast, destination={"method": cast.method, "number": spaced})
    with f.look() as session:
        assert destinations.is_a_requisite(session, order)
    assert mine.mask == order.destination_mask


def test_cancelled_until_somebody_has_accepted(cast):
    order = f.assigned_payout(cast)
    f.cancel(cast.key, order)
    assert f.store_held(cast.store) == f.usdt("0.000000")
    other = f.accepted_payout(cast)
    with pytest.raises(InvalidTransition):
        f.cancel(cast.key, other)
    assert f.store_held(cast.store) == TOTAL


def test_before_anybody_was_found_it_is_cancelled_too(cast):
    prefunded(cast)
    order = f.create_payout(cast).order
    f.cancel(cast.key, order)
    assert f.store_available(cast.store) == f.usdt("1000.000000")


def test_a_payout_nobody_could_take_gives_the_money_back(cast):
    prefunded(cast)
    order = f.create_payout(cast).order
    with clock.moved(timedelta(minutes=10)):
        f.work_off()
    assert f.fresh(order).status == "failed"
    assert f.store_available(cast.store) == f.usdt("1000.000000")


def test_who_does_not_accept_in_time_has_lost_it_and_the_next_one_gets_it(cast):
    first, second = cast.requisite(payout=True), cast.requisite(payout=True)
    order = f.assigned_payout(cast)
    lost = f.its_trader(order)
    with clock.moved(timedelta(seconds=601)):
        f.work_off("expire_order")
        with pytest.raises((NotFound, InvalidTransition, AssignmentChanged)):
            f.accept(lost, order, assignment_id=f.assignments_of(order)[0].public_id)
        f.work_off()
    now = f.fresh(order)
    assert now.status == "assigned"
    assert {one.trader_id for one in f.assignments_of(order)} == {first.trader_id, second.trader_id}
    assert f.its_trader(now).trader_id != lost.trader_id
    assert f.store_held(cast.store) == TOTAL  # the order's, whoever has it


def test_after_the_stores_last_trader_it_ends_and_the_money_is_free(cast):
    f.change(cast.store, payout_tries_max=1)
    order = f.assigned_payout(cast)
    with clock.moved(timedelta(seconds=601)):
        f.work_off("expire_order")
    assert f.fresh(order).status == "expired"
    assert f.store_held(cast.store) == f.usdt("0.000000")


def test_who_accepted_has_the_stores_time_to_send(cast):
    order = f.accepted_payout(cast)
    with clock.moved(timedelta(seconds=601)):
        f.work_off("expire_order")
        assert f.fresh(order).status == "assigned"
    with clock.moved(timedelta(seconds=1801)):
        f.work_off("expire_order")
    assert f.fresh(order).status == "new"


def test_only_its_trader_accepts_and_pays(cast, stranger):
    order = f.assigned_payout(cast)
    somebody = f.as_trader(stranger.traders[0])
    for act in (f.accept, f.pay):
        with pytest.raises(NotFound):
            act(somebody, order)
    with pytest.raises(NotYours):
        f.accept(cast.key, order)
    with pytest.raises(NotAccepted):
        f.pay(f.its_trader(order), order)


def test_a_receipt_belongs_to_one_assignment(cast):
    cast.requisite(payout=True)
    first, second = f.accepted_payout(cast), f.accepted_payout(cast)
    trader = f.its_trader(first)
    shown = f.upload(trader, f.picture())
    f.pay(trader, first, receipts=[shown.public_id])
    with pytest.raises(files.AttachedElsewhere):
        f.pay(trader, second, receipts=[shown.public_id])
    assert f.fresh(second).status == "assigned"


def test_sixteen_clicks_pay_once(app, cast):
    order = f.accepted_payout(cast)
    trader, assignment = f.its_trader(order), f.assignment_of(order).public_id
    shown = f.upload(trader, f.picture()).public_id
    outcomes = f.at_the_same_time(app, [
        lambda: f.pay(trader, order, receipts=[shown], assignment_id=assignment) for _ in range(16)])
    assert sum(not isinstance(one, Exception) for one in outcomes) == 1
    assert f.fresh(order).status == "paid"


@pytest.mark.parametrize(("chosen", "status"), [("store", "paid"), ("window", "paid"), ("at_once", "confirmed")])
def test_who_agrees_is_as_the_store_chose(cast, chosen, status):
    f.change(cast.store, payout_confirm=chosen)
    order = f.paid_payout(cast)
    assert order.status == status
    with clock.moved(timedelta(hours=2)):
        f.work_off("confirm_payout")
        f.work_off("flag_unconfirmed")
    expected = {"store": ("paid", True), "window": ("confirmed", False), "at_once": ("confirmed", False)}[chosen]
    found = f.fresh(order)
    assert (found.status, found.needs_attention_at is not None) == expected


def test_staff_agree_in_the_stores_place_with_a_reason_and_a_viewer_does_not(cast):
    order = f.paid_payout(cast)
    with pytest.raises(NotYours):
        f.agree(f.its_trader(order), order)
    f.agree(f.staff(), order)
    f.work_off("settle_order")
    assert f.fresh(order).status == "completed"
