"""Which months of history lie in the database, and which are due for the archive."""
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal.core import clock
from portal.core.archived_months import ArchivedMonth

TABLES = {"match_tries": "created_at", "webhook_attempts": "created_at", "webhook_deliveries": "created_at",
          "webhook_events": "created_at", "jobs_done": "done_at", "order_events": "created_at",
          "audit_rows": "created_at"}
"""What is kept by months, and by which moment; in the order in which a month leaves: first what hangs on the next."""


class Part(NamedTuple):
    """One table's rows of one month in the database. `rows`: about as many."""

    table: str
    month: date
    rows: int
    bytes: int
    due: bool
    archived: ArchivedMonth | None

    @property
    def name(self) -> str:
        return partition(self.table, self.month)


class WholeMonth(NamedTuple):
    """All of a month that is in the database. `rows`: about as many; `archived`: of all of it the files are written."""

    month: date
    rows: int
    bytes: int
    due: bool
    archived: bool

    @property
    def mib(self) -> int:
        """Begun ones count."""
        return -(-self.bytes // 1024 ** 2)


class AwayMonth(NamedTuple):
    """What of a month lies in files alone."""

    month: date
    rows: int
    detached_at: datetime


def partition(table: str, month: date) -> str:
    """As `make_partitions` names it."""
    return f"{table}_p{month:%Y%m}"


def default_of(table: str) -> str:
    """Where what has no month lies, as `ground.sql` names it."""
    return f"{table}_p2default"


def begin_of(month: date) -> datetime:
    """The first moment of a month, UTC as its partition."""
    return datetime(month.year, month.month, 1, tzinfo=UTC)


def end_of(month: date) -> datetime:
    """The first moment after a month."""
    return datetime(month.year + month.month // 12, month.month % 12 + 1, 1, tzinfo=UTC)


def due_before(kept: int) -> date:
    """The oldest month that stays, of so many whole ones before this."""
    today = clock.now().astimezone(UTC)
    years, month = divmod(today.year * 12 + today.month - 1 - kept, 12)
    return date(years, month + 1, 1)


def parts(session: Session, kept: int) -> Sequence[Part]:
    """Every month that is attached, oldest first: from the catalogue, no row is read."""
    oldest = due_before(kept)
    archived = {(one.table_name, one.month): one for one in session.scalars(select(ArchivedMonth))}
    rows = session.execute(text("""
        SELECT c.relname AS parent, right(p.relname, 6) AS month,
               greatest(p.reltuples, pg_stat_get_live_tuples(p.oid), 0)::bigint AS rows,
               pg_total_relation_size(p.oid) AS bytes
        FROM pg_class c JOIN pg_inherits i ON i.inhparent = c.oid JOIN pg_class p ON p.oid = i.inhrelid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relname = ANY(:tables)
          AND p.relname ~ '_p[0-9]{6}$'"""), {"tables": list(TABLES)}).all()
    order = list(TABLES)
    found = [Part(row.parent, month := date(int(row.month[:4]), int(row.month[4:]), 1), row.rows, row.bytes,
                  month < oldest, archived.get((row.parent, month))) for row in rows]
    return sorted(found, key=lambda part: (part.month, order.index(part.table)))


def by_month(found: Sequence[Part]) -> Sequence[WholeMonth]:
    """All parts of each month together, oldest first."""
    months: dict[date, list[Part]] = {}
    for part in found:
        months.setdefault(part.month, []).append(part)
    return [WholeMonth(month, sum(part.rows for part in of), sum(part.bytes for part in of),
                       all(part.due for part in of), all(part.archived is not None for part in of))
            for month, of in sorted(months.items())]


def due(found: Sequence[Part]) -> Sequence[WholeMonth]:
    """Those that may leave, oldest first."""
    return [month for month in by_month(found) if month.due]


def away(found: Sequence[ArchivedMonth]) -> Sequence[AwayMonth]:
    """Those that lie in their files alone, the latest first."""
    months: dict[date, list[ArchivedMonth]] = {}
    for one in found:
        months.setdefault(one.month, []).append(one)
    return [AwayMonth(month, sum(one.rows for one in of), max(one.detached_at for one in of if one.detached_at))
            for month, of in sorted(months.items(), reverse=True)]
