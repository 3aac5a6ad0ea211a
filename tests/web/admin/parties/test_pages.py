"""The staff's pages of people, companies and instruments: they open, narrow, page, and ask no query per row."""
import pytest
from flask import Flask

from portal.core.access import SYSTEM
from portal.core.db import transaction
from portal.parties import merchants, traders
from portal.parties.commands import CreateMerchant, CreateTrader
from tests import factories, people
from tests.statements import statements

LISTS = ("/admin/merchants", "/admin/traders", "/admin/requisites", "/admin/users", "/admin/approvals")


@pytest.fixture
def admin(app: Flask) -> people.Seat:
    return people.seat(app, people.person("super_admin"))


@pytest.mark.parametrize("path", LISTS)
def test_a_list_is_as_many_queries_however_long(app: Flask, admin: people.Seat, path: str) -> None:
    counts = []
    for more in (0, 4):
        for _ in range(more):
            cast = factories.new_cast()
            factories.new_requisite(factories.new_trader(), cast.method)
            people.person("support_readonly")
        with statements() as seen:
            answer = admin.get(path)
        assert answer.status_code == 200
        counts.append(len(seen))
    assert counts[1] - counts[0] <= 2, counts  # a first look at an empty desk asks less


@pytest.mark.parametrize("query", [
    "status=x", "after=nonsense", "q=" + "%27" * 200, "q=%00%25_", "kind=x", "status=active&q=zz", "state=x",
    "trader=x"])
@pytest.mark.parametrize("path", LISTS)
def test_odd_input_is_said_or_finds_nothing(admin: people.Seat, path: str, query: str) -> None:
    assert admin.get(f"{path}?{query}").status_code in (200, 404, 422)


def test_pages_follow_each_other_without_a_gap(app: Flask, admin: people.Seat) -> None:
    with transaction() as session:
        made = [merchants.create(session, SYSTEM, CreateMerchant(name="Paged away")) for _ in range(30)]
    seen: list[str] = []
    path = "/admin/merchants?q=Paged+away"
    while path:
        html = admin.get(path).get_data(as_text=True)
        seen += [one.public_id for one in made if f'id="merchant-{one.public_id}"' in html]
        path = html.partition('class="pagination"')[2].partition("after=")[2].partition('"')[0]
        path = f"/admin/merchants?q=Paged+away&after={path}" if path and len(seen) < 30 else ""
    assert sorted(seen) == sorted(one.public_id for one in made)
    assert len(seen) == 30


def test_a_name_with_a_percent_is_looked_for_as_written(app: Flask, admin: people.Seat) -> None:
    with transaction() as session:
        traders.create(session, SYSTEM, CreateTrader(name="Ninety%nine", settlement_currency="USDT"))
        traders.create(session, SYSTEM, CreateTrader(name="Ninety and nine", settlement_currency="USDT"))
    html = admin.get("/admin/traders?q=ninety%25n").get_data(as_text=True)
    assert "Ninety%nine" in html
    assert "Ninety and nine" not in html


def test_what_waits_stands_in_the_navigation(app: Flask, admin: people.Seat) -> None:
    cast = factories.new_cast()
    admin.send(f"/admin/stores/{cast.store.public_id}/fees",
               {"direction": "payin", "fee_percent": "2", "reason": "Volume"})
    html = admin.get("/admin/merchants").get_data(as_text=True)
    entry = html.partition('href="/admin/approvals"')[2].partition("</li>")[0]
    assert "pill" in entry
