"""A password that staff gave out opens the desk once, and the first thing behind it is choosing one's own."""
import pytest
from flask import Flask

from portal.core.db import transaction
from portal.parties import invitations
from portal.parties.commands import MoveUser
from tests import people
from tests.web.auth.test_login import log_in
from tests.web.inspect import faults

NEW = "another sentence nobody guesses"


@pytest.fixture
def given(app: Flask) -> tuple[people.Seat, str]:
    """Somebody who has just signed in with what they were given, and that."""
    person, staff = people.person("trader"), people.person("super_admin")
    with transaction() as session:
        command = MoveUser(user_id=person.id, reason="Lost it")
        _, password = invitations.give_password(session, staff.actor, command)
    seat, answer = log_in(app, person.email, password)
    assert answer.status_code == 303  # type: ignore[attr-defined]
    page = seat.get("/profile").get_data(as_text=True)
    seat.token = page.partition('name="csrf-token" content="')[2].partition('"')[0]
    return seat, password


def test_every_page_leads_to_the_password(given: tuple[people.Seat, str]) -> None:
    seat, _ = given
    for path in ("/trader/orders", "/trader/requisites", "/trader/balance"):
        answer = seat.get(path)
        assert (answer.status_code, answer.location) == (303, "/profile"), path
    assert seat.get("/trader/orders", headers={"HX-Request": "true"}).headers["HX-Redirect"] == "/profile"
    page = seat.get("/profile").get_data(as_text=True)
    assert not faults(page, signed_in=True, language="en")
    assert "Choose a password of your own" in page
    assert 'href="/trader/' not in page
    assert "/profile/preferences" not in page


def test_acts_and_polls_are_refused_and_say_why(given: tuple[people.Seat, str]) -> None:
    seat, _ = given
    for answer in (seat.send("/trader/orders/shift", {"on": "yes"}), seat.send("/profile/sessions/ending"),
                   seat.get("/trader/orders", headers={"HX-Request": "true", "Quittance-Poll": "1"})):
        assert answer.status_code == 403
        assert "Choose a password of your own first" in answer.get_data(as_text=True)


def test_a_password_of_ones_own_opens_the_desk(given: tuple[people.Seat, str]) -> None:
    seat, password = given
    assert seat.send("/profile/password", {"current": password, "password": "short"}).status_code == 422
    assert seat.get("/trader/orders").status_code == 303
    answer = seat.send("/profile/password", {"current": password, "password": NEW})
    assert (answer.status_code, answer.location) == (303, "/trader/orders")
    assert seat.get("/trader/orders").status_code == 200


def test_a_notice_read_by_an_intruder_is_still_news_to_the_owner(app: Flask) -> None:
    """Whoever gave the password out signs in with it first: that browser's reading is nobody else's."""
    me, staff = people.person("trader"), people.person("super_admin")
    with transaction() as session:
        _, password = invitations.give_password(session, staff.actor, MoveUser(user_id=me.id, reason="Lost it"))
    told = f"was given out: {staff.actor.name}"
    intruder, _ = log_in(app, me.email, password)
    page = intruder.get("/profile")
    assert page.get_data(as_text=True).count(told) == 2, "the notice, and the account's own list"
    intruder.token = people.csrf_of(page)
    assert intruder.send("/profile/password", {"current": password, "password": NEW}).status_code == 303
    owner, _ = log_in(app, me.email, NEW)
    assert told in owner.get("/trader/orders").get_data(as_text=True)
    owner.token = people.csrf_of(owner.get("/profile"))
    owner.send("/logout")
    owner.token = people.csrf_of(owner.get("/login"))
    assert owner.send("/login", {"email": me.email, "password": NEW}).status_code == 303
    assert told not in owner.get("/trader/orders").get_data(as_text=True), "once at each browser"


def test_the_way_out_stays_open(given: tuple[people.Seat, str]) -> None:
    seat, _ = given
    answer = seat.send("/logout")
    assert (answer.status_code, answer.location) == (303, "/login")
    assert seat.get("/profile").location.startswith("/login")
