"""How a rate moved over a day, a week, a month, a year, or days chosen: bounded, found by the index, as numbers too."""
import re
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from portal.core import clock
from portal.core.date_range import Days
from portal.core.db import reader, transaction
from portal.core.errors import Invalid
from portal.reference import rate_history
from portal.reference.models import Rate
from portal.reference.rate_history import POINTS_MAX, Period
from portal.web.rate_line import drawn
from tests import people
from tests.statements import heard

PAIR = ("BYN", "BTC")  # nobody else's in the tests
URL = "/admin/rates/BYN-BTC"
# A feed that asked every quarter of an hour for 30 days, and every six hours in the year before: up and down.
FILL = text("""
    INSERT INTO rates (id, base, quote, rate, source, at)
    SELECT gen_random_uuid(), 'BYN', 'BTC', 1 + (g * 7919 % 1000) / 1000.0, 'a feed', :now - CASE
           WHEN g < 2880 THEN g * interval '15 minutes' ELSE interval '30 days' + (g - 2880) * interval '6 hours' END
      FROM generate_series(0, 4319) g""")


@pytest.fixture
def now(app: Flask) -> datetime:
    """Of the newest of the rates."""
    newest = select(func.max(Rate.at)).where(Rate.base == PAIR[0], Rate.quote == PAIR[1])
    with transaction() as session:
        if session.scalar(newest) is None:
            session.execute(FILL, {"now": clock.now() - timedelta(seconds=1)})
        return session.scalars(newest).one()


def rows(period: Period) -> list[Rate]:
    return [*reader().scalars(select(Rate).where(
        Rate.base == PAIR[0], Rate.quote == PAIR[1], Rate.at >= period.since, Rate.at < period.until)
        .order_by(Rate.at))]


@pytest.mark.parametrize("span", rate_history.SPANS)
def test_the_points_say_what_the_rows_say(span: str, now: datetime) -> None:
    period = Period.of_span(span)
    found, all_rows = rate_history.history(reader(), *PAIR, period), rows(period)
    assert 90 <= len(found.points) <= POINTS_MAX
    assert sum(point.changes for point in found.points) == len(all_rows)
    assert (found.points[-1].at, found.points[-1].rate) == (all_rows[-1].at, all_rows[-1].rate)
    assert (found.lowest, found.highest) == (
        min([*(row.rate for row in all_rows), found.before.rate]),
        max([*(row.rate for row in all_rows), found.before.rate]))
    begin = period.since
    for point in found.points:  # each is the last of its own stretch, with the bounds of just that
        width = period.step
        begin += ((point.at - begin) // width) * width
        own = [row for row in all_rows if begin <= row.at < begin + width]
        assert (point.rate, point.lowest, point.highest, point.changes) == (
            own[-1].rate, min(row.rate for row in own), max(row.rate for row in own), len(own))


def test_days_chosen_are_the_operators_with_both_ends(now: datetime) -> None:
    first, last = clock.today() - timedelta(days=45), clock.today() - timedelta(days=36)
    found = rate_history.history(reader(), *PAIR, Period.of_days(Days(first, last)))
    assert sum(point.changes for point in found.points) == 10 * 4
    assert found.points[0].at >= clock.midnight_before(first)
    assert found.points[-1].at < clock.midnight_after(last)
    assert found.before.at < clock.midnight_before(first)


def test_a_day_that_is_not_over_ends_now(now: datetime) -> None:
    assert Period.of_days(Days(clock.today(), clock.today())).until <= clock.now()


@pytest.mark.parametrize(("first", "last"), [(1, 2), (-3, -5), (-rate_history.DAYS_MAX - 1, 0), (1, None)])
def test_days_that_are_no_period(first: int, last: int | None) -> None:
    day = clock.today()
    with pytest.raises(Invalid):
        Period.of_days(Days(day + timedelta(days=first), None if last is None else day + timedelta(days=last)))


def test_what_is_drawn_lies_within_the_drawing(now: datetime) -> None:
    drawing = drawn(rate_history.history(reader(), *PAIR, Period.of_span("month")))
    corners = [tuple(map(int, corner.split(","))) for corner in drawing.line.split()]
    assert corners == sorted(corners, key=lambda corner: corner[0])
    assert (corners[0][0], corners[-1][0]) == (0, 600)
    heights = [*(y for _, y in corners), *map(int, re.findall(r"[ V](\d+)", drawing.moves))]
    assert (min(heights), max(heights)) == (6, 114)  # the highest and the lowest touch its edges


def test_a_rate_that_stood_still_is_a_line(now: datetime) -> None:
    found = rate_history.history(reader(), *PAIR, Period(now - timedelta(minutes=14), now - timedelta(minutes=2)))
    assert found.points == []
    assert drawn(found).line == "0,60 600,60"
    assert drawn(rate_history.history(reader(), *PAIR, Period(now - timedelta(900), now - timedelta(800)))) is None


def test_a_year_is_found_by_the_index(now: datetime) -> None:
    sent: list[tuple[str, object]] = []
    with transaction() as session:
        session.execute(text("ANALYZE rates"))
        with heard(lambda statement, parameters: sent.append((statement, parameters))):
            rate_history.history(session, *PAIR, Period.of_span("week"))
        assert len(sent) == 3
        for statement, parameters in sent:
            plan = "\n".join(session.connection().exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars())
            assert "ix_rates_pair" in plan, plan
            assert "Seq Scan" not in plan, plan


def test_the_page_shows_the_numbers_too(admin: people.Seat, now: datetime) -> None:
    for asked in ("span=day", "span=week", "span=month", "span=year",
                  f"day_from={clock.today() - timedelta(days=3)}&day_to={clock.today()}"):
        page = admin.get(f"{URL}?{asked}").get_data(as_text=True)
        assert page.count("<polyline") == 1, asked
        in_numbers = page[page.index('id="numbers"'):].partition("</table>")[0]
        assert 90 <= in_numbers.count('<th scope="row">') <= POINTS_MAX, asked
        assert page.count('id="rate-') == rate_history.LATEST
    highest = max(row.rate for row in rows(Period.of_span("year")))
    assert f"{highest.normalize():f}" == "1.999"
    assert "1.999" in admin.get(f"{URL}?span=year").get_data(as_text=True)


@pytest.mark.parametrize(("asked", "status"), [
    ("span=decade", 404), ("day_from=yesterday", 200), ("day_from=2026-02-30", 200), ("day_from=2199-01-01", 200),
    ("day_from=2000-01-01", 200), ("day_from=2026-05-02&day_to=2026-05-01", 200)])
def test_what_is_no_period_is_said_beside_the_last_day(admin: people.Seat, now: datetime, asked: str,
                                                       status: int) -> None:
    answer = admin.get(f"{URL}?{asked}")
    assert answer.status_code == status
    if status == 200:
        page = answer.get_data(as_text=True)
        assert 'aria-invalid="true"' in page
        assert "<polyline" in page


def test_a_quiet_period_says_since_when_the_rate_counted(admin: people.Seat, now: datetime) -> None:
    day = (clock.now() - timedelta(days=400)).date()
    answer = admin.get(f"{URL}?day_from={day - timedelta(days=30)}&day_to={day - timedelta(days=20)}")
    assert "There was no rate of this pair yet." in answer.get_data(as_text=True)
    assert reader().scalar(select(func.min(Rate.rate)).where(Rate.base == PAIR[0])) == Decimal(1)
