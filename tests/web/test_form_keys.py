"""A form sent twice is one act: a deposit asked by a double click stood twice before the second person."""
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from portal.approvals import Approval
from portal.core import clock, ids
from portal.core.db import reader
from portal.parties.form_keys import FormKey
from portal.parties.models import Merchant, UserSession
from tasks import upkeep
from tests import factories, people
from tests.web import forms

HARMLESS_TWICE = {
    # a record goes from one state to another: the second time it is there already
    "lift", "review",  # a hold that is lifted; a look that is noted
    "end_quarantine", "claim_late", "replace",  # it names the details that it replaces
    "disable", "end_sessions", "retry", "drop", "suspend", "resume", "block", "unblock", "decide", "confirm", "cancel",
    "end_shift", "set_up", "decline", "shift", "switch", "archive", "rename_key", "revoke_key", "change_endpoint",
    "switch_endpoint", "delete_endpoint", "claim", "set_preferences", "set_password", "end_session",
    "end_other_sessions", "sign_in", "logout", "take", "release", "end", "retract", "remove_address",
    "change", "show_receipt", "ask_now", "let_through", "remove_source", "answer_amount",
    "refund", "refund_dispute",  # of the demo's shop, once a cart: the gateway's key is made of it
    "read", "read_all", "set_hours", "set_low", "set_choices", "link_telegram", "unlink_telegram",
    "add_browser", "remove_browser",
    "say_stuck", "thaw", "try_outcome", "try_limits", "require_signing", "require_signed_payouts",
    "ask_help", "say",  # the same words within a minute, a payer's within ten seconds, are said once
    "dispute",  # of the payer: one is open an order
    "switch_on", "switch_currency", "switch_method", "switch_bank", "set_method", "set_bank",
    # a draft more, which only the form that is sent makes something of
    "upload", "remove",
    # the key of its form is the id of the application; a link that is used up
    "send", "choose",
    # it shows
    "number", "show_address", "show", "challenge", "sign_in_challenge",
    # a secret that counts once, or a letter more
    "prove", "prove_address", "add_app", "remove_app", "add_passkey", "send_link", "change_email",
    # the key of its form is the id of what it makes, or the shop's cart is the key of its call
    "create_key", "create_endpoint", "rotate_secret", "buy", "hear", "roll_key", "make_signing_secret",
}


@pytest.fixture
def staff(app):
    return people.seat(app, people.person("super_admin"))


@pytest.fixture
def page(app):
    return f"/admin/traders/{factories.new_trader(deposit=None).public_id}"


def form_of(staff, page: str, act: str) -> dict[str, object]:
    return {**forms.to(staff.get(page).get_data(as_text=True), f"{page}/{act}").sent}


def deposits(page: str) -> int:
    with factories.look() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(Approval).where(
            Approval.kind == "deposit", Approval.target_id == str(ids.parse("trd", page.rpartition("/")[2])))) or 0


def test_the_second_sending_gets_the_first_ones_answer(staff, page):
    form = form_of(staff, page, "deposits") | {"amount": "7 777", "reason": "wire 77"}
    answers = [staff.post(f"{page}/deposits", data=form) for _ in range(2)]
    assert [(one.status_code, one.location) for one in answers] == [(303, page)] * 2
    assert deposits(page) == 1


def test_sixteen_at_once_do_it_once(staff, page):
    form = form_of(staff, page, "deposits") | {"amount": "5", "reason": "wire 78"}

    def press(_: int):
        browser = people.Seat(staff.application, use_cookies=True)
        browser.set_cookie("sid", staff.sid)
        return browser.post(f"{page}/deposits", data=form)

    with ThreadPoolExecutor(16) as many:
        answers = list(many.map(press, range(16)))
    assert {(one.status_code, one.location) for one in answers} == {(303, page)}
    assert deposits(page) == 1


def test_something_else_under_the_same_key_is_said_and_kept(staff, page):
    """Back in the browser, another amount, sent again: it is not done, not lost, and can be sent if it is meant."""
    form = form_of(staff, page, "deposits") | {"amount": "5", "reason": "wire 79"}
    staff.post(f"{page}/deposits", data=form)
    answer = staff.post(f"{page}/deposits", data=form | {"amount": "6"})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "This form was sent before with something else in it" in text
    assert deposits(page) == 1
    again = forms.to(text, f"{page}/deposits").sent
    assert (again["amount"], again["reason"]) == (["6"], ["wire 79"])
    assert staff.post(f"{page}/deposits", data=again).status_code == 303
    assert deposits(page) == 2


def test_what_is_refused_leaves_the_key_unused(staff, page):
    form = form_of(staff, page, "deposits") | {"amount": "much", "reason": "wire 80"}
    assert staff.post(f"{page}/deposits", data=form).status_code == 422
    assert staff.post(f"{page}/deposits", data=form | {"amount": "8"}).status_code == 303
    assert deposits(page) == 1


def test_a_key_is_its_persons_and_its_forms(app, staff, page):
    form = form_of(staff, page, "deposits") | {"amount": "5", "reason": "wire 81"}
    other = people.seat(app, people.person("super_admin"))
    assert staff.post(f"{page}/deposits", data=form).status_code == 303
    assert other.post(f"{page}/deposits", data=form | {"csrf_token": other.token}).status_code == 303
    assert deposits(page) == 2


def test_what_was_made_is_led_to_again(staff):
    form = forms.to(staff.get("/admin/merchants/new").get_data(as_text=True), "/admin/merchants").sent
    form = form | {"name": "Twice & Sons"}
    first, second = (staff.post("/admin/merchants", data=form) for _ in range(2))
    assert first.location == second.location
    assert staff.get(first.location).status_code == 200
    assert reader().scalar(sa.select(sa.func.count()).select_from(Merchant).where(Merchant.name == "Twice & Sons")) == 1


def test_a_password_that_is_shown_once_is_in_both_answers(app, staff):
    """The browser shows the second answer of a double click: without the password in it nobody could sign in."""
    person = people.person("trader")
    page = f"/admin/users/usr_{ids.text(person.id)}"
    form = form_of(staff, page, "password") | {"reason": "forgotten", "proof_password": people.PASSWORD}
    first, second = (staff.post(f"{page}/password", data=form) for _ in range(2))
    assert first.status_code == second.status_code == 200
    assert first.get_data() == second.get_data()
    sealed = reader().scalars(sa.select(FormKey.answer_sealed)).all()
    assert all(b"<html" not in (one or b"") for one in sealed)


def test_an_odd_key_is_refused(staff, page):
    for key in ("x" * 65, "\x00", "a b", "ключ"):
        answer = staff.send(f"{page}/deposits", {"amount": "5", "reason": "wire", "idempotency_key": key})
        assert answer.status_code == 422
    assert deposits(page) == 0


def test_wrong_passwords_count_though_the_act_comes_to_nothing(app, staff):
    """`alone`: what is counted before the act is kept when the act is undone."""
    from portal.core.db import one_transaction, transaction

    def ended(at) -> None:
        with transaction(alone=True) as session:
            session.execute(sa.update(UserSession).values(user_agent="counted"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), one_transaction(lambda session: None):
        ended(clock.now())
    with factories.look() as session:
        assert set(session.scalars(sa.select(UserSession.user_agent))) == {"counted"}


def test_upkeep_forgets_them_after_a_day(staff, page):
    form = form_of(staff, page, "deposits") | {"amount": "5", "reason": "wire 82"}
    staff.post(f"{page}/deposits", data=form)
    for later, left in ((timedelta(hours=23), 1), (timedelta(hours=25), 0)):
        with clock.moved(later), factories.act() as session:
            upkeep.forget_idempotency_keys(session, [])
        with factories.look() as session:
            assert session.scalar(sa.select(sa.func.count()).select_from(FormKey).where(
                FormKey.key == form["idempotency_key"][0])) == left


def test_every_act_is_made_once_or_harmless_twice(app):
    open_ = {rule.endpoint for rule in app.url_map.iter_rules() if "POST" in rule.methods
             and not rule.endpoint.startswith("gateway") and rule.endpoint.rpartition(".")[2] not in HARMLESS_TWICE
             and not getattr(app.view_functions[rule.endpoint], "once", False)}
    assert not open_, "a form that makes something is marked @once"
