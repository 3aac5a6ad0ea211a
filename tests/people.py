"""A cast of people, and the browsers they sit at."""
import contextvars
import secrets
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

import pyotp
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer

from portal.core import clock
from portal.core.access import SYSTEM, TEMPLATES, Actor
from portal.core.db import transaction
from portal.core.ids import new_id
from portal.parties import merchants, passwords, second_factor, sessions, stores, traders, users
from portal.parties.commands import CreateMerchant, CreateStore, CreateTrader, MoveMerchant, MoveTrader
from portal.parties.models import Store, User, UserPermission
from portal.web.sessions import first_values

PASSWORD = "a sentence that nobody guesses"
SETTLEMENT = "USDT"


class Browser(FlaskClient):
    """Each request in a context of its own: within a test's app context Flask would share `g`, and with it the user."""

    def open(self, *args: Any, **more: Any) -> Any:
        return contextvars.Context().run(super().open, *args, **more)


@dataclass(frozen=True)
class Person:
    id: UUID
    email: str
    actor: Actor
    merchant_id: UUID | None = None
    trader_id: UUID | None = None


class Seat(Browser):
    """A browser with somebody signed in; `token` is what its forms carry."""

    token = ""
    sid = ""

    def send(self, path: str, form: dict[str, Any] | None = None, **more: Any) -> Any:
        """POST a form as the page would, with the password that some acts ask for on the way."""
        return self.post(path, data={"csrf_token": self.token, "proof_password": PASSWORD, **(form or {})}, **more)

    def take(self, path: str) -> Any:
        """GET what asks for the password on the way, as a file with customers' names does."""
        answer = self.get(path)
        if answer.status_code != 428:
            return answer
        assert self.send("/step-up", {"reading": path}).location == path
        return self.get(path)


def seat(app: Flask, person: Person) -> Seat:
    """Signed in without the cost of a password."""
    values = {**first_values(), "_user_id": str(person.id)}
    with transaction() as session:
        sid = sessions.begin(session, person.id, address="127.0.0.1", user_agent="tests", values=values)
    browser = Seat(app, use_cookies=True)
    browser.set_cookie("sid", sid)
    browser.sid = sid
    browser.token = csrf_token(app, values["csrf_token"])
    return browser


def with_factor(person: Person) -> str:
    """They have an authenticator app from now on, and no session. Returns its seed."""
    seed = second_factor.new_seed()
    with transaction() as session:
        second_factor.add_app(session, person.actor, seed=seed, code=pyotp.TOTP(seed).at(clock.now()),
                              session_id=new_id())
    return seed


def stranger(app: Flask) -> Seat:
    """A browser of nobody, with the token of an anonymous page."""
    browser = Seat(app, use_cookies=True)
    browser.token = csrf_of(browser.get("/login"))
    assert browser.token
    return browser


def csrf_of(page: Any) -> str:
    """What the forms of this page carry."""
    return str(page.get_data(as_text=True).partition('name="csrf-token" content="')[2].partition('"')[0])


def csrf_token(app: Flask, kept: str) -> str:
    signer = URLSafeTimedSerializer(str(app.config["SECRET_KEY"]), salt="wtf-csrf-token")
    return str(signer.dumps(kept))


def person(template: str, *, merchant_id: UUID | None = None, trader_id: UUID | None = None) -> Person:
    """Somebody of a kind, of a company of their own unless one is named."""
    role = users.ROLES.get(template)
    if role is None and merchant_id is None:
        merchant_id = merchant()
    if template == "trader" and trader_id is None:
        trader_id = trader()
    with transaction() as session:
        user = User(email=f"{template}-{secrets.token_hex(4)}@example.test", name=f"A {template}",
                    password_hash=_hash(), role=role or "merchant", merchant_id=merchant_id, trader_id=trader_id,
                    permissions=[UserPermission(permission=name) for name in TEMPLATES[template]])
        session.add(user)
        session.flush()
        return Person(user.id, user.email, users.actor_of(user), merchant_id, trader_id)


def merchant() -> UUID:
    """An active one."""
    with transaction() as session:
        made = merchants.create(session, SYSTEM, CreateMerchant(name=f"Merchant {secrets.token_hex(4)}"))
        merchants.move(session, SYSTEM, MoveMerchant(merchant_id=made.id, status="active", reason="test"))
        return made.id


def store(merchant_id: UUID) -> Store:
    """A shop that takes nothing yet."""
    with transaction() as session:
        return stores.create(session, SYSTEM, CreateStore(
            merchant_id=merchant_id, slug=f"shop-{secrets.token_hex(4)}", name="A shop",
            settlement_currency=SETTLEMENT))


def trader(*, active: bool = True) -> UUID:
    with transaction() as session:
        made = traders.create(session, SYSTEM, CreateTrader(
            name=f"Trader {secrets.token_hex(4)}", settlement_currency=SETTLEMENT))
        if active:
            traders.move(session, SYSTEM, MoveTrader(trader_id=made.id, status="active", reason="test"))
        return made.id


@cache
def _hash() -> str:
    return passwords.hashed(PASSWORD)
