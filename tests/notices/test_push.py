"""Web push: a server on loopback stands for the browser maker's push service; what it got is opened as a browser would.
"""
import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import Flask
from sqlalchemy import select

from portal import notices
from portal.core import clock, ids, web_push
from portal.core.db import transaction
from portal.notices import push
from portal.notices.models import Notice, PushBrowser
from tests import factories as f
from tests import people
from tests.webhooks.receiver import Received, Receiver, listening


class Browser:
    """One that has subscribed, and reads what reaches it."""

    def __init__(self, address: str) -> None:
        self.key, self.auth, self.address = ec.generate_private_key(web_push.CURVE), b"0123456789abcdef", address

    def form(self, **other: str) -> dict[str, str]:
        return {"endpoint": self.address, "auth": web_push.encoded(self.auth),
                "p256dh": web_push.encoded(web_push.point_of(self.key.public_key()))} | other

    def reads(self, body: bytes) -> dict[str, str]:
        salt, theirs, sealed = body[:16], body[21:86], body[86:]
        shared = self.key.exchange(ec.ECDH(), web_push.read_point(theirs))
        info = b"WebPush: info\0" + web_push.point_of(self.key.public_key()) + theirs
        secret = HKDF(SHA256(), 32, self.auth, info).derive(shared)
        key = HKDF(SHA256(), 16, salt, b"Content-Encoding: aes128gcm\0").derive(secret)
        nonce = HKDF(SHA256(), 12, salt, b"Content-Encoding: nonce\0").derive(secret)
        return json.loads(AESGCM(key).decrypt(nonce, sealed, None).rstrip(b"\x02"))


class Service:
    """The push service of a browser's maker."""

    status = 201

    def answer(self, one: Received) -> tuple[int, dict[str, str], bytes]:
        return self.status, {}, b""


@pytest.fixture
def service(app: Flask) -> Iterator[tuple[Service, Receiver]]:
    made = Service()
    with listening(made.answer) as server:
        notices.configure(public_url="http://desk.example", push=True)
        push.configure(web_push.Sender(web_push.read_key(web_push.new_key()), "https://desk.example"))
        yield made, server
    push.configure(None)
    notices.configure(public_url="http://127.0.0.1:8000")


def named(app: Flask, person: people.Person, browser: Browser) -> people.Seat:
    seat = people.seat(app, person)
    assert seat.send("/profile/notices/browsers", browser.form()).status_code == 303
    return seat


def new_factor(person: people.Person, what: str = "Phone") -> None:
    with transaction() as session:
        notices.notify(session, "account.factor_added", notices.user(person.id), what=what)
    f.work_off("tell_people")


def states(person: people.Person) -> list[tuple[str, str | None]]:
    with f.look() as session:
        return [(one.state, one.error) for one in session.scalars(select(Notice).where(
            Notice.user_id == person.id, Notice.channel == "push").order_by(Notice.id))]


def browsers(person: people.Person) -> int:
    with f.look() as session:
        return len(session.scalars(select(PushBrowser).where(PushBrowser.user_id == person.id)).all())


def test_a_named_browser_is_told_and_no_other(app: Flask, service: tuple[Service, Receiver]) -> None:
    _, server = service
    me, mine = people.person("trader"), Browser(f"{server.url}/mine")
    new_factor(me)
    assert states(me) == [], "no browser was named"
    seat = named(app, me, mine)
    named(app, me, mine)
    assert browsers(me) == 1, "named twice, it is one"
    new_factor(me, "Phone <b>&")
    push.drain()
    [got] = server.received
    assert mine.reads(got.body) | {"tag": ""} == {
        "title": "A second factor was added: Phone <b>&", "path": "/profile", "tag": "",
        "text": "If it was not you, tell an administrator at once."}
    assert (got.path, got.headers["content-encoding"], got.headers["urgency"]) == ("/hook/mine", "aes128gcm", "high")
    assert got.headers["authorization"].startswith("vapid t=")
    assert b"Phone" not in got.body, "the push service reads nothing"
    assert states(me) == [("sent", None)]
    page = seat.get("/profile/notices").get_data(as_text=True)
    assert "last told" in page
    with f.look() as session:
        id = session.scalars(select(PushBrowser.id).where(PushBrowser.user_id == me.id)).one()
    other = people.seat(app, people.person("trader"))
    gone = f"/profile/notices/browsers/{ids.public('psh', id)}/removal"
    other.send(gone)
    assert browsers(me) == 1, "another's browser is none of theirs"
    seat.send(gone)
    assert browsers(me) == 0


def test_what_waited_comes_as_one_and_a_service_that_is_away_is_asked_again(
        app: Flask, service: tuple[Service, Receiver]) -> None:
    side, server = service
    me, mine = people.person("trader"), Browser(f"{server.url}/two")
    named(app, me, mine)
    side.status = 503
    new_factor(me, "One")
    new_factor(me, "Two")
    push.drain()
    assert states(me) == [("waiting", None)] * 2
    side.status = 201
    with clock.moved(timedelta(minutes=10)):
        push.drain()
    said = mine.reads(server.received[-1].body)
    assert (said["title"], said["path"]) == ("Notices from the desk: 2", "/notices")
    assert states(me) == [("sent", None)] * 2


def test_a_browser_that_is_gone_is_forgotten(app: Flask, service: tuple[Service, Receiver]) -> None:
    side, server = service
    me = people.person("trader")
    named(app, me, Browser(f"{server.url}/gone"))
    side.status = 410
    new_factor(me)
    push.drain()
    assert (states(me), browsers(me)) == ([("failed", "no_browser")], 0)


def test_a_browser_belongs_to_who_named_it_last_and_a_person_has_eight(
        app: Flask, service: tuple[Service, Receiver]) -> None:
    _, server = service
    me, other, shared = people.person("trader"), people.person("trader"), Browser(f"{server.url}/shared")
    named(app, me, shared)
    named(app, other, shared)
    assert (browsers(me), browsers(other)) == (0, 1)
    seat = people.seat(app, me)
    for number in range(push.BROWSERS_MAX + 2):
        seat.send("/profile/notices/browsers", Browser(f"{server.url}/{number}").form())
    assert browsers(me) == push.BROWSERS_MAX


@pytest.mark.parametrize("wrong", [
    {"p256dh": "AAAA"}, {"auth": "short"}, {"p256dh": web_push.encoded(b"\x04" + bytes(64))}, {"endpoint": "ftp://x"},
    {"endpoint": "http://10.0.0.1/inside"}, {"endpoint": ""}])
def test_what_no_browser_gives_is_refused(app: Flask, service: tuple[Service, Receiver], wrong: dict[str, str]) -> None:
    _, server = service
    me = people.person("trader")
    answer = people.seat(app, me).send("/profile/notices/browsers", Browser(server.url).form(**wrong))
    assert (answer.status_code, browsers(me)) == (422, 0)


def test_without_a_key_nobody_is_offered_it(app: Flask) -> None:
    push.configure(None)
    seat = people.seat(app, people.person("trader"))
    assert "data-push" not in seat.get("/profile/notices").get_data(as_text=True)
    assert seat.send("/profile/notices/browsers", {"endpoint": "x"}).status_code == 404
