"""What a developer tries before real customers pay: found in the records, never ticked by hand. Alone, with a test key.

It opens no door: whether a store may be live is the desk's decision about the store, not about this list.
"""
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import exists, select, text
from sqlalchemy.orm import Session

from portal.parties import keys
from portal.parties.models import ApiKey, Store
from portal.test_mode import milestones
from portal.test_mode.models import TestMilestone

KEY, ANSWERED = "key", "answered"
NAMES = (KEY, ANSWERED, "payin.completed", "payin.expired", "payin.failed", milestones.OTHER_AMOUNT, "payin.disputed",
         "payout.completed", milestones.REPLAYED)
"""In the order in which people do them."""
# of each store the newest test deliveries, along their index
DELIVERED = text("""
    SELECT EXISTS (
        SELECT FROM unnest(CAST(:stores AS uuid[])) AS s (id)
         CROSS JOIN LATERAL (SELECT d.state FROM webhook_deliveries d WHERE d.store_id = s.id AND NOT d.live
                              ORDER BY d.created_at DESC, d.id DESC LIMIT 200) AS newest
         WHERE newest.state = 'delivered')""")


@dataclass(frozen=True)
class GoingLive:
    """`steps`: each with whether it was done. `may`, `may_not`: stores that can have live keys, and those that wait."""

    steps: Sequence[tuple[str, bool]]
    may: Sequence[Store]
    may_not: Sequence[Store]

    @property
    def count(self) -> int:
        return sum(done for _, done in self.steps)

    @property
    def done(self) -> bool:
        return self.count == len(self.steps)


def look(session: Session, stores: Sequence[Store]) -> GoingLive:
    """Of stores with their merchant: together, since one system serves them. Three statements."""
    ids = [store.id for store in stores]
    reached = _reached(session, ids)
    return GoingLive([(name, name in reached) for name in NAMES],
                     [store for store in stores if keys.may_be_live(store)],
                     [store for store in stores if not keys.may_be_live(store)])


def _reached(session: Session, ids: Collection[UUID]) -> set[str]:
    found = set(session.scalars(select(TestMilestone.name).where(TestMilestone.store_id.in_(ids))))
    made = exists().where(ApiKey.store_id.in_(ids), ApiKey.live.is_(False), ApiKey.revoked_at.is_(None))
    if session.scalar(select(made)):
        found.add(KEY)
    if session.scalar(DELIVERED, {"stores": list(ids)}):
        found.add(ANSWERED)
    return found
