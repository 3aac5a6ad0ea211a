"""Traders with instruments on a payment rail of their own, so that other tests' requisites are never in the way."""
import pytest

from portal import approvals, reference
from portal.approvals import DecideApproval
from portal.core import crypto
from portal.core.access import TEMPLATES, Actor, ActorKind, Role
from portal.core.db import transaction
from portal.core.ids import new_id
from portal.parties.models import Trader
from portal.parties.traders import key_place
from portal.reference.models import Method
from portal.requisites import robots, service
from portal.requisites.commands import AddRequisite


def staff(template: str = "admin") -> Actor:
    return Actor(kind=ActorKind.USER, id=new_id(), role=Role.ADMIN, name=f"{template}@quittance.example",
                 permissions=TEMPLATES[template])


def as_trader(trader: Trader) -> Actor:
    return Actor(kind=ActorKind.USER, id=new_id(), role=Role.TRADER, name="trader@quittance.example",
                 trader_id=trader.id, permissions=TEMPLATES["trader"])


@pytest.fixture
def method(app) -> str:
    code = f"m{new_id().hex[-12:]}"
    with transaction() as session:
        session.add(Method(code=code, name="Test rail", number_label="Card number", validator="luhn16"))
    reference.forget()
    return code


@pytest.fixture
def new_trader(app):
    def make(**facts) -> Trader:
        id = new_id()
        with transaction() as session:
            made = Trader(**({"id": id, "name": "Trader", "status": "active", "on_shift": True,
                              "settlement_currency": "USDT",
                              "data_key": crypto.new_data_key(key_place(id))} | facts))
            session.add(made)
        return made

    return make


@pytest.fixture
def trader(new_trader) -> Trader:
    return new_trader()


@pytest.fixture
def asked(method):
    """What a trader types, with a card nobody else has."""
    def make(**typed) -> AddRequisite:
        return AddRequisite(**({
            "method": method, "bank": "alfa", "currency": "RUB", "holder": f"Holder {new_id().hex}",
            "number": robots.test_number("luhn16", new_id().hex), "min_amount": "100.00",
            "max_amount": "50000.00"} | typed))

    return make


@pytest.fixture
def pending(trader, asked):
    def make(of: Trader | None = None, **typed):
        with transaction() as session:
            return service.add(session, as_trader(of or trader), asked(**typed))

    return make


@pytest.fixture
def active(pending):
    def make(of: Trader | None = None, **typed):
        requisite = pending(of, **typed)
        decide(requisite, "approve")
        return requisite

    return make


def decide(requisite, decision: str, by: Actor | None = None):
    with transaction() as session:
        approval = session.query(approvals.Approval).filter_by(
            target_id=str(requisite.id), state="pending").order_by(approvals.Approval.created_at.desc()).first()
        return approvals.decide(session, by or staff(), DecideApproval(
            approval_id=approval.public_id, decision=decision, reason="Checked"))
