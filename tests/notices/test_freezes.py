"""A trader hears what staff do with a requisite of his: that its bank froze it, that the desk blocked it."""
import pytest
from flask import Flask
from sqlalchemy import select

from portal.disputes import frozen as disputes_frozen
from portal.notices import words
from portal.notices.models import Happening
from portal.orders import frozen as orders_frozen
from portal.requisites import service as requisites
from portal.requisites.commands import MoveRequisite
from portal.requisites.freezing import FreezeRequisite
from portal.requisites.models import Requisite
from tests import factories as f
from tests import people
from tests.notices.test_sources import Company, told


@pytest.fixture
def company(app: Flask) -> Company:
    return Company()


def its_card(company: Company) -> str:
    with f.look() as session:
        return session.scalars(select(Requisite).where(
            Requisite.trader_id == company.trader.trader_id)).one().public_id


def test_a_trader_is_told_that_staff_froze_his_requisite_and_that_they_gave_it_back(app, company):
    """He heard of neither: his requisite got no orders, or stood there paused, and nobody said so."""
    page, admin = people.seat(app, company.trader), f.staff("admin")
    card = its_card(company)
    froze = FreezeRequisite(requisite_id=card, reason="Asked by the bank", stuck="99.50")
    thawed = MoveRequisite(requisite_id=card, reason="A word among staff")
    with f.act() as session:
        disputes_frozen.freeze(session, admin, froze)
    assert told(company.trader) == ["requisite.frozen"]
    assert told(company.owner) == []
    listed = page.get("/notices").text
    assert "Stuck there: 99.50 RUB. Asked by the bank" in listed
    with f.look() as session:
        said = session.scalars(select(Happening).where(
            Happening.event == "requisite.frozen", Happening.audience_id == company.trader.trader_id)).one()
    assert words.of(said.event, said.facts, locale="en", role="trader").path == f"/trader/requisites/{card}"
    with f.act() as session:
        orders_frozen.thaw(session, admin, thawed)
    assert told(company.trader) == ["requisite.given_back"]
    assert "requisite.given_back" not in told(company.support)
    listed = page.get("/notices").text
    assert "It is switched off. Switch it on when it should take orders again." in listed
    assert "A word among staff" not in listed, "what staff give as their reason is for the audit"


def test_a_trader_is_not_told_of_his_own_freeze_and_hears_where_the_desks_block_stays(app, company):
    colleague = people.person("trader", trader_id=company.trader.trader_id)
    card = its_card(company)
    moved = MoveRequisite(requisite_id=card, reason="It took from who it should not")
    with f.act() as session:
        requisites.block(session, f.staff("admin"), moved)
    assert told(company.trader) == ["requisite.blocked"]
    with f.act() as session:
        disputes_frozen.freeze(session, company.trader.actor, FreezeRequisite(requisite_id=card, reason="115-FZ"))
    assert told(company.trader) == []
    assert "requisite.frozen" in told(company.support)
    assert told(colleague) == ["requisite.blocked", "requisite.frozen"]
    with f.act() as session:
        orders_frozen.thaw(session, f.staff("admin"), moved)
    assert told(company.trader) == ["requisite.given_back"]
    listed = people.seat(app, company.trader).get("/notices").text
    assert "It stays blocked, as the desk had blocked it before." in listed


def test_a_trader_is_told_that_the_desk_blocked_his_requisite_and_gave_it_back(app, company):
    page, admin, moved = people.seat(app, company.trader), f.staff("admin"), MoveRequisite(
        requisite_id=its_card(company), reason="A word among staff")
    with f.act() as session:
        requisites.block(session, admin, moved)
    assert told(company.trader) == ["requisite.blocked"]
    assert "It takes no new orders. Open ones go on. Ask support why." in page.get("/notices").text
    with f.act() as session:
        requisites.unblock(session, admin, moved)
    assert told(company.trader) == ["requisite.given_back"]
    assert told(company.owner) == told(company.support) == []
    assert "A word among staff" not in page.get("/notices").text
