"""Help with an order: asked on the payment page and by a trader, taken up and answered by staff."""
import pytest
from sqlalchemy import func, select

from portal import approvals
from portal.core import clock
from portal.core.errors import Denied, NotFound
from portal.help import queries, replies, service
from portal.help.commands import AnswerHelp, AskHelp, CloseHelp, SetReply
from portal.help.models import HelpMessage, HelpThread
from portal.notices.models import Happening
from portal.orders.commands import Customer
from portal.parties import cases
from portal.privacy import customers
from tests import factories as f


@pytest.fixture
def cast(app) -> f.Cast:
    made = f.new_cast()
    made.requisite()
    return made


def asked(actor, order, text="I paid and nothing happens") -> HelpThread:
    with f.act() as session:
        return service.ask(session, actor, AskHelp(order_id=order.public_id, text=text, locale="ru"))


def answered(thread, text="We look", by=None, **more) -> None:
    with f.act() as session:
        service.answer(session, by or f.staff(), AnswerHelp(thread_id=thread.public_id, text=text, **more))


def read(actor, order) -> list[tuple[str, str]]:
    with f.look() as session:
        return [(one.side, one.text) for one in queries.said(session, queries.of_order(session, actor, order.id))]


def told(event: str, order) -> int:
    with f.look() as session:
        return sum(one.facts["order"] == order.public_id for one in session.scalars(
            select(Happening).where(Happening.event == event)))


def test_a_customer_asks_and_is_answered(cast):
    order = f.assigned_payin(cast)
    payer = cast.customer(order)
    thread = asked(payer, order)
    assert asked(payer, order, "From Sber, at noon").id == thread.id, "one thread"
    assert told("help.asked", order) == 1, "one notice until it is answered"
    answered(thread)
    assert read(payer, order) == [("customer", "I paid and nothing happens"), ("customer", "From Sber, at noon"),
                                  ("staff", "We look")]
    assert asked(payer, order, "Thanks").waits_for == "staff"
    assert told("help.asked", order) == 2


def test_a_trader_asks_beside_his_customer_and_neither_reads_the_other(cast):
    order = f.assigned_payin(cast)
    asked(cast.customer(order), order, "Where is it?")
    thread = asked(f.its_trader(order), order, "The payer's name differs")
    answered(thread, "Wait for the receipt", close=True)
    assert read(f.its_trader(order), order) == [("trader", "The payer's name differs"),
                                                ("staff", "Wait for the receipt")]
    assert read(cast.customer(order), order) == [("customer", "Where is it?")]
    assert told("help.answered", order) == 1
    assert asked(f.its_trader(order), order, "And now?").id != thread.id, "a closed one is over"


def test_who_has_nothing_to_do_with_it(cast):
    order, other = f.assigned_payin(cast), f.new_cast()
    stranger = f.as_trader(other.trader())
    thread = asked(cast.customer(order), order)
    with pytest.raises(NotFound):
        asked(stranger, order)
    with pytest.raises(Denied):
        asked(cast.owner, order)
    for actor in (stranger, cast.owner, cast.customer(f.assigned_payin(cast, "1700.00"))):
        with f.look() as session, pytest.raises(NotFound):
            queries.find(session, actor, thread.public_id)
    with pytest.raises(Denied):
        answered(thread, by=f.staff("support_readonly"))


def test_ten_words_in_a_row_are_enough_and_an_old_order_is_over(cast):
    order = f.assigned_payin(cast)
    payer = cast.customer(order)
    for n in range(service.UNANSWERED_MAX):
        asked(payer, order, f"{n}")
    with pytest.raises(service.HelpWaits):
        asked(payer, order)
    f.cancel(cast.key, order)
    with clock.moved(service.HELPED_FOR * 2), pytest.raises(service.HelpOver):
        asked(payer, order)


def test_eight_at_once_are_one_thread(app, cast):
    order = f.assigned_payin(cast)
    payer = cast.customer(order)
    f.at_the_same_time(app, [lambda n=n: asked(payer, order, f"{n}") for n in range(8)])
    with f.look() as session:
        assert session.scalar(select(func.count()).where(HelpThread.order_id == order.id)) == 1
        assert session.scalar(select(func.count()).select_from(HelpMessage).join(
            HelpThread, HelpThread.id == HelpMessage.thread_id).where(HelpThread.order_id == order.id)) == 8


def test_staff_take_it_up_and_close_it_once(cast):
    thread = asked(cast.customer(order := f.assigned_payin(cast)), order)
    staff = f.staff()
    with f.act() as session:
        cases.take(session, staff, cases.TakeCase(subject_kind="help", subject_id=thread.id))
        service.close(session, staff, CloseHelp(thread_id=thread.public_id))
    with pytest.raises(service.HelpClosed):
        answered(thread)


def test_templates_in_both_languages(app):
    with f.act() as session:
        made = replies.set_reply(session, f.staff("admin"), SetReply(
            use="help", name="Wait", text_en="Please wait", text_ru="Подождите", active=True))
    with f.look() as session:
        assert [replies.words(session, f.staff(), made.public_id, one) for one in ("en", "ru")] == [
            "Please wait", "Подождите"]
        assert replies.words(session, f.staff(), "rpl_nothing", "en") == ""
    with pytest.raises(Denied), f.act() as session:
        replies.set_reply(session, f.staff(), SetReply(use="help", name="x", text_en="x", text_ru="x"))
    with f.act() as session:
        replies.set_reply(session, f.staff("admin"), SetReply(
            reply_id=made.public_id, use="help", name="Wait", text_en="Please wait", text_ru="Подождите"))
    with f.look() as session:
        assert made.id not in [one.id for one in replies.all_of(session, f.staff(), use="help", active=True)]


def test_a_customer_who_is_erased_has_said_nothing(cast):
    order = f.completed_payin(cast, customer=Customer(id="u-77", name="Ann"))
    asked(cast.customer(order), order, "My card ends with 1111")
    staff = f.staff("admin")
    with f.act() as session:
        told = customers.export(session, staff, cast.store.public_id, "u-77")
        approval = customers.ask_erasure(session, staff, customers.Erase(
            store_id=cast.store.public_id, customer_id="u-77", reason="Asked for it"))
    assert [one["text"] for one in told["said_to_support"]] == ["My card ends with 1111"]
    with f.act() as session:
        approvals.decide(session, f.staff("admin"), approvals.DecideApproval(
            approval_id=approval.public_id, decision="approve", reason="Checked"))
    assert read(f.staff(), order) == [("customer", "—")]
