"""Signing in at the door: who gets in, what strangers are told, where people land."""
import secrets
import time

import pytest
from flask import Flask
from sqlalchemy import select

from portal.core.access import SYSTEM
from portal.core.audit import AuditRow
from portal.core.db import reader, transaction
from portal.parties import users
from portal.parties.commands import DisableUser
from portal.parties.invitations import as_pasted
from portal.parties.models import User
from portal.web.auth.login import own_path
from tests import people


def log_in(app: Flask, email: str, password: str = people.PASSWORD, **more: str) -> tuple[people.Seat, object]:
    browser = people.stranger(app)
    address = f"10.{secrets.randbelow(256)}.{secrets.randbelow(256)}.{secrets.randbelow(256)}"
    answer = browser.send("/login", {"email": email, "password": password, **more},
                          environ_overrides={"REMOTE_ADDR": address})
    return browser, answer


@pytest.mark.parametrize(("kind", "landing"), [
    ("trader", "/trader/orders"), ("merchant_owner", "/merchant/"), ("support_readonly", "/admin/"),
    ("super_admin", "/admin/")])
def test_people_land_on_their_own_pages(app: Flask, kind: str, landing: str) -> None:
    me = people.person(kind)
    browser, answer = log_in(app, me.email.upper())
    assert (answer.status_code, answer.location) == (303, landing)
    assert browser.get("/").location == landing
    assert browser.get("/login").location == landing
    assert browser.get(landing).status_code == 200


def test_a_sign_in_is_audited_and_its_cookie_is_out_of_reach(app: Flask) -> None:
    me = people.person("trader")
    _, answer = log_in(app, me.email)
    cookie = next(line for line in answer.headers.getlist("Set-Cookie") if line.startswith("sid="))
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie
    actions = reader().scalars(select(AuditRow.action).where(AuditRow.target_id == str(me.id))).all()
    assert list(actions) == ["user.signed_in"]


def test_wrong_unknown_and_disabled_are_told_the_same(app: Flask) -> None:
    me, gone = people.person("trader"), people.person("trader")
    with transaction() as session:
        users.disable(session, SYSTEM, DisableUser(user_id=gone.id, reason="test"))
    pages = []
    for email, password in ((me.email, "wrong"), ("nobody@example.test", people.PASSWORD),
                            (gone.email, people.PASSWORD), (me.email, ""), ("not an address", "x")):
        _, answer = log_in(app, email, password)
        assert answer.status_code == 422
        assert not any(line.startswith("sid=") for line in answer.headers.getlist("Set-Cookie"))
        text = answer.get_data(as_text=True)
        assert "The e-mail address or the password is wrong." in text
        pages.append(text.count("<input"))
    assert len(set(pages)) == 1


def test_wrong_and_unknown_take_the_same_time(app: Flask) -> None:
    """The quickest of several, taken in turns: what else the machine does slows single ones."""
    times: dict[str, list[float]] = {people.person("trader").email: [], "nobody@example.test": []}
    for number in range(5):
        for email, taken in times.items():
            address = f"10.8.{secrets.randbelow(256)}.{number}"
            browser = people.stranger(app)
            account = email if "nobody" not in email else f"{secrets.token_hex(4)}@example.test"
            started = time.perf_counter()
            answer = browser.send("/login", {"email": account, "password": "wrong"},
                                  environ_overrides={"REMOTE_ADDR": address})
            taken.append(time.perf_counter() - started)
            assert answer.status_code == 422
    known, unknown = (min(taken) for taken in times.values())
    assert 0.6 < known / unknown < 1.7


def guess_at(app: Flask, email: str, address: str, times: int = 6) -> list[int]:
    browser = people.stranger(app)
    return [browser.send("/login", {"email": email, "password": "wrong"},
                         environ_overrides={"REMOTE_ADDR": address}).status_code for _ in range(times)]


def test_the_sixth_wrong_password_waits_even_for_the_right_one(app: Flask) -> None:
    me, address = people.person("trader"), f"10.7.{secrets.randbelow(256)}.{secrets.randbelow(256)}"
    assert guess_at(app, me.email, address, 5) == [422] * 5
    answer = people.stranger(app).send("/login", {"email": me.email, "password": people.PASSWORD},
                                       environ_overrides={"REMOTE_ADDR": address})
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 60


def test_nobody_is_locked_out_by_who_guesses_elsewhere(app: Flask) -> None:
    me = people.person("super_admin")
    assert guess_at(app, me.email, f"10.6.{secrets.randbelow(256)}.1", 7)[-1] == 429
    assert log_in(app, me.email)[1].status_code == 303  # type: ignore[attr-defined]


def test_a_known_browser_gets_in_beside_the_attacker(app: Flask) -> None:
    """In one office, behind one address: the browser that was let in before has tries of its own."""
    me, address = people.person("trader"), f"10.5.{secrets.randbelow(256)}.{secrets.randbelow(256)}"
    browser, answer = log_in(app, me.email)
    device = next(line for line in answer.headers.getlist("Set-Cookie") if line.startswith("device="))  # type: ignore[attr-defined]
    assert "HttpOnly" in device
    assert me.email not in device
    browser.delete_cookie("sid")
    guess_at(app, me.email, address)
    unknown = people.stranger(app).send("/login", {"email": me.email, "password": people.PASSWORD},
                                        environ_overrides={"REMOTE_ADDR": address})
    assert unknown.status_code == 429
    browser.token = people.csrf_of(browser.get("/login"))
    known = browser.send("/login", {"email": me.email, "password": people.PASSWORD},
                         environ_overrides={"REMOTE_ADDR": address})
    assert known.status_code == 303


def test_another_password_makes_old_browsers_strangers(app: Flask) -> None:
    """A browser that was let in by the old password, an intruder's perhaps, has no tries of its own any more."""
    me, address = people.person("trader"), f"10.3.{secrets.randbelow(256)}.{secrets.randbelow(256)}"
    chosen = "another sentence nobody guesses"
    old, mine = log_in(app, me.email)[0], log_in(app, me.email)[0]
    mine.token = people.csrf_of(mine.get("/profile"))
    assert mine.send("/profile/password", {"current": people.PASSWORD, "password": chosen}).status_code == 303
    guess_at(app, me.email, address)
    outcomes = []
    for browser in (old, mine):
        browser.delete_cookie("sid")
        browser.token = people.csrf_of(browser.get("/login"))
        outcomes.append(browser.send("/login", {"email": me.email, "password": chosen},
                                     environ_overrides={"REMOTE_ADDR": address}).status_code)
    assert outcomes == [429, 303]


def test_a_device_of_one_account_is_a_stranger_to_another(app: Flask) -> None:
    mine, theirs = people.person("trader"), people.person("trader")
    browser, _ = log_in(app, mine.email)
    address = f"10.4.{secrets.randbelow(256)}.{secrets.randbelow(256)}"
    guess_at(app, theirs.email, address)
    browser.delete_cookie("sid")
    browser.token = people.csrf_of(browser.get("/login"))
    answer = browser.send("/login", {"email": theirs.email, "password": people.PASSWORD},
                          environ_overrides={"REMOTE_ADDR": address})
    assert answer.status_code == 429


def test_a_pasted_one_time_password_loses_its_blanks() -> None:
    assert as_pasted(" abcde-fghjk-mnpqr-stuvw\u200b\n") == "abcde-fghjk-mnpqr-stuvw"
    assert as_pasted("abcde-fghjk-\nmnpqr-stuvw") == "abcde-fghjk-mnpqr-stuvw"
    assert as_pasted(" a sentence of my own ") == " a sentence of my own "


def test_an_old_hash_is_made_anew_at_sign_in(app: Flask) -> None:
    from argon2 import PasswordHasher

    me = people.person("trader")
    with transaction() as session:
        session.get_one(User, me.id).password_hash = PasswordHasher(
            time_cost=1, memory_cost=8192, parallelism=1).hash(people.PASSWORD)
    assert log_in(app, me.email)[1].status_code == 303
    session = reader()
    session.rollback()
    assert "m=19456,t=2,p=1" in session.scalars(select(User.password_hash).where(User.id == me.id)).one()


def test_after_signing_in_one_is_where_one_wanted_to_be(app: Flask) -> None:
    me = people.person("trader")
    stranger = people.stranger(app)
    sent = stranger.get("/trader/orders?view=closed")
    assert sent.status_code == 303
    assert sent.location == "/login?next=/trader/orders?view%3Dclosed"
    _, answer = log_in(app, me.email, next="/trader/orders?view=closed")
    assert answer.location == "/trader/orders?view=closed"


@pytest.mark.parametrize("elsewhere", [
    "https://evil.example/", "//evil.example/", "/\\evil.example", "\\\\evil.example", "/\t/evil.example",
    "javascript:x", "trader/orders", "/login", "/logout", "", "/a\nb", "http:/evil.example"])
def test_next_leads_to_pages_of_the_desk_only(app: Flask, elsewhere: str) -> None:
    assert own_path(elsewhere) is None


def test_htmx_of_a_stranger_is_sent_to_the_login(app: Flask) -> None:
    answer = people.stranger(app).get("/trader/orders", headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"].startswith("/login")
