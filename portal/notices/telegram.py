"""Telegram: a person links their chat by a code that they send to the desk's bot; notices are sent there by jobs.

The bot is asked for what it was told only while somebody has a code that is still to come; so the desk needs no door
for Telegram. No transaction is open while Telegram is spoken to. Its token stands in addresses, which nobody logs.
"""
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import structlog
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.core import audit, clock, crypto, jobs
from portal.core.access import Actor
from portal.core.db import locked_one, transaction
from portal.core.jobs import Claimed
from portal.core.outbound import addresses, transport
from portal.notices import channels, hours, mailing, words
from portal.notices.catalogue import TELEGRAM
from portal.notices.models import NoticePlan

KIND, HEAR, LISTEN = channels.SENDS[TELEGRAM], "hear_telegram", "listen_to_telegram"
CODE_FOR = timedelta(minutes=15)
CODE_BYTES = 24
AT_ONCE, LEASE_S, TRIES_MAX = 2, 60, 8
HEARD_MAX, ROUNDS_MAX = 20, 10
TEXT_MAX = 4000
REFUSED = (400, 403)  # the chat is gone, or the person has blocked the bot
AGENT = "Quittance-Notices/1"
N_ = str  # marks a sentence for translation
log = structlog.get_logger("telegram")


@dataclass(frozen=True)
class Bot:
    """As BotFather gave it. `api`: Telegram's own, or a server of the operator's."""

    token: str
    name: str
    api: str

    def call(self, method: str, **asked: Any) -> transport.Answer:
        """Never raises for what the other side does."""
        url = f"{self.api.rstrip('/')}/bot{self.token}/{method}"
        try:
            if method == "getUpdates":
                return transport.get(addresses.guard(), f"{url}?{urlencode(asked)}", agent=AGENT, of=KIND)
            return transport.post(addresses.guard(), url, json.dumps(asked).encode(), {"User-Agent": AGENT}, of=KIND)
        except addresses.NoPlace:
            return transport.Answer(None, 0, "no_place")


class _Desk:
    bot: Bot | None = None


_desk = _Desk()


def configure(bot: Bot | None) -> None:
    """Called once by `create_app`."""
    _desk.bot = bot


def is_on() -> bool:
    return _desk.bot is not None


def new_link(session: Session, actor: Actor) -> str:
    """Where the person opens their chat with the bot, with a code that counts once, for a quarter of an hour."""
    assert _desk.bot is not None, "offered only where there is a bot"
    code = secrets.token_urlsafe(CODE_BYTES)
    values = {"telegram_code": _digest(code), "telegram_code_until": clock.now() + CODE_FOR}
    session.execute(insert(NoticePlan).values(user_id=actor.id, digest_at=hours.DIGEST_AT, **values)
                    .on_conflict_do_update(index_elements=["user_id"], set_=values))
    audit.record(session, actor, "user.notices_set", "user", actor.id, after={"telegram": "code asked"})
    return f"https://t.me/{_desk.bot.name}?start={code}"


def unlink(session: Session, actor: Actor) -> None:
    """Nothing goes there any more. Harmless twice."""
    assert actor.id is not None
    _forget_chat(session, actor.id)
    audit.record(session, actor, "user.notices_set", "user", actor.id, after={"telegram": "unlinked"})


def listen(session: Session, _batch: Sequence[Claimed] = ()) -> None:
    """Recurring: somebody has a code that is still to come, so the bot is asked."""
    if is_on() and session.scalar(select(NoticePlan.user_id).where(
            NoticePlan.telegram_code.is_not(None), NoticePlan.telegram_code_until > clock.now()).limit(1)) is not None:
        jobs.enqueue(session, HEAR, key="hear")


def hear() -> int:
    """Ask the bot what it was told, and link whoever sent a code. Returns how many jobs were done."""
    claimed = jobs.claim(HEAR, limit=1, lease_s=LEASE_S)
    for job in claimed:
        seen: int | None = None
        for _ in range(ROUNDS_MAX):
            told = _updates(seen)
            if not told:
                break
            for update_id, chat, text in told:
                seen = update_id if seen is None else max(seen, update_id)
                _link(chat, text)
        with transaction() as session:
            jobs.finish(session, [job])
    return len(claimed)


def _updates(seen: int | None) -> list[tuple[int, str, str]]:
    """(number, private chat, text) of what the bot was told; asking for what comes after `seen` forgets the rest."""
    if _desk.bot is None:
        return []
    answer = _desk.bot.call("getUpdates", limit=HEARD_MAX, **({} if seen is None else {"offset": seen + 1}))
    if not answer.succeeded:
        log.warning("telegram_not_heard", status=answer.status, error=answer.error)
        return []
    try:
        return [(int(one["update_id"]), *_said(one)) for one in json.loads(answer.response or "")["result"]]
    except (ValueError, KeyError, TypeError):
        log.warning("telegram_not_understood")
        return []


def _said(one: dict[str, Any]) -> tuple[str, str]:
    message = one.get("message") or {}
    chat = message.get("chat") or {}
    return (str(chat["id"]), str(message.get("text", ""))) if chat.get("type") == "private" else ("", "")


def _link(chat: str, text: str) -> None:
    command, _, code = text.partition(" ")
    if not chat or command != "/start" or not code:
        return
    with transaction() as session:
        found = locked_one(session, select(NoticePlan).where(
            NoticePlan.telegram_code == _digest(code.strip()), NoticePlan.telegram_code_until > clock.now()))
        if found is None:
            return
        found.telegram_chat, found.telegram_since = chat, clock.now()
        found.telegram_code = found.telegram_code_until = None
        person = session.execute(mailing.PERSON, {"id": found.user_id}).one_or_none()
    if person is not None and _desk.bot is not None:
        _desk.bot.call("sendMessage", chat_id=chat, text=words.translated(
            N_("This chat is linked: the desk will write to you here."), person.locale))


def drain() -> int:
    """Send whatever waits. Returns how many were tried."""
    done = 0
    while claimed := jobs.claim(KIND, limit=AT_ONCE, lease_s=LEASE_S):
        for job in claimed:
            _send(job)
        done += len(claimed)
    return done


def _send(job: Claimed) -> None:
    """What is due to a person, as one message. A worker that dies in between sends it twice: better than never."""
    assert job.reference is not None
    with transaction() as session:
        plan = session.get(NoticePlan, job.reference)
        person = session.execute(mailing.PERSON, {"id": job.reference}).one_or_none()
        due = mailing.due_of(session, job.reference, TELEGRAM)
        chat = plan.telegram_chat if plan is not None and person is not None else None
        message = mailing.told(due, person) if chat is not None and due else None
        sent = [one.id for one in due]
    answer = None if message is None or _desk.bot is None else _desk.bot.call(
        "sendMessage", chat_id=chat, text=message[:TEXT_MAX], disable_web_page_preview=True)
    failed = "no_chat" if answer is None else None if answer.succeeded else f"telegram_{answer.status or answer.error}"
    with transaction() as session:
        again = answer is not None and not answer.succeeded and answer.status not in REFUSED
        mailing.close(session, job, sent, error=failed, again=again, tries_max=TRIES_MAX)
        if answer is not None and answer.status in REFUSED:
            _forget_chat(session, job.reference)


def _forget_chat(session: Session, user_id: UUID) -> None:
    session.execute(update(NoticePlan).where(NoticePlan.user_id == user_id).values(
        telegram_chat=None, telegram_since=None, telegram_code=None, telegram_code_until=None))


def _digest(code: str) -> str:
    return crypto.sha256(code).hex()
