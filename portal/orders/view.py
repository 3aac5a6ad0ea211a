"""The one public JSON of an order: the gateway serves it, webhooks carry it, replays rebuild it, rows keep it."""
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from portal import reference, webhooks
from portal.core import ids, site
from portal.core.clock import rfc3339
from portal.core.money import text_of
from portal.orders import destinations, kept_names, payment_links
from portal.orders.directions import rules_of
from portal.orders.facts import PREFIXES, OrderFacts
from portal.orders.states import FailureCode, Status
from portal.requisites.models import Requisite

RATE_DIGITS_MIN = 6
FAILURES = {
    FailureCode.NO_REQUISITE: "Nobody could take this payment in time.",
    FailureCode.LIMITS_REACHED: "Everybody who could take this payment has reached a limit.",
    FailureCode.EXPOSURE_REACHED: "As much as may be open or in dispute at once is reached.",
    FailureCode.NO_COLLATERAL: "Nobody had enough collateral for this payment.",
    FailureCode.REFUSED: "The payment was refused.",
    FailureCode.MATCHING_ERROR: "The desk could not process this payment.",
}
MOMENTS = ("created_at", "expires_at", "assigned_at", "paid_at", "confirmed_at", "completed_at", "ended_at")
SHOWN = frozenset({Status.ASSIGNED, Status.PAID})

def payment_url(order_id: str) -> str:
    """Where its customer pays, by the public id."""
    return site.url() + payment_links.path_of(ids.parse_any(tuple(PREFIXES.values()), order_id))


webhooks.links_by(payment_url)

def public(order: OrderFacts, requisite: dict[str, Any] | None = None) -> dict[str, Any]:
    """The order as it is now. `requisite` comes from `requisite_of`, and only while it is to be seen.

    The first answer, and every replay of it, is `public(row.as_created(order))`.
    """
    where = (_to_be_paid(order, requisite, site.url() + payment_links.path_of(order.id))
             if rules_of(order).has_payment_page else {"destination": destinations.shown(order)})
    return _around(order, where)


def kept(order: OrderFacts, requisite: dict[str, Any] | None = None) -> dict[str, Any]:
    """The same for a row, without link and names (see `webhooks.payload`): no seal is opened for it."""
    return _around(order, kept_where(order, requisite))


def kept_where(order: OrderFacts, requisite: dict[str, Any] | None = None) -> dict[str, Any]:
    """The part in which a row differs from what is told. `requisite`: its holder by `kept_names`."""
    if rules_of(order).has_payment_page:
        return _to_be_paid(order, requisite, None)
    return {"destination": destinations.masked(order, kept_names.of_recipient(order))}


def _around(order: OrderFacts, where: dict[str, Any]) -> dict[str, Any]:
    paid_in, settled_in, received, rules = (
        order.currency, order.settlement_currency, order.amount_received_minor, rules_of(order))
    settlement, fee = order.settlement.minor, order.fee.minor
    due = {"net": settlement - fee} if rules.flow > 0 else {"total": settlement + fee}
    return {
        "id": ids.public(rules.prefix, order.id), "object": order.direction,
        "status": order.status, "external_id": order.external_id, "amount": text_of(order.amount_minor, paid_in),
        "amount_to_pay": text_of(order.amount_to_pay_minor, paid_in), "currency": paid_in,
        "settlement": {"currency": settled_in, "amount": text_of(settlement, settled_in),
                       "fee": text_of(fee, settled_in),
                       **{name: text_of(minor, settled_in) for name, minor in due.items()},
                       **_rate(order.rate, order.rate_at)},
        **where,
        "customer": None if order.customer_id is None else {"id": order.customer_id},
        "metadata": dict(sorted(order.meta.items())), "description": order.description,
        "return_url": order.return_url,
        "amount_received": None if received is None else text_of(received, paid_in),
        "exactness": order.exactness, "late": order.late, "failure": _failure(order.failure_code), "live": order.live,
        "version": order.version, "events": [{"type": type, "at": at} for type, at in order.steps],
        **{name: rfc3339(getattr(order, name)) for name in MOMENTS},
    }


def _to_be_paid(order: OrderFacts, requisite: dict[str, Any] | None, link: str | None) -> dict[str, Any]:
    return {"method": order.method, "bank": order.bank, "payment_url": link,
            "requisite": requisite if order.status in SHOWN else None}


def requisite_of(requisite: Requisite, *, holder: str | dict[str, str], number: str | None = None) -> dict[str, Any]:
    """Where to pay; masked unless `number` is given in full. `holder`: the name, or for a row who keeps it."""
    return where_to_pay(requisite.method, requisite.bank, number or requisite.mask, holder)


def where_to_pay(method: str, bank_code: str | None, number: str, holder: str | dict[str, str]) -> dict[str, Any]:
    """The same for a row that was read without its object; `number` masked, or in full."""
    bank = reference.snapshot().banks.get(bank_code) if bank_code else None
    return {"method": method, "bank": {"code": bank.code, "name": bank.name} if bank else None, "number": number,
            "holder": holder}


@lru_cache(256)
def _rate(rate: Decimal, at: datetime) -> dict[str, str | None]:
    """The same for every order until the rate changes."""
    return {"rate": rate_text(rate), "rate_at": rfc3339(at)}


def rate_text(rate: Decimal) -> str:
    """Six digits after the point, more where the rate has them."""
    whole, _, fraction = f"{rate:f}".partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(RATE_DIGITS_MIN, '0')}"


def _failure(code: str | None) -> dict[str, str] | None:
    return None if code is None else {"code": code, "message": FAILURES[FailureCode(code)]}
