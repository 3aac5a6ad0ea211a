"""The desk's own result: of each day, store, trader and method, fees less rewards, and what else it gained or lost.

Added up from settled facts by a job, day by day, and anew at any time with the same outcome: what was settled on a day
less what was corrected later, which counts on the day it was corrected. Every day equals what its fees accounts moved
(decision 0133). An order has one rate for its store and its trader, so that no rate makes a difference for the desk.
"""
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from portal.core import clock, ids
from portal.core.access import Actor, Permission
from portal.core.errors import Denied, FieldError, Invalid
from portal.core.jobs import Claimed
from portal.core.money import Money
from portal.parties.models import Store, Trader
from portal.reference import snapshot
from portal.treasury.result_models import ResultDay, ResultLine

KIND = "compute_results"
DAYS_MAX = 31  # computed in one run; a desk that was never added up catches up over several
SETTLED_AFTER = timedelta(minutes=10)  # longer than any transaction: by then what was posted before midnight is there
PERIOD_MAX = 366
LINES_MAX = 2_000
By = Literal["day", "store", "trader", "method"]

OPEN_DAY = text("""
    INSERT INTO result_days (day, began_at, ended_at, computed_at) VALUES (:day, :began, :ended, :now)
    ON CONFLICT (day) DO UPDATE SET computed_at = excluded.computed_at
    RETURNING began_at, ended_at""")
CLEAR = text("DELETE FROM result_lines WHERE day = :day")
# Entries are found by when they were posted (ix_journal_entries_posted_at).
FILL = text("""
    WITH entries AS MATERIALIZED (
        SELECT id, kind, reference, reverses_id FROM journal_entries
         WHERE posted_at >= :began AND posted_at < :ended AND kind !~ '_(hold|release|topup)$'
    ), facts AS (
        SELECT o.live, o.settlement_currency AS currency, o.store_id, a.trader_id, o.method, o.direction, 1 AS orders,
               o.final_settlement_minor - coalesce(n.amount, 0) AS turnover,
               o.final_fee_minor - coalesce(n.fee, 0) AS fee, o.final_reward_minor - coalesce(n.reward, 0) AS reward,
               0 AS other
          FROM entries e JOIN orders o ON o.id = e.reference
          JOIN assignments a ON a.order_id = o.id AND a.end_reason = 'settled'
          LEFT JOIN LATERAL (SELECT sum(amount_minor) AS amount, sum(fee_minor) AS fee, sum(reward_minor) AS reward
                               FROM settle_corrections WHERE order_id = o.id) n ON true
         WHERE e.kind IN ('payin_settle', 'payout_settle')
        UNION ALL
        SELECT o.live, o.settlement_currency, o.store_id, a.trader_id, o.method, o.direction, 0, n.amount_minor,
               n.fee_minor, n.reward_minor, 0
          FROM entries e JOIN settle_corrections n ON n.id = e.reference JOIN orders o ON o.id = n.order_id
          JOIN assignments a ON a.order_id = o.id AND a.end_reason = 'settled'
         WHERE e.kind = 'settle_correction'
        UNION ALL
        SELECT p.live, p.currency, CASE d.owner_kind WHEN 'store' THEN d.owner_id END,
               CASE d.owner_kind WHEN 'trader' THEN d.owner_id END, NULL, NULL, 0, 0, 0, 0,
               CASE WHEN x.id = p.credit_id THEN p.amount_minor ELSE -p.amount_minor END
          FROM entries e JOIN postings p ON p.entry_id = e.id
          JOIN accounts x ON x.owner_kind = 'platform' AND x.owner_id = '00000000-0000-0000-0000-000000000000'
           AND x.purpose = 'fees' AND x.id IN (p.debit_id, p.credit_id)
          LEFT JOIN journal_entries r ON r.id = e.reverses_id
          LEFT JOIN adjustments d ON d.approval_id = coalesce(r.reference, e.reference)
         WHERE e.kind NOT IN ('payin_settle', 'payout_settle', 'settle_correction')
    )
    INSERT INTO result_lines (day, number, live, currency, store_id, trader_id, method, direction, orders,
                              turnover_minor, fee_minor, reward_minor, other_minor)
    SELECT :day, row_number() OVER (), live, currency, store_id, trader_id, method, direction, sum(orders),
           sum(turnover), sum(fee), sum(reward), sum(other)
      FROM facts GROUP BY live, currency, store_id, trader_id, method, direction""")


@dataclass(frozen=True)
class Line:
    """What a day, store, trader or method brought, in one currency. `key` None: it is about nobody.

    `public_key`: of a store or trader, as addresses name it.
    """

    key: Any
    name: str | None
    public_key: str | None
    orders: int
    turnover: Money
    fee: Money
    reward: Money
    other: Money

    @property
    def result(self) -> Money:
        return self.fee - self.reward + self.other


@dataclass(frozen=True)
class Period:
    """Of the operator's days, both with."""

    first: date
    last: date

    @classmethod
    def of(cls, first: date | None, last: date | None) -> "Period":
        """The last thirty days where nothing is said. Raises Invalid for more than a year."""
        end = last or max(clock.today(), first or clock.today())
        period = cls(first or end - timedelta(days=29), end)
        if (period.last - period.first).days >= PERIOD_MAX:
            raise Invalid(fields=[FieldError("/day_from", "too_long", "Choose a year at most.")])
        return period


def compute(session: Session, jobs: Sequence[Claimed] = ()) -> None:
    """Add up every day that is not finished, to this moment; the newest again and again. Harmless twice."""
    day = _first_open(session)
    for _ in range(DAYS_MAX):
        if day is None or day > clock.today():
            return
        compute_day(session, day)
        day += timedelta(days=1)


def compute_day(session: Session, day: date) -> None:
    """One day anew. The day's row is locked, so that two never fill it at once."""
    before = session.scalar(select(ResultDay.ended_at).where(ResultDay.day == day - timedelta(days=1)))
    began, ended = session.execute(OPEN_DAY, {
        "day": day, "began": before or clock.midnight_before(day), "ended": clock.midnight_after(day),
        "now": clock.now()}).one()
    session.execute(CLEAR, {"day": day})
    session.execute(FILL, {"day": day, "began": began, "ended": ended})


def lines(session: Session, actor: Actor, period: Period, by: By, *, store_id: UUID | None = None,
          trader_id: UUID | None = None) -> list[Line]:
    """Live money, by currency; days newest first, the rest by what they brought. Raises Denied."""
    _check(actor)
    row = ResultLine
    key: Any = {"day": row.day, "store": row.store_id, "trader": row.trader_id, "method": row.method}[by]
    sums = [func.sum(one) for one in (row.orders, row.turnover_minor, row.fee_minor, row.reward_minor,
                                      row.other_minor)]
    order = [key.desc()] if by == "day" else [(sums[2] - sums[3] + sums[4]).desc(), key]
    rows = select(key, row.currency, *sums).where(row.live.is_(True), row.day.between(period.first, period.last))
    if store_id is not None:
        rows = rows.where(row.store_id == store_id)
    if trader_id is not None:
        rows = rows.where(row.trader_id == trader_id)
    found = session.execute(rows.group_by(key, row.currency).order_by(*order, row.currency).limit(LINES_MAX)).all()
    names = _names(session, by, {each[0] for each in found if each[0] is not None})
    prefix = {"store": "str", "trader": "trd"}.get(by)
    return [Line(value, names.get(value), ids.public(prefix, value) if prefix and value else None, int(orders),
                 *(Money(int(minor), currency) for minor in amounts))
            for value, currency, orders, *amounts in found]


def totals(found: Sequence[Line]) -> list[Line]:
    """What lines come to, by currency."""
    sums: dict[str, list[int]] = {}
    for line in found:
        to = sums.setdefault(line.result.currency, [0] * 5)
        for at, value in enumerate((line.orders, line.turnover.minor, line.fee.minor, line.reward.minor,
                                    line.other.minor)):
            to[at] += value
    return [Line(None, None, None, orders, *(Money(minor, currency) for minor in amounts))
            for currency, (orders, *amounts) in sorted(sums.items())]


def computed_to(session: Session, actor: Actor) -> datetime | None:
    """What was posted until then is counted; None on a desk that was never added up."""
    _check(actor)
    return session.scalar(select(func.max(ResultDay.computed_at)))


def _check(actor: Actor) -> None:
    if not (actor.is_system or (actor.is_staff and actor.may(Permission.RESULT_READ))):
        raise Denied()


def _names(session: Session, by: By, keys: set[Any]) -> dict[Any, str]:
    if by in ("store", "trader"):
        owner = Store if by == "store" else Trader
        return dict(iter(session.execute(select(owner.id, owner.name).where(owner.id.in_(keys)))))
    if by == "method":
        return {code: method.name for code, method in snapshot(session).methods.items() if code in keys}
    return {key: str(key) for key in keys}


def _first_open(session: Session) -> date | None:
    """The first day that is not finished; None where nothing was ever posted."""
    last = session.scalar(select(func.max(ResultDay.day)).where(
        ResultDay.computed_at >= ResultDay.ended_at + SETTLED_AFTER))
    if last is not None:
        return last + timedelta(days=1)
    first = session.scalar(text("SELECT posted_at FROM journal_entries ORDER BY id LIMIT 1"))
    return clock.day_of(first) if first else None


