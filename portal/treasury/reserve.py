"""What stores wait for comes free by itself, on its day: one entry for each store and day, however many orders."""
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portal import ledger
from portal.core import clock
from portal.core.access import SYSTEM
from portal.core.jobs import Claimed
from portal.ledger import verify
from portal.ledger.verify import Check
from portal.orders.reserves import Reserve
from portal.treasury import booking

KIND = "release_reserves"
BATCH = 500  # stores and days at once; the next minute takes the next
SHOWN_MAX = 400  # days ahead there can be


def release(session: Session, jobs: Sequence[Claimed] = ()) -> None:
    """Whatever is due is its store's to use; what it owes the desk is taken of that first. Harmless twice.

    Balances are locked before the rows, as settling does: what is added to a row meanwhile comes free with it.
    """
    due = session.execute(select(Reserve.id, Reserve.store_id, Reserve.currency, Reserve.live).where(
        Reserve.released_at.is_(None), Reserve.free_on <= clock.today()).order_by(Reserve.free_on, Reserve.id)
        .limit(BATCH)).all()
    if not due:
        return
    ledger.lock_balances(session, {account for row in due for account in (
        ledger.store_reserve(row.store_id, row.currency, row.live),
        ledger.store_available(row.store_id, row.currency, row.live))})
    freed = session.scalars(
        update(Reserve).where(Reserve.id.in_([row.id for row in due]), Reserve.released_at.is_(None))
        .values(released_at=clock.now()).returning(Reserve).execution_options(populate_existing=True)).all()
    booking.post(session, SYSTEM, [ledger.entries.reserve_release(row.id, row.store_id, row.amount, row.live)
                                   for row in sorted(freed, key=lambda row: row.id)])


def coming(session: Session, store_id: UUID, currency: str, live: bool) -> Sequence[Reserve]:
    """What comes free to a store and when, the next first."""
    return session.scalars(select(Reserve).where(
        Reserve.store_id == store_id, Reserve.currency == currency, Reserve.live.is_(live),
        Reserve.released_at.is_(None)).order_by(Reserve.free_on).limit(SHOWN_MAX)).all()


RESERVED = Check(
    "what stores have in reserve is what waits for its day",
    "SELECT count(*) FROM reserves WHERE released_at IS NULL",
    """
    SELECT 'store ' || coalesce(b.owner_id, r.store_id) || ' ' || coalesce(b.currency, r.currency) || ': reserve '
               || coalesce(b.reserve, 0) || ', waiting ' || coalesce(r.waiting, 0)
      FROM (SELECT c.owner_id, c.currency, c.live, x.credits_minor - x.debits_minor AS reserve
              FROM accounts c JOIN balances x ON x.account_id = c.id
             WHERE c.owner_kind = 'store' AND c.purpose = 'reserve') b
      FULL JOIN (SELECT store_id, currency, live, sum(reserved_minor + delayed_minor) AS waiting FROM reserves
                  WHERE released_at IS NULL GROUP BY 1, 2, 3) r
        ON r.store_id = b.owner_id AND r.currency = b.currency AND r.live = b.live
     WHERE coalesce(b.reserve, 0) <> coalesce(r.waiting, 0)""")

RELEASED = Check(
    "what was freed of a reserve came to its store once",
    "SELECT count(*) FROM reserves WHERE released_at IS NOT NULL",
    """
    SELECT 'reserve ' || coalesce(r.id, e.reference) || ': ' || coalesce(e.freed, 0) || ' freed of '
               || coalesce(r.reserved_minor + r.delayed_minor, 0)
      FROM (SELECT * FROM reserves WHERE released_at IS NOT NULL) r
      FULL JOIN (SELECT e.reference, sum(CASE WHEN d.purpose = 'reserve' AND c.purpose = 'available'
                        AND c.owner_id = d.owner_id THEN p.amount_minor END) AS freed, min(c.owner_id::text) AS store_id
                   FROM journal_entries e JOIN postings p ON p.entry_id = e.id
                   JOIN accounts c ON c.id = p.credit_id JOIN accounts d ON d.id = p.debit_id
                  WHERE e.kind = 'reserve_release' GROUP BY 1) e ON e.reference = r.id
     WHERE r.id IS NULL OR e.freed IS DISTINCT FROM r.reserved_minor + r.delayed_minor
        OR e.store_id <> r.store_id::text""")

CHECKS = (RESERVED, RELEASED)
for check in CHECKS:
    verify.register(check)
