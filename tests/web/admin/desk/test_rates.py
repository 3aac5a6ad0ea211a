"""Rates: what counts, how old it is, and a rate set by hand with a reason."""
from collections.abc import Callable
from datetime import timedelta

import pytest

from portal import reference
from portal.core import clock
from portal.core.access import SYSTEM
from portal.core.audit import AuditRow
from portal.core.db import reader, transaction
from portal.reference import rate_board, rate_history, service
from portal.reference.commands import SetRate
from portal.reference.rate_history import Period
from tests import people
from tests.factories import Cast

PAIR = ("AZN", "USDC")  # nobody else's in the tests


def put(rate: str, source: str = "manual", ago: timedelta = timedelta(), quote: str = PAIR[1]) -> None:
    with clock.moved(-ago), transaction() as session:
        service.set_rate(session, SYSTEM, SetRate(base=PAIR[0], quote=quote, rate=rate, source=source, force=True))
    reference.forget()


def line(quote: str = PAIR[1]) -> rate_board.RateLine:
    return next(rate for rate in rate_board.present(reader()) if (rate.base, rate.quote) == (PAIR[0], quote))


@pytest.fixture(autouse=True)
def _a_rate(cast: Cast) -> None:
    put("1.5")


def test_a_feed_ages_and_a_hand_does_not(admin: people.Seat) -> None:
    with clock.moved(timedelta(hours=5)):
        assert not line().stale
    put("0.00001", "some-feed", ago=timedelta(minutes=70), quote="BTC")
    assert line("BTC").stale
    page = admin.get("/admin/rates").get_data(as_text=True)
    assert "Out of date" in page
    assert "some-feed" in page
    put("0.00001", "some-feed", quote="BTC")
    assert not line("BTC").stale


def test_a_rate_by_hand_needs_a_reason_and_is_audited(admin: people.Seat) -> None:
    assert admin.send("/admin/rates/AZN-USDC/manual", {"rate": "1.7"}).status_code == 422
    assert line().rate != 17
    answer = admin.send("/admin/rates/AZN-USDC/manual", {"rate": "1.7", "reason": "The feed is down"})
    assert answer.status_code == 303
    reference.forget()
    assert f"{line().rate.normalize():f}" == "1.7"
    row = reader().query(AuditRow).filter_by(action="rate.set", reason="The feed is down").one()
    assert (row.target_id, row.after["rate"]) == ("AZN-USDC", "1.7")


def test_ten_times_as_much_is_asked_about_first(admin: people.Seat) -> None:
    put("2")
    answer = admin.send("/admin/rates/AZN-USDC/manual", {"rate": "25", "reason": "r"})
    assert answer.status_code == 409
    assert 'name="force"' in answer.get_data(as_text=True)
    answer = admin.send("/admin/rates/AZN-USDC/manual", {"rate": "25", "reason": "r", "force": "yes"})
    assert answer.status_code == 303
    reference.forget()
    assert line().rate == 25


def test_the_day_is_drawn_from_the_rows(admin: people.Seat) -> None:
    page = admin.get("/admin/rates/AZN-USDC").get_data(as_text=True)
    assert "<polyline" in page
    assert "600," in page
    rows = rate_history.history(reader(), *PAIR, Period.of_span("day")).latest
    assert page.count('id="rate-') == len(rows) > 0


@pytest.mark.parametrize("rate", ["0", "-1", "1e5", "x", "", "9" * 40, "NaN"])
def test_what_is_no_rate(admin: people.Seat, rate: str) -> None:
    before = line().rate
    assert admin.send("/admin/rates/AZN-USDC/manual", {"rate": rate, "reason": "r"}).status_code == 422
    reference.forget()
    assert line().rate == before


@pytest.mark.parametrize("pair", ["AZN", "AZN-", "XXX-YYY", "AZN-USDC-1", "azn-usdc", "'-'"])
def test_unknown_pairs(admin: people.Seat, pair: str) -> None:
    assert admin.get(f"/admin/rates/{pair}").status_code == 404
    assert admin.send(f"/admin/rates/{pair}/manual", {"rate": "1", "reason": "r"}).status_code == 404


def test_only_who_may(seat_of: Callable[[str], people.Seat]) -> None:
    for kind in ("support_readonly", "support_orders", "trader", "merchant_owner"):
        seat = seat_of(kind)
        assert seat.get("/admin/rates").status_code == 403, kind
        assert seat.send("/admin/rates/AZN-USDC/manual", {"rate": "1", "reason": "r"}).status_code == 403, kind
