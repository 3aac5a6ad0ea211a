"""Announcements stand at the head of the pages of whom they are for until each has read them."""
import pytest

from portal.core import clock
from portal.core.errors import Denied, NotFound
from portal.notices import announcements
from portal.notices.announcements import Announce
from tests import factories as f
from tests import people


@pytest.fixture
def crowd(fresh_app):
    cast = f.new_cast()
    with fresh_app.app_context():
        trader = people.person("trader", trader_id=cast.trader().id)
        owner = people.person("merchant_owner", merchant_id=cast.merchant.id)
        return fresh_app, people.seat(fresh_app, trader), people.seat(fresh_app, owner), trader


def announced(audience="trader", **more):
    with f.act() as session:
        return announcements.announce(session, f.staff("admin"), Announce(
            audience=audience, text_en="Sber is slow <today>", text_ru="Сбер сегодня медлит", **more))


def test_until_each_has_read_it_and_staff_see_who_has(crowd):
    _app, trader, owner, person = crowd
    made = announced()
    page = trader.get("/trader/orders").get_data(as_text=True)
    assert "Sber is slow &lt;today&gt;" in page
    assert "Sber is slow" not in owner.get("/merchant/orders").get_data(as_text=True)
    answer = trader.send(f"/announcements/{made.public_id}/reading", {"back": "/trader/requisites"})
    assert (answer.status_code, answer.location) == (303, "/trader/requisites")
    assert "Sber is slow" not in trader.get("/trader/orders").get_data(as_text=True)
    assert "Sber is slow" in trader.get("/announcements").get_data(as_text=True)
    with f.look() as session:
        _, receipts = announcements.receipts(session, f.staff(), made.public_id)
    assert [(one.email, one.read_at is not None) for one in receipts] == [(person.email, True)]


def test_it_ends_by_itself_or_is_withdrawn_and_leads_nowhere_outside(crowd):
    _app, trader, _owner, _ = crowd
    made = announced("both", days=1)
    answer = trader.send(f"/announcements/{made.public_id}/reading", {"back": "//evil.example/x"})
    assert answer.location == "/announcements"
    again = announced("both", days=1)
    with f.act() as session:
        announcements.withdraw(session, f.staff("admin"), again.public_id)
    last = announced("both", days=1)
    assert "Sber" in trader.get("/trader/orders").get_data(as_text=True)
    with clock.moved(last.ends_at - last.made_at), f.look() as session:
        assert announcements.unread(session, f.as_trader(f.new_cast().trader())) == []


def test_who_may_not(crowd):
    _app, trader, owner, _ = crowd
    made = announced("merchant")
    assert trader.send(f"/announcements/{made.public_id}/reading").status_code == 404
    assert owner.send(f"/announcements/{made.public_id}/reading").status_code == 303
    with pytest.raises(Denied), f.act() as session:
        announcements.announce(session, f.staff(), Announce(audience="both", text_en="x", text_ru="x"))
    with f.look() as session, pytest.raises(NotFound):
        announcements.receipts(session, f.as_trader(f.new_cast().trader()), made.public_id)
