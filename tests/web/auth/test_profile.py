"""One's own account: sessions listed and ended, the password changed."""
from datetime import timedelta

import pytest
from flask import Flask

from portal import mail
from portal.core import clock
from portal.core.db import reader
from tests import people
from tests.web.auth.test_sessions import is_in, rows

NEW = "another sentence nobody guesses"


@pytest.mark.parametrize("kind", ["trader", "merchant_viewer", "support_readonly"])
def test_everybody_sees_where_they_are_signed_in(app: Flask, kind: str) -> None:
    me = people.person(kind)
    here, there = people.seat(app, me), people.seat(app, me)
    page = here.get("/profile").get_data(as_text=True)
    assert all(row.public_id in page for row in rows(me))
    assert here.sid not in page
    other = rows(me)[1].public_id
    assert here.send(f"/profile/sessions/{other}/ending").status_code == 303
    assert (is_in(here), is_in(there)) == (True, False)


def test_browsers_are_called_by_their_names_and_idle_ones_are_gone(app: Flask) -> None:
    me = people.person("trader")
    people.seat(app, me)
    with clock.moved(timedelta(minutes=50)):
        here, other = people.seat(app, me), people.stranger(app)
        other.send("/login", {"email": me.email, "password": people.PASSWORD}, headers={
            "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"})
        page = here.get("/profile").get_data(as_text=True)
        assert "Firefox · Linux" in page
        assert page.count('id="session-ses_') == 3
        letter = next(one.text for one in mail.latest(reader()) if one.to == me.email)
        assert "127.0.0.1 · Firefox · Linux" in letter
    with clock.moved(timedelta(minutes=61)):
        page = here.get("/profile").get_data(as_text=True)
        assert page.count('id="session-ses_') == 2, "the first one was idle too long"


def test_anothers_session_is_not_ones_own_to_end(app: Flask) -> None:
    me, other = people.person("trader"), people.person("trader")
    here, there = people.seat(app, me), people.seat(app, other)
    assert here.send(f"/profile/sessions/{rows(other)[0].public_id}/ending").status_code == 404
    assert is_in(there)


def test_a_new_password_ends_the_others_and_changes_the_token_here(app: Flask) -> None:
    me = people.person("trader")
    here, there = people.seat(app, me), people.seat(app, me)
    answer = here.send("/profile/password", {"current": people.PASSWORD, "password": NEW})
    assert (answer.status_code, answer.location) == (303, "/profile")
    assert any(line.startswith("sid=") for line in answer.headers.getlist("Set-Cookie"))
    assert (is_in(here), is_in(there)) == (True, False)
    thief = people.Browser(app)
    thief.set_cookie("sid", here.sid)
    assert not is_in(thief)
    assert "Your password is changed" in here.get("/profile").get_data(as_text=True)


@pytest.mark.parametrize(("current", "new", "said"), [
    ("wrong", NEW, "not your present password"), (people.PASSWORD, "short", "at least 15"),
    (people.PASSWORD, "a" * 30, "too easy")])
def test_what_is_refused_is_said_beside_the_field(app: Flask, current: str, new: str, said: str) -> None:
    here = people.seat(app, people.person("trader"))
    answer = here.send("/profile/password", {"current": current, "password": new})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert said in page
    assert new not in page
    assert is_in(here)


def test_the_present_password_is_not_guessed_within_a_session(app: Flask) -> None:
    """Sixty wrong ones in two seconds, and then the right one, made a stolen session a stolen account."""
    me = people.person("trader")
    here, elsewhere = people.seat(app, me), people.seat(app, me)
    form = {"current": "wrong", "password": NEW}
    assert [here.send("/profile/password", form).status_code for _ in range(6)] == [422] * 5 + [429]
    assert here.send("/profile/password", {"current": people.PASSWORD, "password": NEW}).status_code == 429
    assert is_in(here)
    answer = elsewhere.send("/profile/password", {"current": people.PASSWORD, "password": NEW})
    assert answer.status_code == 303  # the owner, in a session of their own, is kept out of nothing


def test_a_weak_new_password_is_no_guess(app: Flask) -> None:
    here = people.seat(app, people.person("trader"))
    weak = {"current": people.PASSWORD, "password": "short"}
    assert [here.send("/profile/password", weak).status_code for _ in range(7)] == [422] * 7
