"""A desk with people and orders in every state on it, as its pages are looked at by tests."""
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import product

from flask import Flask

from portal.core import clock, ids
from portal.core.access import SYSTEM
from portal.imports import service as imports
from portal.orders import payment_links
from portal.orders.models import Order
from portal.parties import sessions
from portal.web.docs.pages import PAGES as GUIDES
from tests import factories, people
from tests.web.developers import sample

PAYLOAD = "\"'><img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}"
"""What a stranger may write into an order (fault 26)."""
HOSTILE = {"description": PAYLOAD, "metadata": {"note": PAYLOAD}, "external_id": PAYLOAD[:60],
           "customer": {"id": PAYLOAD[:60], "name": PAYLOAD}}
SEATS = {"trader": "trader", "merchant": "merchant_owner", "admin": "super_admin"}
"""Who opens the pages of an area."""
STAFFS = {"account_id": ["1"], "entry_id": ["1"], "pair": ["USDT-RUB"], "method": ["card"], "bank": ["alfa"]}
"""What stands in the addresses of the pages of ledger, rates and reference data: the first of each is made with any
order, or with the desk."""
NO_PAGES = ("admin_imports.template", "files", "admin_cases.one", "gateway", "static", "health", "live", "metrics",
            "checkout.qr", "shop.one")


@dataclass
class Stage:
    app: Flask
    people: dict[str, people.Person]
    orders: dict[str, Order] = field(default_factory=dict)
    samples: dict[str, list[str]] = field(default_factory=dict)  # of what else stands in addresses, by argument

    def seat(self, kind: str) -> people.Seat:
        if kind not in self.people:
            return people.stranger(self.app)
        with self.app.app_context():
            return people.seat(self.app, self.people[kind])

    def pages(self) -> list[tuple[str, str]]:
        """(who, path) of every page there is, from the application's own routes."""
        with self.app.test_request_context():
            return sorted(set(self._pages()))

    def _pages(self) -> Iterator[tuple[str, str]]:
        adapter = self.app.url_map.bind("localhost")
        for rule in self.app.url_map.iter_rules():
            if "GET" not in (rule.methods or ()) or rule.endpoint.startswith(NO_PAGES) or (
                    rule.endpoint.endswith(".export")):
                continue
            area = rule.endpoint.partition("_")[0]
            who = [SEATS[area]] if area in SEATS else ["nobody"] if rule.endpoint.startswith(
                ("auth", "checkout", "dev", "docs", "shop")) else [*SEATS.values()]
            for seat, values in product(who, self._values(rule.endpoint, sorted(rule.arguments))):
                yield seat, adapter.build(rule.endpoint, values)

    def _values(self, endpoint: str, names: list[str]) -> list[dict[str, str]]:
        """What stands in the addresses of these pages. A page with a new argument needs a sample here."""
        if not names:
            return [{}]
        if names == ["order_id"]:
            seen = [order for name, order in self.orders.items()
                    if not (endpoint.startswith("trader") and name in ("new", "cancelled", "test"))
                    and not (name.startswith("payout") and endpoint.startswith(("trader", "merchant")))]
            return [{"order_id": order.public_id} for order in seen]
        if names == ["payout_id"]:
            return [{"payout_id": order.public_id} for name, order in self.orders.items() if name.startswith("payout")]
        if len(names) == 1 and names[0] in self.samples:
            return [{names[0]: value} for value in self.samples[names[0]]]
        if names == ["token"]:
            return [{"token": payment_links.token_of(order.id)} for name, order in self.orders.items()
                    if not name.startswith("payout")]
        raise AssertionError(f"give the pages of {endpoint} samples of {names}")


def set_up(app: Flask) -> Stage:
    """A cast of its own with an order in every state, and somebody of each kind to look."""
    from portal import treasury

    cast = factories.new_cast()
    trader = cast.trader(name="Trader One")
    for _ in range(2):
        cast.requisite(trader, payout=True)
    seats = {"trader": people.person("trader", trader_id=trader.id),
             "merchant_owner": people.person("merchant_owner", merchant_id=cast.merchant.id),
             "super_admin": people.person("super_admin"), "support_readonly": people.person("support_readonly")}
    samples = {**sample.integrate(cast, PAYLOAD), "name": list(GUIDES), "tag": ["payins", "payouts", "webhooks"]}
    orders = {
        "completed": factories.completed_payin(cast, "1500.00", description="Three books"),
        "confirmed": factories.confirmed_payin(cast, "1501.00"),
        "paid": factories.paid_payin(cast, "1502.00", **HOSTILE),
        "assigned": factories.assigned_payin(cast, "9876.00", return_url="https://shop.example/thanks"),
        "expired": factories.expire(factories.assigned_payin(cast, "1503.00")),
        "test": factories.create_payin(cast, "1504.00", actor=cast.test_key).order,
    }
    with clock.moved(timedelta(minutes=-1)):
        orders["cancelled"] = factories.create_payin(cast, "1505.00").order
    factories.cancel(cast.key, orders["cancelled"])
    orders |= {
        "payout_offered": factories.assigned_payout(cast, "2500.00", description=PAYLOAD, metadata={"note": PAYLOAD}),
        "payout_accepted": factories.accepted_payout(cast, "2501.00"),
        "payout_paid": factories.paid_payout(cast, "2502.00"),
        "payout_confirmed": factories.agree(cast.key, factories.paid_payout(cast, "2503.00"))}
    orders["new"] = factories.create_payin(cast, "1506.00").order
    with factories.act() as session:
        asked = treasury.ask(session, SYSTEM, treasury.AskDeposit(
            owner_kind="trader", owner_id=trader.id, amount="10.000000", currency="USDT", reason="By bank transfer"))
        sessions.begin(session, seats["trader"].id, address="127.0.0.1", user_agent=PAYLOAD, values={})
    requisite = factories.new_requisite(trader, cast.method, day_max="90000.00")
    with factories.act() as session:
        imported = imports.take_in(session, SYSTEM, sheet="merchants", content=b"name\nNorthwind\n",
                                    file_name=PAYLOAD)
    samples |= {
        "merchant_id": [cast.merchant.public_id], "store_id": [cast.store.public_id], "trader_id": [trader.public_id],
        "approval_id": [asked.public_id], "user_id": [ids.public("usr", seat.id) for seat in seats.values()],
        "requisite_id": [requisite.public_id], "subject_id": [asked.public_id],
        "import_id": [imported.public_id], "holder_id": [ids.public("hld", requisite.holder_id)]}
    return Stage(app, seats, orders, samples | sample.told(cast) | STAFFS)
