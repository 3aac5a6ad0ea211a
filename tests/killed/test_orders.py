"""Orders under time, quarrels, risk and notices, killed at named points: nothing lost, nothing twice (faults 1)."""
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from functools import partial
from itertools import chain, count
from typing import Any
from uuid import UUID

import pytest
from aiosmtpd.controller import Controller

from portal import mail, notices
from portal.core import jobs
from portal.core.ids import new_id
from portal.disputes import clocks, endings
from portal.orders import payment_links
from portal.orders.models import Order
from tests import factories as f
from tests import people
from tests.disputes import acts
from tests.killed.stage import ENTRY, KILLS, STEP, Sitting, Stage, form_key, named
from tests.killed.wire import Stop
from tests.risk import rulebook
from tests.running import free_port
from tests.webhooks.conftest import open_shop
from tests.webhooks.receiver import listening

pytestmark = pytest.mark.slow


@pytest.fixture
def amounts() -> Iterator[str]:
    """Another one for each order: two that are open on one requisite differ."""
    return (f"{1500 + number}.00" for number in count())


@named(("all written", Stop("worker", STEP, "commit")),
       ("committed and not acknowledged", Stop("worker", STEP, "committed")))
def test_a_payin_expires_once(stage: Stage, cast: f.Cast, amounts: Iterator[str], stop: Stop) -> None:
    batches = stage.batches(lambda: f.assignment_of(f.assigned_payin(cast, next(amounts))))
    stage.desk.start("dispatcher", "worker")
    for ending in batches:
        with stage.worker_killed(stop):
            stage.due("expire_order", [one.id for one in ending])
        stage.all_are([one.order_id for one in ending], "expired")
    every = list(chain(*batches))
    stage.told_once([one.order_id for one in every], "expired")
    stage.booked("payin_release", [one.id for one in every])
    assert stage.record.one("SELECT sum(open_orders)::int FROM requisites") == 0, "its slot is free"
    stage.whole()


@named(("all written", Stop("worker", STEP, "commit")))
def test_a_payout_that_nobody_accepts_goes_to_the_next_trader_once(stage: Stage, cast: f.Cast, stop: Stop) -> None:
    batches = stage.batches(lambda: f.assignment_of(f.assigned_payout(cast)))
    stage.desk.start("dispatcher", "worker")
    for late in batches:
        for trader in cast.traders:
            f.change(trader, missed=0)  # nobody is sent home
        wanted, orders = [one.id for one in late], [one.order_id for one in late]
        stage.record.change("UPDATE assignments SET expires_at = now() - interval '1 second' WHERE id = ANY(%s)",
                            wanted)
        with stage.worker_killed(stop):
            stage.due("expire_order", wanted)
        stage.ends(lambda orders=orders: stage.record.one(
            "SELECT count(*) FROM assignments WHERE order_id = ANY(%s)", orders) == 2 * len(orders), "all have another")
        assert stage.record.one("SELECT sum(missed)::int FROM traders") == len({one.trader_id for one in late})
    every = [one.order_id for one in chain(*batches)]
    stage.all_are(every, "assigned")
    assert stage.record.one("SELECT bool_and(n = 2) FROM (SELECT count(DISTINCT trader_id) AS n FROM assignments"
                            " GROUP BY order_id) AS each")
    stage.booked("payout_hold", every)
    stage.whole()


@named(("committed and not answered", Stop("web", STEP, "committed")))
def test_an_order_is_declined_once_and_goes_to_another(stage: Stage, cast: f.Cast, amounts: Iterator[str], stop: Stop
                                                       ) -> None:
    orders = [f.assigned_payin(cast, next(amounts)) for _ in range(KILLS)]
    ended = [f.assignment_of(order) for order in orders]
    stage.desk.start("web", "worker", "dispatcher")
    sits = {trader.id: stage.sitting(people.person("trader", trader_id=trader.id)) for trader in cast.traders}
    for order, first in zip(orders, ended, strict=True):
        send = partial(sits[first.trader_id].send, f"/trader/orders/{order.public_id}/refusal",
                       assignment_id=first.public_id, why="bank", reason="My bank is down")
        stage.web_killed(stop, send)
        stage.all_are([order.id], "assigned")
        assert send().status in (404, 409), "it is another's by now"
        assert f.assignment_of(order).trader_id != first.trader_id
    assert stage.record.one("SELECT count(*) FROM assignments") == 2 * KILLS
    stage.booked("payin_release", [one.id for one in ended])
    stage.whole()


@named(("all written", Stop("worker", STEP, "commit")))
def test_staff_are_called_once_to_what_nobody_confirms(stage: Stage, cast: f.Cast, amounts: Iterator[str], stop: Stop
                                                       ) -> None:
    batches = stage.batches(lambda: f.paid_payin(cast, next(amounts)).id)
    stage.put_off("flag_unconfirmed")
    stage.desk.start("dispatcher", "worker")
    for orders in batches:
        with stage.worker_killed(stop):
            stage.due("flag_unconfirmed", orders)
        stage.ends(lambda orders=orders: stage.record.one(
            "SELECT count(needs_attention_at) FROM orders WHERE id = ANY(%s)", orders) == len(orders), "all are seen")
    every = list(chain(*batches))
    flagged = stage.record.one("SELECT array_agg(order_id) FROM order_events WHERE action = 'flag'")
    assert sorted(flagged) == sorted(every)
    stage.whole()


@named(("by the clock, all written", Stop("worker", "INSERT INTO disputes", "commit")),
       ("by the clock, committed and not acknowledged", Stop("worker", "INSERT INTO disputes", "committed")))
def test_what_nobody_confirms_is_one_dispute(stage: Stage, cast: f.Cast, amounts: Iterator[str], stop: Stop) -> None:
    batches = stage.batches(lambda: f.paid_payin(cast, next(amounts)).id)
    stage.desk.start("dispatcher", "worker")
    for number, orders in enumerate(batches):
        with stage.worker_killed(stop):
            stage.record.change("UPDATE orders SET confirm_by = now() - interval '2 hours' WHERE id = ANY(%s)", orders)
            with f.act() as session:
                jobs.enqueue(session, clocks.UNCONFIRMED, new_id(), key=f"kill {number}")
        stage.all_are(orders, "disputed")
    _disputed_once(stage, list(chain(*batches)))


@named(("by the payer, all written", Stop("web", "INSERT INTO disputes", "commit")),
       ("by the payer, committed and not answered", Stop("web", "INSERT INTO disputes", "committed")))
def test_a_dispute_is_opened_once(stage: Stage, cast: f.Cast, amounts: Iterator[str], stop: Stop) -> None:
    orders = [f.paid_payin(cast, next(amounts)) for _ in range(KILLS)]
    stage.desk.start("web")
    for order in orders:
        send = _payer(stage, order, "dispute", reason="not_confirmed", text="I paid at noon")
        stage.web_killed(stop, send)
        assert send().status == (303 if stop.at == "commit" else 409)
        assert send().status == 409, "it runs already"
    _disputed_once(stage, [order.id for order in orders])


@named(("all written", Stop("worker", "UPDATE disputes", "commit")))
def test_silence_is_noted_once(stage: Stage, cast: f.Cast, amounts: Iterator[str], stop: Stop) -> None:
    def opened() -> UUID:
        order = f.paid_payin(cast, next(amounts))
        return acts.open_by(cast.customer(order), order, "not_confirmed").id

    batches = stage.batches(opened)
    stage.record.change("UPDATE disputes SET answer_by = now() - interval '1 second'")
    stage.put_off(endings.DEADLINE)
    stage.desk.start("dispatcher", "worker")
    for disputes in batches:
        with stage.worker_killed(stop):
            stage.due(endings.DEADLINE, disputes)
        stage.ends(lambda disputes=disputes: stage.record.one(
            "SELECT count(*) FROM disputes WHERE id = ANY(%s) AND waits_for = 'staff' AND silent = 'trader'", disputes)
            == len(disputes), "staff look")
    assert stage.record.one("SELECT count(*) FROM audit_rows WHERE action = 'dispute.silent'") == sum(map(len, batches))
    stage.whole()


@named(("cancelled, before what is given back", Stop("web", ENTRY, "statement")),
       ("cancelled, committed and not answered", Stop("web", ENTRY, "committed")))
def test_a_dispute_is_decided_once(stage: Stage, cast: f.Cast, amounts: Iterator[str], stop: Stop) -> None:
    asked, held = [], []
    for _ in range(KILLS):
        order = f.paid_payin(cast, next(amounts))
        acts.open_by(cast.customer(order), order, "not_confirmed")
        held.append(f.assignment_of(order).id)
        asked.append((order, acts.ask(order, "cancel")))
    stage.desk.start("web")
    staff = stage.sitting(people.person("admin"))
    for order, approval in asked:
        send = partial(staff.send, f"/admin/approvals/{approval.public_id}/decision", decision="approve", reason="Seen")
        stage.web_killed(stop, send)
        assert send().status == (303 if stop.at == "statement" else 409)
        assert f.fresh(order).status == "cancelled"
    every = [order.id for order, _ in asked]
    stage.told_once(every, "cancelled")
    stage.booked("payin_release", held)
    assert stage.record.one("SELECT count(*) FROM disputes WHERE outcome = 'cancel' AND ended_at IS NOT NULL") == KILLS
    stage.whole()


@named(("its hold taken again, all written", Stop("web", ENTRY, "commit")),
       ("its hold taken again, committed and not answered", Stop("web", ENTRY, "committed")))
def test_a_late_payment_reopens_its_order_once(stage: Stage, cast: f.Cast, amounts: Iterator[str], stop: Stop) -> None:
    orders = [f.expire(f.assigned_payin(cast, next(amounts))) for _ in range(KILLS)]
    claims = [acts.open_by(cast.customer(order), order, "paid_late") for order in orders]
    stage.desk.start("web")
    sits = {trader.id: stage.sitting(people.person("trader", trader_id=trader.id)) for trader in cast.traders}
    for order, claim in zip(orders, claims, strict=True):
        send = partial(sits[claim.trader_id].send, f"/trader/disputes/{claim.public_id}/concession",
                       idempotency_key=form_key())
        stage.web_killed(stop, send)
        assert send().status == 303
        assert f.fresh(order).status == "confirmed"
    every = [order.id for order in orders]
    assert stage.record.one("SELECT count(*) FROM journal_entries WHERE kind = 'payin_hold'") == 2 * KILLS
    f.work_off("settle_order")
    stage.told_once(every, "confirmed", "completed")
    stage.booked("payin_settle", every)
    stage.whole()


@named(("all written", Stop("web", "INSERT INTO disputes", "commit")),
       ("committed and not answered", Stop("web", "INSERT INTO disputes", "committed")))
def test_a_late_claim_is_one(stage: Stage, cast: f.Cast, amounts: Iterator[str], stop: Stop) -> None:
    orders = [f.expire(f.assigned_payin(cast, next(amounts))) for _ in range(KILLS)]
    stage.desk.start("web")
    for order in orders:
        send = _payer(stage, order, "late-claim", text="I paid at noon")
        stage.web_killed(stop, send)
        assert send().status == (303 if stop.at == "commit" else 409)
        assert f.fresh(order).status == "expired"
    claimed = stage.record.one("SELECT array_agg(order_id) FROM disputes WHERE reason = 'paid_late'")
    assert sorted(claimed) == sorted(order.id for order in orders)
    stage.whole()


@named(("released, committed and not answered", Stop("web", STEP, "committed")))
def test_a_review_is_released_once(stage: Stage, cast: f.Cast, stop: Stop) -> None:
    rulebook.rule(cast, verdict="review")
    orders = [cast.order("1500.00") for _ in range(KILLS)]
    f.work_off()
    stage.desk.start("web")
    staff = stage.sitting(people.person("support_orders"))
    for order in orders:
        assert f.fresh(order).status == "review"
        send = partial(staff.send, f"/admin/risk/reviews/{order.public_id}", decision="release", reason="Known",
                       idempotency_key=form_key())
        stage.web_killed(stop, send)
        assert send().status == 303
        f.work_off()
        assert f.fresh(order).status in ("assigned", "retrying"), "judged once: it looks for a requisite"
    released = stage.record.one("SELECT array_agg(order_id) FROM order_events WHERE action = 'release'")
    assert sorted(released) == sorted(order.id for order in orders)
    assert stage.record.one("SELECT count(*) FROM risk_reviews WHERE decided_at IS NOT NULL") == KILLS
    stage.whole()


@named(("the second hold taken, all written", Stop("web", ENTRY, "commit")),
       ("the second hold taken, committed and not answered", Stop("web", ENTRY, "committed")))
def test_a_requisite_is_exchanged_once(stage: Stage, cast: f.Cast, amounts: Iterator[str], stop: Stop) -> None:
    orders = [f.assigned_payin(cast, next(amounts)) for _ in range(KILLS)]
    stage.desk.start("web")
    for order in orders:
        send = _payer(stage, order, "replacement", instead_of=f.assignment_of(order).public_id)
        stage.web_killed(stop, send)
        assert send().status == (303 if stop.at == "commit" else 409)
        assert [one.state for one in f.assignments_of(order)] == ["lingering", "open"]
    assert stage.record.one("SELECT count(*) FROM journal_entries WHERE kind = 'payin_hold'") == 2 * KILLS
    assert stage.record.one("SELECT count(*) FROM order_events WHERE action = 'replace'") == KILLS
    stage.whole()


@named(("told, all written", Stop("worker", "INSERT INTO notices", "commit")),
       ("told, committed and not acknowledged", Stop("worker", "INSERT INTO notices", "committed")))
def test_people_are_told_once(stage: Stage, stop: Stop) -> None:
    batches = stage.batches(lambda: people.person("trader"))
    stage.desk.start("dispatcher", "worker")
    for told in batches:
        with stage.worker_killed(stop), f.act() as session:
            for person in told:
                notices.notify(session, "account.factor_added", notices.user(person.id), what="Phone")
        stage.ends(lambda told=told: stage.record.one(
            "SELECT count(*) FROM notices WHERE channel = 'portal' AND user_id = ANY(%s)", [one.id for one in told])
            == len(told), "all are told")
    assert stage.record.one("SELECT count(*) FROM notices WHERE channel = 'portal'") == sum(map(len, batches))
    stage.whole()


@named(("handed in, not noted", Stop("worker", "UPDATE mails", "statement")))
def test_a_letter_too_many_and_never_one_too_few(stage: Stage, stop: Stop) -> None:
    """The server has it, and the worker dies before it is written down: sent again, as the same letter."""
    with _post_office() as (port, letters):
        server = mail.Server("127.0.0.1", port, "none", "Desk <desk@example.test>")
        stage.desk.environment |= {"SMTP_HOST": server.host, "SMTP_PORT": str(server.port), "SMTP_SECURITY": "none",
                                   "MAIL_FROM": server.sender}
        stage.desk.start("dispatcher", "worker")
        mail.configure(server, kept_to_be_seen=True)
        try:
            for number in range(KILLS):
                with stage.worker_killed(stop), f.act() as session:
                    mail.post(session, to=f"{number}@example.test", subject="A letter", text="Words")
                stage.ends(lambda number=number: stage.record.one(
                    "SELECT count(sent_at) FROM mails") == number + 1, "it is sent")
        finally:
            mail.configure(None, kept_to_be_seen=True)
    for number in range(KILLS):
        sent = [one["Message-ID"] for one in letters if one["To"] == f"{number}@example.test"]
        assert 1 <= len(sent) <= 2
        assert len(set(sent)) == 1
    stage.whole()


@named(("delivered, not noted", Stop("worker", "INSERT INTO webhook_attempts", "statement")))
def test_a_webhook_arrives_under_one_id(stage: Stage, stop: Stop) -> None:
    shop = open_shop()
    with listening(lambda one: (200, {}, b"")) as receiver:
        shop.endpoint(receiver.url)
        stage.desk.start("dispatcher", "worker")
        for number in range(KILLS):
            with stage.worker_killed(stop):
                shop.tell(stage.chance.randint(1, 3))
            stage.ends(lambda: stage.record.one(
                "SELECT bool_and(state = 'delivered') FROM webhook_deliveries"), "all are delivered")
            assert len(set(receiver.ids)) == stage.record.one("SELECT count(*) FROM webhook_deliveries"), number
    assert len(receiver.received) > len(set(receiver.ids)), "what was in hand was sent again"
    stage.whole()


@contextmanager
def _post_office() -> Iterator[tuple[int, list[Message]]]:
    """A mail server: its port, and what it was handed."""
    letters: list[Message] = []

    class Desk:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            letters.append(message_from_bytes(envelope.content))
            return "250 taken"

    controller = Controller(Desk(), hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        yield controller.port, letters
    finally:
        controller.stop()


def _payer(stage: Stage, order: Order, act: str, **form: str) -> Any:
    """A form of the payment page, to be sent."""
    page = Sitting(stage, token=payment_links.form_token_of(order.id))
    return partial(page.send, f"{payment_links.path_of(order.id)}/{act}", **form)


def _disputed_once(stage: Stage, orders: list[UUID]) -> None:
    stage.told_once(orders, "disputed")
    assert sorted(stage.record.one("SELECT array_agg(order_id) FROM disputes")) == sorted(orders)
    stage.whole()
