"""What an order came to is one set of numbers at every door: gateway, webhook, pages, export, and statements."""
import csv
import io
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import openpyxl
import pypdf
import pytest
from flask import Flask
from sqlalchemy import select

from portal import approvals
from portal.core.access import SCOPES, SYSTEM
from portal.core.money import Money
from portal.disputes import decisions
from portal.disputes.commands import DecideDispute
from portal.orders import corrections, service
from portal.orders.commands import ConfirmOrder
from portal.orders.models import Order
from portal.parties import keys
from portal.parties.commands import CreateKey
from portal.web import filters
from portal.webhooks import service as webhooks
from portal.webhooks.commands import CreateEndpoint
from portal.webhooks.models import Event
from tests import factories as f
from tests import people

BLANKS = dict.fromkeys(map(ord, "\u00a0\u202f\u2009 "), "")


@pytest.fixture
def cast(app: Flask) -> f.Cast:
    made = f.new_cast(fee_bps=250)
    made.requisite(made.trader(reward_bps=120), payout=True)
    with f.act() as session:
        webhooks.create_endpoint(session, made.key, CreateEndpoint(url="https://shop.example/hook", events=["*"]))
    return made


def as_ordered(cast: f.Cast) -> Order:
    return f.completed_payin(cast, "1500.00")


def less(cast: f.Cast) -> Order:
    f.change(cast.store, under_policy="accept")
    return other(cast, "1499.37")


def more(cast: f.Cast) -> Order:
    order = other(cast, "1800.01")
    with f.act() as session:
        asked = decisions.ask(session, f.staff("admin"), DecideDispute(
            order_id=order.public_id, outcome="complete", amount="1800.01", reason="bank statement seen"))
    return approved(order, asked)


def corrected(cast: f.Cast) -> Order:
    order = f.completed_payin(cast, "1500.00")
    with f.act() as session:
        asked = corrections.ask(session, f.staff("admin"), corrections.AskCorrection(
            order_id=order.public_id, amount="1200.07", reason="bank statement seen"))
    return approved(order, asked)


def payout(cast: f.Cast) -> Order:
    order = f.accepted_payout(cast, "1500.00")
    f.pay(f.its_trader(order), order)
    f.agree(cast.key, order)
    f.work_off("settle_order")
    return f.fresh(order)


def other(cast: f.Cast, received: str) -> Order:
    order = f.paid_payin(cast, "1500.00")
    with f.act() as session:
        service.confirm(session, f.its_trader(order), ConfirmOrder(
            order_id=order.public_id, assignment_id=f.assignment_of(order).public_id, received=received, differs=True))
    f.work_off("settle_order")
    return f.fresh(order)


def approved(order: Order, asked: approvals.Approval) -> Order:
    with f.act() as session:
        approvals.decide(session, f.staff("super_admin"), approvals.DecideApproval(
            approval_id=asked.public_id, decision="approve", reason="checked"))
    f.work_off("settle_order")
    return f.fresh(order)


@pytest.mark.parametrize(("story", "received"), [
    (as_ordered, "1500.00"), (less, "1499.37"), (more, "1800.01"), (corrected, "1200.07"), (payout, "1500.00")])
def test_every_door_tells_the_same(app: Flask, cast: f.Cast, story: Callable[[f.Cast], Order], received: str) -> None:
    order = story(cast)
    assert order.status == "completed"
    due = order.total if story is payout else order.net
    whole = {"gross": order.settlement, "fee": order.fee, "due": due}
    doors = {"gateway": gateway(app, cast, order), "webhook": shown(last_event(order))}
    assert doors == dict.fromkeys(doors, {name: amount.text for name, amount in whole.items()} | {"received": received})
    owner = people.seat(app, people.person("merchant_owner", merchant_id=cast.merchant.id))
    area = "payouts" if story is payout else "orders"
    page = owner.get(f"/merchant/{area}/{order.public_id}").get_data(as_text=True).translate(BLANKS)
    balance = owner.get("/merchant/balance").get_data(as_text=True).translate(BLANKS)
    document = text_of_pdf(owner.take("/merchant/balance/statement.pdf").data)
    for name, amount in whole.items():
        assert filters.digits(amount).translate(BLANKS) in page, name
        assert amount.text in balance, name
        assert amount.text in document, name
    exported(owner, area, whole, received)
    signed = -due.minor if story is payout else due.minor
    for rows in (of_csv(owner), of_xlsx(owner)):
        mine = [row for row in rows if row["Order"] == order.public_id]
        assert {(text(row["Gross"]), text(row["Fee"]), text(row["Net"])) for row in mine} == {
            (whole["gross"].text, whole["fee"].text, due.text)}
        assert minor(text(row["Amount"]) for row in mine) == signed, "the lines come to what the store is due"
    assert minor(line["amount"] for line in entries(app, cast)) == signed


def token(cast: f.Cast) -> dict[str, str]:
    with f.act() as session:
        _, made = keys.create(session, SYSTEM, CreateKey(store_id=cast.store.id, live=True, name="key",
                                                         scopes=tuple(SCOPES)))
    return {"Authorization": f"Bearer {made}"}


def gateway(app: Flask, cast: f.Cast, order: Order) -> dict[str, str]:
    """One order, which the list shows alike."""
    shop, sent = app.test_client(use_cookies=False), token(cast)
    kind = "payouts" if order.public_id.startswith("pout_") else "payins"
    one = shop.get(f"/gateway/v1/{kind}/{order.public_id}", headers=sent).json
    assert shop.get(f"/gateway/v1/{kind}?external_id={order.external_id}", headers=sent).json["data"] == [one]
    return shown(one)


def entries(app: Flask, cast: f.Cast) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = app.test_client(use_cookies=False).get(
        "/gateway/v1/balance/entries", headers=token(cast)).json["data"]
    return [line for line in found if line["kind"] != "deposit"]


def last_event(order: Order) -> dict[str, Any]:
    with f.look() as session:
        found = session.scalars(select(Event).where(Event.order_id == order.id).order_by(Event.id.desc()).limit(1))
        return found.one().payload


def shown(order: dict[str, Any]) -> dict[str, str]:
    settled = order["settlement"]
    return {"gross": settled["amount"], "fee": settled["fee"], "due": settled.get("net") or settled["total"],
            "received": order["amount_received"] or order["amount"]}


def exported(owner: people.Seat, area: str, whole: dict[str, Money], received: str) -> None:
    [row] = csv.DictReader(io.StringIO(plain(owner.take(f"/merchant/{area}/export.csv").data)))
    assert (row["Settlement"], row["Fee"], row["Net"] or row["Total"], row["Received"] or row["Amount"]) == (
        whole["gross"].text, whole["fee"].text, whole["due"].text, received)


def of_csv(owner: people.Seat) -> list[dict[str, Any]]:
    return list(csv.DictReader(io.StringIO(plain(owner.take("/merchant/balance/statement.csv").data))))


def of_xlsx(owner: people.Seat) -> list[dict[str, Any]]:
    book = openpyxl.load_workbook(io.BytesIO(owner.take("/merchant/balance/statement.xlsx").data))
    head, *rows = book.active.iter_rows(values_only=True)
    return [dict(zip(head, row, strict=True)) for row in rows]


def text_of_pdf(content: bytes) -> str:
    return "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages).translate(BLANKS)


def plain(content: bytes) -> str:
    return content.decode("utf-8-sig")


def minor(amounts: Iterable[str]) -> int:
    return int(sum(map(Decimal, amounts)).scaleb(6))


def text(cell: object) -> str:
    """A cell of a workbook is a number."""
    return cell if isinstance(cell, str) else f"{cell:.6f}"
