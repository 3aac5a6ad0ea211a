"""The books leafed through: what the pages show is what the ledger says, and only those see it who may."""
from collections.abc import Callable

import pytest

from portal import ledger
from portal.core.access import SYSTEM
from portal.core.db import reader
from portal.core.errors import NotFound
from portal.ledger.models import JournalEntry
from portal.ledger.queries import account_id
from portal.treasury import ledger_pages
from tests import people
from tests.factories import Cast, completed_payin, staff
from tests.statements import statements


def number_of(account: ledger.Account) -> int:
    found = account_id(reader(), account)
    assert found is not None
    return found


@pytest.fixture
def account(cast: Cast) -> ledger.Account:
    completed_payin(cast)
    return ledger.store_available(cast.store.id, "USDT", live=True)


def test_totals_come_to_nothing(account: ledger.Account, admin: people.Seat) -> None:
    page = admin.get("/admin/ledger").get_data(as_text=True)
    assert "comes to nothing" in page
    assert "off by" not in page


def test_an_account_leads_to_its_statement_and_that_to_entry_and_order(cast: Cast, account: ledger.Account,
                                                                       admin: people.Seat) -> None:
    number = number_of(account)
    balance = ledger.balance(reader(), account)
    page = admin.get(f"/admin/ledger/accounts/{number}").get_data(as_text=True)
    assert cast.store.name in page
    assert balance.text.rstrip("0") in page
    entry = ledger.statement(reader(), account).lines[0].entry_id
    assert f"/admin/ledger/entries/{entry}" in page
    shown = ledger_pages.entry(reader(), SYSTEM, entry)
    assert shown.kind == "payin_settle"
    assert shown.order_id.startswith("pin_")
    assert sum(line.amount.minor for line in shown.lines) == sum(
        line.amount.minor for line in ledger.lines_of(reader(), [shown.reference]) if line.entry_id == entry)
    assert next(line.credit.balance for line in shown.lines if line.credit.id == number) == balance
    page = admin.get(f"/admin/ledger/entries/{entry}").get_data(as_text=True)
    assert f"/admin/orders/{shown.order_id}" in page
    assert cast.store.name in page


def test_a_hold_leads_to_the_order_of_its_assignment(account: ledger.Account) -> None:
    hold = reader().query(JournalEntry).filter_by(kind="payin_hold").order_by(JournalEntry.id.desc()).first()
    assert ledger_pages.entry(reader(), SYSTEM, hold.id).order_id.startswith("pin_")


def test_accounts_are_paged_without_gap_or_repeat(account: ledger.Account) -> None:
    seen, cursor = [], None
    while True:
        page = ledger_pages.accounts(reader(), SYSTEM, cursor=cursor, limit=2)
        seen += [line.id for line in page.rows]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == sorted(set(seen))
    assert number_of(account) in seen


def test_a_page_of_accounts_is_one_statement(account: ledger.Account) -> None:
    with statements() as sent:
        page = ledger_pages.accounts(reader(), SYSTEM)
    assert len(page.rows) > 2
    assert len(sent) == 1


@pytest.mark.parametrize("path", ["", "/accounts/{account}", "/entries/1"])
def test_only_who_may_read_the_ledger(account: ledger.Account, seat_of: Callable[[str], people.Seat],
                                      path: str) -> None:
    address = "/admin/ledger" + path.format(account=number_of(account))
    for kind in ("support_readonly", "support_orders", "trader", "merchant_owner"):
        assert seat_of(kind).get(address).status_code == 403, kind
    with pytest.raises(NotFound):
        ledger_pages.account(reader(), staff("support_readonly"), number_of(account))


@pytest.mark.parametrize(("path", "status"), [
    ("/admin/ledger/accounts/999999999", 404), ("/admin/ledger/accounts/99999999999999999999999", 404),
    ("/admin/ledger/entries/99999999999999999999999", 404), ("/admin/ledger/entries/x", 404),
    ("/admin/ledger?owner=nobody", 404), ("/admin/ledger?after=x", 422), ("/admin/ledger?after=-1", 422)])
def test_odd_addresses(admin: people.Seat, path: str, status: int) -> None:
    assert admin.get(path).status_code == status


def test_odd_days_are_said(account: ledger.Account, admin: people.Seat) -> None:
    path = f"/admin/ledger/accounts/{number_of(account)}"
    assert admin.get(f"{path}?day_from=yesterday").status_code == 422
    assert admin.get(f"{path}?day_from=0001-01-01").status_code == 422
    assert "Nothing moved in these days" in admin.get(f"{path}?day_to=2001-01-01").get_data(as_text=True)
