"""How a store's payouts go is set by staff: tighter by one, looser by two; the merchant reads it."""
import pytest

from portal.tariffs.payout_terms import is_looser
from tests import factories as f
from tests import people
from tests.web.admin.parties.test_acts import acts_on, decide, waiting, whole

NOW = {"accept_for_min": "10", "pay_for_min": "30", "confirm": "window", "window_min": "60", "tries_max": "3",
       "alone_max": "", "reason": "Agreed by letter"}


@pytest.fixture
def admin(app):
    return people.seat(app, people.person("super_admin"))


@pytest.fixture
def second_admin(app):
    return people.seat(app, people.person("admin"))


def put(seat, cast, **changes):
    return seat.send(f"/admin/stores/{cast.store.public_id}/payouts", NOW | changes).status_code


def test_tighter_terms_hold_at_once_and_stand_in_the_history(cast, admin):
    assert put(admin, cast, alone_max="500", accept_for_min="5", confirm="store") == 303
    store = f.fresh(cast.store)
    assert (store.payout_alone_max_minor, store.payout_accept_for_s) == (500_000_000, 300)
    assert store.payout_confirm == "store"
    page = whole(admin, f"/admin/stores/{cast.store.public_id}/payouts")
    assert "No limit → 500" in page.replace("\xa0", " ")
    assert "The store says so" in page
    assert put(admin, cast, alone_max="500", accept_for_min="5", confirm="store") == 303
    assert acts_on(cast.store.id).count("store.payout_terms_set") == 1, "harmless twice"


@pytest.mark.parametrize("changes", [{"alone_max": "600"}, {"alone_max": ""}, {"alone_max": "500", "window_min": "5"},
                                     {"alone_max": "500", "confirm": "at_once"}])
def test_looser_terms_wait_for_a_second_person(cast, admin, second_admin, changes):
    assert put(admin, cast, alone_max="500") == 303
    before = f.fresh(cast.store)
    assert put(admin, cast, **changes) == 303
    now = f.fresh(cast.store)
    assert (now.payout_alone_max_minor, now.payout_window_s, now.payout_confirm) == (
        before.payout_alone_max_minor, before.payout_window_s, before.payout_confirm)
    asked = waiting(cast.store.id, "payout_terms")
    assert put(admin, cast, **changes) == 409, "asked already"
    assert decide(admin, asked) == 403
    shown = whole(second_admin, f"/admin/approvals/{asked}")
    assert "One person alone may send up to" in shown
    assert decide(second_admin, asked) == 303
    now = f.fresh(cast.store)
    assert (now.payout_alone_max_minor, now.payout_window_s, now.payout_confirm) != (
        before.payout_alone_max_minor, before.payout_window_s, before.payout_confirm)


def test_what_changed_meanwhile_makes_it_stale(cast, admin, second_admin):
    put(admin, cast, confirm="at_once")
    asked = waiting(cast.store.id, "payout_terms")
    assert put(admin, cast, tries_max="5") == 303
    assert decide(second_admin, asked) == 409


@pytest.mark.parametrize("changes", [{"window_min": "0"}, {"tries_max": "99"}, {"confirm": "never"},
                                     {"alone_max": "a lot"}, {"reason": ""}])
def test_what_makes_no_sense_is_refused(cast, admin, changes):
    assert put(admin, cast, **changes) == 422


def test_support_and_merchants_read_it(app, cast, owner):
    support = people.seat(app, people.person("support_readonly"))
    assert support.get(f"/admin/stores/{cast.store.public_id}/payouts").status_code == 200
    assert put(support, cast) == 403
    f.change(cast.store, payout_alone_max_minor=5_000_000)
    assert "5" in owner.get("/merchant/payouts/terms").text
    assert "Nobody of the store objects in time" in owner.get("/merchant/payouts/terms").text


def test_which_terms_are_looser():
    base = {"payout_confirm": "window", "payout_window_s": 60, "payout_alone_max_minor": 5}
    assert not is_looser(base, base | {"payout_confirm": "store", "payout_window_s": 1})
    assert not is_looser(base, base | {"payout_window_s": 120, "payout_alone_max_minor": 4})
    assert not is_looser(base | {"payout_alone_max_minor": None}, base)
    assert is_looser(base, base | {"payout_alone_max_minor": None})
    assert is_looser(base, base | {"payout_window_s": 59})
