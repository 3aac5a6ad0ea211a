"""Caps, windows of banks, help, freezes and the shift log through their pages."""
import pytest

from portal.orders import payment_links
from tests import factories as f
from tests import people


@pytest.fixture
def desk(fresh_app):
    cast = f.new_cast()
    trader = cast.trader()
    card = cast.requisite(trader)
    with fresh_app.app_context():
        seats = {"staff": people.seat(fresh_app, people.person("super_admin")),
                 "trader": people.seat(fresh_app, people.person("trader", trader_id=trader.id)),
                 "payer": people.stranger(fresh_app)}
    return cast, trader, card, seats


def test_caps_and_windows_through_their_forms(desk):
    _, trader, _, seats = desk
    at = f"/admin/caps/trader/{trader.public_id}"
    assert seats["staff"].send(at, {"open_max": "nonsense", "reason": "x"}).status_code == 422
    assert seats["staff"].send(at, {"open_max": "500", "reason": "New here"}).status_code == 303
    assert trader.name in seats["staff"].get("/admin/caps").get_data(as_text=True)
    assert "/admin/caps/bank/alfa:RUB" in seats["staff"].get("/admin/caps?bank=alfa&currency=RUB").location
    windows = "/admin/reference/bank-windows"
    assert seats["staff"].send(windows, {"bank": "alfa", "begin": "01:00", "end": "02:00"}).status_code == 422
    form = {"bank": "alfa", "begin": "01:00", "end": "02:00", "days": ["6", "7"]}
    assert seats["staff"].send(windows, form).status_code == 303
    assert "01:00–02:00" in seats["staff"].get(windows).get_data(as_text=True)


def test_a_payer_asks_and_reads_the_answer_on_the_page(desk):
    cast, _, _, seats = desk
    order = f.assigned_payin(cast)
    at = f"/pay/{payment_links.token_of(order.id)}/help"
    page = seats["payer"].get(at)
    assert page.status_code == 200
    sent = seats["payer"].post(at, data={"text": "Where is my money?",
                                         "csrf_token": payment_links.form_token_of(order.id)})
    assert sent.status_code == 303
    listed = seats["staff"].get("/admin/help").get_data(as_text=True)
    thread = listed.split("/admin/help/hlp_")[1].split('"')[0]
    seats["staff"].send("/admin/replies", {"use": "help", "name": "Wait", "text_en": "Please wait",
                                           "text_ru": "Подождите"})
    shown = seats["staff"].get(f"/admin/help/hlp_{thread}").get_data(as_text=True)
    reply = shown.split("reply=rpl_")[1].split("&")[0]
    filled = seats["staff"].get(f"/admin/help/hlp_{thread}?reply=rpl_{reply}&in=ru").get_data(as_text=True)
    assert "Подождите</textarea>" in filled
    assert seats["staff"].send(f"/admin/help/hlp_{thread}/answers", {"text": "We see it"}).status_code == 303
    assert "We see it" in seats["payer"].get(at).get_data(as_text=True)


def test_a_trader_asks_says_frozen_and_the_log_is_written(desk):
    cast, trader, card, seats = desk
    order = f.assigned_payin(cast)
    at = f"/trader/help/{order.public_id}"
    assert seats["trader"].send(at, {"text": "The name differs"}).status_code == 303
    assert "The name differs" in seats["trader"].get(at).get_data(as_text=True)
    at = f"/trader/requisites/{card.public_id}"
    assert seats["trader"].send(f"{at}/freezing", {"reason": "115-FZ", "stuck": "1500"}).status_code == 303
    assert "115-FZ" in seats["staff"].get("/admin/requisites/frozen").get_data(as_text=True)
    at = f"/admin/requisites/{card.public_id}"
    assert order.public_id in seats["staff"].get(at).get_data(as_text=True)
    assert seats["staff"].send(f"{at}/thawing", {"reason": "Let go"}).status_code == 303
    assert seats["staff"].send("/admin/shift-log/beginning").status_code == 303
    assert seats["staff"].send("/admin/shift-log/notes", {"text": "Sber is slow"}).status_code == 303
    assert seats["staff"].send("/admin/shift-log/end", {"text": "Look at Sber"}).status_code == 303
    assert "Look at Sber" in seats["staff"].get("/admin/shift-log").get_data(as_text=True)
    assert trader


def test_a_frozen_one_that_was_blocked_says_so_and_comes_back_blocked(desk):
    _, _, card, seats = desk
    staff, at = seats["staff"], f"/admin/requisites/{card.public_id}"
    theirs = f"/trader/requisites/{card.public_id}"
    assert staff.send(f"{at}/blocking", {"reason": "Fraud"}).status_code == 303
    assert seats["trader"].send(f"{theirs}/freezing", {"reason": "115-FZ"}).status_code == 303
    page = staff.get(at).get_data(as_text=True)
    assert "it comes back blocked" in page
    assert "It is blocked again, as it was before." in page
    assert "It is paused until its trader resumes it." not in page
    assert "it comes back blocked" in seats["trader"].get(theirs).get_data(as_text=True)
    assert staff.send(f"{at}/thawing", {"reason": "Let go"}).status_code == 303
    assert f.fresh(card).status == "blocked"


def test_who_of_the_staff_said_so_is_not_its_traders_to_know(desk):
    """His page told him the address that one of the staff signs in with."""
    _, _, card, seats = desk
    staff, theirs = seats["staff"], f"/trader/requisites/{card.public_id}"
    at = f"/admin/requisites/{card.public_id}"
    assert staff.send(f"{at}/freezing", {"reason": "115-FZ", "stuck": "1500"}).status_code == 303
    name = staff.get(at).text.partition("Said by</dt>")[2].partition("<dd>")[2].partition("</dd>")[0]
    assert "@" in name
    assert "115-FZ" in seats["trader"].get(theirs).text
    assert name not in seats["trader"].get(theirs).text
    assert staff.send(f"{at}/thawing", {"reason": "Let go"}).status_code == 303
    assert "Was frozen by its bank" in seats["trader"].get(theirs).text
    assert name not in seats["trader"].get(theirs).text


def test_what_was_stuck_on_an_archived_one_stands_on_its_page(desk):
    """It is on no list of frozen ones any more, and the page said nothing but that it is archived."""
    _, _, card, seats = desk
    staff, theirs = seats["staff"], f"/trader/requisites/{card.public_id}"
    assert seats["trader"].send(f"{theirs}/freezing", {"reason": "Account closed", "stuck": "1500"}).status_code == 303
    assert seats["trader"].send(f"{theirs}/archival").status_code == 303
    for page in (staff.get(f"/admin/requisites/{card.public_id}").text, seats["trader"].get(theirs).text):
        told = page.partition("Was frozen by its bank")[2].replace("\N{NO-BREAK SPACE}", " ")
        assert "Account closed" in told
        assert "1 500.00" in told


def test_a_refused_amount_is_shown_where_it_was_typed(desk):
    """The form of what is stuck was closed again and empty; another form's missing reason opened that of the freeze."""
    _, _, card, seats = desk
    theirs, at = f"/trader/requisites/{card.public_id}", f"/admin/requisites/{card.public_id}"
    page = seats["staff"].send(f"{at}/blocking", {"reason": ""}).text
    assert "<details open" not in page.partition("Frozen by its bank?")[2]
    assert seats["trader"].send(f"{theirs}/freezing", {"reason": "115-FZ"}).status_code == 303
    answer = seats["trader"].send(f"{theirs}/stuck", {"stuck": "much", "reason": "By the statement"})
    assert answer.status_code == 422
    form = answer.text.partition("Another amount is stuck…")[2]
    assert "<details open" in answer.text
    assert 'value="much"' in form
    assert 'value="By the statement"' in form


def test_limits_are_tried_and_nothing_is_changed(desk):
    _, _, card, seats = desk
    page = seats["trader"].send(f"/trader/requisites/{card.public_id}/limits/trial", {
        "min_amount": "100", "max_amount": "900", "open_orders_max": "5", "weight": "1", "cooldown_s": "0"})
    assert page.status_code == 200
    assert "0 orders came to it" in page.get_data(as_text=True)
    assert f.fresh(card).max_minor == card.max_minor
