"""Feeds of rates on their pages: added with sources, changed, switched, and a rate that jumped let through."""
import re
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import delete, select

from portal.core.audit import AuditRow
from portal.core.db import reader, transaction
from portal.reference.feed_models import RateFeed, RateSource
from tests import people

TERMS = {"interval_s": "30", "spread_percent": "1,5", "outlier_percent": "5", "jump_percent": "10", "sources_min": "1",
         "reason": "We follow the market"}


@pytest.fixture(autouse=True)
def _none_before(app: Flask) -> None:
    with transaction() as session:
        session.execute(delete(RateSource))
        session.execute(delete(RateFeed))


def add(admin: people.Seat) -> str:
    answer = admin.send("/admin/rates/feeds", TERMS | {"base": "BTC", "quote": "EUR"})
    assert answer.status_code == 303
    return answer.location


def test_a_feed_is_made_and_asked_by_pages_alone(admin: people.Seat) -> None:
    page = add(admin)
    assert admin.send(f"{page}/sources", {"url": "https://rates.example/btc", "pointer": "/data/price",
                                          "inverted": "yes"}).status_code == 303
    shown = admin.get(page).get_data(as_text=True)
    assert "https://rates.example/btc" in shown
    assert "Not asked yet" in shown
    feed = reader().scalar(select(RateFeed).where(RateFeed.base == "BTC"))
    assert feed is not None
    assert (feed.interval_s, feed.spread_bps, feed.sources[0].inverted) == (30, 150, True)
    assert "BTC/EUR" in admin.get("/admin/rates/feeds").get_data(as_text=True)
    told = reader().scalars(select(AuditRow.action).where(AuditRow.target_id == "BTC-EUR")).all()
    assert {"rate_feed.added", "rate_feed.source_added"} <= set(told)


@pytest.mark.parametrize(("field", "value"), [
    ("interval_s", "5"), ("spread_percent", "25"), ("spread_percent", "x"), ("outlier_percent", "-1"),
    ("jump_percent", "101"), ("sources_min", "0"), ("reason", "")])
def test_wrong_terms_stand_at_their_field_and_nothing_typed_is_lost(admin: people.Seat, field: str, value: str) -> None:
    answer = admin.send("/admin/rates/feeds", TERMS | {"base": "BTC", "quote": "EUR", field: value})
    assert answer.status_code == 422
    assert re.search(rf'id="field-{field}"[^>]*aria-invalid="true"', answer.get_data(as_text=True))
    assert reader().scalars(select(RateFeed)).all() == []


@pytest.mark.parametrize("url", ["ftp://rates.example/x", "https://user@rates.example/", "not an address"])
def test_an_address_that_is_not_called_is_refused_at_its_field(admin: people.Seat, url: str) -> None:
    page = add(admin)
    answer = admin.send(f"{page}/sources", {"url": url, "pointer": "/p"})
    assert answer.status_code == 422
    assert 'id="field-url"' in answer.get_data(as_text=True)


def test_one_that_waits_is_let_through_once(admin: people.Seat) -> None:
    page = add(admin)
    with transaction() as session:
        session.scalars(select(RateFeed)).one().held_rate = Decimal(71_000)
    assert "A rate that jumped" in admin.get(page).get_data(as_text=True)
    assert admin.send(f"{page}/held-rate", {}).status_code == 422, "it wants a reason"
    assert admin.send(f"{page}/held-rate", {"reason": "It rose"}).status_code == 303
    assert admin.send(f"{page}/held-rate", {"reason": "Again"}).status_code == 409


def test_its_terms_are_put_right_and_a_source_is_taken_away(admin: people.Seat) -> None:
    page = add(admin)
    assert admin.send(page, TERMS | {"interval_s": "60"}).status_code == 303
    assert admin.send(f"{page}/sources", {"url": "https://rates.example/btc", "pointer": "/p"}).status_code == 303
    removal = re.search(r'action="([^"]+/removal)"', admin.get(page).get_data(as_text=True))
    assert removal is not None
    assert admin.send(removal[1]).status_code == 303
    feed = reader().scalars(select(RateFeed)).one()
    assert (feed.interval_s, feed.sources) == (60, [])


def test_off_and_on_again(admin: people.Seat) -> None:
    page = add(admin)
    assert admin.send(f"{page}/switch", {}).status_code == 303
    assert "Switch on" in admin.get(page).get_data(as_text=True)
    assert admin.send(f"{page}/request", {}).status_code == 303
