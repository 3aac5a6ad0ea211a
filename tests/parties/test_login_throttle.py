"""Wrong passwords are counted in the database, per account and per address."""
import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask

from portal.core import clock
from portal.core.db import db, transaction
from portal.parties import login_throttle
from portal.parties.login_throttle import Guess


def try_once(email: str, address: str | None, device: str | None = None) -> bool:
    """Whether the try is let through; counted either way, as the door does."""
    refused, wait_s = False, 1
    with transaction() as session:
        try:
            login_throttle.take(session, Guess.at_the_door(email, address, device))
        except login_throttle.TooManyAttempts as error:
            refused = True
            wait_s = error.retry_after_s
    assert 1 <= wait_s <= login_throttle.WINDOW_S
    return not refused


def somebody() -> str:
    return f"{secrets.token_hex(6)}@example.test"


def some_address() -> str:
    return f"10.{secrets.randbelow(256)}.{secrets.randbelow(256)}.{secrets.randbelow(256)}"


def test_five_a_minute_for_an_account_from_one_network(app: Flask) -> None:
    email, address = somebody(), some_address()
    assert [try_once(email, address) for _ in range(7)] == [True] * 5 + [False] * 2
    with clock.moved(timedelta(seconds=61)):
        assert try_once(email, address)


def test_who_guesses_elsewhere_keeps_nobody_out(app: Flask) -> None:
    """Six wrong passwords a minute from anywhere were a lock on anybody's account."""
    email, attacker = somebody(), some_address()
    for _ in range(8):
        try_once(email, attacker)
    assert not try_once(email, attacker)
    assert try_once(email, some_address())


def test_a_browser_that_is_known_has_a_budget_of_its_own(app: Flask) -> None:
    """Even an army of addresses, and even the attacker's own address, keep the owner's browser out of nothing."""
    email, network = somebody(), some_address()
    for _ in range(login_throttle.EVERYWHERE_MAX + 1):
        try_once(email, some_address())
    assert not try_once(email, some_address())
    for _ in range(11):
        try_once(somebody(), network)
    assert [try_once(email, network, "device") for _ in range(6)] == [True] * 5 + [False]


def test_ten_a_minute_for_an_address_whoever_it_is(app: Flask) -> None:
    address = some_address()
    assert [try_once(somebody(), address) for _ in range(12)] == [True] * 10 + [False] * 2


def test_an_ipv6_customer_is_one_address(app: Flask) -> None:
    network = f"2001:db8:{secrets.randbelow(65536):x}:{secrets.randbelow(65536):x}"
    spelt = [f"{network}::{host:x}" for host in range(1, 8)] + [f"[{network}::8]:443", f"{network}:ffff::9%eth0"]
    tried = [try_once(somebody(), spelt[at % len(spelt)]) for at in range(login_throttle.ADDRESS_MAX + 2)]
    assert tried == [True] * login_throttle.ADDRESS_MAX + [False] * 2


def test_a_right_password_is_not_counted(app: Flask) -> None:
    email, address = somebody(), some_address()
    for _ in range(20):
        assert try_once(email, address)
        with transaction() as session:
            login_throttle.give_back(session, Guess.at_the_door(email, address))


def test_twenty_at_once_are_twenty(app: Flask) -> None:
    """Counted before the password is looked at: guesses that run together do not slip through."""
    email = somebody()

    def guess(number: int) -> bool:
        with app.app_context():
            try:
                return try_once(email, "10.9.8.7")
            finally:
                db.session.remove()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(guess, range(20))) == login_throttle.ACCOUNT_MAX


@pytest.mark.parametrize("address", ["203.0.113.9", "2001:db8::1", None])
def test_every_kind_of_address_is_counted(app: Flask, address: str | None) -> None:
    with transaction() as session:
        login_throttle.take(session, Guess.at_the_door(somebody(), address))
