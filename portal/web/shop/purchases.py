"""What the shop knows of what was bought: what the gateway answered, and what signed webhooks told, while this process
runs. Another shop would keep it in its database."""
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app

from portal.core.errors import NotFound
from portal.core.money import Money
from portal.demo import shop
from portal.web.shop.client import Gateway, GatewayAway, Kind

OVER = ("completed", "failed", "expired", "cancelled")
KEPT_MAX = 200
_orders: dict[str, dict[str, Any]] = {}  # the shop's number → the payin or payout as it was shown last
_ended: dict[str, None] = {}  # those of which nothing was heard since they were shown as over
_disputes: dict[str, dict[str, Any]] = {}  # order id → its newest dispute: no call shows one, webhooks tell
_heard: deque[tuple[str, str]] = deque(maxlen=KEPT_MAX)  # (order id, event type) of verified webhooks


@dataclass(frozen=True)
class Purchase:
    """One cart: the payin it is paid by, and the payout of the money that went back."""

    cart: str
    order: dict[str, Any]
    refund: dict[str, Any] | None = None

    @property
    def price(self) -> Money:
        return Money.parse(self.order["amount"], self.order["currency"])

    @property
    def paid(self) -> Money:
        """What came, which may be less or more than the price."""
        return Money.parse(self.order["amount_received"] or self.order["amount_to_pay"], self.order["currency"])

    def dispute_of(self, order: dict[str, Any]) -> dict[str, Any] | None:
        """As it was told last; `answer_until` is the moment."""
        known = _disputes.get(order["id"])
        return known and known | {"answer_until": known["answer_by"] and datetime.fromisoformat(known["answer_by"])}

    def heard_of(self, order: dict[str, Any]) -> list[str]:
        """Types of webhooks, in the order of their coming."""
        return [type for id, type in tuple(_heard) if id == order["id"]]

    @property
    def over(self) -> bool:
        """Nothing more is awaited."""
        return all(one["status"] in OVER and not _open_dispute(one) for one in (self.order, self.refund) if one)

    @property
    def may_be_cancelled(self) -> bool:
        return self.order["status"] in ("new", "assigned")

    @property
    def may_be_paid(self) -> bool:
        return self.order["status"] not in (*OVER, "disputed")

    @property
    def may_be_disputed(self) -> bool:
        """Once: what the desk decides stands. Who has only been given a requisite has not paid."""
        return self.order["status"] == "paid" and self.order["id"] not in _disputes

    @property
    def may_be_refunded(self) -> bool:
        return self.order["status"] == "completed" and self.refund is None and not _open_dispute(self.order)

    @property
    def refund_may_be_disputed(self) -> bool:
        return (self.refund is not None and self.refund["status"] in ("paid", "completed")
                and self.refund["id"] not in _disputes)


def number_of(cart: str) -> str:
    """The shop's number of an order, which is its idempotency key too: one press of the button is one order."""
    return f"shop-{cart}"


def refund_number_of(cart: str) -> str:
    return f"shop-{cart}-refund"


def site() -> str:
    return str(current_app.extensions["settings"].public_url).rstrip("/")


def gateway() -> Gateway:
    """For this page."""
    return Gateway(site(), shop.token())


def find(asked: Gateway, cart: str) -> Purchase:
    """As the gateway shows it, or as it was shown last where it has ended or the gateway is slow.

    Raises NotFound, GatewayAway, GatewayRefused.
    """
    order = _followed(asked, "payins", number_of(cart))
    if order["status"] != "completed":
        return Purchase(cart, order)
    try:
        return Purchase(cart, order, _followed(asked, "payouts", refund_number_of(cart)))
    except (NotFound, GatewayAway):
        return Purchase(cart, order)


def keep(order: dict[str, Any]) -> None:
    """What the gateway has shown of it."""
    number = order["external_id"]
    _orders[number] = order
    if order["status"] in OVER:
        _ended[number] = None
    for kept in (_orders, _ended):
        while len(kept) > KEPT_MAX:
            kept.pop(next(iter(kept)), None)


def keep_dispute(dispute: dict[str, Any]) -> None:
    """As it was told; one that has ended does not open again, in whatever order webhooks come."""
    known = _disputes.get(dispute["order_id"])
    if known is None or known["id"] != dispute["id"] or known["ended_at"] is None:
        _disputes[dispute["order_id"]] = dispute
    while len(_disputes) > KEPT_MAX:
        _disputes.pop(next(iter(_disputes)), None)


def hear(told: dict[str, Any]) -> None:
    """A webhook whose signature was verified."""
    about = told["data"]
    if about.get("object") == "dispute":
        keep_dispute(about)
    _heard.append((about.get("order_id") or about.get("id", ""), told["type"]))
    _ended.pop(about.get("external_id", ""), None)


def _open_dispute(order: dict[str, Any]) -> bool:
    return order["id"] in _disputes and _disputes[order["id"]]["ended_at"] is None


def _followed(asked: Gateway, kind: Kind, number: str) -> dict[str, Any]:
    known = _orders.get(number)
    if known is not None and number in _ended:
        return known
    try:
        found = asked.find(kind, number)
    except GatewayAway:
        if known is None:
            raise
        return known
    keep(found)
    return found
