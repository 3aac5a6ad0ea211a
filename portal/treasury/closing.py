"""The daily close: a day's trial balance per currency, what is held and for how long, what the last proof found; signed
by a person, and from then on locked. Days are closed one after the other; the first one closes all before it too.
"""
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from pydantic import StringConstraints
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal.core import audit, clock
from portal.core.access import Actor, Permission
from portal.core.commands import Command
from portal.core.errors import Conflict, Denied, FieldError, Invalid, NotFound, Rejected, judges
from portal.core.money import Money
from portal.ledger import findings, proofs, verify
from portal.ledger.verify import Check
from portal.treasury.closing_models import ClosedDay

SETTLES_FOR = timedelta(minutes=10)  # an entry of the day's last second may be committed that late
LISTED_MAX = 60
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
# What moved between two moments, by sort of account; entries are found by when they were posted (ix …_posted_at).
_MOVED = text("""
    WITH moved AS (
        SELECT p.debit_id, p.credit_id, p.amount_minor, p.entry_id FROM journal_entries e
          JOIN postings p ON p.entry_id = e.id
         WHERE e.posted_at >= :began AND e.posted_at < :ended AND p.currency = :currency AND p.live
    ), sides AS (
        SELECT debit_id AS account, amount_minor AS debit, 0 AS credit FROM moved
        UNION ALL SELECT credit_id, 0, amount_minor FROM moved)
    SELECT a.owner_kind || ' ' || a.purpose AS sort, sum(s.debit)::bigint AS debits, sum(s.credit)::bigint AS credits,
           (SELECT count(DISTINCT entry_id) FROM moved) AS entries
      FROM sides s JOIN accounts a ON a.id = s.account GROUP BY 1 ORDER BY 1""")
_AGE = """CASE WHEN age < interval '1 day' THEN 'day' WHEN age < interval '3 days' THEN 'three_days' ELSE 'older' END"""
_HELD = text(f"""
    WITH held AS (
        SELECT 'payin' AS sort, a.settlement_minor AS minor, :now - a.created_at AS age
          FROM assignments a JOIN orders o ON o.id = a.order_id
         WHERE a.state <> 'ended' AND o.direction = 'payin' AND o.live AND a.settlement_currency = :currency
        UNION ALL
        SELECT 'payout', o.settlement_minor + o.fee_minor, :now - o.created_at FROM orders o
         WHERE o.direction = 'payout' AND o.live AND o.ended_at IS NULL AND o.settlement_currency = :currency
        UNION ALL
        SELECT 'withdrawal', w.amount_minor, :now - w.created_at FROM withdrawals w
         WHERE w.status IN ('requested', 'approved') AND w.currency = :currency)
    SELECT sort, {_AGE} AS age, count(*) AS number, sum(minor)::bigint AS minor
      FROM held GROUP BY 1, 2 ORDER BY 1, 2""")


class DayNotOver(Rejected):
    """This day is not over yet, or ended only minutes ago. Close it a little later."""

    code = "day_not_over"


class NotProved(Rejected):
    """The books have not been proved since this day ended. Have them proved (about a minute), and sign then."""

    code = "not_proved"


class DayClosed(Conflict):
    """This day is closed already: it is signed and stays as it is."""

    code = "day_closed"


class EarlierDayOpen(Rejected):
    """Days are closed one after the other: the one before is still open."""

    code = "earlier_day_open"


judges({"pk_closed_days": DayClosed})


class CloseDay(Command):
    """`note` is needed where the books differ."""

    day: date
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{3,10}$")]
    note: Annotated[str, StringConstraints(max_length=1000)] | None = None


@dataclass(frozen=True)
class Row:
    """A sort of account: what it came to before, what moved, what it comes to."""

    sort: str  # "store available"
    opening: Money
    debits: Money
    credits: Money

    @property
    def closing(self) -> Money:
        return self.opening + self.credits - self.debits


@dataclass(frozen=True)
class Held:
    """Of payins, payouts or withdrawals: how many hold how much since less than a day, three days, or longer."""

    sort: str
    age: str
    count: int
    amount: Money


@dataclass(frozen=True)
class Day:
    """A day of one currency: as it was signed, or as it would be."""

    day: date
    currency: str
    began_at: datetime
    ended_at: datetime
    entries: int
    rows: Sequence[Row]
    holds: Sequence[Held]
    differences: Sequence[str]
    proved_at: datetime | None
    signed: ClosedDay | None

    @property
    def sum(self) -> Money:
        """Of everything: nothing, or the books are wrong."""
        return sum((row.closing for row in self.rows), Money.zero(self.currency))

    @property
    def debits(self) -> Money:
        return sum((row.debits for row in self.rows), Money.zero(self.currency))

    @property
    def credits(self) -> Money:
        return sum((row.credits for row in self.rows), Money.zero(self.currency))

    @property
    def balanced(self) -> bool:
        return not self.sum and not self.differences

    @property
    def proved(self) -> bool:
        """By a proof that began when all of the day was committed."""
        return self.proved_at is not None and self.proved_at >= self.ended_at + SETTLES_FOR


def currencies(session: Session) -> list[str]:
    """Those that live money ever moved in."""
    return list(session.scalars(text("SELECT DISTINCT currency FROM accounts WHERE live ORDER BY 1")))


def closed(session: Session, actor: Actor, *, currency: str | None = None) -> Sequence[ClosedDay]:
    """The newest first. Raises Denied."""
    _check(actor, Permission.LEDGER_READ)
    rows = select(ClosedDay).order_by(ClosedDay.day.desc(), ClosedDay.currency).limit(LISTED_MAX)
    return session.scalars(rows if currency is None else rows.where(ClosedDay.currency == currency)).all()


def due(session: Session) -> dict[str, date]:
    """The day to close next, by currency; none where yesterday is closed."""
    yesterday = clock.today() - timedelta(days=1)
    last: dict[str, date] = dict(iter(session.execute(text("SELECT currency, max(day) FROM closed_days GROUP BY 1"))))
    following = {currency: last[currency] + timedelta(days=1) if currency in last else yesterday
                 for currency in currencies(session)}
    return {currency: day for currency, day in following.items() if day <= yesterday}


def one(session: Session, actor: Actor, day: date, currency: str) -> Day:
    """As it was signed, or as it is. Raises Denied, NotFound (a day to come, no such currency)."""
    _check(actor, Permission.LEDGER_READ)
    if currency not in currencies(session) or day > clock.today():
        raise NotFound()
    signed = session.get(ClosedDay, (day, currency))
    if signed is not None:
        return _as_signed(signed)
    before = _before(session, day, currency)
    began_at = before.ended_at if before is not None else BEGINNING
    ended_at = clock.midnight_after(day)
    moved = session.execute(_MOVED, {"began": began_at, "ended": ended_at, "currency": currency}).all()
    opening = {row["sort"]: row["closing"] for row in before.trial} if before is not None else {}
    found = {row.sort: (row.debits, row.credits) for row in moved}
    rows = [Row(sort, Money(opening.get(sort, 0), currency), *(Money(minor, currency)
                                                              for minor in found.get(sort, (0, 0))))
            for sort in sorted(opening.keys() | found.keys())]
    proof = proofs.last(session)
    return Day(day, currency, began_at, ended_at, moved[0].entries if moved else 0, rows, _held(session, currency),
               [f"{one.check_name}: {one.difference}" for one in findings.standing(session)],
               proof.began_at if proof is not None else None, None)


def close(session: Session, actor: Actor, command: CloseDay) -> ClosedDay:
    """Somebody has looked at it and signs: it is kept as it is now, and never changes.

    Raises Denied, NotFound, DayNotOver, DayClosed, EarlierDayOpen, NotProved, Invalid (a note is needed).
    """
    _check(actor, Permission.CLOSING_SIGN)
    if clock.now() < clock.midnight_after(command.day) + SETTLES_FOR:
        raise DayNotOver()
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('closed_days/' || :currency))"),
                    {"currency": command.currency})
    found = one(session, actor, command.day, command.currency)
    if found.signed is not None:
        raise DayClosed()
    following = due(session).get(command.currency)
    if following is not None and following < command.day:
        raise EarlierDayOpen(day=following.isoformat())
    if not found.proved:
        raise NotProved()
    if not found.balanced and not command.note:
        raise Invalid(fields=[FieldError("/note", "missing", "The books differ: say what is done about it.")])
    made = ClosedDay(
        day=found.day, currency=found.currency, began_at=found.began_at, ended_at=found.ended_at,
        entries=found.entries, trial=[_trial(row) for row in found.rows], holds=[_kept(held) for held in found.holds],
        differences=list(found.differences), proved_at=found.proved_at, note=command.note, closed_by=actor.id,
        closed_name=actor.name)
    session.add(made)
    session.flush()
    audit.record(session, actor, "day.closed", "desk", f"{found.day}/{found.currency}", reason=command.note,
                 after={"entries": found.entries, "differences": len(found.differences)})
    return made


def _before(session: Session, day: date, currency: str) -> ClosedDay | None:
    return session.scalars(select(ClosedDay).where(ClosedDay.currency == currency, ClosedDay.day < day)
                           .order_by(ClosedDay.day.desc()).limit(1)).first()


def _held(session: Session, currency: str) -> list[Held]:
    rows = session.execute(_HELD, {"now": clock.now(), "currency": currency})
    return [Held(row.sort, row.age, row.number, Money(row.minor, currency)) for row in rows]


def _trial(row: Row) -> dict[str, Any]:
    return {"sort": row.sort, "opening": row.opening.minor, "debits": row.debits.minor, "credits": row.credits.minor,
            "closing": row.closing.minor}


def _kept(held: Held) -> dict[str, Any]:
    return {"sort": held.sort, "age": held.age, "count": held.count, "minor": held.amount.minor}


def _as_signed(signed: ClosedDay) -> Day:
    own = signed.currency
    rows = [Row(row["sort"], Money(row["opening"], own), Money(row["debits"], own), Money(row["credits"], own))
            for row in signed.trial]
    holds = [Held(row["sort"], row["age"], row["count"], Money(row["minor"], own)) for row in signed.holds]
    return Day(signed.day, own, signed.began_at, signed.ended_at, signed.entries, rows, holds, signed.differences,
               signed.proved_at, signed)


def _check(actor: Actor, permission: Permission) -> None:
    if not (actor.is_system or (actor.is_staff and actor.may(permission))):
        raise Denied()


LOCKED = Check(
    "nothing was posted into a day that is closed",
    "SELECT count(*) FROM closed_days",
    """
    SELECT 'day ' || c.day || ' ' || c.currency || ': ' || c.entries || ' entries signed, ' || coalesce(n.entries, 0)
               || ' there, debits ' || coalesce(n.debits, 0) || ' instead of ' || s.debits
      FROM closed_days c
     CROSS JOIN LATERAL (SELECT coalesce(sum((t ->> 'debits')::bigint), 0) AS debits
                           FROM jsonb_array_elements(c.trial) t) s
      LEFT JOIN LATERAL (
           SELECT count(DISTINCT e.id) AS entries, sum(p.amount_minor) AS debits
             FROM journal_entries e JOIN postings p ON p.entry_id = e.id
            WHERE e.posted_at >= c.began_at AND e.posted_at < c.ended_at AND p.currency = c.currency AND p.live) n
        ON true
     WHERE c.entries <> coalesce(n.entries, 0) OR s.debits <> coalesce(n.debits, 0)""")
verify.register(LOCKED)
