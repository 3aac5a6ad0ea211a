"""Recipients a store has saved: chosen instead of typed, sealed, found again by their number."""
import pytest
from sqlalchemy import select

from portal.orders import destinations
from portal.payouts import recipients
from portal.payouts.models import PayoutRecipient
from tests import factories as f
from tests import people

NUMBER = "2200150000000007"


def pay(seat, cast, **changes):
    form = {"store_id": cast.store.public_id, "amount": "1500", "currency": "RUB", "method": cast.method} | changes
    return seat.send("/merchant/payouts", form)


def saved(cast):
    with f.look() as session:
        return session.scalars(select(PayoutRecipient).where(PayoutRecipient.store_id == cast.store.id)
                               .order_by(PayoutRecipient.id)).all()


@pytest.fixture
def anna(cast, owner):
    assert pay(owner, cast, number=NUMBER, holder="Anna Petrova", save_as="Anna, salary").status_code == 303
    [row] = saved(cast)
    return row


def test_saved_when_sending_and_chosen_the_next_time(cast, owner, anna):
    assert NUMBER.encode() not in bytes(anna.number_sealed)
    assert b"Anna" not in bytes(anna.name_sealed)
    page = owner.get("/merchant/payouts/new").text
    assert "Anna, salary" in page
    assert NUMBER not in page
    answer = pay(owner, cast, recipient_id=anna.public_id)
    order = f.found(answer.headers["Location"].rpartition("/")[2])
    with f.look() as session:
        assert destinations.reveal(session, order) == NUMBER
    assert destinations.recipient(order) == "Anna Petrova"


def test_the_same_number_is_saved_once_however_it_is_written(cast, owner, anna):
    assert pay(owner, cast, number="2200 1500 0000 0007", save_as="Again").status_code == 303
    assert [row.id for row in saved(cast)] == [anna.id]


def test_chosen_and_typed_at_once_is_asked_about(cast, owner, anna):
    answer = pay(owner, cast, recipient_id=anna.public_id, number="2200150000000015")
    assert answer.status_code == 422
    assert "not both" in answer.text


def test_looked_for_renamed_and_removed(cast, owner, anna):
    assert "Anna, salary" in owner.get("/merchant/payouts/recipients?q=anna").text
    assert "0007" in owner.get("/merchant/payouts/recipients?q=0007").text
    assert "Nobody of this name" in owner.get("/merchant/payouts/recipients?q=boris").text
    page = f"/merchant/payouts/recipients/{anna.public_id}"
    assert owner.send(f"{page}/name", {"name": ""}).status_code == 422
    assert owner.send(f"{page}/name", {"name": "Anna P."}).status_code == 303
    assert "Anna P." in owner.get(page).text
    assert NUMBER not in owner.get(page).text
    assert owner.send(f"{page}/removal").status_code == 303
    assert not saved(cast)
    assert owner.get(page).status_code == 404


def test_anothers_recipient_is_nobody(app, cast, owner, anna):
    other = f.new_cast()
    stranger = people.seat(app, people.person("merchant_owner", merchant_id=other.merchant.id))
    page = f"/merchant/payouts/recipients/{anna.public_id}"
    assert [stranger.get(page).status_code, stranger.send(f"{page}/removal").status_code,
            stranger.send(f"{page}/name", {"name": "x"}).status_code] == [404, 404, 404]
    assert pay(stranger, other, recipient_id=anna.public_id).status_code == 422
    assert "Anna" not in stranger.get("/merchant/payouts/recipients").text
    viewer = people.seat(app, people.person("merchant_viewer", merchant_id=cast.merchant.id))
    assert viewer.get("/merchant/payouts/recipients").status_code == 403


def test_a_store_saves_a_bounded_number(cast, owner, anna, monkeypatch):
    monkeypatch.setattr(recipients, "RECIPIENTS_MAX", 1)
    answer = pay(owner, cast, number="2200150000000015", save_as="One more")
    assert answer.status_code == 409
    assert "as many recipients as it may" in answer.text
    assert len(saved(cast)) == 1


def test_a_refused_payout_saves_nobody(cast, owner):
    assert pay(owner, cast, number=NUMBER, amount="90000", save_as="Anna").status_code in (303, 409)
    assert pay(owner, cast, number=NUMBER, amount="99000", save_as="Anna").status_code == 409
    assert len(saved(cast)) <= 1


def test_the_cost_is_shown_before_anything_is_sent(cast, owner, anna):
    def quote(**asked):
        known = {"store_id": cast.store.public_id, "currency": "RUB", "method": cast.method} | asked
        return owner.get("/merchant/payouts/quote", query_string=known)

    shown = quote(amount="1 500,00").text.replace("\xa0", " ")
    assert "16.711957" in shown
    assert "0.407609" in shown
    assert "92" in shown
    assert "16.711957" in quote(amount="1500", method="", recipient_id=anna.public_id).text
    assert "are missing" in quote(amount="99000").text
    assert "Type an amount" in quote(amount="1.2.3").text
    assert "Type an amount" in quote(amount="").text
    assert "no fresh exchange rate" in quote(amount="1500", currency="THB").text
    f.change(cast.store, payout_alone_max_minor=1)
    assert "second person" in quote(amount="1500").text
    assert quote(amount="1500", store_id=f.new_cast().store.public_id).status_code in (200, 404)
