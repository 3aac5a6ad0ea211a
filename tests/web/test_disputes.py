"""Disputes by pages alone: a payer, a trader with evidence, a store, and staff who ask and agree."""
import io
import re

import pytest
from flask import Flask

from portal.notices.models import Happening
from portal.orders import payment_links, second_payment
from tests import factories as f
from tests import people
from tests.disputes import acts
from tests.web import forms


@pytest.fixture
def cast(app: Flask) -> f.Cast:
    made = f.new_cast()
    made.requisite(made.trader(), payout=True)
    return made


@pytest.fixture
def trader(app: Flask, cast: f.Cast) -> people.Seat:
    return people.seat(app, people.person("trader", trader_id=cast.traders[0].id))


@pytest.fixture
def owner(app: Flask, cast: f.Cast) -> people.Seat:
    return people.seat(app, people.person("merchant_owner", merchant_id=cast.merchant.id))


def to(html: str, action: str) -> dict[str, str]:
    """What the one form that is sent to this address sends as it stands."""
    return {name: values[-1] for name, values in forms.to(html, action.partition("?")[0]).sent.items()}


def staff(app: Flask, template: str = "admin") -> people.Seat:
    return people.seat(app, people.person(template))


def test_from_the_payment_page_to_a_decision_by_two(app: Flask, cast: f.Cast, trader: people.Seat) -> None:
    order = f.paid_payin(cast)
    payer, link = people.stranger(app), payment_links.path_of(order.id)
    form = to(payer.get(link).text, f"{link}/dispute")
    sent = payer.post(f"{link}/dispute", data=form | {"reason": "not_confirmed", "text": "I paid at 12:03"})
    assert sent.status_code == 303
    assert "Support looks at it" in payer.get(link).text
    listed = trader.get("/trader/disputes").text
    assert "Your word, please" in listed
    balance = trader.get("/trader/balance").text
    assert re.search(r'href="/trader/disputes"[^>]*>(?:(?!</a>).)*>1<', balance, re.S), "counted on every page"
    with f.look() as session:
        from portal.disputes import queries
        found = queries.open_of(session, order.id)
    url = f"/trader/disputes/{found.public_id}"
    assert "I paid at 12:03" not in trader.get(f"/trader/orders/{order.public_id}").text
    answer = trader.post(f"{url}/statements", data=to(trader.get(url).text, f"{url}/statements") | {
        "text": "Nothing came", "files": (io.BytesIO(f.picture()), "statement.png")},
        content_type="multipart/form-data")
    assert answer.status_code == 303, answer.text
    first, second = staff(app), staff(app)
    case = f"/admin/disputes/{found.public_id}"
    page = first.get(case).text
    assert "Nothing came" in page
    assert "statement.png" in page
    assert "What this would post" in page
    asked = first.post(f"{case}/decision", data=to(page, f"{case}/decision") | {
        "outcome": "complete", "reason": "The bank's list shows it", "proof_password": people.PASSWORD})
    assert asked.status_code == 303
    with f.look() as session:
        from portal import approvals
        from portal.disputes import decisions
        [approval] = approvals.waiting_for(session, "order", order.id, kind=decisions.KIND)
    decide = f"/admin/approvals/{approval.public_id}/decision"
    shown = second.get(f"/admin/approvals/{approval.public_id}").text
    assert second.post(decide, data=to(shown, decide) | {
        "decision": "approve", "proof_password": people.PASSWORD}).status_code in (200, 303)
    assert f.fresh(order).status == "confirmed"
    assert "The bank&#39;s list shows it" in payer.get(link).text


def test_a_payer_shows_files_reads_the_answer_and_adds_a_word(app: Flask, cast: f.Cast, trader: people.Seat) -> None:
    """Without a script: with the objection, and later, as long as it runs."""
    order = f.paid_payin(cast)
    payer, link = people.stranger(app), payment_links.path_of(order.id)
    sent = payer.post(f"{link}/dispute", data=to(payer.get(link).text, f"{link}/dispute") | {
        "reason": "not_confirmed", "text": "I paid at 12:03", "shows": "receipt",
        "files": (io.BytesIO(f.picture()), "transfer.png")},
        content_type="multipart/form-data")
    assert sent.status_code == 303, sent.text
    with f.look() as session:
        from portal.disputes import queries
        dispute = queries.open_of(session, order.id)
    shown = payer.get(link)
    assert "I paid at 12:03" in shown.text
    assert "transfer.png" in shown.text
    acts.say(f.as_trader(dispute.trader_id), dispute, "Nothing came to me")
    acts.say(f.staff(), dispute, "He looks odd", staff_only=True)
    acts.say(f.staff(), dispute, "From which bank?")
    answered = payer.get(link).text
    assert "From which bank?" in answered
    assert "He looks odd" not in answered, "a note of the staff"
    assert "Nothing came to me" not in answered, "a trader's word is for the store and the staff"
    more = to(answered, f"{link}/dispute/statements")
    empty = payer.post(f"{link}/dispute/statements", data=more | {"text": " "}, content_type="multipart/form-data")
    assert empty.status_code == 422
    for _ in range(2):  # pressed twice
        answer = payer.post(f"{link}/dispute/statements", data=more | {
            "text": "From Sberbank", "files": (io.BytesIO(f.picture(90, 60)), "statement.png")},
            content_type="multipart/form-data")
        assert answer.status_code == 303, answer.text
    assert acts.thread(cast.customer(order), dispute) == ["I paid at 12:03", "From which bank?", "From Sberbank"]
    case = staff(app).get(f"/admin/disputes/{dispute.public_id}").text
    assert (case.count("Attached"), case.count("Not yet")) == (1, 1), "the receipt is there, the statement is not"
    assert all(name in case for name in ("From Sberbank", "transfer.png", "statement.png"))
    other = f.paid_payin(cast, "1600.00")
    elsewhere = payment_links.path_of(other.id)
    foreign = {"csrf_token": to(payer.get(elsewhere).text, f"{elsewhere}/dispute")["csrf_token"],
               "dispute_id": dispute.public_id, "text": "I am not the payer"}
    assert payer.post(f"{elsewhere}/dispute/statements", data=foreign).status_code == 404
    for number in range(9):
        acts.say(cast.customer(order), dispute, f"And {number}")
    waits = payer.post(f"{link}/dispute/statements", data=more | {"text": "One more"})
    assert waits.status_code == 409
    assert "Wait for that answer" in waits.text
    acts.decided(order, "cancel")
    over = payer.get(link).text
    assert "From Sberbank" in over
    assert "/dispute/statements" not in over
    assert payer.post(f"{link}/dispute/statements", data=more | {"text": "But"}).status_code == 409


def test_a_trader_objects_at_the_address_the_spec_names_and_the_store_gives_up(
        cast: f.Cast, trader: people.Seat, owner: people.Seat) -> None:
    order = f.paid_payin(cast)
    new = trader.get(f"/trader/disputes/new?order={order.public_id}").text
    form = to(new, f"/trader/disputes?order={order.public_id}")
    made = trader.post(f"/trader/orders/{order.public_id}/dispute", data=form | {
        "reason": "not_received", "text": "Nothing on the account"})
    assert made.status_code == 303
    at = made.headers["Location"].rpartition("/")[2]
    page = owner.get(f"/merchant/disputes/{at}").text
    assert "Nothing on the account" in page
    action = f"/merchant/disputes/{at}/concession"
    assert owner.post(action, data=to(page, action)).status_code == 303
    assert f.fresh(order).status == "cancelled"


def test_a_correction_is_the_disputes_while_it_runs(app: Flask, cast: f.Cast) -> None:
    """Another door led past who may not decide."""
    order = f.completed_payin(cast)
    f.work_off("settle_order")
    seat = staff(app)
    url = f"/admin/orders/{order.public_id}"
    assert "/correction" in seat.get(url).text
    acts.open_by(cast.key, order, "wrong_amount")
    assert "/correction" not in seat.get(url).text
    assert seat.send(f"{url}/correction", {"amount": "10", "reason": "x"}).status_code == 409


def test_what_was_typed_is_kept_when_it_is_refused(cast: f.Cast, owner: people.Seat) -> None:
    order = f.paid_payin(cast)
    url = f"/merchant/disputes?order={order.public_id}"
    form = to(owner.get(f"/merchant/disputes/new?order={order.public_id}").text, url)
    refused = owner.post(url, data=form | {"text": "A long story"})
    assert refused.status_code == 422
    assert "A long story" in refused.text


def test_a_readers_rights_end_at_reading(app: Flask, cast: f.Cast) -> None:
    dispute = acts.open_by(cast.key, f.paid_payin(cast), "not_confirmed")
    viewer = people.seat(app, people.person("merchant_viewer", merchant_id=cast.merchant.id))
    page = viewer.get(f"/merchant/disputes/{dispute.public_id}")
    assert page.status_code == 200
    assert "/statements" not in page.text
    assert viewer.send(f"/merchant/disputes/{dispute.public_id}/statements", {"text": "x"}).status_code == 403
    readonly = staff(app, "support_readonly")
    page = readonly.get(f"/admin/disputes/{dispute.public_id}").text
    assert "/decision" not in page
    assert readonly.send(f"/admin/disputes/{dispute.public_id}/decision", {"outcome": "cancel"}).status_code == 403


def test_late_money_from_the_payment_page_to_the_traders_word(app: Flask, cast: f.Cast, trader: people.Seat) -> None:
    order = f.expire(f.assigned_payin(cast))
    payer, link = people.stranger(app), payment_links.path_of(order.id)
    page = payer.get(link).text
    assert "data-poll" not in page
    form = to(page, f"{link}/late-claim")
    sent = payer.post(f"{link}/late-claim", data=form | {"receipt": (io.BytesIO(f.picture()), "receipt.png")},
                      content_type="multipart/form-data")
    assert sent.status_code == 303, sent.text
    waiting = payer.get(link).text
    assert "data-poll" in waiting, "the page waits for the answer"
    assert "I have paid already" not in waiting
    own = f"/trader/orders/{order.public_id}"
    shown = trader.get(own).text
    assert "The money came after all?" in shown
    confirm = to(shown, f"{own}/confirmation")
    refused = trader.post(f"{own}/confirmation", data=confirm | {"received": "1400.00"})
    assert refused.status_code == 409
    assert trader.post(f"{own}/confirmation", data=confirm).status_code == 303
    assert f.fresh(order).status == "confirmed"
    assert "Payment received" in payer.get(link).text


def test_other_details_for_a_payer(app: Flask, cast: f.Cast) -> None:
    cast.requisite(cast.trader(name="Second"))
    order = f.assigned_payin(cast)
    first = f.assignment_of(order)
    payer, link = people.stranger(app), payment_links.path_of(order.id)
    form = to(payer.get(link).text, f"{link}/replacement")
    assert payer.post(f"{link}/replacement", data=form).status_code == 303
    assert "These are new details" in payer.get(link).text
    again = payer.post(f"{link}/replacement", data=form)
    assert again.status_code == 409
    assert "went to another requisite" in again.text, "pressed twice it is done once"
    third = payer.post(f"{link}/replacement", data=to(payer.get(link).text, f"{link}/replacement"))
    assert third.status_code == 409
    assert "nobody else" in third.text
    keeper = people.seat(app, people.person("trader", trader_id=first.trader_id))
    own = f"/trader/orders/{order.public_id}"
    page = keeper.get(own).text
    assert "may still have paid to yours" in page
    assert keeper.post(f"{own}/confirmation", data=to(page, f"{own}/confirmation")).status_code == 303
    assert f.fresh(order).status == "confirmed"
    second = people.seat(app, people.person("trader", trader_id=next(
        one.trader_id for one in f.assignments_of(order) if one.id != first.id)))
    page = second.get(own).text
    assert "paid to somebody else" in page
    report = to(page, f"{own}/second-payment")
    assert second.post(f"{own}/second-payment", data=report).status_code == 303
    with pytest.raises(second_payment.NothingToReport), f.act() as session:  # who was paid has nothing to report
        second_payment.report(session, f.as_trader(first.trader_id), second_payment.ReportSecondPayment(
            order_id=order.public_id))
    with f.look() as session:
        told = session.query(Happening).filter(Happening.event == "order.attention").all()
        assert [one.audience for one in told if one.facts["order"] == order.public_id] == ["staff"]
