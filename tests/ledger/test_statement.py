"""Statements: lines that add up, periods that neither share nor lose a line."""
from datetime import timedelta
from itertools import pairwise

import pytest

from portal import ledger
from portal.core import clock
from portal.core.errors import Invalid
from portal.core.ids import new_id

DAY = timedelta(days=1)


def read(books, account, **period):
    with books.transaction() as session:
        return ledger.statement(session, account, **period)


def test_an_account_that_nothing_was_posted_to_has_an_empty_statement(books, cast):
    found = read(books, cast.trader)
    assert (found.opening.minor, found.closing.minor, found.lines, found.next_cursor) == (0, 0, [], None)


def test_lines_add_up_over_all_pages(books, cast):
    books.post(cast.deposit(1_000))
    books.post(*(cast.hold(n) for n in range(1, 12)))
    books.post(cast.settle(20, 3, 5), cast.settle(20, 3, 1), cast.release(4))
    lines, cursor = [], None
    while True:
        page = read(books, cast.trader, cursor=cursor, limit=4)
        lines += page.lines
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len({line.id for line in lines}) == len(lines) == 1 + 11 + 2 + 1 + 1
    assert page.opening.minor + sum(line.amount.minor for line in lines) == page.closing.minor
    assert page.closing.minor == books.balance(cast.trader)
    running = page.opening.minor
    for line in reversed(lines):
        running += line.amount.minor
        assert line.balance.minor == running


def test_neighbouring_periods_meet(books, cast):
    moments = []
    for day in range(5):
        with clock.moved(day * DAY):
            moments.append(clock.now())
            books.post(*([cast.deposit(100 * (day + 1))] if day != 3 else []), cast.deposit(1))
    bounds = [None, *(moment + 0.5 * DAY for moment in moments), None]
    pages = [read(books, cast.trader, since=since, until=until)
             for since, until in pairwise(bounds)]
    assert [page.opening for page in pages[1:]] == [page.closing for page in pages[:-1]]
    assert [len(page.lines) for page in pages] == [2, 2, 2, 1, 2, 0]
    assert sum(line.amount.minor for page in pages for line in page.lines) == books.balance(cast.trader)
    for page in pages:
        assert page.opening.minor + sum(line.amount.minor for line in page.lines) == page.closing.minor


def test_a_period_begins_with_its_first_moment_and_ends_before_its_last(books, cast):
    books.post(cast.deposit(10))
    [line] = read(books, cast.trader).lines
    tick = timedelta(microseconds=1)
    assert len(read(books, cast.trader, since=line.at, until=line.at + tick).lines) == 1
    assert read(books, cast.trader, since=line.at - DAY, until=line.at).lines == []
    assert read(books, cast.trader, since=line.at + tick).lines == []
    assert read(books, cast.trader, since=line.at + tick).opening.minor == 10
    assert read(books, cast.trader, since=line.at + DAY, until=line.at - DAY).lines == []


def test_a_line_says_what_it_was_for(books, cast):
    order_id = new_id()
    books.post(cast.deposit(100), cast.hold(100), cast.settle(50, 5, 2, order_id))
    [line] = read(books, cast.store).lines
    assert (line.kind, line.reference, line.other, line.by) == ("payin_settle", order_id, "trader held", "system")
    assert str(line.amount) == str(line.balance) == "0.000045 USDT"


@pytest.mark.parametrize("cursor", ["", "-1", "x", "1.5", "9" * 40, "٣"])
def test_a_cursor_that_is_not_ours_is_refused(books, cast, cursor):
    with pytest.raises(Invalid):
        read(books, cast.trader, cursor=cursor)


def test_the_postings_of_an_order_are_found_by_what_they_are_about(books, cast):
    order_id, assignment_id = new_id(), new_id()
    books.post(cast.deposit(100), cast.hold(50, assignment_id), cast.settle(50, 5, 2, order_id))
    with books.transaction() as session:
        lines = ledger.lines_of(session, [order_id, assignment_id])
    assert [(line.kind, line.debit, line.credit, line.amount.minor) for line in lines] == [
        ("payin_hold", "trader available", "trader held", 50), ("payin_settle", "trader held", "store available", 45),
        ("payin_settle", "trader held", "trader available", 2), ("payin_settle", "trader held", "platform fees", 3)]


def test_holdings_by_currency(books, cast):
    books.post(cast.deposit(100), cast.hold(30))
    with books.transaction() as session:
        assert ledger.balances_of(session, "trader", cast.trader_id, True) == {
            "USDT": ledger.Holdings(cast.money(70), cast.money(30), cast.money(0))}
        assert ledger.balances_of(session, "trader", cast.trader_id, False) == {}
