"""What each entry does to the balances, and that a batch is the same as one entry after another."""
import random

import pytest
from sqlalchemy import text

from portal import ledger
from portal.core.access import SYSTEM
from portal.core.ids import new_id
from portal.ledger import AlreadyPosted, InsufficientFunds, Line, entries
from tests.ledger.world import Cast


@pytest.mark.parametrize(("fee", "reward"), [(200, 150), (150, 200), (200, 200), (0, 0), (0, 50), (50, 0)])
def test_a_settled_payin_pays_store_trader_and_desk(whole_books, cast, fee, reward):
    """Trader held −A, store +(A−F), trader available +R, fees +(F−R), whichever of fee and reward is larger."""
    whole_books.post(cast.deposit(10_000), cast.hold(4_000))
    whole_books.post(cast.settle(4_000, fee, reward))
    assert whole_books.balance(cast.held) == 0
    assert whole_books.balance(cast.store) == 4_000 - fee
    assert whole_books.balance(cast.trader) == 6_000 + reward
    assert whole_books.balance(ledger.FEES("USDT", True)) == fee - reward
    assert whole_books.balance(ledger.EXTERNAL("USDT", True)) == -10_000
    assert whole_books.verify() == []


def test_a_released_hold_is_the_traders_again(books, cast):
    books.post(cast.deposit(500), cast.hold(300))
    assert (books.balance(cast.trader), books.balance(cast.held)) == (200, 300)
    books.post(cast.release(300))
    assert (books.balance(cast.trader), books.balance(cast.held)) == (500, 0)


def test_collateral_that_is_not_there_cannot_be_held(books, cast):
    books.post(cast.deposit(100))
    with pytest.raises(InsufficientFunds) as refused:
        books.post(cast.hold(101))
    assert refused.value.details["account"] == cast.trader
    assert refused.value.details["missing_minor"] == 1
    assert books.balance(cast.trader) == 100


def test_who_is_not_covered_falls_out_and_the_rest_of_the_transaction_goes_on(books, cast):
    other = Cast()
    with books.transaction() as session:
        ledger.post(session, SYSTEM, [cast.deposit(100)])
        with pytest.raises(InsufficientFunds):
            ledger.post(session, SYSTEM, [cast.hold(60), cast.hold(60)])
        ledger.post(session, SYSTEM, [cast.hold(60), other.deposit(5)])
    assert (books.balance(cast.trader), books.balance(cast.held), books.balance(other.trader)) == (40, 60, 5)


def test_a_batch_may_not_overdraw_even_between_two_of_its_entries(books, cast):
    """One after another the hold would be refused; so it is in a batch, though the deposit comes later in it."""
    with pytest.raises(InsufficientFunds):
        books.post(cast.hold(50), cast.deposit(50))


def test_an_order_is_settled_once(books, cast):
    order_id = new_id()
    books.post(cast.deposit(1_000), cast.hold(400), cast.settle(200, 10, 5, order_id))
    with pytest.raises(AlreadyPosted):
        books.post(cast.settle(200, 10, 5, order_id))
    with pytest.raises(AlreadyPosted):
        books.post(*2 * [cast.hold(1, new_id())])
    assert books.balance(cast.store) == 190


def test_an_account_of_a_transaction_that_was_rolled_back_is_not_remembered(books, cast):
    with pytest.raises(ZeroDivisionError), books.transaction() as session:
        ledger.post(session, SYSTEM, [cast.deposit(7)])
        ledger.post(session, SYSTEM, [cast.hold(7)])  # finds the account that is not committed yet
        raise ZeroDivisionError
    books.post(cast.deposit(9))
    assert books.balance(cast.trader) == 9


def test_nor_is_one_of_a_savepoint(books, cast):
    with books.transaction() as session:
        session.execute(text("CREATE TEMPORARY TABLE earlier_write ON COMMIT DROP AS SELECT 1"))
        with pytest.raises(ZeroDivisionError), session.begin_nested():
            ledger.post(session, SYSTEM, [cast.deposit(7)])
            ledger.post(session, SYSTEM, [cast.hold(7)])
            raise ZeroDivisionError
        ledger.post(session, SYSTEM, [cast.deposit(9)])
    books.post(cast.deposit(1))
    assert books.balance(cast.trader) == 10


def test_a_draft_that_the_database_would_refuse_is_not_even_made(cast):
    with pytest.raises(AssertionError):
        entries.draft("odd", new_id(), Line(cast.trader, cast.store, cast.money(0)))
    with pytest.raises(AssertionError):
        entries.draft("odd", new_id(), Line(cast.trader, cast.store, cast.money(-1)))
    with pytest.raises(AssertionError):
        entries.draft("odd", new_id(), Line(cast.trader, cast.trader, cast.money(1)))
    with pytest.raises(AssertionError):
        entries.draft("odd", new_id(), Line(cast.trader, Cast("USDC").store, cast.money(1)))
    with pytest.raises(AssertionError):
        entries.draft("odd", new_id(), Line(cast.trader, Cast(live=False).store, cast.money(1)))


def test_a_batch_is_the_same_as_one_after_another(whole_books):
    chance = random.Random(7)
    plan = [(chance.choice(["hold", "release", "settle"]), chance.randrange(1, 900), chance.randrange(4))
            for _ in range(60)]
    batch, singly = [Cast("USDT") for _ in range(4)], [Cast("USDC") for _ in range(4)]
    whole_books.post(*drafts(batch, plan))
    for draft in drafts(singly, plan):
        whole_books.post(draft)
    assert journal(whole_books, "USDT", batch) == journal(whole_books, "USDC", singly)
    assert whole_books.verify() == []


def drafts(casts, plan):
    made = [one.deposit(1_000_000) for one in casts] + [one.hold(500_000) for one in casts]
    for act, minor, who in plan:
        one = casts[who]
        made.append({"hold": lambda one=one, n=minor: one.hold(n), "release": lambda one=one, n=minor: one.release(n),
                     "settle": lambda one=one, n=minor: one.settle(n, n // 10, n // 7)}[act]())
    return made


def journal(books, currency, casts):
    """Every posting with its running balances, owners by their place in the cast."""
    place = {str(id): place for place, one in enumerate(casts) for id in (one.trader_id, one.store_id)}
    with books.transaction() as session:
        rows = session.execute(text("""
            SELECT e.kind, d.owner_id::text, d.purpose, c.owner_id::text, c.purpose, amount_minor, debit_after_minor,
                   credit_after_minor, p.entry_id - min(p.entry_id) OVER () AS entry
              FROM postings p JOIN journal_entries e ON e.id = p.entry_id JOIN accounts d ON d.id = debit_id
              JOIN accounts c ON c.id = credit_id WHERE p.currency = :currency
             ORDER BY p.id"""), {"currency": currency})
        return [(kind, place.get(debit), purpose, place.get(credit), *rest)
                for kind, debit, purpose, credit, *rest in rows]
