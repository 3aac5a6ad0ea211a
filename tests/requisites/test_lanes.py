"""Lanes: who stands on which, in what turn, and that a rebuild disturbs nobody else."""
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from portal.core.db import db, reader, transaction
from portal.core.jobs import Job
from portal.core.money import MINOR_MAX
from portal.parties.models import Trader
from portal.requisites import lanes, service
from portal.requisites.commands import MoveRequisite
from portal.requisites.models import Lane, LaneMember, Requisite
from tests.requisites.conftest import as_trader

LAP = 2**62


def places(requisite) -> list[tuple[str, int, int, int]]:
    """(direction, tier, band, position) in order."""
    rows = reader().execute(
        sa.select(Lane.direction, Lane.tier, Lane.band, LaneMember.position).join(Lane, Lane.id == LaneMember.lane_id)
        .where(LaneMember.requisite_id == requisite.id).order_by(Lane.direction, Lane.band, LaneMember.position))
    return [tuple(row) for row in rows]


def bands(requisite) -> set[int]:
    return {band for _, _, band, _ in places(requisite)}


@pytest.mark.parametrize("minor", [1, 2, 3, 1023, 1024, 2**53 - 1, 2**53, 2**53 + 1, 2**62 - 1, 2**62, MINOR_MAX])
def test_a_band_is_the_logarithm_rounded_down(app, minor):
    assert reader().execute(sa.text("SELECT amount_band(:m)"), {"m": minor}).scalar() == minor.bit_length() - 1


def test_it_stands_on_every_band_some_of_whose_amounts_it_takes(active):
    requisite = active(min_amount="10.24", max_amount="81.92")  # 2^10 to 2^13
    assert bands(requisite) == {10, 11, 12, 13}


def test_only_an_approved_one_of_a_trader_on_shift_stands_anywhere(pending, active, new_trader, trader):
    assert places(pending()) == []
    assert places(active(new_trader(on_shift=False))) == []
    assert places(active(new_trader(status="suspended"))) == []
    assert places(active(new_trader(payin=False))) == []
    assert {direction for direction, *_ in places(active(trader))} == {"payin"}
    assert {direction for direction, *_ in places(active(trader, payout=True))} == {"payin", "payout"}


def test_a_weight_has_as_many_places_spread_evenly(active):
    requisite = active(weight=5)
    band = min(bands(requisite))
    points = [position for _, _, on, position in places(requisite) if on == band]
    gaps = [(after - before) % LAP for before, after in zip(points, points[1:] + points[:1], strict=True)]
    assert len(points) == 5
    assert max(gaps) - min(gaps) <= 5
    assert all(1 <= point <= LAP for point in points)


def test_pausing_takes_it_off_and_resuming_puts_it_back_where_it_was(active, trader):
    requisite, neighbour = active(), active()
    before, untouched = places(requisite), places(neighbour)
    with transaction() as session:
        service.pause(session, as_trader(trader), MoveRequisite(requisite_id=requisite.public_id))
    assert places(requisite) == []
    with transaction() as session:
        service.resume(session, as_trader(trader), MoveRequisite(requisite_id=requisite.public_id))
    assert places(requisite) == before
    assert places(neighbour) == untouched


def test_shift_and_tier_move_everything_of_a_trader(active, trader):
    mine = [active(), active()]

    def rebuilt(**facts):
        with transaction() as session:
            session.execute(sa.update(Trader).where(Trader.id == trader.id).values(**facts))
            lanes.rebuild_for_jobs(session, [Job(kind="rebuild_lanes", reference=trader.id)])

    rebuilt(on_shift=False)
    assert [places(requisite) for requisite in mine] == [[], []]
    rebuilt(on_shift=True, tier=3)
    assert {tier for requisite in mine for _, tier, _, _ in places(requisite)} == {3}


def test_a_rebuild_of_what_did_not_change_writes_nothing(active):
    requisite = active(weight=3)
    with transaction() as session:
        assert lanes.rebuild(session, [requisite.id]) == 0


def test_every_lane_has_a_cursor_that_the_application_may_move(active, method):
    active()
    with transaction() as session:
        ids = session.scalars(sa.select(Lane.id).where(Lane.method == method)).all()
        assert ids
        for id in ids:
            cursor = f"lane_cursor_{id}"
            assert session.scalar(sa.text("SELECT pg_sequence_last_value(CAST(:c AS regclass))"), {"c": cursor}) is None
            session.execute(sa.text("SELECT setval(CAST(:c AS regclass), :p)"), {"c": cursor, "p": LAP})
            assert session.scalar(sa.text("SELECT pg_sequence_last_value(CAST(:c AS regclass))"), {"c": cursor}) == LAP


def test_a_lap_gives_everybody_their_weight(active, method):
    weights = {active(weight=weight).id: weight for weight in (1, 1, 2, 3)}
    lane = reader().scalars(sa.select(Lane.id).where(Lane.method == method, Lane.band == 20)).one()
    lap = reader().scalars(sa.select(LaneMember.requisite_id).where(LaneMember.lane_id == lane)
                           .order_by(LaneMember.position)).all()
    assert Counter(lap) == weights


def test_many_at_once_leave_what_one_would_have(app, active, trader, worker_app):
    requisites = [active(payout=True, weight=2) for _ in range(3)]
    wanted = [places(requisite) for requisite in requisites]
    with transaction() as session:
        session.execute(sa.delete(LaneMember).where(LaneMember.requisite_id.in_([r.id for r in requisites])))

    def once(_: int) -> None:
        with worker_app.app_context():
            with transaction() as session:
                lanes.rebuild(session, [requisite.id for requisite in requisites])
            db.session.remove()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(once, range(12)))
    assert [places(requisite) for requisite in requisites] == wanted


def test_the_last_word_is_the_newest(app, active, worker_app):
    """Two rebuilds with a pause between them: the later sees the pause, whoever commits first."""
    requisite = active()
    with transaction() as session:
        lanes.rebuild(session, [requisite.id])
        with ThreadPoolExecutor(1) as pool:
            def paused() -> None:
                with worker_app.app_context():
                    with transaction() as other:
                        other.execute(sa.update(Requisite).where(Requisite.id == requisite.id).values(status="paused"))
                        lanes.rebuild(other, [requisite.id])
                    db.session.remove()

            running = pool.submit(paused)
            session.commit()
            running.result()
    assert places(requisite) == []
