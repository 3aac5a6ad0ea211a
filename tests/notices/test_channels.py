"""Telegram and the operator's own address, each spoken to over HTTP: a server on loopback stands for the other side."""
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from secrets import token_hex

import pytest
from flask import Flask
from sqlalchemy import select
from standardwebhooks import Webhook, WebhookVerificationError

from portal import notices
from portal.core import clock
from portal.core.db import transaction
from portal.notices import mailing, telegram
from portal.notices.models import Happening, Notice, NoticePlan
from portal.webhooks import operator, signature
from tests import factories as f
from tests import people
from tests.webhooks.receiver import Received, listening

TOKEN = "123:canary-token"


class Telegram:
    """What its Bot API does, as far as the desk uses it."""

    def __init__(self) -> None:
        self.updates: list[dict[str, object]] = []
        self.sent: list[dict[str, object]] = []
        self.status = 200

    def hears(self, chat: int, text: str, kind: str = "private") -> None:
        self.updates.append({"update_id": 70 + len(self.updates),
                             "message": {"chat": {"id": chat, "type": kind}, "text": text}})

    def answer(self, one: Received) -> tuple[int, dict[str, str], bytes]:
        assert one.path.startswith(f"/bot{TOKEN}/")
        if "/getUpdates" in one.path:
            offset = int(found[1]) if (found := re.search(r"offset=(\d+)", one.path)) else 0
            return 200, {}, json.dumps({"ok": True, "result": [
                told for told in self.updates if int(str(told["update_id"])) >= offset]}).encode()
        if self.status == 200:
            self.sent.append(json.loads(one.body))
        return self.status, {}, b"{}"

    def to(self, chat: int) -> list[str]:
        return [str(one["text"]) for one in self.sent if one["chat_id"] == str(chat)]


@pytest.fixture
def bot(app: Flask) -> Iterator[Telegram]:
    made = Telegram()
    with listening(made.answer) as server:
        notices.configure(public_url="http://desk.example", telegram=True, operator=False)
        telegram.configure(telegram.Bot(TOKEN, "desk_bot", server.url.removesuffix("/hook")))
        yield made
    telegram.configure(None)
    notices.configure(public_url="http://127.0.0.1:8000", telegram=False, operator=False)


def new_factor(person: people.Person) -> None:
    with transaction() as session:
        notices.notify(session, "account.factor_added", notices.user(person.id), what="Phone <b>&")
    f.work_off("tell_people")


def state_of(person: people.Person) -> list[tuple[str, str | None]]:
    with f.look() as session:
        return [(one.state, one.error) for one in session.scalars(select(Notice).where(
            Notice.user_id == person.id, Notice.channel == "telegram").order_by(Notice.id))]


def linked(app: Flask, person: people.Person, bot: Telegram, chat: int) -> people.Seat:
    seat = people.seat(app, person)
    page = seat.send("/profile/notices/telegram").get_data(as_text=True)
    found = re.search(r"https://t\.me/desk_bot\?start=([A-Za-z0-9_-]{32})", page)
    assert found is not None
    bot.hears(chat, "/start")
    bot.hears(chat + 1, f"/start {found[1]}", kind="group")
    bot.hears(chat, f"/start {found[1]}")
    with transaction() as session:
        telegram.listen(session)
    assert telegram.hear() == 1
    return seat


def test_a_chat_is_linked_by_a_code_and_is_written_to(app: Flask, bot: Telegram) -> None:
    me, chat = people.person("trader"), int(token_hex(4), 16)
    new_factor(me)
    assert state_of(me) == [], "nobody has linked anything yet"
    seat = linked(app, me, bot, chat)
    assert "A chat is linked since" in seat.get("/profile/notices").get_data(as_text=True)
    assert bot.to(chat + 1) == [], "a group is nobody's own"
    assert len(bot.to(chat)) == 1
    other = people.person("trader")
    bot.hears(chat + 7, str(bot.updates[-1]["message"]["text"]))  # type: ignore[index]
    with transaction() as session:
        session.add(NoticePlan(user_id=other.id, digest_at=540, telegram_code="x",
                               telegram_code_until=clock.now() + timedelta(minutes=1)))
    with transaction() as session:
        telegram.listen(session)
    telegram.hear()
    assert bot.to(chat + 7) == [], "a code counts once"
    new_factor(me)
    bot.status = 500
    telegram.drain()
    assert state_of(me) == [("waiting", None)]
    bot.status = 200
    with clock.moved(timedelta(minutes=10)):
        telegram.drain()
        telegram.drain()
    assert bot.to(chat)[1:] == ["A second factor was added: Phone <b>&\n"
                                "If it was not you, tell an administrator at once.\nhttp://desk.example/profile"]
    assert state_of(me) == [("sent", None)]
    bot.status = 403  # they have blocked the bot
    new_factor(me)
    telegram.drain()
    assert state_of(me) == [("sent", None), ("failed", "telegram_403")]
    assert "Link a chat" in seat.get("/profile/notices").get_data(as_text=True)
    new_factor(me)
    assert len(state_of(me)) == 2, "nothing goes there any more"


def test_without_a_bot_nothing_is_offered(app: Flask) -> None:
    seat = people.seat(app, people.person("trader"))
    assert "Telegram" not in seat.get("/profile/notices").get_data(as_text=True)
    assert seat.send("/profile/notices/telegram").status_code == 404


def test_the_operators_address_hears_what_staff_are_told_signed(app: Flask) -> None:
    f.work_off("tell_people")
    trader = people.person("trader")
    secret, kind = signature.new_secret(), token_hex(4)
    answers = [503, 200, 200]
    with listening(lambda one: (answers.pop(0), {}, b"")) as receiver:
        notices.configure(public_url="http://desk.example", telegram=False, operator=True)
        operator.configure(operator.Address(receiver.url, (secret,)))
        try:
            with transaction() as session:
                notices.notify(session, "jobs.dead", notices.STAFF, kind=kind, count=2)
                notices.notify(session, "decision.made", notices.user(trader.id), what="Deposit", outcome="Approved")
            f.work_off("tell_people")
            operator.drain()
            for _ in range(2):
                with clock.moved(timedelta(minutes=10)):
                    with transaction() as session:
                        mailing.send_due(session)
                    operator.drain()
        finally:
            operator.configure(None)
            notices.configure(public_url="http://127.0.0.1:8000", telegram=False, operator=False)
    assert len(receiver.received) == 2, "once more after a refusal, and what is a person's own stays with them"
    assert len(set(receiver.ids)) == 1, "the same one, to whoever heard it twice"
    one = receiver.received[0]
    told = Webhook(secret).verify(one.body, one.headers)
    assert told["type"] == "jobs.dead"
    assert told["data"]["title"] == f"Work has failed for good: {kind}"
    assert told["data"]["url"] == "http://desk.example/admin/jobs"
    with pytest.raises(WebhookVerificationError):
        Webhook(signature.new_secret()).verify(one.body, one.headers)
    with f.look() as session:
        assert session.scalars(select(Notice.state).join(Happening).where(
            Notice.channel == "operator", Happening.facts["kind"].astext == kind)).all() == ["sent"]
