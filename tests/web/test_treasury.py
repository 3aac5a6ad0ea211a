"""Money in and out by pages alone: a deposit with its proof, an address, a withdrawal through two of the staff."""
from datetime import timedelta
from io import BytesIO
from secrets import token_hex

import pytest
from flask import Flask
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from portal import approvals, ledger
from portal.core import clock
from portal.core.access import Actor
from portal.treasury import deposits
from portal.treasury.commands import Retract
from tests import factories as f
from tests import people
from tests.treasury import acts
from tests.web.forms import to


@pytest.fixture
def cast(app: Flask) -> f.Cast:
    made = f.new_cast()
    made.trader(deposit="100.000000")
    f.deposit_to(ledger.store_available(made.store.id, "USDT", True), "100.000000")
    return made


@pytest.fixture(params=["trader", "merchant"])
def area(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def owner(app: Flask, cast: f.Cast, area: str) -> people.Seat:
    who = (people.person("trader", trader_id=cast.traders[0].id) if area == "trader" else
           people.person("merchant_owner", merchant_id=cast.merchant.id))
    return people.seat(app, who)


def actor(cast: f.Cast, area: str) -> Actor:
    return f.as_trader(cast.traders[0]) if area == "trader" else cast.owner


def held(cast: f.Cast, area: str) -> tuple[str, str]:
    return acts.balances(actor(cast, area), cast)


def told(seat: people.Seat, area: str, **fields: object):
    """The form of the page, filled in and sent with what was attached."""
    form = to(seat.get(f"/{area}/deposits").text, f"/{area}/deposits")
    assert form.kinds["files"] == "file"
    sent = {name: values[-1] for name, values in form.sent.items() if name != "files"} | {
        "amount": "25.50", "network": "trc20", "reference": "ab12cd34",
        "files": FileStorage(BytesIO(f.picture()), "wallet.png")} | fields
    boundary, body = encode_multipart({name: value for name, value in sent.items() if value is not None})
    return seat.post(f"/{area}/deposits", data=body, content_type=f"multipart/form-data; boundary={boundary}")


def decision(seat: people.Seat, approval_id: str, **fields: str):
    return seat.send(f"/admin/approvals/{approval_id}/decision", {"decision": "approve"} | fields)


def test_a_deposit_with_its_proof_reaches_the_balance(app: Flask, cast: f.Cast, area: str, owner: people.Seat) -> None:
    reference = token_hex(8)
    assert told(owner, area, reference=reference).status_code == 303
    listed = owner.get(f"/{area}/deposits").text
    assert reference in listed
    assert "Being looked for" in listed
    staff = people.seat(app, people.person("admin"))
    waiting = staff.get("/admin/approvals?kind=deposit").text
    approval = next(part.partition('"')[0] for part in waiting.split("/admin/approvals/")[1:]
                    if part.startswith("apr_") and reference in staff.get(
                        "/admin/approvals/" + part.partition('"')[0].partition("/")[0]).text).partition("/")[0]
    page = staff.get(f"/admin/approvals/{approval}").text
    assert "wallet.png" in page
    assert "What would be posted" in page
    assert "told of before" not in page
    proof = page.partition("/files/")[2].partition('"')[0]
    assert staff.get(f"/files/{proof}").content_type == "image/png"
    assert people.seat(app, people.person("trader")).get(f"/files/{proof}").status_code == 404
    assert decision(staff, approval).status_code == 303
    assert held(cast, area) == ("125.500000", "0.000000")
    assert "Credited" in owner.get(f"/{area}/deposits").text
    assert f"/{area}/deposits/dep_" in owner.get(f"/{area}/balance").text


@pytest.mark.parametrize("left_out", ["files", "reference", "network", "amount"])
def test_a_deposit_without_a_part_is_asked_for_again(area: str, owner: people.Seat, left_out: str) -> None:
    answer = told(owner, area, **{left_out: None})
    assert answer.status_code == 422
    assert f'id="field-{left_out}"' in answer.text
    assert "dep_" not in owner.get(f"/{area}/deposits").text


def test_a_bad_proof_leaves_nothing(cast: f.Cast, area: str, owner: people.Seat) -> None:
    answer = told(owner, area, files=FileStorage(BytesIO(b"<html>"), "wallet.png"))
    assert answer.status_code == 422
    assert "This file cannot be taken" in answer.text
    assert "dep_" not in owner.get(f"/{area}/deposits").text


def test_taken_back_it_is_decided_by_nobody(app: Flask, cast: f.Cast, area: str, owner: people.Seat) -> None:
    deposit = acts.tell(actor(cast, area), cast)
    page = f"/{area}/deposits/{deposit.public_id}"
    assert "Take it back" in owner.get(page).text
    assert owner.send(f"{page}/cancellation").status_code == 303
    assert "You took this back" in owner.get(page).text
    assert owner.send(f"{page}/cancellation").status_code == 409
    staff = people.seat(app, people.person("admin"))
    assert decision(staff, deposit.approval_public_id).status_code == 409
    assert "Withdrawn" in staff.get(f"/admin/approvals/{deposit.approval_public_id}").text
    assert deposit.approval_public_id in staff.get("/admin/approvals?state=withdrawn").text


def test_the_same_transfer_told_twice_warns_the_staff(app: Flask, cast: f.Cast, area: str) -> None:
    reference = token_hex(8)
    first = acts.tell(actor(cast, area), cast, reference=reference)
    other = f.new_cast()
    second = acts.tell(f.as_trader(other.trader()), other, reference=f" {reference.upper()}")
    staff = people.seat(app, people.person("admin"))
    for one, twin in ((first, second), (second, first)):
        page = staff.get(f"/admin/approvals/{one.approval_public_id}").text
        assert "The same reference was told of before" in page
        assert twin.public_id in page
        assert twin.public_id in staff.get(f"/admin/treasury/deposits/{one.public_id}").text


def test_the_same_proof_shown_twice_warns_the_staff(app: Flask, cast: f.Cast, area: str) -> None:
    """Of another transfer, as its reference says; the picture says otherwise. What was refused counts no more."""
    picture = f.picture()
    first = acts.tell(actor(cast, area), cast, pictures=[f.picture(), picture])
    other = f.new_cast()
    second = acts.tell(f.as_trader(other.trader()), other, pictures=[picture])
    staff, warning = people.seat(app, people.person("admin")), "The same proof was shown for another deposit"
    pages = {one.public_id: (f"/admin/approvals/{one.approval_public_id}", f"/admin/treasury/deposits/{one.public_id}")
             for one in (first, second)}
    for one, twin in ((first, second), (second, first)):
        for page in pages[one.public_id]:
            html = staff.get(page).text
            assert warning in html
            assert twin.public_id in html
    assert warning in staff.get("/admin/approvals").text
    assert decision(staff, second.approval_public_id, decision="reject", reason="Another's transfer").status_code == 303
    for page in pages[first.public_id]:
        assert warning not in staff.get(page).text


def test_copies_that_were_taken_back_do_not_hide_the_one_that_counts(app: Flask, cast: f.Cast) -> None:
    """Twenty older ones were all that was looked at."""
    trader, other, picture = f.as_trader(cast.traders[0]), f.new_cast(), f.picture()
    for _ in range(4):
        told = acts.tell(trader, cast, pictures=[picture] * 5)
        with f.act() as session:
            deposits.retract(session, trader, Retract(deposit_id=told.public_id))
    first, second = acts.tell(trader, cast, pictures=[picture]), acts.tell(
        f.as_trader(other.trader()), other, pictures=[picture])
    with f.look() as session:
        assert [one.id for one in deposits.same_proof(session, first)] == [second.id]
        assert [one.id for one in deposits.same_proof(session, second)] == [first.id]


def test_a_withdrawal_goes_through_two_of_the_staff(app: Flask, cast: f.Cast, area: str, owner: people.Seat) -> None:
    address = acts.tron()
    page = f"/{area}/withdrawals"
    form = {"label": "Cold", "network": "trc20", "address": address}
    assert owner.send(f"{page}/addresses", form | {"proof_password": "wrong"}).status_code == 422
    assert owner.send(f"{page}/addresses", form | {"proof_password": people.PASSWORD}).status_code == 303
    book = owner.get(page).text
    assert address not in book
    assert f"{address[:4]}…{address[-4:]}" in book
    first = people.seat(app, people.person("admin"))
    with f.look() as session:
        made = session.scalars(acts.newest_address()).one()
        asked = approvals.waiting_for(session, "withdrawal_address", made.id)[0].public_id
    assert address not in first.get(f"/admin/approvals/{asked}").text
    looked = first.send(f"/admin/treasury/addresses/{made.public_id}/number",
                        {"reason": "To compare", "proof_password": people.PASSWORD})
    assert address in looked.text
    assert decision(first, asked).status_code == 303
    assert "Resting" in owner.get(page).text
    with clock.moved(timedelta(hours=24, minutes=1)):
        _withdraw(app, cast, area, made.public_id, address)


def _withdraw(app: Flask, cast: f.Cast, area: str, address_id: str, address: str) -> None:
    """A day later everybody has signed in anew."""
    who = (people.person("trader", trader_id=cast.traders[0].id) if area == "trader" else
           people.person("merchant_owner", merchant_id=cast.merchant.id))
    owner = people.seat(app, who)
    first, second = (people.seat(app, people.person("admin")) for _ in range(2))
    page = f"/{area}/withdrawals"
    form = to(owner.get(page).text, page)
    assert form.sent["address_id"] == [address_id]
    asked = owner.send(page, {"amount": "40", "address_id": address_id, "proof_password": people.PASSWORD})
    assert asked.status_code == 303
    withdrawal = asked.headers["Location"].rpartition("/")[2]
    assert held(cast, area) == ("60.000000", "40.000000")
    desk = f"/admin/treasury/withdrawals/{withdrawal}"
    assert withdrawal in first.get("/admin/treasury?view=decide").text
    approval = next(part.partition('"')[0] for part in first.get(desk).text.split("/admin/approvals/")[1:])
    shown = first.get(f"/admin/approvals/{approval}").text
    assert "World external" in shown
    assert "Balance afterwards" in shown
    assert decision(first, approval).status_code == 303
    assert first.send(f"{desk}/taking", {"proof_password": people.PASSWORD}).status_code == 403
    assert "somebody else sends it" in first.get(desk).text
    assert withdrawal in second.get("/admin/treasury?view=send").text
    assert address not in second.get(desk).text
    assert second.send(f"{desk}/taking", {"proof_password": "wrong"}).status_code == 422
    taken = second.send(f"{desk}/taking", {"proof_password": people.PASSWORD})
    assert address in taken.text
    assert 'data-copy="40.000000"' in taken.text, "as a wallet's field takes it"
    assert address not in second.get(desk).text
    reference = token_hex(16)
    assert second.send(f"{desk}/sending", {"reference": reference}).status_code == 303
    assert second.send(f"{desk}/sending", {"reference": reference}).status_code == 409
    assert held(cast, area) == ("60.000000", "0.000000")
    assert reference in owner.get(f"{page}/{withdrawal}").text
    assert "Withdrawal sent" not in owner.get(f"/{area}/balance").text  # of what is free, the hold tells it
    statement = owner.get(f"/{area}/balance").text
    assert "Withdrawal: money held" in statement
    assert f"{page}/{withdrawal}" in statement


def test_what_was_asked_for_is_called_off_and_an_address_leaves_the_book(
        cast: f.Cast, area: str, owner: people.Seat) -> None:
    asked, page = acts.ask(actor(cast, area), cast), f"/{area}/withdrawals"
    assert held(cast, area) != ("100.000000", "0.000000")
    assert owner.send(f"{page}/{asked.public_id}/cancellation").status_code == 303
    assert held(cast, area) == ("100.000000", "0.000000")
    at = acts.usable(actor(cast, area), cast)
    assert at.public_id in owner.get(page).text
    assert owner.send(f"{page}/addresses/{at.public_id}/removal").status_code == 303
    assert at.public_id not in owner.get(page).text


def test_what_is_asked_for_is_what_is_there(cast: f.Cast, area: str, owner: people.Seat) -> None:
    at = acts.usable(actor(cast, area), cast)
    for amount, status, said in (("100.01", 409, "does not cover"), ("0", 422, "more than nothing"),
                                 ("1.1234567", 422, "digits after the point")):
        answer = owner.send(f"/{area}/withdrawals", {"amount": amount, "address_id": at.public_id,
                                                     "proof_password": people.PASSWORD})
        assert (answer.status_code, said in answer.text) == (status, True), answer.text[-3000:]
        assert people.PASSWORD not in answer.text
    assert held(cast, area) == ("100.000000", "0.000000")


def test_a_form_sent_twice_asks_once(cast: f.Cast, area: str, owner: people.Seat) -> None:
    at = acts.usable(actor(cast, area), cast)
    form = to(owner.get(f"/{area}/withdrawals").text, f"/{area}/withdrawals")
    filled = {name: values[-1] for name, values in form.sent.items()} | {
        "amount": "10", "address_id": at.public_id, "proof_password": people.PASSWORD}
    first, again = (owner.post(f"/{area}/withdrawals", data=filled) for _ in range(2))
    assert first.headers["Location"] == again.headers["Location"]
    assert held(cast, area) == ("90.000000", "10.000000")


def test_a_merchant_chooses_the_store(app: Flask, cast: f.Cast) -> None:
    other = people.store(cast.merchant.id)
    seat = people.seat(app, people.person("merchant_owner", merchant_id=cast.merchant.id))
    for noun in ("deposits", "withdrawals"):
        page = seat.get(f"/merchant/{noun}", query_string={"store": other.public_id}).text
        assert cast.store.public_id in page
        assert f"/merchant/{noun}?store={other.public_id}" in page
    assert told(seat, f"merchant/deposits?store={other.public_id}".partition("/")[0]).status_code == 303
    elsewhere = people.store(people.merchant())
    assert seat.get("/merchant/deposits", query_string={"store": elsewhere.public_id}).status_code == 404


def test_never_sent_goes_back_by_two(app: Flask, cast: f.Cast, area: str, owner: people.Seat) -> None:
    asked = acts.ask(actor(cast, area), cast)
    acts.decide(asked.id, "withdrawal")
    one, other = (people.seat(app, people.person("admin")) for _ in range(2))
    desk = f"/admin/treasury/withdrawals/{asked.public_id}"
    assert one.send(f"{desk}/release", {"reason": "Wallet is down"}).status_code == 303
    approval = next(part.partition('"')[0] for part in one.get(desk).text.split("/admin/approvals/")[1:])
    assert decision(one, approval).status_code == 403
    assert "What would be posted" in other.get(f"/admin/approvals/{approval}").text
    assert decision(other, approval).status_code == 303
    assert held(cast, area) == ("100.000000", "0.000000")
    assert "Given back" in owner.get(f"/{area}/withdrawals").text
    assert "Wallet is down" not in owner.get(f"/{area}/withdrawals/{asked.public_id}").text


def test_the_smallest_withdrawal_is_set_and_lifted(app: Flask, cast: f.Cast) -> None:
    staff = people.seat(app, people.person("admin"))
    try:
        assert staff.send("/admin/treasury/minimums", {"currency": "USDC", "amount": "20"}).status_code == 303
        assert "20.00" in staff.get("/admin/treasury?view=send").text
        assert staff.send("/admin/treasury/minimums", {"currency": "USDC", "amount": "a lot"}).status_code == 422
    finally:
        assert staff.send("/admin/treasury/minimums", {"currency": "USDC"}).status_code == 303
    assert "Any amount may go" in staff.get("/admin/treasury?view=send").text


def test_the_treasury_tells_what_waits_and_what_it_comes_to(app: Flask, cast: f.Cast) -> None:
    asked = acts.ask(f.as_trader(cast.traders[0]), cast, "12.34")
    staff = people.seat(app, people.person("support_traders"))
    assert asked.public_id in staff.get("/admin/treasury").text
    acts.tell(cast.owner, cast)
    for view in ("decide", "send", "sent", "ended", "deposits", "addresses"):
        assert staff.get("/admin/treasury", query_string={"view": view}).status_code == 200
    assert staff.get("/admin/treasury?view=other").status_code == 404
