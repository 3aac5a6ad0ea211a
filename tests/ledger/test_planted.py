"""Fault 18: a corruption planted for each check there is, past every trigger: all are found, none is false."""
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.orm import Session

from portal import approvals
from portal.core import clock, ids
from portal.core.db import reader
from portal.ledger import findings, verify
from portal.orders import corrections
from portal.treasury import closing
from tasks import registry
from tests import factories as f
from tests.disputes import acts as disputes
from tests.treasury import acts
from tests.treasury.test_closing import prove

assert registry.ALL  # every noun has registered its checks
STORE = "(SELECT min(id) FROM accounts WHERE owner_kind = 'store' AND purpose = 'available')"
NEWEST = "(SELECT max(id) FROM postings)"
COMPLETED = ("(SELECT min(id::text)::uuid FROM orders o WHERE status = 'completed'"
             " AND NOT EXISTS (SELECT FROM settle_corrections c WHERE c.order_id = o.id))")
COPY = """INSERT INTO postings (entry_id, debit_id, credit_id, currency, live, amount_minor, debit_after_minor,
                                credit_after_minor)
          SELECT {entry}, debit_id, credit_id, currency, {live}, amount_minor, debit_after_minor, credit_after_minor
            FROM postings ORDER BY id LIMIT 1"""
PLANTED = {
    "every account has its balance": [f"DELETE FROM balances WHERE account_id = {STORE}"],
    "every balance is the sum of its postings": [
        f"UPDATE balances SET credits_minor = credits_minor + 1 WHERE account_id = {STORE}",
        f"UPDATE postings SET amount_minor = amount_minor + 1, credit_after_minor = credit_after_minor + 1,"
        f" debit_after_minor = debit_after_minor - 1 WHERE id = {NEWEST}"],
    "every running balance follows from the one before": [
        f"UPDATE postings SET credit_after_minor = credit_after_minor + 1 WHERE id = {NEWEST}",
        f"UPDATE postings SET amount_minor = amount_minor + 1 WHERE id = {NEWEST} - 2"],
    "debits equal credits in every currency and mode": [
        f"UPDATE balances SET debits_minor = debits_minor + 1 WHERE account_id = {STORE}"],
    "every posting stays within the currency and mode of its accounts": [
        COPY.format(entry="entry_id", live="NOT live"),
        f"UPDATE postings SET currency = 'USDC' WHERE id = {NEWEST}"],
    "every entry has postings, every posting has its entry": [
        "DELETE FROM postings WHERE entry_id = (SELECT max(entry_id) FROM postings)",
        COPY.format(entry="999999", live="live"),
        "DELETE FROM journal_entries WHERE id = (SELECT max(entry_id) FROM postings)"],
    "every event stands in the journal once": [
        "INSERT INTO journal_entries (kind, reference, actor_kind, actor_name, posted_at)"
        " SELECT kind, reference, actor_kind, actor_name, posted_at FROM journal_entries LIMIT 1"],
    "only the desk and the outside world may go below zero": [
        f"UPDATE balances SET may_overdraw = true WHERE account_id = {STORE}",
        f"UPDATE balances SET debits_minor = credits_minor + 1 WHERE account_id = {STORE}"],
    "what came back of claims is what their entries moved": ["UPDATE claims SET paid_minor = paid_minor + 1"],
    "every completed order is settled once, and what was posted comes to its final amounts": [
        "UPDATE orders SET status = 'completed' WHERE status = 'paid' AND direction = 'payin'",
        f"UPDATE orders SET final_fee_minor = final_fee_minor + 1 WHERE id = {COMPLETED}",
        "UPDATE postings SET amount_minor = amount_minor + 1 WHERE entry_id = (SELECT max(id) FROM journal_entries"
        " WHERE kind = 'payout_settle')",
        "UPDATE journal_entries SET kind = 'deposit' WHERE id = (SELECT min(id) FROM journal_entries"
        " WHERE kind = 'settle_correction')"],
    "every correction says what it changed an order's final amounts by": [
        "UPDATE settle_corrections SET received_minor = received_minor + 1"],
    "what was paid exactly is settled by what was frozen at creation and assignment": [
        f"UPDATE orders SET fee_minor = fee_minor + 1 WHERE id = {COMPLETED}",
        f"UPDATE assignments SET reward_minor = reward_minor + 1 WHERE order_id = {COMPLETED}"],
    "only completed orders are settled": [f"UPDATE orders SET status = 'cancelled' WHERE id = {COMPLETED}"],
    "held collateral equals the holds of assignments not ended": [
        "UPDATE assignments SET settlement_minor = settlement_minor + 1 WHERE state = 'open'",
        "UPDATE withdrawals SET amount_minor = amount_minor + 1 WHERE status = 'requested'"],
    "what stores have held is the cover of their payouts not ended": [
        "UPDATE orders SET fee_minor = fee_minor + 1 WHERE direction = 'payout' AND ended_at IS NULL",
        "UPDATE orders SET ended_at = now() WHERE direction = 'payout' AND ended_at IS NULL"],
    "places, slots and counters agree with open assignments": [
        "DELETE FROM open_places", "UPDATE requisites SET open_orders = open_orders + 1"],
    "traders' open orders agree with their places": ["UPDATE traders SET open_orders = open_orders + 1"],
    "orders and their assignments stand at the same point": [
        "UPDATE orders SET status = 'cancelled' WHERE status = 'paid'",
        "UPDATE assignments SET state = 'ended' WHERE state = 'open'"],
    "every applied file of opening balances is one entry against suspense, row by row": [
        "UPDATE journal_entries SET kind = 'opening_balance' WHERE id = (SELECT min(id) FROM journal_entries"
        " WHERE kind = 'deposit')"],
    "every withdrawal is held, and leaves or returns once, as it ended": [
        "UPDATE withdrawals SET amount_minor = amount_minor + 1 WHERE status = 'sent'"],
    "only withdrawals move money as withdrawals do": ["DELETE FROM withdrawals WHERE status = 'sent'"],
    "every deposit that counts stands in the books once, and no other": [
        "UPDATE deposits SET amount_minor = amount_minor + 1 WHERE status = 'credited'",
        "UPDATE deposits SET status = 'refused' WHERE status = 'credited'"],
    "every approved adjustment stands in the books once, as it was approved, and no other": [
        "UPDATE journal_entries SET kind = 'adjustment' WHERE id = (SELECT min(id) FROM journal_entries"
        " WHERE kind = 'deposit')"],
    "every reversal mirrors the entry that it names": [
        "UPDATE journal_entries SET kind = 'reversal', reverses_id = (SELECT min(id) FROM journal_entries)"
        " WHERE id = (SELECT max(id) FROM journal_entries WHERE kind = 'deposit')"],
    "every transfer moves its amount from one store of a merchant to another, once": [
        "UPDATE journal_entries SET kind = 'transfer' WHERE id = (SELECT min(id) FROM journal_entries"
        " WHERE kind = 'deposit')"],
    "what stores have in reserve is what waits for its day": [
        "INSERT INTO reserves (id, store_id, currency, live, free_on, reserved_minor, delayed_minor, created_at)"
        " SELECT gen_random_uuid(), id, 'USDT', true, current_date, 1, 0, now() FROM stores LIMIT 1"],
    "what was freed of a reserve came to its store once": [
        "UPDATE journal_entries SET kind = 'reserve_release' WHERE id = (SELECT min(id) FROM journal_entries"
        " WHERE kind = 'deposit')"],
    "the desk's result of every finished day is what its fees moved": [
        "INSERT INTO result_days (day, began_at, ended_at, computed_at)"
        " VALUES (current_date, now() - interval '1 day', now(), now() + interval '1 hour')"],
    "every disputed order waits for a word, and every open dispute is about an order that can be decided": [
        "UPDATE orders SET status = 'disputed' WHERE status = 'paid'",
        "UPDATE orders SET status = 'cancelled' WHERE status = 'disputed'"],
    "a trader is stopped by the late money that he has no collateral for, and by nothing else of the kind": [
        "UPDATE traders SET unsecured = unsecured + 1"],
    "nothing was posted into a day that is closed": [
        "UPDATE journal_entries SET posted_at = posted_at - interval '48 hours' WHERE id ="
        " (SELECT max(entry_id) FROM postings p JOIN accounts a ON a.id = p.debit_id WHERE a.live)"],
}


# there is none of these on the desk below; tests/treasury and tests/imports prove them on rows of their own
ELSEWHERE = {name for name in PLANTED if name.startswith((
    "every applied file", "every approved adjustment", "every reversal", "every transfer",
    "what stores have in reserve", "what was freed", "the desk's result", "a trader is stopped"))}


@pytest.fixture
def desk(fresh_app) -> f.Cast:
    """Something of everything that a check speaks of."""
    cast = f.new_cast()
    for _ in range(2):
        cast.requisite(cast.trader(), payout=True)
    f.expire(f.assigned_payin(cast, "1007.00"))
    f.completed_payin(cast, "1000.00")
    corrected = f.completed_payin(cast, "1001.00")
    f.paid_payin(cast, "1003.00")
    disputes.open_by(cast.key, f.paid_payin(cast, "1008.00"), "not_confirmed")
    f.assigned_payin(cast, "1004.00")
    paid = f.paid_payout(cast, "900.00")
    f.agree(cast.key, paid)
    f.work_off("settle_order")
    f.assigned_payout(cast, "800.00")
    _treasury(cast)
    f.spend(cast.store, f.store_available(cast.store))
    with f.act() as session:  # what is spent becomes a claim, and new money pays part of it back
        asked = corrections.ask(session, f.staff("admin"), corrections.AskCorrection(
            order_id=corrected.public_id, amount="0.00", reason="statement"))
    with f.act() as session:
        approvals.decide(session, f.staff("super_admin"), approvals.DecideApproval(
            approval_id=asked.public_id, decision="approve"))
    f.completed_payin(cast, "500.00")
    prove()
    with f.act() as session:
        closing.close(session, f.staff("admin"), closing.CloseDay(
            day=clock.today() - timedelta(days=2), currency="USDT", note="Before the first day"))
    return cast


def _treasury(cast: f.Cast) -> None:
    owner, sender = f.as_trader(cast.traders[0]), f.staff("admin")
    at = acts.usable(owner, cast)
    acts.ask(owner, cast, "10", at)
    sent = acts.ask(owner, cast, "11", at)
    acts.decide(sent.id, "withdrawal")
    acts.take(sender, sent)
    acts.send(sender, sent)
    told = acts.tell(owner, cast)
    with f.act() as session:
        approvals.decide(session, f.staff("admin"), approvals.DecideApproval(
            approval_id=ids.public("apr", told.approval_id), decision="approve"))


@pytest.fixture
def owner(desk, fresh_database, url_of) -> Iterator[Connection]:
    """Who owns the database: triggers and constraints are no hindrance."""
    engine = create_engine(url_of(fresh_database, "owner").replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def without_guards(connection: Connection) -> None:
    """In this transaction nothing refuses anything."""
    connection.execute(text("""
        DO $$ DECLARE one record; BEGIN
            FOR one IN SELECT c.conrelid::regclass AS t, c.conname FROM pg_constraint c
                        JOIN pg_class r ON r.oid = c.conrelid
                        WHERE c.contype IN ('f', 'c') AND c.conparentid = 0 AND NOT r.relispartition
                          AND r.relnamespace = 'public'::regnamespace LOOP
                EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', one.t, one.conname);
            END LOOP;
            FOR one IN SELECT c.oid::regclass AS t FROM pg_class c WHERE c.relkind = 'r' AND NOT c.relispartition
                          AND c.relnamespace = 'public'::regnamespace LOOP
                EXECUTE format('ALTER TABLE %s DISABLE TRIGGER USER', one.t);
            END LOOP;
        END $$"""))
    connection.execute(text("ALTER TABLE journal_entries DROP CONSTRAINT uq_journal_entries_kind_reference"))


def test_each_check_has_a_planted_corruption():
    assert {check.name for check in verify.all_checks()} == PLANTED.keys()


def test_all_are_found_and_none_is_false(desk, owner):
    session = reader()
    session.rollback()
    before = verify.run(session)
    assert before.differences == []
    assert {one.name for one in before.results if not one.examined} <= ELSEWHERE
    assert verify.run(session, since=clock.now() - timedelta(days=2)).differences == []
    missed, pointless = [], []
    since = clock.now() - timedelta(days=2)
    for check in verify.all_checks():
        for statement in PLANTED[check.name]:
            owner.rollback()
            without_guards(owner)
            if not owner.execute(text(statement)).rowcount:
                pointless.append(statement)
            with Session(owner) as books:
                for mark in (None, verify.mark_of(books, since)):
                    found = verify.examine(books, check, mark).differences
                    if not found:
                        missed.append((check.name, statement, "whole" if mark is None else "changed"))
                    assert all(findings.subject_of(difference) for difference in found)
    assert (missed, pointless) == ([], [])
