"""Notices: who is told of what, by which channel and when; what each has chosen; said once, and kept for a while."""
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from flask import Flask
from sqlalchemy import select, text

from portal import approvals, mail, notices
from portal.approvals.commands import DecideApproval
from portal.core import clock
from portal.core.access import Role
from portal.core.db import reader, transaction
from portal.mail import sending
from portal.mail.models import Mail
from portal.notices import catalogue, hours, mailing, words
from portal.notices.models import Happening, Notice
from portal.parties.models import User
from portal.reference import assets
from tests import factories as f
from tests import people
from tests.running import free_port
from tests.web.inspect import faults


class Box:
    """What the mail server was handed, by whom it is for."""

    def __init__(self) -> None:
        self.got: list[EmailMessage] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.got.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        return "250 taken"

    def to(self, person: people.Person) -> list[EmailMessage]:
        return [letter for letter in self.got if letter["To"] == person.email]


@pytest.fixture
def box(app: Flask) -> Iterator[Box]:
    kept, port = Box(), free_port()
    controller = Controller(kept, hostname="127.0.0.1", port=port)
    controller.start()
    mail.configure(mail.Server("127.0.0.1", port, "none", "Desk <desk@example.test>"), kept_to_be_seen=True)
    yield kept
    mail.configure(None, kept_to_be_seen=True)
    controller.stop()


def tell() -> None:
    """All jobs of notices there are, as workers do them."""
    f.work_off("tell_people")
    with transaction() as session:
        mailing.send_due(session)
    f.work_off("send_notices")
    sending.drain()


def said_to(person: people.Person, channel: str = "portal") -> list[Notice]:
    with f.look() as session:
        return list(session.scalars(select(Notice).where(
            Notice.user_id == person.id, Notice.channel == channel).order_by(Notice.id)))


def password_changed(person: people.Person, **more: Any) -> None:
    with transaction() as session:
        notices.notify(session, "account.password_changed", notices.user(person.id), **more)


def decision_of(person: people.Person, what: str = "Deposit", **more: Any) -> None:
    with transaction() as session:
        notices.notify(session, "decision.made", notices.user(person.id), what=what, outcome="Approved", **more)


def unread(page: str) -> str:
    return page.partition('id="bell"')[2].partition("</a>")[0]


def test_a_mail_that_is_sent_again_is_the_same_letter(app: Flask, box: Box) -> None:
    """By its Message-ID a mailbox knows it: who died after the server's yes sends it once more."""
    person = people.person("trader")
    with transaction() as session:
        mail.post(session, to=person.email, subject="Words", text="More words")
    with f.look() as session:
        made = session.scalars(select(Mail).order_by(Mail.made_at.desc()).limit(1)).one()
        again = sending._letter(made)["Message-ID"]
    sending.drain()
    [letter] = box.to(person)
    assert letter["Message-ID"] == again


def test_from_asking_to_the_letter_about_the_decision(app: Flask, box: Box) -> None:
    tell()  # what other tests of this worker have left is not told to these
    asker, decider, looker = (people.person(kind) for kind in ("super_admin", "admin", "support_readonly"))
    with transaction() as session:
        session.get_one(User, asker.id).locale = "ru"
        asked = approvals.ask(
            session, asker.actor, kind=assets.KIND, target_kind="currency", target_id="XMR", before=None,
            after={"code": "XMR"}, reason="we need it")
    tell()
    assert said_to(asker) == [] == said_to(looker), "who asked knows, and who may not decide is not asked"
    theirs = people.seat(app, decider)
    page = theirs.get("/admin/").get_data(as_text=True)
    assert ">1<" in unread(page)
    listed = theirs.get("/notices").get_data(as_text=True)
    assert not faults(listed, signed_in=True, language="en")
    assert "Waits for a second person: New crypto asset" in listed
    assert "we need it" in listed
    [notice] = said_to(decider)
    stranger = people.seat(app, looker)
    assert stranger.send(f"/notices/{notice.public_id}/reading").status_code == 404
    answer = theirs.send(f"/notices/{notice.public_id}/reading")
    assert (answer.status_code, answer.location) == (303, f"/admin/approvals/{asked.public_id}")
    assert "unread" not in unread(theirs.get("/admin/").get_data(as_text=True))
    with transaction() as session:
        approvals.decide(session, decider.actor, DecideApproval(
            approval_id=asked.public_id, decision="reject", reason="нет денег"))
    tell()
    tell()
    [letter] = box.to(asker)
    assert letter["Subject"] == "Решено: Новая криптовалюта — Отказано"
    assert "нет денег" in letter.get_content()
    assert f"/admin/approvals/{asked.public_id}" in letter.get_content()
    assert len(said_to(asker)) == 1
    assert said_to(decider, "mail") == [], "what waits is told here alone unless one chose otherwise"


def test_said_once_and_only_if_it_happened(app: Flask, box: Box) -> None:
    me = people.person("trader")
    for _ in range(2):
        decision_of(me, once=f"test:{me.id}")
    with pytest.raises(RuntimeError), transaction() as session:
        notices.notify(session, "decision.made", notices.user(me.id))
        raise RuntimeError
    tell()
    with transaction() as session:  # the job of a worker that died before it could say that it is done
        session.execute(text("UPDATE happenings SET told_at = NULL WHERE audience_id = :me"), {"me": me.id})
        session.execute(text("""INSERT INTO jobs (kind, reference, unique_key, run_at, created_at)
            SELECT 'tell_people', id, id::text, happened_at, happened_at FROM happenings WHERE audience_id = :me"""),
            {"me": me.id})
    tell()
    assert len(said_to(me)) == len(box.to(me)) == 1


def test_each_chooses_and_safety_is_told_always(app: Flask, box: Box) -> None:
    me = people.person("merchant_owner")
    seat = people.seat(app, me)
    page = seat.get("/profile/notices").get_data(as_text=True)
    assert not faults(page, signed_in=True, language="en")
    assert "second person" not in page, "what only staff are told of"
    assert seat.send("/profile/notices/decisions", {"decision.made:mail": "off"}).status_code == 303
    assert seat.send("/profile/notices/account", {"account.password_changed:portal": "off"}).status_code == 303
    for wrong in ("decision.made:pigeon", "decision.waits:mail", "account.password_changed:mail"):
        assert seat.send("/profile/notices/decisions", {wrong: "now"}).status_code == 422
    assert seat.send("/profile/notices/decisions", {"decision.made:portal": "digest"}).status_code == 422
    assert seat.send("/profile/notices/nothing", {"decision.made:mail": "now"}).status_code == 404
    decision_of(me)
    password_changed(me)
    tell()
    assert box.to(me) == [], "the one was not wanted, of the other there is a letter of its own"
    assert len(said_to(me)) == 2


def test_quiet_hours_and_the_days_letter(app: Flask, box: Box) -> None:
    me = people.person("trader")
    seat = people.seat(app, me)
    half = seat.send("/profile/notices/hours", {"quiet_from": "22:00", "digest_at": "10:00"})
    assert half.status_code == 422
    assert "begin and end" in half.get_data(as_text=True)
    now = clock.now().replace(second=0, microsecond=0)
    begin, end = (f"{now + timedelta(minutes=at):%H:%M}" for at in (-60, 60))
    assert seat.send("/profile/notices/hours", {
        "quiet_from": begin, "quiet_until": end, "digest_at": "10:00"}).status_code == 303
    assert begin in seat.get("/profile/notices").get_data(as_text=True)
    decision_of(me, "Deposit")
    decision_of(me, "Withdrawal")
    tell()
    assert box.to(me) == []
    assert len(said_to(me)) == 2, "the portal wakes nobody"
    with clock.moved(timedelta(minutes=61)):
        tell()
        tell()
    [together] = box.to(me)
    assert together["Subject"] == "Notices from the desk: 2"
    assert {"Decided: Deposit — Approved", "Decided: Withdrawal — Approved"} <= set(together.get_content().splitlines())


@pytest.mark.parametrize(("now", "digest_at", "quiet", "due"), [
    ("2026-11-26T12:00", None, None, "2026-11-26T12:00"),
    ("2026-11-26T20:30", None, (22 * 60, 7 * 60), "2026-11-27T04:00"),  # 23:30 in Moscow: until seven
    ("2026-11-26T03:59", None, (22 * 60, 7 * 60), "2026-11-26T04:00"),
    ("2026-11-26T04:00", None, (22 * 60, 7 * 60), "2026-11-26T04:00"),  # it is over
    ("2026-11-26T10:00", None, (12 * 60, 14 * 60), "2026-11-26T11:00"),  # a siesta, on one day
    ("2026-11-26T06:00", 9 * 60, None, "2026-11-27T06:00"),  # this day's letter has gone
    ("2026-11-26T02:00", 6 * 60, (22 * 60, 7 * 60), "2026-11-26T04:00"),  # a letter in the night waits too
])
def test_when_it_may_reach_a_person(now, digest_at, quiet, due):
    at = hours.due_at(datetime.fromisoformat(now).replace(tzinfo=UTC), zone="Europe/Moscow", digest_at=digest_at,
                      quiet=quiet)
    assert f"{at:%Y-%m-%dT%H:%M}" == due


def test_every_event_leads_somewhere_and_speaks_both_languages(app: Flask) -> None:
    routes = app.url_map.bind("localhost")
    id = "01J00000000000000000000000"
    facts = dict.fromkeys(("approval", "order", "dispute", "store", "key", "endpoint", "withdrawal", "pair",
                           "requisite", "thread"), f"x_{id}")
    for name, event in catalogue.EVENTS.items():
        for role in event.roles & {Role.TRADER, Role.MERCHANT, Role.ADMIN}:
            english, russian = (words.of(name, facts, locale=locale, role=role) for locale in ("en", "ru"))
            assert routes.test(english.path.partition("?")[0], "GET"), (name, english.path)
            assert english.title != russian.title, name
            assert "%(" not in english.title + english.text + russian.title + russian.text, name
        assert event.usually.keys() <= set(catalogue.CHANNELS)


def test_old_ones_are_forgotten(app: Flask) -> None:
    me = people.person("trader")
    decision_of(me)
    tell()
    with transaction() as session:
        session.execute(text("UPDATE happenings SET happened_at = happened_at - interval '91 days'"
                             " WHERE audience_id = :me"), {"me": me.id})
        session.execute(text("INSERT INTO jobs (kind, unique_key, run_at, created_at) VALUES"
                             " ('forget_notices', 'now', :now, :now)"), {"now": clock.now()})
    f.work_off("forget_notices")
    assert said_to(me) == []
    assert reader().scalar(select(Happening.id).where(Happening.audience_id == me.id)) is None
