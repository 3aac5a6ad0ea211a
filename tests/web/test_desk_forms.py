"""Forms by which the desk is run, each sent through its own route: hours, quarantine, stuck money, pauses of a part,
announcements, help that ends, a shift handed over."""
import re

import pytest
from flask import Flask

from portal.help import service as help
from portal.help.commands import AskHelp
from portal.reference.pauses import PartlyPaused
from portal.requisites import hours
from portal.requisites.models import Requisite, RequisiteFreeze
from tests import factories as f
from tests import people


@pytest.fixture
def cast(fresh_app: Flask) -> f.Cast:
    made = f.new_cast()
    made.requisite(made.trader())
    return made


@pytest.fixture
def trader(fresh_app: Flask, cast: f.Cast) -> people.Seat:
    return people.seat(fresh_app, people.person("trader", trader_id=cast.traders[0].id))


@pytest.fixture
def admin(fresh_app: Flask) -> people.Seat:
    return people.seat(fresh_app, people.person("admin"))


@pytest.fixture
def support(fresh_app: Flask) -> people.Seat:
    return people.seat(fresh_app, people.person("support_orders"))


def card(cast: f.Cast) -> Requisite:
    with f.look() as session:
        return session.query(Requisite).filter(Requisite.trader_id == cast.traders[0].id).one()


def freezes(cast: f.Cast) -> list[RequisiteFreeze]:
    with f.look() as session:
        return session.query(RequisiteFreeze).filter(RequisiteFreeze.requisite_id == card(cast).id).all()


def status(cast: f.Cast, amount: str = "1500.00") -> str:
    order = cast.order(amount)
    f.work_off("match_order")
    return f.fresh(order).status


def test_a_trader_sets_the_hours_of_his_requisite_and_takes_them_back(cast, trader):
    page = f"/trader/requisites/{card(cast).public_id}"
    begin, end = (hours.clock_face((hours._now() + later) % 1440) for later in (120, 180))
    assert trader.send(f"{page}/hours", {"begin": begin, "end": end}).status_code == 303
    shown = trader.get(page).text
    assert f'value="{begin}"' in shown
    assert f'value="{end}"' in shown
    assert status(cast) == "retrying", "it sleeps"
    for wrong, field in (({"begin": begin}, "end"), ({"begin": begin, "end": begin}, "end"),
                         ({"begin": "25:00", "end": end}, "begin")):
        refused = trader.send(f"{page}/hours", wrong)
        assert refused.status_code == 422, wrong
        assert re.search(rf'name="{field}"[^>]*aria-invalid="true"', refused.text), wrong
    assert trader.send(f"{page}/hours", {"begin": "", "end": ""}).status_code == 303
    assert status(cast, "1600.00") == "assigned"


def test_another_trader_sets_no_hours(fresh_app, cast):
    stranger = people.seat(fresh_app, people.person("trader"))
    page = f"/trader/requisites/{card(cast).public_id}"
    assert stranger.send(f"{page}/hours", {"begin": "09:00", "end": "18:00"}).status_code == 404
    assert card(cast).hours_from is None


def test_staff_end_a_quarantine_on_its_page(cast, admin, support):
    for number in range(5):
        f.expire(f.assigned_payin(cast, f"{1000 + number}.00"))
    page = f"/admin/requisites/{card(cast).public_id}"
    assert "Let it go on" in admin.get(page).text
    assert admin.send(f"{page}/quarantine-end", {"reason": ""}).status_code == 422
    assert support.send(f"{page}/quarantine-end", {"reason": "Seen"}).status_code == 403
    assert card(cast).quarantined_at is not None
    assert admin.send(f"{page}/quarantine-end", {"reason": "The bank was down"}).status_code == 303
    assert card(cast).quarantined_at is None
    assert "Let it go on" not in admin.get(page).text


@pytest.mark.parametrize("act", ["blocking", "unblocking", "quarantine-end", "thawing"])
def test_staff_say_why_they_move_a_requisite(cast, admin, act):
    refused = admin.send(f"/admin/requisites/{card(cast).public_id}/{act}", {"reason": " "})
    assert refused.status_code == 422
    assert card(cast).status == "active"


def test_what_is_stuck_is_said_by_its_trader_and_by_staff(cast, trader, admin):
    its = card(cast).public_id
    frozen = {"reason": "The bank asks for papers"}
    early = trader.send(f"/trader/requisites/{its}/stuck", frozen | {"stuck": "1"})
    assert early.status_code in (404, 409), "not frozen"
    assert freezes(cast) == []
    assert trader.send(f"/trader/requisites/{its}/freezing", frozen).status_code == 303
    before = None
    for seat, area, stuck in ((trader, "trader", "12 000,50"), (admin, "admin", "11000")):
        assert seat.send(f"/{area}/requisites/{its}/stuck", frozen | {"stuck": "much"}).status_code == 422
        assert [one.stuck_minor for one in freezes(cast)] == [before], "nothing is changed by what is no amount"
        assert seat.send(f"/{area}/requisites/{its}/stuck", frozen | {"stuck": stuck}).status_code == 303
        before = {"trader": 12_000_50, "admin": 11_000_00}[area]
        assert [one.stuck_minor for one in freezes(cast)] == [before]
    assert "11" in admin.get("/admin/requisites/frozen").text.partition(its)[2]


@pytest.mark.parametrize("scope", ["bank", "method", "direction", "store"])
def test_a_part_stands_still_from_the_page_and_goes_on(cast, admin, support, scope):
    what = {"bank": "bank:alfa", "method": f"method:{cast.method}", "direction": "direction:payin",
            "store": f"store:{cast.store.public_id}"}[scope]
    form = {"what": what, "for_minutes": "15", "begins_in_minutes": "0", "reason": "It answers nobody"}
    assert f'value="{what}"' in admin.get("/admin/pause").text
    assert support.send("/admin/pause", form).status_code == 403
    assert admin.send("/admin/pause", form | {"reason": ""}).status_code == 422
    assert status(cast) == "assigned"
    assert admin.send("/admin/pause", form).status_code == 303
    if scope == "bank":
        assert status(cast, "1600.00") == "retrying", "its requisites get nothing"
    else:
        with pytest.raises(PartlyPaused):
            cast.order("1600.00")
    page = admin.get("/admin/pause").text
    assert "It answers nobody" in page
    [end] = set(re.findall(r"/admin/pause/pau_\w+/end", page))
    assert support.send(end).status_code == 403
    assert end in admin.get("/admin/pause").text, "it stands still"
    assert admin.send(end).status_code == 303
    assert status(cast, "1700.00") == "assigned"
    assert end not in admin.get("/admin/pause").text
    assert admin.send(end).status_code == 409, "it goes on already"


def test_a_part_that_is_none_is_refused(cast, admin):
    for what in ("bank:nobody", "planet:mars", "store:str_0"):
        with_it = {"what": what, "for_minutes": "15", "reason": "x"}
        assert admin.send("/admin/pause", with_it).status_code in (404, 422), what
    assert not re.findall(r"/admin/pause/pau_\w+/end", admin.get("/admin/pause").text)
    assert status(cast) == "assigned", "nothing stands still"


def test_staff_announce_by_the_form_see_who_read_it_and_withdraw_it(cast, trader, admin, support):
    form = {"audience": "trader", "text_en": "Sber is slow", "text_ru": "Сбер медлит", "days": "2"}
    assert support.send("/admin/announcements", form).status_code == 403
    assert admin.send("/admin/announcements", form | {"text_ru": ""}).status_code == 422
    assert "Sber is slow" not in trader.get("/trader/orders").text, "one has no right, the other half a text"
    assert admin.send("/admin/announcements", form).status_code == 303
    assert "Sber is slow" in trader.get("/trader/orders").text
    [one] = set(re.findall(r"/admin/announcements/[a-z]+_\w+", admin.get("/admin/announcements").text))
    assert "Sber is slow" in support.get(one).text
    assert support.send(f"{one}/withdrawal").status_code == 403
    assert "Sber is slow" in trader.get("/trader/orders").text
    assert admin.send(f"{one}/withdrawal").status_code == 303
    assert "Sber is slow" not in trader.get("/trader/orders").text


def test_help_is_ended_on_its_page(cast, trader, support):
    order = f.assigned_payin(cast)
    with f.act() as session:
        thread = help.ask(session, cast.customer(order), AskHelp(
            order_id=order.public_id, text="I paid twice", locale="en")).public_id
    page = f"/admin/help/{thread}"
    assert page in support.get("/admin/help").text
    assert trader.send(f"{page}/end").status_code in (403, 404)
    assert page in support.get("/admin/help").text, "it goes on"
    assert support.send(f"{page}/answers", {"text": "We look"}).status_code == 303
    assert "We look" in support.get(page).text
    assert support.send(f"{page}/end").status_code == 303
    assert page not in support.get("/admin/help").text
    assert page in support.get("/admin/help?view=closed").text


def test_a_shift_ends_with_its_cases_handed_over(fresh_app, cast):
    one, other = people.person("support_orders"), people.person("support_orders")
    mine, theirs = people.seat(fresh_app, one), people.seat(fresh_app, other)
    order = f.assigned_payin(cast).public_id
    log = "/admin/shift-log"
    assert "Begin my shift" in mine.get(log).text
    assert mine.send(f"{log}/beginning").status_code == 303
    assert mine.send(f"{log}/beginning").status_code == 409, "it has begun"
    assert mine.send(f"/admin/cases/{order}").status_code == 303
    assert mine.send(f"{log}/notes", {"text": "Sber is slow"}).status_code == 303
    refused = mine.send(f"{log}/end")
    assert refused.status_code == 422
    assert order in mine.get("/admin/cases").text, "the shift goes on"
    assert "Name who gets what you are on" in refused.text
    assert f'value="{other.id}"' in refused.text, "a colleague to choose"
    assert mine.send(f"{log}/end", {"to": str(other.id), "text": "Ask the payer again"}).status_code == 303
    assert order in theirs.get("/admin/cases").text
    assert order not in mine.get("/admin/cases").text
    read = theirs.get(log).text
    assert all(said in read for said in ("Sber is slow", "Ask the payer again", "1 matter handed over"))
    f.work_off("tell_people")
    assert "Ask the payer again" in theirs.get("/notices").text
