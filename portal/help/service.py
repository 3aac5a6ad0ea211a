"""Asking for help with an order, answering, closing. Nothing of the order moves by it."""
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import notices
from portal.core import audit, clock, ids, page_events
from portal.core.access import Actor, ActorKind, Permission
from portal.core.db import locked_one
from portal.core.errors import Conflict, Denied
from portal.help import queries
from portal.help.commands import AnswerHelp, AskHelp, CloseHelp
from portal.help.models import HelpMessage, HelpThread
from portal.orders import queries as orders
from portal.orders.models import Order

UNANSWERED_MAX = 10
AGAIN = timedelta(minutes=1)  # so soon the same words are a form sent twice
HELPED_FOR = timedelta(days=60)  # after its end
TOPIC = "help"


class HelpWaits(Conflict):
    """Support has what you said and answers here. Wait for that answer."""

    code = "help_waits"


class HelpOver(Conflict):
    """This order ended long ago. Write to the shop, or to the desk by mail."""

    code = "help_over"


class HelpClosed(Conflict):
    """This matter is closed."""

    code = "help_closed"


def ask(session: Session, actor: Actor, command: AskHelp) -> HelpThread:
    """A customer or a trader says what is the matter, or more of it. The order's lock makes it one thread.

    Raises NotFound, Denied, HelpWaits, HelpOver.
    """
    order = orders.lock(session, actor, command.order_id)
    side = "customer" if actor.kind is ActorKind.CUSTOMER else "trader" if actor.trader_id is not None else None
    if side is None or not actor.may(Permission.DISPUTE_OPEN):
        raise Denied()
    if order.ended_at is not None and order.ended_at + HELPED_FOR < clock.now():
        raise HelpOver()
    thread = locked_one(session, queries.visible_to(actor).where(
        HelpThread.order_id == order.id, HelpThread.closed_at.is_(None)))
    if thread is None:
        thread = HelpThread(id=ids.new_id(), order_id=order.id, live=order.live, side=side, trader_id=actor.trader_id,
                            locale=command.locale, unanswered=0)
        session.add(thread)
        session.flush()
    if _said_just_now(session, thread, side, command.text):
        return thread
    if thread.unanswered >= UNANSWERED_MAX:
        raise HelpWaits()
    first = thread.unanswered == 0
    thread.waits_for, thread.unanswered, thread.said_at = "staff", thread.unanswered + 1, clock.now()
    _say(session, actor, thread, side, command.text)
    if first and order.live:  # one notice for all that is said before an answer
        notices.notify(session, "help.asked", notices.STAFF, order=order.public_id, thread=thread.public_id)
    _tell(session, thread)
    return thread


def _said_just_now(session: Session, thread: HelpThread, side: str, text: str) -> bool:
    """A form that was sent twice says it once."""
    last = session.scalar(select(HelpMessage).where(HelpMessage.thread_id == thread.id)
                          .order_by(HelpMessage.id.desc()).limit(1))
    return last is not None and (last.side, last.text) == (side, text) and last.created_at > clock.now() - AGAIN


def answer(session: Session, actor: Actor, command: AnswerHelp) -> HelpThread:
    """Staff speak; whoever asked is told. Raises NotFound, Denied, HelpClosed."""
    thread = _locked(session, actor, command.thread_id)
    _say(session, actor, thread, "staff", command.text)
    thread.waits_for, thread.unanswered, thread.said_at = "asker", 0, clock.now()
    if thread.trader_id is not None:
        order = session.get_one(Order, thread.order_id)
        notices.notify(session, "help.answered", notices.trader(thread.trader_id), order=order.public_id)
    if command.close:
        _close(session, actor, thread)
    _tell(session, thread)
    return thread


def close(session: Session, actor: Actor, command: CloseHelp) -> HelpThread:
    """Nothing more to say; who asks again begins a new thread. Raises NotFound, Denied, HelpClosed."""
    thread = _locked(session, actor, command.thread_id)
    _close(session, actor, thread)
    _tell(session, thread)
    return thread


def _close(session: Session, actor: Actor, thread: HelpThread) -> None:
    thread.closed_at, thread.closed_name = clock.now(), actor.name
    audit.record(session, actor, "help.closed", "order", thread.order_id, after={"thread": thread.public_id})


def _say(session: Session, actor: Actor, thread: HelpThread, side: str, text: str) -> None:
    session.add(HelpMessage(id=ids.new_id(), thread_id=thread.id, side=side, actor_id=actor.id, actor_name=actor.name,
                            text=text))
    session.flush()
    audit.record(session, actor, "help.answered" if side == "staff" else "help.asked", "order", thread.order_id,
                 after={"thread": thread.public_id})


def _locked(session: Session, actor: Actor, thread_id: str) -> HelpThread:
    if not (actor.is_staff and actor.may(Permission.DISPUTE_OPEN)):
        raise Denied()
    seen = queries.find(session, actor, thread_id)
    orders.lock_many(session, [seen.order_id])
    thread = locked_one(session, select(HelpThread).where(HelpThread.id == seen.id))
    assert thread is not None
    if thread.closed:
        raise HelpClosed()
    return thread


def _tell(session: Session, thread: HelpThread) -> None:
    audience = {page_events.trader(thread.trader_id)} if thread.trader_id is not None else set()
    page_events.tell(session, TOPIC, audience)
