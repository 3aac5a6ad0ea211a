"""Many at once on the same balances: no deadlock, no overdraft, nothing lost."""
import random

from sqlalchemy import text

from portal import ledger
from portal.core.ids import new_id
from portal.ledger import AlreadyPosted, InsufficientFunds
from tests.ledger.world import Cast, at_the_same_time


def test_batches_over_the_same_balances_never_deadlock_or_overdraw(whole_books):
    casts = [Cast() for _ in range(4)]
    whole_books.post(*(one.deposit(3_000) for one in casts))

    def trade(thread: int) -> str:
        chance = random.Random(thread)
        posted = 0
        for _ in range(20):
            batch = [chance.choice(casts).hold(chance.randrange(1, 200)) for _ in range(3)]
            batch += [chance.choice(casts).release(chance.randrange(1, 80)) for _ in range(2)]
            batch += [chance.choice(casts).settle(n, n // 10, n // 5) for n in [chance.randrange(10, 90)]]
            chance.shuffle(batch)
            try:
                whole_books.post(*batch)
                posted += 1
            except InsufficientFunds:
                pass
        return str(posted)

    outcomes = at_the_same_time(12, trade)
    assert sum(map(int, outcomes)) > 20
    assert whole_books.verify() == []
    with whole_books.transaction() as session:
        assert sum(total.balance.minor for total in ledger.totals(session)) == 0
        assert not session.scalar(text("SELECT count(*) FROM balances WHERE NOT may_overdraw"
                                       " AND credits_minor < debits_minor"))


def test_accounts_are_opened_once_by_whoever_comes_first(whole_books):
    casts = [Cast() for _ in range(5)]

    def begin(thread: int) -> str:
        order = random.Random(thread).sample(casts, len(casts))
        whole_books.post(*(one.deposit(10) for one in order), *(one.hold(1) for one in order))
        return "done"

    assert at_the_same_time(16, begin) == ["done"] * 16
    assert [whole_books.balance(one.held) for one in casts] == [16] * 5
    assert whole_books.verify() == []


def test_sixteen_settlers_settle_once(books, cast):
    books.post(cast.deposit(1_000), cast.hold(1_000))
    order_id = new_id()

    def settle(_: int) -> str:
        try:
            books.post(cast.settle(100, 10, 5, order_id))
        except AlreadyPosted:
            return "already"
        return "settled"

    outcomes = at_the_same_time(16, settle)
    assert outcomes.count("settled") == 1
    assert books.balance(cast.store) == 90


def test_sixteen_holds_for_the_last_of_the_collateral_take_it_once(books, cast):
    books.post(cast.deposit(100))

    def hold(_: int) -> str:
        try:
            books.post(cast.hold(100))
        except InsufficientFunds:
            return "short"
        return "held"

    assert at_the_same_time(16, hold).count("held") == 1
    assert (books.balance(cast.trader), books.balance(cast.held)) == (0, 100)
