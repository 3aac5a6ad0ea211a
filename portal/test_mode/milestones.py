"""What a store has tried in test mode: noted as it happens, so that no list of its orders need be walked for it."""
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.core import clock
from portal.orders.facts import OrderFacts
from portal.test_mode.models import TestMilestone

OTHER_AMOUNT, REPLAYED = "other_amount", "replayed"
STEPS = ("payin.completed", "payin.expired", "payin.failed", "payin.disputed", "payout.completed")
NAMES = (*STEPS, OTHER_AMOUNT, REPLAYED)


def note_steps(session: Session, order: OrderFacts) -> None:
    """Of a test order: all that its store has been told of it. Harmless twice."""
    told = {type for type, _ in order.steps}
    differs = [OTHER_AMOUNT] if order.exactness in ("under", "over") else []
    _note(session, order.store_id, order.id, [*(name for name in STEPS if name in told), *differs])


def note_replay(session: Session, order: OrderFacts) -> None:
    """The same create came again under its key, and had its first answer."""
    _note(session, order.store_id, order.id, [REPLAYED])


def _note(session: Session, store_id: UUID, order_id: UUID, names: Iterable[str]) -> None:
    rows = [{"store_id": store_id, "name": name, "order_id": order_id, "reached_at": clock.now()}
            for name in sorted(names)]
    if rows:
        session.execute(insert(TestMilestone).values(rows).on_conflict_do_nothing())
