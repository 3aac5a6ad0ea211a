"""The desk's result on a page and as a file: grouped, narrowed, and only what was computed."""
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO

import pytest
from flask import Flask
from openpyxl import load_workbook

from portal.core import clock
from tests import factories as f
from tests import people
from tests.conftest import _application, _in_context
from tests.treasury import books
from tests.treasury.test_result import compute


@pytest.fixture(scope="module")
def desk(stage_database: str, redis_url: str) -> Iterator[Flask]:
    """Of all these tests, which only read."""
    with _application(stage_database, redis_url) as made, _in_context(made):
        f.forget()
        yield made
    f.forget()


@pytest.fixture(scope="module")
def cast(desk: Flask) -> f.Cast:
    made = f.new_cast()
    made.requisite(made.trader(name="First trader"))
    f.completed_payin(made)
    books.adjusted("store", made.store.id, "0.1", code="goodwill")
    compute()
    return made


@pytest.fixture(scope="module")
def staff(desk: Flask, cast: f.Cast) -> people.Seat:
    return people.seat(desk, people.person("admin"))


def test_by_day_store_trader_and_method(cast: f.Cast, staff: people.Seat) -> None:
    page = staff.get("/admin/result").text
    for words in ("0.407609", "0.163043", "0.144566", "Counted until"):
        assert words in page, words
    by_store = staff.get("/admin/result?by=store").text
    assert cast.store.name in by_store
    assert f"store={cast.store.public_id}" in by_store
    assert "First trader" in staff.get("/admin/result?by=trader").text
    assert "0.244566" in staff.get("/admin/result?by=method").text
    assert cast.store.name in staff.get(f"/admin/result?store={cast.store.public_id}").text


def test_a_period_without_anything_says_so(staff: people.Seat) -> None:
    long_ago = (clock.today() - timedelta(days=90)).isoformat()
    assert "Nothing was settled" in staff.get(f"/admin/result?day_from={long_ago}&day_to={long_ago}").text


@pytest.mark.parametrize(("asked", "status"), [
    ("by=colour", 404), ("store=str_00000000000000000000000000", 404), ("trader=x", 404), ("day_from=yesterday", 200),
    ("day_from=2020-01-01&day_to=2026-01-01", 200)])
def test_odd_addresses(staff: people.Seat, asked: str, status: int) -> None:
    assert staff.get(f"/admin/result?{asked}").status_code == status


def test_the_same_as_a_file(staff: people.Seat) -> None:
    text = staff.get("/admin/result/export.csv?by=trader").text
    assert "First trader,1,16.304348,0.407609,0.163043,0.000000,0.244566,USDT" in text
    book = load_workbook(BytesIO(staff.get("/admin/result/export.xlsx?by=day").data))
    assert [cell.value for cell in book.active[2]][1:] == [1, 16.304348, 0.407609, 0.163043, -0.1, 0.144566, "USDT"]
    assert staff.get("/admin/result/export.pdf").status_code == 404


def test_who_may(desk: Flask, cast: f.Cast) -> None:
    seat = people.seat(desk, people.person("support_traders"))
    for path in ("/admin/result", "/admin/result/export.csv"):
        assert seat.get(path).status_code == 403
