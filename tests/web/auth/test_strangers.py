"""What a stranger may ask for in a minute, by address: pages, addresses that do not exist, calls without a good key."""
import random

import pytest

from portal.gateway import rate_limits as gateway_limits
from portal.orders import payment_links
from portal.requisites import robots
from portal.web import limits
from portal.web.admin.what_if import one_of_each
from tests import factories as f
from tests import people


@pytest.fixture
def few(monkeypatch):
    """Small limits."""
    for name in ("STRANGERS", "SIGN_INS", "FORMS", "PROBES"):
        monkeypatch.setattr(limits, name, "5 per minute")
    monkeypatch.setattr(limits, "NOTHING", limits.parse("5 per minute"))
    monkeypatch.setattr(gateway_limits, "STRANGER_MAX", 5)


@pytest.fixture
def desk(few, another):
    return another(ratelimit_enabled=True)


@pytest.fixture
def somewhere():
    """Addresses that nobody else has counted this minute."""
    return lambda: f"198.18.{random.randrange(256)}.{random.randrange(256)}"


def statuses(desk, path, of, method="GET", times=6, **more):
    answers = [people.Browser(desk).open(path, method=method, environ_overrides={"REMOTE_ADDR": each}, **more)
               for each in ([of] * times if isinstance(of, str) else of)]
    for answer in answers:
        if answer.status_code == 429:
            assert 1 <= int(answer.headers["Retry-After"]) <= 63
            program = path.startswith("/gateway/")
            assert answer.mimetype == ("application/problem+json" if program else "text/html")
        if "RateLimit-Reset" in answer.headers:
            assert 1 <= int(answer.headers["RateLimit-Reset"]) <= 60
    return [answer.status_code for answer in answers]


@pytest.mark.parametrize(("path", "status"), [
    ("/login", 200), ("/docs", 200), ("/trader/orders", 303), ("/nowhere", 404), ("/pay/nothing", 404),
    ("/readyz", 200), ("/gateway/v1/balance", 401), ("/gateway/v1/openapi.json", 200), ("/gateway/v1/nothing", 404)])
def test_a_stranger_is_counted_by_address(desk, somewhere, path, status):
    assert statuses(desk, path, somewhere()) == [status] * 5 + [429]
    assert statuses(desk, path, somewhere(), times=1) == [status]


def test_a_network_of_ipv6_is_one_neighbour(desk):
    net = f"2001:db8:{random.randrange(65536):x}"
    assert statuses(desk, "/login", [f"{net}::{n}" for n in range(1, 7)]) == [200] * 5 + [429]
    assert statuses(desk, "/login", [f"{net}:1::1"]) == [200]


def test_forms_without_a_token_are_counted_too(desk, somewhere):
    assert statuses(desk, "/login", somewhere(), method="POST") == [403] * 5 + [429]


def test_a_probe_is_answered_whoever_else_asks(desk, somewhere):
    here = somewhere()
    assert 429 in statuses(desk, "/login", here)
    assert statuses(desk, "/livez", here, times=20) == [200] * 20


def test_a_stores_test_orders_are_played_with_so_often(few, monkeypatch, another, app):
    """By one order's page or by many's: it is the robots, whom all stores share, that are asked."""
    monkeypatch.setattr(limits, "TRIALS", "5 per minute")
    desk, (one, other, theirs) = another(ratelimit_enabled=True), _test_orders()
    tried = [_choose(desk, order) for order in (one, other, one, other, one, other)]
    assert tried == [303, 303, 409, 409, 409, 429]
    assert _choose(desk, theirs) == 303


def test_a_live_payer_spends_nothing_of_a_stores_tries(few, monkeypatch, another, app):
    """Every payer has a link of some order: whoever sends outcomes to it must not shut the store's own tests."""
    monkeypatch.setattr(limits, "TRIALS", "5 per minute")
    cast = f.new_cast()
    with f.act() as session:
        robots.ensure(session, "USDT", methods=[cast.method])
    live, tried = cast.order("1500.01"), cast.order("1500.01", actor=cast.test_key)
    f.work_off()
    desk = another(ratelimit_enabled=True)
    here = {"REMOTE_ADDR": f"198.18.{random.randrange(256)}.{random.randrange(256)}"}
    assert {_choose(desk, live, environ_overrides=here) for _ in range(6)} == {404, 429}
    assert _choose(desk, tried) == 303


def _test_orders():
    """Two of one store, one of another, each somebody's to pay."""
    casts = f.new_cast(), f.new_cast()
    with f.act() as session:
        robots.ensure(session, "USDT", methods=[cast.method for cast in casts])
    made = [cast.order(amount, actor=cast.test_key)
            for cast, amount in ((casts[0], "1500.01"), (casts[0], "1700.01"), (casts[1], "1500.01"))]
    f.work_off()
    return made


def _choose(desk, order, **more):
    return people.Browser(desk).open(f"{payment_links.path_of(order.id)}/outcome", method="POST", data={
        "csrf_token": payment_links.form_token_of(order.id), "outcome": "exact"}, **more).status_code


def test_who_is_signed_in_is_no_stranger_and_sends_so_many_forms(desk, somewhere):
    here = {"REMOTE_ADDR": somewhere()}
    with desk.app_context():
        seat = people.seat(desk, people.person("super_admin"))
    assert [seat.get("/profile", environ_overrides=here).status_code for _ in range(10)] == [200] * 10
    assert statuses(desk, "/login", here["REMOTE_ADDR"]) == [200] * 5 + [429]
    assert seat.get("/profile", environ_overrides=here).status_code == 200
    sent = [seat.send("/profile/password", environ_overrides=here).status_code for _ in range(6)]
    assert sent == [422] * 5 + [429]


def test_what_if_is_asked_so_often_and_once_at_a_time(few, monkeypatch, another, app):
    """Each look reads a day of orders: a browser that reloads must not keep the database for itself."""
    monkeypatch.setattr(limits, "SIMULATIONS", "5 per minute")
    asked = {"of": "requisite", "id": f.new_cast().requisite().public_id}
    desk, me = another(ratelimit_enabled=True), people.person("admin")

    def look(person=me, **typed):
        return people.seat(desk, person).get("/admin/what-if", query_string=asked | typed)

    with one_of_each(me.id):
        running = look(max_amount="1 500")
        assert running.status_code == 429
        assert "simulation is not finished" in running.text
        assert look().status_code == 200, "nothing was typed"
        assert look(people.person("admin"), max_amount="1 500").status_code == 422, "not all was typed"
    assert [look().status_code for _ in range(4)] == [200] * 3 + [429]
