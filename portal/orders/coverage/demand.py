"""What is asked for, by the hour: counted once an hour is over, so that no page looks through orders."""
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal.core import clock
from portal.core.money import EXPONENTS
from portal.orders.coverage.bands import OF_AMOUNT
from portal.orders.coverage.models import DemandHour
from portal.orders.states import Direction

HOUR = timedelta(hours=1)
SETTLED = timedelta(minutes=10)  # after it, no order of the hour looks for its first requisite any more
DAYS = 7
AT_ONCE = 24  # hours that one run makes up for
COUNT = text(f"""
    INSERT INTO demand_hours (hour, direction, currency, method, band, bank, asked, served, asked_minor)
    SELECT :hour, o.direction, o.currency, o.method, {OF_AMOUNT.format(amount="o.amount_minor", unit="u.unit")} AS band,
           coalesce(o.bank, ''), count(*),
           count(*) FILTER (WHERE EXISTS (SELECT FROM assignments a WHERE a.order_id = o.id)), sum(o.amount_minor)
      FROM orders o JOIN unnest(CAST(:currencies AS text[]), CAST(:units AS bigint[])) AS u (currency, unit)
        ON u.currency = o.currency
     WHERE o.created_at >= :hour AND o.created_at < :until AND o.live
     GROUP BY 2, 3, 4, 5, 6
    ON CONFLICT (hour, direction, currency, method, band, bank)
    DO UPDATE SET asked = excluded.asked, served = excluded.served, asked_minor = excluded.asked_minor""")
FORGET = text("DELETE FROM demand_hours WHERE hour < :before")
EXPECTED = text("""
    SELECT currency, method, band, bank, coalesce(sum(asked) FILTER (WHERE hour <> :last), 0),
           coalesce(sum(asked) FILTER (WHERE hour = :last), 0), coalesce(sum(served) FILTER (WHERE hour = :last), 0)
      FROM demand_hours
     WHERE (hour = :last OR hour = ANY (CAST(:alike AS timestamptz[]))) AND direction = :direction
     GROUP BY currency, method, band, bank""")


class Asked(NamedTuple):
    """`alike`: orders made in this hour of the day over a week. `lately`, `served`: in the hour before.

    `bank`: which they named, empty where they named none.
    """

    currency: str
    method: str
    band: int
    bank: str
    alike: int
    lately: int
    served: int


def count(session: Session) -> None:
    """The hours that are over and not counted yet, the newest first, a bounded number; what is older is forgotten."""
    newest = _begin_of(clock.now() - SETTLED) - HOUR
    wanted = [newest - HOUR * back for back in range(DAYS * 24 + 24)]
    known = set(session.scalars(select(DemandHour.hour).where(DemandHour.hour >= wanted[-1]).distinct()))
    missing = [hour for hour in wanted if hour not in known or hour == newest][:AT_ONCE]
    for hour in missing:
        session.execute(COUNT, {"hour": hour, "until": hour + HOUR, "currencies": list(EXPONENTS),
                                "units": [10**exponent for exponent in EXPONENTS.values()]})
    session.execute(FORGET, {"before": wanted[-1] - timedelta(days=30)})


def now(session: Session, direction: Direction) -> Sequence[Asked]:
    """What is asked for about now: the hour before, and this hour of the last days."""
    last = _begin_of(clock.now() - SETTLED) - HOUR
    this = _begin_of(clock.now())
    rows = session.execute(EXPECTED, {"last": last, "direction": direction,
                                      "alike": [this - timedelta(days=back) for back in range(1, DAYS + 1)]})
    return [Asked(*row) for row in rows]


def _begin_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
