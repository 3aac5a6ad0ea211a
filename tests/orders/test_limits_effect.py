"""A changed limit over yesterday's orders: which of them it would have kept away, by which limit."""
from datetime import timedelta

import pytest
from sqlalchemy import text

from portal.core import clock
from portal.orders.reading import limits_effect
from portal.requisites.models import Requisite
from tests import factories as f

WIDE = {"min_minor": 1, "max_minor": 10**12, "day_max_minor": None, "day_count_max": None, "month_max_minor": None,
        "open_orders_max": 1000, "cooldown_s": 0}


@pytest.fixture
def yesterday(fresh_app):
    """Noon and after: 1000 paid, 1100 lost, 1200 open, ten minutes apart."""
    cast = f.new_cast()
    cast.requisite(cast.trader())
    f.completed_payin(cast, "1000.00")
    f.cancel(cast.key, f.assigned_payin(cast, "1100.00"))
    f.assigned_payin(cast, "1200.00")
    noon = clock.midnight_before(clock.today()) - timedelta(hours=12)
    with f.act() as session:
        session.execute(text("""
            UPDATE assignments a SET created_at = CAST(:noon AS timestamptz) + x.n * interval '10 minutes',
                   ended_at = CASE WHEN a.ended_at IS NOT NULL
                              THEN CAST(:noon AS timestamptz) + x.n * interval '10 minutes' + interval '5 minutes' END
              FROM (SELECT id, row_number() OVER (ORDER BY created_at, id) - 1 AS n FROM assignments) x
             WHERE x.id = a.id"""), {"noon": noon})
        session.execute(text("UPDATE orders SET confirmed_at = CAST(:noon AS timestamptz) + interval '5 minutes'"
                             " WHERE confirmed_at IS NOT NULL"), {"noon": noon})
    return cast


def tried(cast, **limits):
    with f.look() as session:
        requisite = session.query(Requisite).filter(Requisite.trader_id == cast.traders[0].id).one()
        return limits_effect.effect(session, requisite, WIDE | limits)


@pytest.mark.parametrize(("limits", "kept_away", "completed"), [
    ({}, {}, 0), ({"max_minor": 1050_00}, {"range": 2}, 0), ({"min_minor": 1050_00}, {"range": 1}, 1000_00),
    ({"day_max_minor": 2200_00}, {}, 0),  # what came to nothing was given back
    ({"day_max_minor": 2150_00}, {"day": 1}, 0), ({"day_count_max": 1}, {"day_count": 2}, 0),
    ({"month_max_minor": 1000_00}, {"month": 2}, 0), ({"cooldown_s": 900}, {"cooldown": 1}, 0),
    ({"open_orders_max": 1}, {}, 0)])
def test_which_it_would_have_kept_away(yesterday, limits, kept_away, completed):
    found = tried(yesterday, **limits)
    assert (found.orders, found.kept_away, found.completed_minor) == (3, kept_away, completed)


def test_a_limit_that_was_used_up_and_would_be_wider(yesterday):
    with f.act() as session:
        session.execute(text("UPDATE requisites SET day_count_max = 2"))
    assert tried(yesterday, day_count_max=3).more_room == ["day_count"]
    assert tried(yesterday, day_count_max=2).more_room == []


def test_other_days_are_not_looked_at(yesterday):
    with clock.moved(timedelta(days=1)):
        assert tried(yesterday).orders == 0
