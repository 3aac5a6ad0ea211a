"""Links by mail: a forgotten password, another address, a new browser; each once, for one person, signing nobody in."""
import re
from datetime import timedelta
from secrets import token_hex

import pytest
from aiosmtpd.controller import Controller
from flask import Flask
from sqlalchemy import text

from portal import mail
from portal.core import clock, jobs
from portal.core.db import reader, transaction
from portal.mail import sending
from portal.mail.models import Mail
from portal.notices import queries as notices
from portal.parties import recovery_asks
from tests import factories as f
from tests import people
from tests.factories import work_off
from tests.running import free_port
from tests.web.auth.test_login import log_in
from tests.web.inspect import faults

NEW = "another sentence nobody guesses"


def letters_to(email: str) -> list[str]:
    reader().expire_all()
    return [one.text for one in mail.latest(reader()) if one.to == email]


def link_in(letter: str) -> str:
    return re.search(r"http://[^\s/]+(/\S+)", letter)[1]  # type: ignore[index]


def ask(app: Flask, email: str, address: str | None = None) -> people.Seat:
    browser = people.stranger(app)
    answer = browser.send("/recovery", {"email": email},
                          environ_overrides={"REMOTE_ADDR": address or f"10.9.{len(email)}.{ord(email[-15])}"})
    assert answer.status_code == 200
    assert "If somebody has an account" in answer.get_data(as_text=True)
    f.work_off(recovery_asks.KIND)
    return browser


def test_a_forgotten_password_by_a_link_that_works_once(app: Flask) -> None:
    me = people.person("trader")
    old = people.seat(app, me)
    browser = ask(app, me.email.upper())
    path = link_in(letters_to(me.email)[0])
    page = browser.get(path).get_data(as_text=True)
    assert not faults(page, signed_in=False, language="en")
    assert browser.send(path, {"password": "short"}).status_code == 422
    answer = browser.send(path, {"password": NEW})
    assert (answer.status_code, answer.location) == (303, "/login"), "nobody is signed in"
    assert old.get("/trader/orders").location.startswith("/login"), "every session ended"
    assert "Your account at" in letters_to(me.email)[0], "they are told"
    other = people.stranger(app)
    assert other.get(path).status_code == 409
    assert other.send(path, {"password": NEW + "2"}).status_code == 409
    assert log_in(app, me.email)[1].status_code == 422  # type: ignore[attr-defined]
    assert log_in(app, me.email, NEW)[1].location == "/trader/orders"  # type: ignore[attr-defined]


def test_a_link_dies_with_time_with_a_password_and_before_another_person(app: Flask) -> None:
    me, stranger = people.person("trader"), people.person("trader")
    ask(app, me.email)
    ask(app, me.email)
    first, second = (link_in(text) for text in letters_to(me.email))
    with clock.moved(timedelta(minutes=30, seconds=1)):
        assert people.stranger(app).get(first).status_code == 409
    theirs = people.seat(app, stranger)
    assert theirs.get(first).status_code == 409
    assert theirs.send(first, {"password": NEW}).status_code == 409
    assert theirs.get("/trader/orders").status_code == 200
    assert people.stranger(app).send(second, {"password": NEW}).status_code == 303
    assert people.stranger(app).send(first, {"password": NEW + "2"}).status_code == 409, "another password was chosen"


def test_another_address_ends_links_for_a_password_and_another_password_a_change_of_address(app: Flask) -> None:
    """Whoever reads the old mailbox, or knew the old password, is a stranger from then on."""
    me, new = people.person("trader"), f"{token_hex(8)}@example.test"
    here = people.seat(app, me)
    assert here.send("/profile/email", {"email": new}).status_code == 303
    old_side, new_side = link_in(letters_to(me.email)[0]), link_in(letters_to(new)[0])
    ask(app, me.email)
    recovery = link_in(letters_to(me.email)[0])
    assert people.stranger(app).send(recovery, {"password": NEW}).status_code == 303
    for link in (old_side, new_side):
        assert people.stranger(app).get(link).status_code == 409
        assert people.stranger(app).send(link).status_code == 409
    here = people.seat(app, me)
    ask(app, me.email, "10.7.7.7")
    recovery = link_in(letters_to(me.email)[0])
    assert here.send("/profile/email", {"email": new, "proof_password": NEW}).status_code == 303
    for link in (link_in(letters_to(me.email)[0]), link_in(letters_to(new)[0])):
        assert people.stranger(app).send(link).status_code == 303
    stranger = people.stranger(app)
    assert stranger.get(recovery).status_code == 409
    assert stranger.send(recovery, {"password": NEW + "3"}).status_code == 409


def test_the_second_factor_stays(app: Flask) -> None:
    me = people.person("trader")
    people.with_factor(me)
    ask(app, me.email)
    browser = people.stranger(app)
    assert browser.send(link_in(letters_to(me.email)[0]), {"password": "eightish"}).status_code == 303
    assert log_in(app, me.email, "eightish")[1].location == "/second-factor"  # type: ignore[attr-defined]


def test_nobody_learns_who_has_an_account_and_nobody_is_flooded(app: Flask) -> None:
    nobody, me = f"{token_hex(8)}@example.test", people.person("trader")
    ask(app, nobody)
    assert letters_to(nobody) == []
    browser = people.stranger(app)
    answers = [browser.send("/recovery", {"email": me.email}, environ_overrides={"REMOTE_ADDR": f"10.8.{n}.1"})
               for n in range(5)]
    assert [answer.status_code for answer in answers] == [200] * 3 + [429] * 2
    assert letters_to(me.email) == [], "the door looks nobody up"
    f.work_off(recovery_asks.KIND)
    assert len(letters_to(me.email)) == 3
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_another_address_is_agreed_to_by_both(app: Flask) -> None:
    me, new = people.person("merchant_owner"), f"{token_hex(8)}@example.test"
    here = people.seat(app, me)
    assert here.send("/profile/email", {"email": new, "proof_password": ""}).status_code == 428
    taken = people.person("trader").email
    assert here.send("/profile/email", {"email": taken}).status_code == 422
    assert here.send("/profile/email", {"email": new}).status_code == 303
    old_link, new_link = link_in(letters_to(me.email)[0]), link_in(letters_to(new)[0])
    other = people.stranger(app)
    assert not faults(other.get(new_link).get_data(as_text=True), signed_in=False, language="en")
    for _ in range(2):
        assert other.send(new_link).status_code == 303
        assert here.get("/profile").status_code == 200, "one of the two is not enough"
    assert log_in(app, new)[1].status_code == 422  # type: ignore[attr-defined]
    assert other.send(old_link).status_code == 303
    assert here.get("/profile").location.startswith("/login")
    assert log_in(app, new)[1].location == "/merchant/"  # type: ignore[attr-defined]
    assert other.send(old_link).status_code == 409


def test_a_new_browser_is_told_by_mail_and_a_known_one_is_not(app: Flask) -> None:
    with transaction() as session:  # thousands that other tests left
        session.execute(text("DELETE FROM jobs WHERE kind = 'tell_people'"))
    me = people.person("trader")
    browser, _ = log_in(app, me.email)
    assert len(letters_to(me.email)) == 1
    assert "/recovery" in letters_to(me.email)[0]
    browser.token = people.csrf_of(browser.get("/profile"))
    browser.send("/logout")
    browser.token = people.csrf_of(browser.get("/login"))
    browser.send("/login", {"email": me.email, "password": people.PASSWORD})
    assert len(letters_to(me.email)) == 1
    page = people.stranger(app).get("/dev/mail").get_data(as_text=True)
    assert me.email in page
    work_off("tell_people")
    assert [one.happening.event for one in notices.page(reader(), me.actor).rows] == ["account.new_device"], (
        "and once in the portal, without a second letter")


class Box:
    def __init__(self) -> None:
        self.got: list[str] = []
        self.refuses = False

    async def handle_DATA(self, _server: object, _session: object, envelope: object) -> str:
        if self.refuses:
            return "451 later"
        self.got.append(envelope.content.decode())  # type: ignore[attr-defined]
        return "250 OK"


@pytest.fixture
def box(app: Flask):  # type: ignore[no-untyped-def]
    kept = Box()
    port = free_port()
    controller = Controller(kept, hostname="127.0.0.1", port=port)
    controller.start()
    mail.configure(mail.Server("127.0.0.1", port, "none", "Desk <desk@example.test>"), kept_to_be_seen=True)
    yield kept
    mail.configure(None, kept_to_be_seen=True)
    controller.stop()


def test_a_real_server_is_handed_the_mail_once_and_its_text_is_forgotten(app: Flask, box: Box) -> None:
    to = f"{token_hex(8)}@example.test"
    with transaction() as session:
        mail.post(session, to=to, subject="Тема", text="canary text\n")
    box.refuses = True
    sending.drain()
    assert box.got == []
    box.refuses = False
    with clock.moved(timedelta(minutes=2)):
        sending.drain()
        sending.drain()
    mine = [text for text in box.got if f"To: {to}" in text]
    assert len(mine) == 1
    assert "canary text" in mine[0]
    assert "From: Desk <desk@example.test>" in mine[0]
    reader().expire_all()
    rows = [one for one in mail.latest(reader()) if one.to == to]
    assert [(row.text, row.mail.sent_at is not None) for row in rows] == [("", True)]
    assert jobs.claim(mail.KIND, limit=5, lease_s=1) == []
    assert reader().get(Mail, rows[0].mail.id).text_sealed is None  # type: ignore[union-attr]
