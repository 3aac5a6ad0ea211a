"""Work of the kind `make_payouts`: the rows of an import become payouts, some at a time, each in its turn once.

A batch and what is noted of its rows are one transaction, and each row has its own idempotency key: a worker that was
killed leaves nothing half made, and whoever takes it up makes nothing again.
"""
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core import clock, ids, page_events
from portal.core.access import Actor, ActorKind, Role
from portal.core.db import locked, locked_one
from portal.core.errors import Invalid, PortalError, Unavailable
from portal.core.jobs import Claimed, RetryAt
from portal.orders.intake.create import Created, ExternalIdTaken
from portal.orders.intake.many import Outcome, create_payouts
from portal.parties.models import Store
from portal.payouts import rows, typed
from portal.payouts.models import PayoutImport, PayoutImportRow

BATCH = 100
AGAIN_AFTER = timedelta(seconds=15)  # the desk is paused, or has no rate just now
KEPT_FOR, FORGET_MAX = timedelta(days=14), 50
log = structlog.get_logger("payouts")


def work(session: Session, batch: Sequence[Claimed]) -> Mapping[int, RetryAt]:
    """Of each import in hand the next rows; it comes again while there are more."""
    later: dict[int, RetryAt] = {}
    for job in batch:
        taken = locked_one(session, select(PayoutImport).where(PayoutImport.id == job.reference))
        if taken is None or taken.state != "making":
            continue
        try:
            with session.begin_nested():
                _next_rows(session, taken)
        except Unavailable as error:  # the fault of no row: of these none was made and noted, all wait
            log.warning("payouts_wait", payout_import=taken.public_id, error=error.code)
            taken.held_up = error.message
            later[job.id] = RetryAt(clock.now() + AGAIN_AFTER)
            continue
        if taken.state == "making":
            later[job.id] = RetryAt(clock.now())
    return later


def forget(session: Session, jobs: Sequence[Claimed]) -> None:
    """Work of the kind `forget_payout_files`: of old files that are not under way no numbers are kept."""
    old = locked(session, select(PayoutImport).where(
        ~PayoutImport.forgotten, PayoutImport.created_at < clock.now() - KEPT_FOR,
        PayoutImport.state.not_in(rows.UNDER_WAY)).order_by(PayoutImport.created_at, PayoutImport.id).limit(FORGET_MAX))
    for taken in old:
        session.execute(PayoutImportRow.__table__.update().where(  # type: ignore[attr-defined]
            PayoutImportRow.import_id == taken.id).values(cells_sealed=None))
        taken.forgotten = True
        if taken.state == "checked":
            taken.state, taken.ended_at = "expired", clock.now()


def _next_rows(session: Session, taken: PayoutImport) -> None:
    store = session.get_one(Store, taken.store_id)
    found = session.scalars(select(PayoutImportRow).where(
        PayoutImportRow.import_id == taken.id, PayoutImportRow.state == "right")
        .order_by(PayoutImportRow.number).limit(BATCH)).all()
    keyring, wanted, spoilt = rows.keyring_of(store), [], dict[int, PortalError]()
    for row in found:
        assert row.amount is not None, "a right row has its amount"
        try:
            wanted.append((row, typed.kept(rows.cells_of(taken, row, keyring), row.amount)))
        except Invalid as error:
            spoilt[row.number] = error
    taken.held_up = None
    outcomes = create_payouts(session, _sender(taken, store), [
        (command, f"import-{ids.text(taken.id)}-{row.number}") for row, command in wanted]) if wanted else []
    for row, outcome in [*((row, outcome) for (row, _), outcome in zip(wanted, outcomes, strict=True)),
                         *((row, spoilt[row.number]) for row in found if row.number in spoilt)]:
        _note(taken, row, outcome)
    if len(found) < BATCH or not taken.left:
        taken.state, taken.ended_at = "done", clock.now()
    page_events.tell(session, "orders", [page_events.store(store.id)])


def _note(taken: PayoutImport, row: PayoutImportRow, outcome: Outcome) -> None:
    """What became of a row: its payout, or why not."""
    if isinstance(outcome, Created) and outcome.same_body:
        row.state, row.order_id, row.cells_sealed = "made", outcome.row.id, None
        taken.made += 1
        return
    error = ExternalIdTaken() if isinstance(outcome, Created) else outcome
    row.state, row.wrong = "failed", _why(error)
    taken.failed += 1


def _why(error: PortalError) -> list[list[Any]]:
    if isinstance(error, Invalid):
        return rows.told({one.field.rpartition("/")[2]: one for one in error.fields})
    column = {"external_id_taken": "external_id"}.get(error.code, "amount")
    return [[column, error.code, error.message, {}]]


def _sender(taken: PayoutImport, store: Store) -> Actor:
    """In the name of whoever sent it; who let it go stands on the import."""
    return Actor(kind=ActorKind.USER, id=taken.sent_by, role=Role.MERCHANT, name=taken.sent_name or "",
                 merchant_id=store.merchant_id, store_id=store.id, live=True)
