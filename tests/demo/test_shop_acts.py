"""After the sale: the demo's shop calls off, pays back and objects by the gateway, and follows each by its webhooks."""
import json
import os
import re
import secrets
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.serving import make_server

from portal import approvals
from portal.core import clock, crypto, ids
from portal.core import site as public_site
from portal.core.access import SYSTEM
from portal.core.audit import AuditRow
from portal.core.db import reader, transaction
from portal.core.money import Money
from portal.demo import load, shop
from portal.disputes import decisions
from portal.disputes.commands import DecideDispute
from portal.ledger import verify
from portal.orders import service as orders
from portal.orders import view
from portal.orders.commands import ConfirmOrder
from portal.orders.models import Order
from portal.parties.models import ApiKey
from portal.web import filters
from portal.web.shop import purchases
from portal.web.shop.client import Gateway, GatewayAway
from portal.webhooks import queries, signature
from portal.webhooks import service as webhooks
from portal.webhooks.commands import ChangeEndpoint
from portal.webhooks.event_types import TYPES
from tests import factories as f
from tests.conftest import _application, _clone, _environment, _in_context
from tests.journeys.plain_browser import PlainBrowser
from tests.running import free_port
from tests.webhooks.receiver import bare

CARD = "2200 1500 0000 0007"
RACES = 5


@pytest.fixture(scope="module")
def site(owner_url: str, template: str, redis_url: str) -> Iterator[tuple[Flask, str]]:
    """The demo's shop, which asks the desk it belongs to over a real socket. Do not ask for `app` here."""
    here, before = f"http://127.0.0.1:{free_port()}", public_site.url()
    with (_clone(owner_url, template, f"clone_{os.getpid()}_{secrets.token_hex(4)}") as database,
          _environment({"PUBLIC_URL": here}), _application(database, redis_url) as made):
        with _in_context(made), transaction() as session:
            load.load(session, "quittance-demo-password")
        server = make_server("127.0.0.1", int(here.rpartition(":")[2]), made, threaded=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield made, here
        server.shutdown()
        thread.join()
        server.server_close()
    public_site.use(before)


@pytest.fixture
def buyer(site: tuple[Flask, str]) -> Iterator[PlainBrowser]:
    f.forget()
    with _in_context(site[0]):
        yield PlainBrowser(site[1])
    f.forget()


def bought(buyer: PlainBrowser) -> tuple[str, Order]:
    """Its page, and the payin as matched."""
    buyer.open("/shop")
    assert buyer.send("/shop/orders") == 200
    f.work_off()
    with transaction() as session:
        order = session.scalars(select(Order).where(Order.external_id.startswith("shop-"))
                                .order_by(Order.created_at.desc()).limit(1)).one()
    assert order.status == "assigned"
    return f"/shop/orders/{order.external_id.removeprefix('shop-')}", order


def paid(buyer: PlainBrowser, order: Order) -> None:
    """By the button of the payment page."""
    buyer.open(view.public(order)["payment_url"])
    assert buyer.send("/claim") == 200


def completed(buyer: PlainBrowser, order: Order) -> None:
    paid(buyer, order)
    f.confirm(f.its_trader(order), order)
    f.work_off("settle_order")


def completed_by_staff(buyer: PlainBrowser, order: Order, received: str) -> None:
    """Another amount came than was ordered: its trader says so, and two of the staff settle that."""
    paid(buyer, order)
    with f.act() as session:
        orders.confirm(session, f.its_trader(order), ConfirmOrder(
            order_id=order.public_id, assignment_id=f.assignment_of(order).public_id, received=received, differs=True))
    with f.act() as session:
        asked = decisions.ask(session, f.staff("admin"), DecideDispute(
            order_id=order.public_id, outcome="complete", amount=received, reason="bank statement seen"))
    with f.act() as session:
        approvals.decide(session, f.staff("super_admin"), approvals.DecideApproval(
            approval_id=asked.public_id, decision="approve", reason="checked"))
    f.work_off("settle_order")
    assert f.fresh(order).status == "completed"


def spoken(amount: Money) -> str:
    return " ".join(filters.money(amount).split())


def refunds_of(order: Order) -> list[Order]:
    with transaction() as session:
        return list(session.scalars(select(Order).where(Order.meta["refund_of"].astext == order.public_id)))


def tell(buyer: PlainBrowser, type: str, about: dict[str, object]) -> int:
    """As the desk's sender would: signed with the secret of the shop's endpoint."""
    [endpoint] = queries.endpoints(reader(), SYSTEM).rows
    secret = crypto.open_sealed(endpoint.secret_sealed, place=webhooks.place(endpoint.id))
    body = json.dumps({"type": type, "data": about}).encode()
    sent = signature.headers(ids.new_id().hex, clock.now(), body, [secret])
    with urllib.request.urlopen(urllib.request.Request(f"{buyer.site}/shop/webhooks", body, sent)) as answer:
        return int(answer.status)


def test_an_order_is_called_off_while_nothing_is_paid(buyer):
    page, order = bought(buyer)
    assert buyer.open(page) == 200
    assert buyer.send("/cancellation") == 200
    assert f.fresh(order).status == "cancelled"
    assert "The order was called off" in buyer.text
    assert not any(form.action.endswith("/cancellation") for form in buyer.forms)
    assert tell(buyer, "payin.cancelled", {"id": order.public_id, "external_id": order.external_id}) == 204
    buyer.open(page)
    assert "payin.cancelled signature verified" in buyer.text


def test_what_cannot_be_called_off_any_more_is_refused_in_the_desks_words(buyer):
    page, order = bought(buyer)
    other = PlainBrowser(buyer.site)
    other.open(page)
    paid(buyer, order)
    assert other.send("/cancellation") == 409
    assert "This step is not possible from the current status." in other.text
    assert "I paid, and nothing happens" in other.text, "the order as it is now"
    assert f.fresh(order).status == "paid"


def test_money_goes_back_once_and_only_what_was_paid(buyer):
    page, order = bought(buyer)
    buyer.open(f"{page}/refund")
    assert buyer.url.endswith(page), "nothing was paid yet"
    completed(buyer, order)
    assert buyer.open(f"{page}/refund") == 200
    assert buyer.send("/refund", number="1234") == 422
    assert 'id="field-number"' in buyer.html
    other = PlainBrowser(buyer.site)
    other.open(f"{page}/refund")
    assert buyer.send("/refund", number=CARD) == other.send("/refund", number=CARD) == 200
    assert "Your money back" in buyer.text
    found = f.found(re.search(r"pout_\w+", buyer.html)[0])
    assert (found.external_id, found.amount.text, found.meta) == (
        f"{order.external_id}-refund", order.amount.text, {"refund_of": order.public_id})
    assert CARD.replace(" ", "") not in buyer.html
    with transaction() as session:
        [made] = session.scalars(select(Order).where(Order.external_id == found.external_id))
    assert made.id == found.id
    buyer.open(f"{page}/refund")
    assert buyer.url.endswith(page), "it has been asked for"


@pytest.mark.parametrize("difference", [-10000, 10000], ids=["less", "more"])
def test_what_goes_back_is_what_came_and_not_what_was_ordered(buyer, difference):
    page, order = bought(buyer)
    came = Money(order.amount_minor + difference, order.currency)
    completed_by_staff(buyer, order, came.text)
    assert buyer.open(f"{page}/refund") == 200
    assert spoken(came) in buyer.text
    assert spoken(order.amount) not in buyer.text
    assert buyer.send("/refund", number=CARD) == 200
    [refund] = refunds_of(order)
    assert refund.amount == came
    assert verify.run(reader()).differences == []


def test_two_browsers_that_ask_at_once_get_the_money_back_once(buyer):
    """Each with a card of its own: the one that loses is led to the order as it is now, and its card gets nothing."""
    both = [PlainBrowser(buyer.site) for _ in range(2)]
    cards = [CARD, "2200 1500 0000 0015"]
    for _ in range(RACES):
        page, order = bought(buyer)
        completed(buyer, order)
        for browser in both:
            assert browser.open(f"{page}/refund") == 200
        start = threading.Barrier(len(both))

        def ask(browser: PlainBrowser, card: str, start: threading.Barrier = start) -> int:
            start.wait()
            return browser.send("/refund", number=card)

        with ThreadPoolExecutor(len(both)) as threads:
            answers = list(threads.map(ask, both, cards))
        [refund] = refunds_of(order)
        assert refund.amount == order.amount
        assert set(answers) <= {200, 409}, answers  # refused: the other's is being made at this moment
        for browser, answer in zip(both, answers, strict=True):
            assert browser.url.endswith(page if answer == 200 else "/refund")
            assert browser.open(f"{page}/refund") == 200
            assert browser.url.endswith(page), "there is nothing more to ask for"
            assert refund.public_id in browser.html
        assert 200 in answers


def test_a_dispute_is_opened_and_followed_by_webhooks_alone(buyer):
    """No call of the gateway shows a dispute."""
    page, order = bought(buyer)
    buyer.open(f"{page}/dispute")
    assert buyer.url.endswith(page), "whoever has not paid would hold a trader's money for nothing"
    paid(buyer, order)
    assert buyer.open(f"{page}/dispute") == 200
    assert buyer.send("/dispute", text="") == 422
    assert buyer.send("/dispute", text="Paid at noon") == 200
    assert f.fresh(order).status == "disputed"
    assert "The desk's trader is asked" in buyer.text
    told = {"id": re.search(r"dsp_\w+", json.dumps(purchases._disputes[order.public_id]))[0], "object": "dispute",
            "order_id": order.public_id, "external_id": order.external_id, "waits_for": "staff", "answer_by": None,
            "outcome": None, "ended_at": None}
    tell(buyer, "dispute.answered", told)
    buyer.open(page)
    assert "The desk looks at it." in buyer.text
    tell(buyer, "dispute.decided", told | {"outcome": "complete", "ended_at": "2026-11-28T07:00:00.000Z"})
    tell(buyer, "dispute.answered", told)  # late: what has ended does not open again
    buyer.open(page)
    assert "Completed as ordered" in buyer.text
    assert "dispute.decided" in buyer.text


def test_a_payout_that_did_not_come_is_objected_to(buyer):
    page, order = bought(buyer)
    completed(buyer, order)
    buyer.open(f"{page}/refund")
    buyer.send("/refund", number=CARD)
    refund = f.found(re.search(r"pout_\w+", buyer.html)[0])
    f.work_off()
    f.accept(f.its_trader(refund), refund)
    f.pay(f.its_trader(refund), refund)
    assert buyer.open(f"{page}/refund/dispute") == 200
    assert buyer.send("/refund/dispute", text="Not on the statement") == 200
    assert f.fresh(refund).status == "disputed"
    assert "The desk's trader is asked" in buyer.text


def test_a_shop_of_an_older_demo_gets_the_scopes_and_the_events_of_today(buyer):
    bought(buyer)
    with transaction() as session:
        session.scalars(select(ApiKey).where(ApiKey.name == shop.NAME)).one().scopes = ["orders:read"]
        [endpoint] = queries.endpoints(session, SYSTEM).rows
        webhooks.change_endpoint(session, SYSTEM, ChangeEndpoint(endpoint_id=endpoint.public_id,
                                                                 events=["payin.completed"]))
    for _ in range(2):
        with transaction() as session:
            shop.open_shop(session, endpoint.url)
    [endpoint] = queries.endpoints(reader(), SYSTEM).rows
    assert sorted(endpoint.types) == sorted(shop.EVENTS)
    assert reader().scalars(select(ApiKey.scopes).where(ApiKey.name == shop.NAME)).one() == sorted(shop.SCOPES)
    assert set(shop.EVENTS) <= set(TYPES)
    [row] = reader().scalars(select(AuditRow).where(AuditRow.action == "key.scopes_set"))
    assert (row.before, row.after) == ({"scopes": ["orders:read"]}, {"scopes": sorted(shop.SCOPES)})


def test_all_that_one_page_asks_has_two_seconds_together():
    with bare(lambda connection: None) as gateway:
        late = Gateway(f"http://127.0.0.1:{gateway.port}", "qk_live_x", until=time.monotonic())
        with pytest.raises(GatewayAway):
            late.find("payins", "shop-1")
        assert gateway.connections == 0
