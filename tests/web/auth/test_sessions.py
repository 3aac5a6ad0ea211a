"""The session rules of security.md, one claim each."""
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from pydantic import SecretStr
from sqlalchemy import select

from portal.core import clock
from portal.core.access import SYSTEM
from portal.core.db import db, reader, transaction
from portal.parties import sessions, users
from portal.parties.commands import DisableUser, SetPassword
from portal.parties.models import UserSession
from tests import people
from tests.statements import statements

POLL = {"Quittance-Poll": "1"}


def is_in(browser: people.Browser, **more: object) -> bool:
    return browser.get("/", **more).location != "/login"


def later(minutes: float) -> object:
    return clock.moved(timedelta(minutes=minutes))


def rows(me: people.Person) -> list[UserSession]:
    session = reader()
    session.rollback()
    return list(session.scalars(select(UserSession).where(UserSession.user_id == me.id).order_by(UserSession.created_at)
                                .execution_options(populate_existing=True)))


def test_the_database_keeps_only_a_digest_of_256_bits(app: Flask) -> None:
    me = people.person("trader")
    browser = people.seat(app, me)
    assert len(browser.sid) >= 43
    (row,) = rows(me)
    assert len(row.token_digest) == 32
    assert browser.sid not in str(vars(row))


def test_signing_out_ends_it_in_every_process(app: Flask) -> None:
    me = people.person("trader")
    browser, thief = people.seat(app, me), people.Browser(app)
    thief.set_cookie("sid", browser.sid)
    assert is_in(thief)
    assert browser.send("/logout").location == "/login"
    assert not is_in(browser)
    assert not is_in(thief)
    assert rows(me)[0].ended_because == "signed_out"


def test_a_disabled_user_is_out_at_once(app: Flask) -> None:
    me = people.person("trader")
    browser = people.seat(app, me)
    with transaction() as session:
        users.disable(session, SYSTEM, DisableUser(user_id=me.id, reason="test"))
    assert not is_in(browser)


def test_a_new_password_ends_every_session(app: Flask) -> None:
    me = people.person("trader")
    browsers = [people.seat(app, me) for _ in range(2)]
    with transaction() as session:
        users.set_password(session, me.actor, SetPassword(
            current=SecretStr(people.PASSWORD), password=SecretStr("another sentence nobody guesses")))
    assert [is_in(browser) for browser in browsers] == [False, False]


@pytest.mark.parametrize(("kind", "minutes"), [("trader", 60), ("merchant_viewer", 60), ("admin", 15)])
def test_an_idle_session_ends(app: Flask, kind: str, minutes: int) -> None:
    browser = people.seat(app, people.person(kind))
    with later(minutes - 0.5):
        assert is_in(browser, headers=POLL)
    with later(minutes + 0.1):
        assert not is_in(browser)


@pytest.mark.parametrize(("kind", "hours", "step_minutes"), [("trader", 12, 50), ("support_readonly", 8, 14)])
def test_even_a_busy_session_ends(app: Flask, kind: str, hours: int, step_minutes: int) -> None:
    browser = people.seat(app, people.person(kind))
    for minute in range(step_minutes, hours * 60, step_minutes):
        with later(minute):
            assert is_in(browser), minute
    with later(hours * 60 + 0.1):
        assert not is_in(browser)


def test_being_used_extends_it_and_polling_does_not(app: Flask) -> None:
    used, polled = (people.seat(app, people.person("trader")) for _ in range(2))
    with later(40):
        assert is_in(used)
        assert is_in(polled, headers=POLL)
    with later(70):
        assert is_in(used)
        assert not is_in(polled)


def test_it_is_written_once_a_minute_at_most(app: Flask) -> None:
    browser = people.seat(app, people.person("trader"))
    with statements() as seen:
        for _ in range(3):
            assert is_in(browser)
    assert [line for line in seen if not line.startswith("SELECT")] == []
    with later(2):
        with statements() as seen:
            assert is_in(browser)
        assert sum(line.startswith("UPDATE user_sessions") for line in seen) == 1


def test_one_query_says_who_it_is_and_what_they_may(app: Flask) -> None:
    browser = people.seat(app, people.person("trader"))
    with statements() as seen:
        assert is_in(browser)
    assert len(seen) == 1


def test_the_sixth_ends_the_oldest(app: Flask) -> None:
    me = people.person("trader")
    browsers = [people.seat(app, me) for _ in range(6)]
    assert [is_in(browser) for browser in browsers] == [False] + [True] * 5
    assert rows(me)[0].ended_because == "too_many"


def test_ten_at_once_leave_five(app: Flask) -> None:
    me = people.person("trader")

    def sit_down(number: int) -> None:
        with app.app_context():
            try:
                people.seat(app, me)
            finally:
                db.session.remove()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(sit_down, range(10)))
    assert sum(row.ended_at is None for row in rows(me)) == sessions.PER_USER_MAX


def test_signing_in_again_gives_a_new_token_and_ends_the_old_one(app: Flask) -> None:
    me = people.person("trader")
    browser = people.seat(app, me)
    first = browser.sid
    answer = browser.send("/login", {"email": me.email, "password": people.PASSWORD},
                          environ_overrides={"REMOTE_ADDR": "10.77.1.1"})
    assert answer.status_code == 303
    assert f"sid={first}" not in answer.headers["Set-Cookie"]
    assert is_in(browser)
    thief = people.Browser(app)
    thief.set_cookie("sid", first)
    assert not is_in(thief)


def test_a_token_chosen_by_a_stranger_is_never_taken_over(app: Flask) -> None:
    """Session fixation: what the browser brought is not what it leaves with."""
    me = people.person("trader")
    browser = people.stranger(app)
    browser.set_cookie("sid", "chosen-by-a-stranger")
    browser.send("/login", {"email": me.email, "password": people.PASSWORD},
                 environ_overrides={"REMOTE_ADDR": "10.77.1.2"})
    thief = people.Browser(app)
    thief.set_cookie("sid", "chosen-by-a-stranger")
    assert not is_in(thief)


def test_strangers_leave_no_rows(app: Flask) -> None:
    browser = people.Browser(app)
    with statements() as seen:
        browser.get("/login")
        browser.get("/livez")
    assert seen == []


def test_files_and_the_gateway_read_no_session(app: Flask) -> None:
    browser = people.seat(app, people.person("trader"))
    with statements() as seen:
        with browser.get("/static/favicon.svg") as file:
            assert file.status_code == 200
        browser.get("/gateway/v1/currencies")
    assert seen == []


def test_long_ended_ones_are_swept(app: Flask) -> None:
    me = people.person("trader")
    people.seat(app, me)
    with later(60 * 24 * 60), transaction() as session:
        sessions.sweep(session)
    assert rows(me) == []


def test_the_sixth_browser_tells_the_first_why_it_is_out(app: Flask) -> None:
    me = people.person("trader")
    first = people.seat(app, me)
    for _ in range(5):
        people.seat(app, me)
    assert first.get("/trader/orders").status_code == 303
    page = first.get("/login").get_data(as_text=True)
    assert "You were signed out here: you signed in elsewhere" in page
    assert "You were signed out" not in first.get("/login").get_data(as_text=True)
