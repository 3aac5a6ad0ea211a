"""The proof finds whatever an owner with the keys could break: one planted corruption per check, on a clone."""
import threading

import psycopg
import pytest
from sqlalchemy.orm import Session

from portal import ledger
from portal.core import clock
from portal.core.access import SYSTEM
from portal.ledger import verify
from portal.ledger.verify import Check
from tests.ledger.world import Cast

OFF = "ALTER TABLE postings DISABLE TRIGGER USER; ALTER TABLE journal_entries DISABLE TRIGGER USER;" \
      " ALTER TABLE balances DISABLE TRIGGER USER; ALTER TABLE accounts DISABLE TRIGGER USER;"
STORE = "(SELECT id FROM accounts WHERE owner_kind = 'store')"
COPY = """INSERT INTO postings (entry_id, debit_id, credit_id, currency, live, amount_minor, debit_after_minor,
                                credit_after_minor)
          SELECT {entry}, debit_id, credit_id, {currency}, {live}, amount_minor, debit_after_minor, credit_after_minor
            FROM postings ORDER BY id LIMIT 1"""
BROKEN = {
    "every account has its balance": f"DELETE FROM balances WHERE account_id = {STORE}",
    "every balance is the sum of its postings":
        f"UPDATE balances SET credits_minor = credits_minor + 1 WHERE account_id = {STORE}",
    "every running balance follows from the one before":
        "UPDATE postings SET credit_after_minor = credit_after_minor + 1 WHERE id = (SELECT max(id) FROM postings)",
    "debits equal credits in every currency and mode":
        f"UPDATE balances SET debits_minor = debits_minor + 1 WHERE account_id = {STORE}",
    "every posting stays within the currency and mode of its accounts":
        "ALTER TABLE postings DROP CONSTRAINT fk_postings_debit, DROP CONSTRAINT fk_postings_credit;"
        + COPY.format(entry="entry_id", currency="currency", live="NOT live"),
    "every entry has postings, every posting has its entry":
        "DELETE FROM postings WHERE entry_id = (SELECT max(entry_id) FROM postings)",
    "every event stands in the journal once":
        "ALTER TABLE journal_entries DROP CONSTRAINT uq_journal_entries_kind_reference;"
        "INSERT INTO journal_entries (kind, reference, actor_kind, actor_name, posted_at)"
        " SELECT kind, reference, actor_kind, actor_name, posted_at FROM journal_entries LIMIT 1",
    "only the desk and the outside world may go below zero":
        f"UPDATE balances SET may_overdraw = true WHERE account_id = {STORE}",
}


@pytest.fixture
def busy_books(whole_books, cast):
    whole_books.post(cast.deposit(1_000), cast.hold(600), cast.settle(200, 10, 4), cast.release(100))
    whole_books.post(Cast("USDC", live=False).deposit(50))
    return whole_books


@pytest.mark.parametrize("check", BROKEN)
def test_a_broken_book_is_found(busy_books, fresh_database, url_of, check):
    assert busy_books.verify() == []
    with psycopg.connect(url_of(fresh_database, "owner")) as owner:
        owner.execute(OFF + BROKEN[check])
    assert any(difference.startswith(f"{check}: ") for difference in busy_books.verify())


def test_an_orphaned_posting_is_found(busy_books, fresh_database, url_of):
    with psycopg.connect(url_of(fresh_database, "owner")) as owner:
        owner.execute("ALTER TABLE postings DROP CONSTRAINT fk_postings_entry_id")
        owner.execute(COPY.format(entry="999999", currency="currency", live="live"))
    assert any("has no entry" in difference for difference in busy_books.verify())


def test_each_check_of_the_ledger_has_its_corruption_here():
    assert {check.name for check in verify.OWN} == BROKEN.keys()


def test_a_nouns_own_check_is_done_too(busy_books, monkeypatch):
    monkeypatch.setattr(verify, "_registered", {})
    verify.register(Check("no trader is rich", "SELECT count(*) FROM balances",
                          "SELECT format('account %s', account_id) FROM balances WHERE credits_minor > 999"))
    with Session(busy_books.engine) as session:
        report = verify.run(session)
    assert report.checks == [*BROKEN, "no trader is rich"]
    assert [difference.split(":")[0] for difference in report.differences] == ["no trader is rich"]


def test_a_live_desk_goes_on_and_the_proof_holds(busy_books, cast):
    """Postings keep coming while the proof reads its one snapshot."""
    stop = threading.Event()

    def trade() -> None:
        while not stop.is_set():
            busy_books.post(cast.hold(2), cast.settle(2, 1, 1))
            busy_books.post(cast.deposit(1))

    traders = [threading.Thread(target=trade) for _ in range(3)]
    for thread in traders:
        thread.start()
    try:
        assert [busy_books.verify() for _ in range(8)] == [[]] * 8
    finally:
        stop.set()
        for thread in traders:
            thread.join()
    assert busy_books.verify() == []


def since_now(books) -> verify.Report:
    """What was posted from this moment on, and within the overlap before it."""
    with Session(books.engine) as session:
        return verify.run(session, verify.OWN, since=clock.now() + verify.OVERLAP)


def test_what_has_changed_is_proved_from_where_it_was_left(busy_books, fresh_database, url_of, cast):
    """Old lines are not looked through again; new ones go on from them, rightly and wrongly."""
    with psycopg.connect(url_of(fresh_database, "owner")) as owner:
        owner.execute(OFF + "UPDATE postings SET credit_after_minor = credit_after_minor + 1 WHERE id = 1")
    since = clock.now() + verify.OVERLAP
    busy_books.post(cast.hold(2), cast.settle(2, 1, 1))
    with Session(busy_books.engine) as session:
        report = verify.run(session, verify.OWN, since=since)
    assert (report.scope, report.differences) == ("changed", [])
    part = {result.name: (result.whole, result.examined) for result in report.results}
    assert part["every running balance follows from the one before"] == (False, 6), "three lines, seen from both ends"
    assert part["debits equal credits in every currency and mode"][0]
    with psycopg.connect(url_of(fresh_database, "owner")) as owner:
        owner.execute("UPDATE postings SET credit_after_minor = credit_after_minor + 1 WHERE id ="
                      " (SELECT max(id) FROM postings)")
    with Session(busy_books.engine) as session:
        differing = verify.run(session, verify.OWN, since=since).differences
    assert any(one.startswith("every running balance") for one in differing)


def test_nothing_new_is_soon_proved(busy_books):
    report = since_now(busy_books)
    assert report.holds
    assert {result.name: result.examined for result in report.results}[
        "every running balance follows from the one before"] == 0


def test_what_committed_late_is_not_missed(busy_books, cast):
    """A transaction that took its ids before a proof and committed after it lies within the overlap of the next."""
    with busy_books.transaction() as session:
        ledger.post(session, SYSTEM, [cast.deposit(7)])
        began_at = clock.now()
        assert since_now(busy_books).holds
    with Session(busy_books.engine) as session:
        report = verify.run(session, verify.OWN, since=began_at)
    examined = {result.name: result.examined for result in report.results}
    assert examined["every entry has postings, every posting has its entry"] >= 1
