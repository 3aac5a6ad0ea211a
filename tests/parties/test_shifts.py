"""A trader begins and ends a shift, or is told why not."""
import pytest
from flask import Flask
from sqlalchemy import select

from portal.core.access import SYSTEM
from portal.core.audit import AuditRow
from portal.core.db import reader, transaction
from portal.core.errors import NotFound
from portal.core.jobs import Job
from portal.parties import traders
from portal.parties.commands import MoveTrader
from portal.parties.models import Shift, Trader
from tests import people


def test_a_shift_begins_and_ends(app: Flask) -> None:
    me = people.person("trader")
    with transaction() as session:
        assert traders.begin_shift(session, me.actor, me.trader_id).on_shift
    promised = select(Job.id).where(Job.kind == "rebuild_lanes", Job.reference == me.trader_id)
    assert reader().scalars(promised).one()
    with transaction() as session:
        assert not traders.end_shift(session, me.actor, me.trader_id).on_shift
    shift = reader().scalars(select(Shift).where(Shift.trader_id == me.trader_id)).one()
    assert (shift.ended_because, shift.ended_at is not None) == ("asked", True)
    told = reader().scalars(select(AuditRow.action).where(AuditRow.target_id == str(me.trader_id))
                            .order_by(AuditRow.id)).all()
    assert told[-2:] == ["shift.begun", "shift.ended"]


def test_twice_is_once(app: Flask) -> None:
    me = people.person("trader")
    for act in (traders.begin_shift, traders.begin_shift):
        with transaction() as session:
            act(session, me.actor, me.trader_id)
    assert len(reader().scalars(select(Shift).where(Shift.trader_id == me.trader_id)).all()) == 1


def test_who_is_not_approved_is_told_why(app: Flask) -> None:
    trader_id = people.trader(active=False)
    with pytest.raises(traders.CannotBeginShift, match="approved"), transaction() as session:
        traders.begin_shift(session, SYSTEM, trader_id)


def test_suspending_ends_the_shift(app: Flask) -> None:
    me = people.person("trader")
    with transaction() as session:
        traders.begin_shift(session, me.actor, me.trader_id)
    with transaction() as session:
        traders.move(session, SYSTEM, MoveTrader(trader_id=me.trader_id, status="suspended", reason="test"))
    assert not reader().get_one(Trader, me.trader_id).on_shift
    with pytest.raises(traders.CannotBeginShift, match="suspended"), transaction() as session:
        traders.begin_shift(session, me.actor, me.trader_id)


def test_another_traders_shift_does_not_exist(app: Flask) -> None:
    me, other = people.person("trader"), people.trader()
    with pytest.raises(NotFound), transaction() as session:
        traders.begin_shift(session, me.actor, other)
