"""A form may ask for what its command names and for nothing else: more fields are refused or without effect."""
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal import ledger
from portal.core.access import TEMPLATES
from portal.core.db import reader
from portal.orders import payment_links
from portal.orders.models import Order
from portal.parties.models import Merchant, Store, Trader, User
from tests import people
from tests.factories import Cast, assignment_of, fresh, new_cast, paid_payin
from tests.house.test_access import doors

EXTRA = {
    "role": "admin", "permissions": "user:manage", "active": "no", "email": "me@evil.example", "password_hash": "x",
    "balance": "1000000", "available_minor": "1000000", "fee": "0", "fee_minor": "0", "rate": "1", "reward_minor": "9",
    "amount": "1.00", "amount_minor": "1", "settlement_minor": "1", "status": "completed", "state": "chosen",
    "version": "99", "live": "", "tier": "9", "open_orders_max": "9999", "robot": "yes", "settlement_currency": "RUB",
    "store_id": "01a205a4-f323-858a-ec5b-3908726fa36b", "merchant_id": "01a205a4-f323-858a-ec5b-3908726fa36b",
    "trader_id": "01a205a4-f323-858a-ec5b-3908726fa36b", "actor_id": "01a205a4-f323-858a-ec5b-3908726fa36b",
}


@pytest.fixture
def cast(app: Flask) -> Cast:
    return new_cast()


def acts(app: Flask) -> Iterator[tuple[str, str, str]]:
    """(url, endpoint, template of somebody who may) of every form of the portal."""
    for door, endpoint in doors(app):
        if door.method == "POST" and not endpoint.startswith(("gateway", "auth")):
            yield door.url, endpoint, next((name for name in TEMPLATES if name in door.who), "stranger")


def facts(*rows: Any) -> list[dict[str, Any]]:
    """What no form of an order's life may change."""
    kept = {
        Order: ("store_id", "amount_minor", "amount_to_pay_minor", "settlement_minor", "settlement_currency",
                "fee_minor", "rate", "live", "direction", "external_id"),
        Trader: ("tier", "status", "open_orders_max", "robot", "settlement_currency", "name"),
        Store: ("status", "merchant_id", "settlement_currency", "slug", "match_for_s"),
        Merchant: ("status", "name"),
        User: ("email", "role", "active", "password_hash", "merchant_id", "trader_id"),
    }
    return [{name: getattr(fresh(row), name) for name in kept[type(row)]} for row in rows]


@pytest.mark.timeout(900)  # every form there is, on whatever machine
def test_no_form_takes_more_than_it_names(app: Flask, cast: Cast) -> None:
    order = paid_payin(cast)
    trader = cast.traders[0]
    seats: dict[str, tuple[people.Seat, User]] = {}
    for url, endpoint, kind in acts(app):
        if kind not in seats:
            who = people.stranger(app) if kind == "stranger" else None
            person = people.person("trader" if kind == "stranger" else kind, merchant_id=cast.merchant.id
                                   if kind.startswith("merchant") else None,
                                   trader_id=trader.id if kind in ("trader", "stranger") else None)
            seats[kind] = who or people.seat(app, person), reader().get_one(User, person.id)
        seat, user = seats[kind]
        rows = (order, trader, cast.store, cast.merchant, user)
        before = facts(*rows), _may(user), _balances(cast)
        answer = seat.send(_address(url, order), {**EXTRA, "on": "yes"})
        assert answer.status_code < 500, (endpoint, answer.status_code)
        assert (facts(*rows), _may(user), _balances(cast)) == before, endpoint
        assert fresh(order).status == "paid" or not endpoint.startswith("trader"), endpoint


def test_a_confirmation_with_one_field_more_is_refused(app: Flask, cast: Cast) -> None:
    order = paid_payin(cast)
    seat = people.seat(app, people.person("trader", trader_id=assignment_of(order).trader_id))
    form = {"assignment_id": assignment_of(order).public_id, "received": "1500.00"}
    path = f"/trader/orders/{order.public_id}/confirmation"
    for name in ("fee", "status", "reward_minor", "trader_id"):
        assert seat.send(path, {**form, name: EXTRA[name]}).status_code == 422, name
    assert fresh(order).status == "paid"
    assert seat.send(path, form).status_code == 303
    assert fresh(order).status == "confirmed"


def _address(url: str, order: Order) -> str:
    known = {"order_id": order.public_id, "job_id": "999999999", "token": payment_links.token_of(order.id)}
    parts = (next((value for name, value in known.items() if name in part), f"apr_{'0' * 26}")
             if part.startswith("<") else part for part in url.split("/"))
    return "/".join(parts)


def _may(user: User) -> set[str]:
    session = reader()
    session.rollback()
    found = session.scalars(select(User).where(User.id == user.id).execution_options(populate_existing=True)).one()
    return {row.permission for row in found.permissions}


def _balances(cast: Cast) -> list[Any]:
    session = reader()
    session.rollback()
    return [ledger.balances_of(session, "store", cast.store.id, True),
            *(ledger.balances_of(session, "trader", trader.id, True) for trader in cast.traders)]
