"""A trader's instruments: seen, switched, limited, offered, and why one gets nothing."""
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from portal.approvals import Approval
from portal.core import audit, clock
from portal.core.access import SYSTEM
from portal.core.db import reader
from portal.parties.models import Holder
from portal.reference import service as reference_service
from portal.reference.commands import Switch
from portal.requisites import hindrances, numbers
from portal.requisites.hindrances import Because
from portal.requisites.models import Requisite
from tests import factories, people
from tests.factories import act, fresh, look


@pytest.fixture
def cast(app):
    cast = factories.new_cast()
    cast.requisite()
    return cast


@pytest.fixture
def card(cast) -> Requisite:
    with look() as session:
        return session.scalars(select(Requisite).where(Requisite.trader_id == cast.traders[0].id)).one()


@pytest.fixture
def trader(app, cast):
    seat = people.seat(app, person := people.person("trader", trader_id=cast.traders[0].id))
    seat.person = person
    return seat


def plain(answer) -> str:
    text = re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))
    return re.sub(r"\s+", " ", text.replace("\N{NO-BREAK SPACE}", " "))


def reasons(cast, card) -> list[Because]:
    with look() as session:
        trader = session.get(type(cast.traders[0]), cast.traders[0].id)
        from portal.core.access import SYSTEM
        from portal.requisites import queries

        found = queries.find(session, SYSTEM, card.public_id)
        return [one.because for one in hindrances.hindrances(session, trader, [found])[card.id]]


def test_the_list_shows_masks_and_used_limits(cast, card, trader):
    factories.change(card, day_max_minor=10_000_00)
    factories.assigned_payin(cast, "2500.00")
    page = plain(trader.get("/trader/requisites"))
    assert card.number_last4 in page
    assert "2 500.00 of 10 000.00 ₽" in page
    assert "1 of 1 000" in page
    with look() as session:
        assert numbers.holder_name(session, card) in page


def test_a_resting_one_says_when_it_is_free(card, trader):
    until = clock.now() + timedelta(minutes=10)
    factories.change(card, cool_until=until)
    local = until.astimezone(ZoneInfo(trader.person.actor.time_zone))
    assert f"free at {local:%H:%M}" in plain(trader.get("/trader/requisites"))


def test_the_switch_is_harmless_twice(card, trader):
    for on, status in (("no", "paused"), ("no", "paused"), ("yes", "active"), ("yes", "active")):
        assert trader.send(f"/trader/requisites/{card.public_id}/switch", {"on": on}).status_code == 303
        assert fresh(card).status == status


def test_sixteen_clicks_switch_it_once(app, cast, card):
    me = people.person("trader", trader_id=cast.traders[0].id)
    seats = [people.seat(app, me) for _ in range(4)]  # more than five browsers are not let in
    path = f"/trader/requisites/{card.public_id}/switch"
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda at: seats[at % 4].send(f"{path}?back=list", {"on": "no"}), range(16)))
    assert {answer.status_code for answer in answers} == {303}
    assert {answer.location for answer in answers} == {f"/trader/requisites#requisite-{card.public_id}"}
    assert fresh(card).status == "paused"
    with look() as session:
        assert len(session.scalars(select(audit.AuditRow.id).where(
            audit.AuditRow.action == "requisite.paused", audit.AuditRow.target_id == str(card.id))).all()) == 1


def test_each_reason_is_told(cast, card):
    assert reasons(cast, card) == []
    for column, value, because in (("status", "paused", Because.PAUSED), ("status", "blocked", Because.BLOCKED)):
        before = getattr(fresh(card), column)
        factories.change(card, **{column: value})
        assert reasons(cast, card) == [because]
        factories.change(card, **{column: before})
    factories.change(card, open_orders_max=1)
    factories.assigned_payin(cast, "1500.00")
    assert Because.SLOTS in reasons(cast, card)
    factories.change(card, open_orders_max=5, day_count_max=1)
    assert reasons(cast, card) == [Because.DAY_COUNT]
    factories.change(card, day_count_max=None, day_max_minor=1500_00)
    assert reasons(cast, card) == [Because.DAY]
    factories.change(card, day_max_minor=None, month_max_minor=1500_00)
    assert reasons(cast, card) == [Because.MONTH]
    factories.change(card, month_max_minor=None)
    factories.change(cast.traders[0], on_shift=False)
    assert reasons(cast, card) == [Because.OFF_SHIFT]


def shown(moment: datetime, seat: people.Seat) -> str:
    """As the page writes it, in its reader's time zone."""
    local = moment.astimezone(ZoneInfo(seat.person.actor.time_zone))
    return f"{local.day} {local:%b %Y, %H:%M}"


def test_hours_that_are_over_say_when_they_begin(card, trader):
    local = clock.local(clock.now())
    minute = (local.hour * 60 + local.minute + 120) % 1440
    factories.change(card, hours_from=minute, hours_to=(minute + 60) % 1440, off_hours=True)
    begins = clock.moment_on(clock.today(), minute)
    begins = begins if begins > clock.now() else clock.moment_on(clock.today() + timedelta(days=1), minute)
    assert f"they begin at {shown(begins, trader)}" in plain(trader.get("/trader/requisites"))


def test_the_limit_of_its_person_says_when_it_goes_on(card, trader):
    with look() as session:
        holder = session.get_one(Holder, card.holder_id)
    factories.change(holder, currency=card.currency, day_count_max=0)
    words = "over all their requisites; it goes on at"
    assert f"{words} {shown(clock.midnight_after(clock.today()), trader)}" in plain(trader.get("/trader/requisites"))
    factories.change(holder, day_count_max=None, month_max_minor=card.min_minor - 1)
    assert f"{words} {shown(clock.month_after(clock.today()), trader)}" in plain(trader.get("/trader/requisites"))


def test_quarantine_and_late_money_are_said_in_words(card, cast, trader):
    open_small = factories.assigned_payin(cast, f"{card.min_minor // 100 + 1}.00")
    factories.change(card, quarantined_at=clock.now())
    assert "Too many orders in a row were not paid on it" in plain(trader.get("/trader/requisites"))
    factories.change(card, quarantined_at=None)
    factories.expire(open_small)
    factories.change(cast.traders[0], unsecured=1)
    assert "You have money of a late payment and no collateral" in plain(trader.get("/trader/requisites"))


def test_too_little_collateral_is_told_with_the_sum(app):
    cast = factories.new_cast()
    card = cast.requisite(cast.trader(deposit="0.100000"))
    assert reasons(cast, card) == [Because.COLLATERAL]
    seat = people.seat(app, people.person("trader", trader_id=cast.traders[0].id))
    assert "Your free balance is below" in plain(seat.get(f"/trader/requisites/{card.public_id}"))


def test_what_has_no_hindrance_is_what_matching_takes(cast, card):
    """The same order that a requisite without hindrances gets, one with a hindrance does not."""
    assert reasons(cast, card) == []
    factories.assigned_payin(cast, "1500.00")
    factories.change(card, day_count_max=1)
    order = cast.order("1600.00")
    factories.work_off("match_order")
    assert fresh(order).status == "retrying"


def test_a_number_is_shown_on_request_and_kept_in_the_audit(card, trader):
    page = f"/trader/requisites/{card.public_id}"
    assert "******" in plain(trader.get(page))
    shown = trader.send(f"{page}/number")
    assert "data-hide-after" in shown.get_data(as_text=True)
    assert shown.headers["Cache-Control"] == "no-store"
    row = reader().execute(select(audit.AuditRow.action).where(audit.AuditRow.action == "requisite.number_shown"))
    assert row.first() is not None
    assert "data-hide-after" not in trader.get(page).get_data(as_text=True)


def limits_form(page: str) -> dict[str, str]:
    form = page[page.index("/limits"):]
    found = dict(re.findall(r'<input[^>]*name="([a-z_]+)"[^>]*?value="([^"]*)"', form[:form.index("</form>")]))
    return {name: value for name, value in found.items() if name != "csrf_token"}


def test_tighter_limits_hold_at_once_wider_ones_wait(card, trader):
    path = f"/trader/requisites/{card.public_id}"
    form = limits_form(trader.get(path).get_data(as_text=True))
    assert trader.send(f"{path}/limits", form | {"max_amount": "9000.00"}).status_code == 303
    assert fresh(card).max_minor == 9000_00
    form = limits_form(trader.get(path).get_data(as_text=True))
    assert trader.send(f"{path}/limits", form | {"max_amount": "90000.00"}).status_code == 303
    assert fresh(card).max_minor == 9000_00
    assert "have waited for approval" in plain(trader.get(path))


def test_wider_limits_are_decided_on_in_money(app, card, trader):
    """Who decides read 5000000 and 9000000: minor units, a hundred times as much."""
    path = f"/trader/requisites/{card.public_id}"
    form = limits_form(trader.get(path).get_data(as_text=True))
    assert trader.send(f"{path}/limits", form | {"max_amount": "90000.00", "day_max": "900000"}).status_code == 303
    staff = people.seat(app, people.person("super_admin"))
    [asked] = [row.public_id for row in reader().scalars(select(Approval).where(
        Approval.target_id == str(card.id), Approval.kind == "requisite_limits"))]
    for page in (f"/admin/approvals/{asked}", "/admin/approvals?kind=requisite_limits"):
        told = plain(staff.get(page))
        assert "90 000.00 ₽" in told, page
        assert "900 000.00 ₽" in told, page
        assert "9000000" not in told, page
    assert staff.send(f"/admin/approvals/{asked}/decision", {"decision": "approve"}).status_code == 303
    assert fresh(card).max_minor == 90_000_00


def test_of_two_browsers_the_slower_sees_what_the_other_did(card, trader):
    path = f"/trader/requisites/{card.public_id}"
    form = limits_form(trader.get(path).get_data(as_text=True))
    trader.send(f"{path}/limits", form | {"max_amount": "9000.00"})
    late = trader.send(f"{path}/limits", form | {"max_amount": "8000.00"})
    assert late.status_code == 409
    assert "8000.00" in late.get_data(as_text=True)
    assert "9 000.00 ₽ an order" in plain(late)
    assert fresh(card).max_minor == 9000_00


def test_odd_limits_are_marked_and_kept(card, trader):
    path = f"/trader/requisites/{card.public_id}"
    form = limits_form(trader.get(path).get_data(as_text=True))
    answer = trader.send(f"{path}/limits", form | {"max_amount": "much", "cooldown_s": "-1"})
    assert answer.status_code == 422
    assert 'value="much"' in answer.get_data(as_text=True)


def test_a_new_requisite_waits_for_approval(app, cast, trader):
    sent = {"method": cast.method, "currency": "RUB", "number": "2200 7007 1234 5674", "holder": "Ivan Petrov",
            "payin": "yes", "min_amount": "50.00", "max_amount": "9000.00", "open_orders_max": "5"}
    wrong = trader.send("/trader/requisites", sent | {"number": "2200 7007 1234 5670"})
    assert wrong.status_code == 422
    assert 'value="2200 7007 1234 5670"' in wrong.get_data(as_text=True), "to be mended, not typed again"
    assert "Ivan Petrov" in wrong.get_data(as_text=True)
    made = trader.send("/trader/requisites", sent | {"number": good_number()})
    assert made.status_code == 303
    assert "It waits for staff to approve it" in plain(trader.get(made.location))
    assert trader.send("/trader/requisites", sent | {"payin": "no", "number": good_number()}).status_code == 422


def good_number() -> str:
    from secrets import randbelow

    from portal.core.logging import luhn

    start = f"22007007{randbelow(10**7):07d}"
    return next(start + last for last in "0123456789" if luhn(start + last))


def test_archived_is_for_good_and_not_while_orders_are_open(cast, card, trader):
    path = f"/trader/requisites/{card.public_id}"
    factories.assigned_payin(cast, "1500.00")
    assert trader.send(f"{path}/archival").status_code == 409
    with act() as session:
        session.get(Requisite, card.id).open_orders = 0
    assert trader.send(f"{path}/archival").status_code == 303
    assert fresh(card).status == "archived"


def test_another_s_requisite_does_not_exist(app, cast, card):
    other = factories.new_cast()
    other.requisite()
    stranger = people.seat(app, people.person("trader", trader_id=other.traders[0].id))
    path = f"/trader/requisites/{card.public_id}"
    assert stranger.get(path).status_code == 404
    for door in ("number", "switch", "limits", "archival"):
        assert stranger.send(f"{path}/{door}", {"on": "no"}).status_code == 404
    assert fresh(card).status == "active"


def test_filters_stand_in_the_address_and_unknown_ones_are_said(cast, card, trader):
    listed = f"requisite-{card.public_id}"
    for query, found in (("", True), ("?status=active", True), ("?status=paused", False),
                         (f"?method={cast.method}", True), ("?currency=RUB", True), ("?currency=KZT", False)):
        answer = trader.get(f"/trader/requisites{query}")
        assert answer.status_code == 200, query
        assert (listed in answer.get_data(as_text=True)) is found, query
    for name in ("status", "method", "currency"):
        assert trader.get(f"/trader/requisites?{name}=nonsense").status_code == 422


@pytest.fixture
def sums(app):
    """A desk that takes Uzbek sums, with a bank there."""
    switched(app, True)
    yield
    switched(app, False)


def switched(app, on: bool) -> None:
    with act() as session:
        for kind, code in (("currency", "UZS"), ("bank", "kapitalbank")):
            reference_service.switch(session, SYSTEM, Switch(kind=kind, code=code, active=on))
    factories.forget()


def banks_offered(page) -> set[str]:
    inside = re.search(r'<select[^>]*name="bank".*?</select>', page.get_data(as_text=True), re.S)
    assert inside
    return {code for code in re.findall(r'<option value="([^"]*)"', inside[0]) if code}


def test_the_form_offers_the_banks_of_its_currency(sums, trader):
    assert banks_offered(trader.get("/trader/requisites/new?currency=UZS")) == {"kapitalbank"}
    assert "kapitalbank" not in (roubles := banks_offered(trader.get("/trader/requisites/new")))
    assert {"alfa", "sber"} <= roubles
    assert "kaspi" not in roubles
    assert banks_offered(trader.get("/trader/requisites/new?currency=%00")) == roubles


def test_a_refused_form_still_offers_them(sums, trader, cast):
    refused = trader.send("/trader/requisites", {
        "method": cast.method, "bank": "kapitalbank", "currency": "UZS", "holder": "I", "payin": "yes", "number": "1",
        "min_amount": "1", "max_amount": "2"})
    assert refused.status_code == 422
    assert banks_offered(refused) == {"kapitalbank"}
    assert 'name="currency" value="UZS"' in refused.get_data(as_text=True)
