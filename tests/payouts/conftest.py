"""A store that can pay out, two people of its merchant, and files as they send them."""
import io
import re
from collections.abc import Callable, Iterable
from secrets import token_hex

import pytest
from flask import Flask

from portal import ledger
from portal.requisites import robots
from tests import factories as f
from tests import people

HEAD = ("external id", "amount", "currency", "method", "number", "recipient")


@pytest.fixture
def cast(app: Flask) -> f.Cast:
    cast = f.new_cast()
    cast.requisite(payout=True)
    prefund(cast, "1000.000000")
    return cast


@pytest.fixture
def owner(app: Flask, cast: f.Cast) -> people.Seat:
    return people.seat(app, people.person("merchant_owner", merchant_id=cast.merchant.id))


@pytest.fixture
def second(app: Flask, cast: f.Cast) -> people.Seat:
    """Another person of the same merchant, who may pay out."""
    return people.seat(app, people.person("merchant_finance", merchant_id=cast.merchant.id))


def prefund(cast: f.Cast, amount: str) -> None:
    f.deposit_to(ledger.store_available(cast.store.id, "USDT", True), amount)


def row(cast: f.Cast, **changes: str) -> list[str]:
    """A right row of a payout to somebody of its own."""
    cells = {"external id": f"s-{token_hex(5)}", "amount": "1 500,00", "currency": "RUB", "method": cast.method,
             "number": robots.test_number("luhn16", token_hex(8)), "recipient": "Anna Petrova"}
    assert set(changes) <= {name.replace(" ", "_") for name in cells}
    return [changes.get(name.replace(" ", "_"), text) for name, text in cells.items()]


def csv_of(rows: Iterable[list[str]], head: Iterable[str] = HEAD) -> bytes:
    return "\n".join(";".join(line) for line in [list(head), *rows]).encode()


def take_in(seat: people.Seat, cast: f.Cast, content: bytes, name: str = "salaries.csv") -> str:
    """The path of its page."""
    answer = sent(seat, cast, content, name)
    assert answer.status_code == 303, re.findall(r"field-error.*?</p>|<li><a href=.#field.*?</li>", answer.text, re.S)
    return str(answer.headers["Location"])


def sent(seat: people.Seat, cast: f.Cast, content: bytes, name: str = "salaries.csv"):
    return seat.send("/merchant/payouts/imports", {"store_id": cast.store.public_id,
                                                   "file": (io.BytesIO(content), name)},
                     content_type="multipart/form-data")


def make_all() -> None:
    f.work_off("make_payouts")


Asked = Callable[..., object]
