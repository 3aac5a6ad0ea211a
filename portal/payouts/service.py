"""Payouts taken in to be looked at, sent by one person, let go by a second one above the store's limit.

Until then nothing is held and nothing is made; then `making` makes them, in batches and by a job.
"""
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from portal.approvals import AlreadyDecided, OneHand, OwnApproval, admissions
from portal.core import audit, clock, crypto, ids, jobs, page_events
from portal.core.access import SYSTEM, Actor, Permission
from portal.core.db import locked, locked_one
from portal.core.errors import Conflict, Denied, FieldError, Invalid, NotFound, Rejected, judges
from portal.core.jobs import Claimed
from portal.imports import tables
from portal.imports.row_checks import Row
from portal.imports.tables import Line
from portal.orders.commands import CreatePayout
from portal.orders.intake.create import create
from portal.orders.models import Order
from portal.parties import stores
from portal.parties.models import Store
from portal.payouts import alone, cost, queries, rows
from portal.payouts.commands import RefuseImport
from portal.payouts.models import PayoutImport, PayoutImportRow
from portal.treasury import sent_alone

FILE_MAX, WAITS_FOR = 2 * 1024 * 1024, timedelta(hours=24)
MAKE, EXPIRE = "make_payouts", "expire_payout_import"


class NothingToSend(Rejected):
    """No row of this file can be sent. Mend it and take it in again."""

    code = "nothing_to_send"


class NotWaiting(Conflict):
    """This is not waiting any more. Look at the page as it is now."""

    code = "not_waiting"


judges({"ck_payout_imports_two_people": OwnApproval})


def take_in(session: Session, actor: Actor, store_id: UUID, *, content: bytes, file_name: str) -> PayoutImport:
    """Keep a file's rows, sealed, each with what is wrong with it; nothing is sent yet.

    Raises Denied, NotFound, StoreSuspended, Invalid (what `tables.read` refuses).
    """
    store = _own_store(session, actor, store_id)
    if not content or len(content) > FILE_MAX:
        raise Invalid(fields=[FieldError("/file", "no_file", "Choose a CSV or XLSX file of at most 2 MB.")])
    judged = rows.judge(session, store, tables.read(rows.READ, content, rows_max=rows.ROWS_MAX))
    return _keep(session, actor, store, judged, source="file", file_name=file_name[:120] or "payouts",
                 content_print=crypto.fingerprint("payout_import", crypto.sha256(content.hex()).hex()))


def ask(session: Session, actor: Actor, store_id: UUID, command: CreatePayout, cells: dict[str, str], *,
        idempotency_key: str) -> Order | PayoutImport:
    """One payout: made at once, or above the store's limit an import of one row that waits for a second person.

    `cells`: the command as it was typed. Raises Denied, NotFound and as `intake.create.create`.
    """
    store = _own_store(session, actor, store_id)
    sent_alone.lock(session, store)
    to = alone.recipient(command)
    _, costs = cost.of_one(session, actor, store.id, command.method, command.money, recipient=to,
                           reference=idempotency_key)
    if costs.alone:
        sent_alone.note(session, store, sent_alone.piece(store, actor, {to: costs.total.minor}, idempotency_key))
        return create(session, stores.acting_for(session, actor, store.id), command,
                      idempotency_key=idempotency_key).order
    judged = rows.judge(session, store, [Line(1, cells)])
    if judged[0].wrong:
        raise Invalid(fields=list(judged[0].wrong.values()))
    taken = _keep(session, actor, store, judged, source="form", file_name="",
                  content_print=crypto.fingerprint("payout_import", idempotency_key))
    return _sent(session, actor, taken, store)


def send(session: Session, actor: Actor, import_id: str) -> PayoutImport:
    """Have the right rows of a checked file made; above the store's limit once a second person lets it go.

    Harmless twice. Raises Denied, NotFound, NothingToSend, InsufficientFunds, NotWaiting and as `cost.of_import`.
    """
    taken = _locked(session, actor, import_id)
    if taken.state in rows.UNDER_WAY:
        return taken
    if taken.state != "checked":
        raise NotWaiting()
    if not taken.right:
        raise NothingToSend()
    return _sent(session, actor, taken, session.get_one(Store, taken.store_id))


def release(session: Session, actor: Actor, import_id: str) -> PayoutImport:
    """The second person lets it go: it is made, and its money held, from now on.

    Raises Denied, NotFound, OwnApproval, OneHand, AlreadyDecided, InsufficientFunds and as `cost.of_import`.
    """
    taken = _second(session, actor, import_id)
    store = session.get_one(Store, taken.store_id)
    costs = cost.of_import(session, actor, taken, store)
    costs.insist()
    taken.total_minor = costs.total.minor
    _decided(session, actor, taken, "making")
    jobs.enqueue(session, MAKE, taken.id)
    audit.record(session, actor, "payout_import.released", "payout_import", taken.id, after=_figures(taken))
    return taken


def refuse(session: Session, actor: Actor, command: RefuseImport) -> PayoutImport:
    """The second person does not let it go, and says why: nothing is made.

    Raises Denied, NotFound, OwnApproval, OneHand, AlreadyDecided.
    """
    taken = _second(session, actor, command.import_id)
    taken.reason = command.reason
    _decided(session, actor, taken, "refused")
    audit.record(session, actor, "payout_import.refused", "payout_import", taken.id, reason=command.reason)
    return taken


def withdraw(session: Session, actor: Actor, import_id: str) -> PayoutImport:
    """Who sent it takes it back: what waits is not made, of what is being made the rest. What is made stays.

    Harmless twice. Raises Denied, NotFound, NotWaiting.
    """
    taken = _locked(session, actor, import_id)
    if taken.state == "withdrawn":
        return taken
    if taken.state not in rows.UNDER_WAY:
        raise NotWaiting()
    if taken.state == "waiting" and taken.sent_by != actor.id:
        raise Denied()
    if taken.state == "making" and not taken.made:
        alone.undo(session, taken)
    _ended(session, taken, "withdrawn")
    audit.record(session, actor, "payout_import.withdrawn", "payout_import", taken.id, after=_figures(taken))
    return taken


def expire(session: Session, batch: Sequence[Claimed]) -> None:
    """Work of the kind `expire_payout_import`: nobody let it go for a day."""
    wanted = [job.reference for job in batch if job.reference is not None]
    for taken in locked(session, select(PayoutImport).where(PayoutImport.id.in_(wanted)).order_by(PayoutImport.id)):
        if taken.state == "waiting" and taken.expires_at is not None and taken.expires_at <= clock.now():
            _ended(session, taken, "expired")
            audit.record(session, SYSTEM, "payout_import.expired", "payout_import", taken.id)


def note_taken(session: Session, actor: Actor, import_id: str) -> PayoutImport:
    """Somebody takes the bad rows as a file, numbers in full: who typed them, and nobody else. Raises Denied, NotFound.
    """
    taken = queries.find(session, actor, import_id)
    if not actor.may(Permission.PAYOUT_CREATE) or taken.created_by != actor.id:
        raise Denied()
    audit.record(session, actor, "payout_import.rows_taken", "payout_import", taken.id)
    return taken


def _keep(session: Session, actor: Actor, store: Store, judged: Sequence[Row], *, source: str, file_name: str,
          content_print: bytes) -> PayoutImport:
    taken = PayoutImport(
        id=ids.new_id(), store_id=store.id, source=source, file_name=file_name, content_print=content_print,
        rows=len(judged), wrong=sum(1 for row in judged if row.wrong), created_by=actor.id, created_name=actor.name)
    session.add(taken)
    session.flush()
    keyring = rows.keyring_of(store)
    session.execute(insert(PayoutImportRow), [rows.columns_of(row, taken, keyring) for row in judged])
    audit.record(session, actor, "payout_import.taken_in", "payout_import", taken.id, after=_figures(taken) | {
        "store": store.slug, "file": file_name})
    return taken


def _sent(session: Session, actor: Actor, taken: PayoutImport, store: Store) -> PayoutImport:
    sent_alone.lock(session, store)
    amounts = alone.by_recipient(session, taken, store) if store.payout_alone_max is not None else None
    costs = cost.of_import(session, actor, taken, store, by_recipient=amounts)
    costs.insist()
    taken.total_minor, now = costs.total.minor, clock.now()
    taken.sent_by, taken.sent_name, taken.sent_at = actor.id, actor.name, now
    if costs.alone:
        taken.state = "making"
        if amounts is not None:
            sent_alone.note(session, store, sent_alone.piece(store, actor, amounts, taken.public_id))
        jobs.enqueue(session, MAKE, taken.id)
    else:
        if costs.because is not None:
            taken.before_minor, taken.because = costs.before.minor, costs.because
        taken.state, taken.expires_at = "waiting", now + WAITS_FOR
        jobs.enqueue(session, EXPIRE, taken.id, run_at=taken.expires_at)
    _tell(session, taken)
    audit.record(session, actor, "payout_import.sent", "payout_import", taken.id, after=_figures(taken) | {
        "total": costs.total.text, "waits": not costs.alone})
    return taken


def _second(session: Session, actor: Actor, import_id: str) -> PayoutImport:
    """What waits, for somebody who is not who sent it, as far as the desk can know."""
    taken = _locked(session, actor, import_id)
    if taken.state != "waiting":
        raise AlreadyDecided(state=taken.state, by=taken.decided_name)
    if taken.sent_by is None or actor.id is None or taken.sent_by == actor.id:
        raise OwnApproval()
    assert taken.sent_at is not None
    if admissions.one_hand(session, taken.sent_by, actor.id, asked_at=taken.sent_at):
        raise OneHand()
    return taken


def _decided(session: Session, actor: Actor, taken: PayoutImport, state: str) -> None:
    taken.decided_by, taken.decided_name, taken.decided_at = actor.id, actor.name, clock.now()
    if state == "refused":
        _ended(session, taken, state)
        return
    taken.state, taken.expires_at = state, None
    jobs.cancel(session, EXPIRE, str(taken.id))
    _tell(session, taken)


def _ended(session: Session, taken: PayoutImport, state: str) -> None:
    taken.state, taken.ended_at, taken.expires_at = state, clock.now(), None
    jobs.cancel(session, EXPIRE, str(taken.id))
    _tell(session, taken)


def _locked(session: Session, actor: Actor, import_id: str) -> PayoutImport:
    """The import, locked and fresh. Raises Denied, NotFound."""
    found = queries.find(session, actor, import_id)
    if not actor.may(Permission.PAYOUT_CREATE):
        raise Denied()
    taken = locked_one(session, select(PayoutImport).where(PayoutImport.id == found.id))
    if taken is None:
        raise NotFound()
    return taken


def _own_store(session: Session, actor: Actor, store_id: UUID) -> Store:
    if not actor.may(Permission.PAYOUT_CREATE):
        raise Denied()
    return session.get_one(Store, stores.acting_for(session, actor, store_id).store_id)


def _tell(session: Session, taken: PayoutImport) -> None:
    page_events.tell(session, "orders", [page_events.store(taken.store_id)])


def _figures(taken: PayoutImport) -> dict[str, object]:
    return {"rows": taken.rows, "wrong": taken.wrong, "made": taken.made or 0, "failed": taken.failed or 0}
