"""The same key, the same answer: for POSTs that create no order. (An order keeps its key on its own row.)

The key is claimed first, in the transaction that does the work, so that a second request waits for the first and
then sees its answer; a crash between leaves nothing behind.
"""
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from flask import Response, request
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.core import clock, crypto, shut_tables, single_flight
from portal.core.access import Actor
from portal.core.db import transaction, translated
from portal.core.errors import Conflict, DatabaseUnavailable, LockTimeout, Rejected
from portal.gateway import strict_json
from portal.gateway.endpoint import shown
from portal.gateway.errors import KeyInProgress, KeyRequired, KeyReused, KeyUnusable
from portal.gateway.models import IdempotencyKey
from portal.gateway.problems import answer

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
_VISIBLE = re.compile(r"[!-~]{1,255}", re.ASCII)
Act = Callable[[Session], Any]


def sent_key() -> str | None:
    """The key of this request, if it has one. Raises KeyUnusable."""
    key = request.headers.get(HEADER)
    return None if key is None else usable(key)


def usable(key: str) -> str:
    """Raises KeyUnusable."""
    if _VISIBLE.fullmatch(key) is None:
        raise KeyUnusable()
    return key


def required_key() -> str:
    """Raises KeyRequired, KeyUnusable."""
    key = sent_key()
    if key is None:
        raise KeyRequired()
    return key


@contextmanager
def first_in_line(actor: Actor, key: str) -> Iterator[None]:
    """Of requests with one key in this process, let the first go ahead. Raises KeyInProgress."""
    with ExitStack() as line:
        try:
            line.enter_context(single_flight.first_in_line(
                actor.store_id, actor.live, request.method, request.path, key))
        except LockTimeout:
            raise KeyInProgress() from None
        yield


@contextmanager
def taking_key(table: str) -> Iterator[None]:
    """Around the transaction that takes a key there: what was waited for in vain says whether another process has it.

    Around, not within: the question is asked on a connection of its own, and whoever holds one while asking for a
    second leaves none for others where there are few.
    Raises KeyInProgress; DatabaseUnavailable where nobody can write (the table is locked); LockTimeout for other rows.
    """
    try:
        with translated():
            yield
    except LockTimeout as waited:
        if waited.row is not None and re.search(rf"\b{table}\b", waited.row):
            raise KeyInProgress() from waited
        if waited.row is None and shut_tables.is_any_shut():
            raise DatabaseUnavailable() from waited
        raise


def once(actor: Actor, act: Act, *, status: int = 200, asked: bytes | None = None) -> Response:
    """Do `act` in a transaction and show what it returns; under a key that was used before, show that answer.

    `asked`: the fingerprint of what was sent, where that is no JSON.

    Answers and refusals by rules of the business are kept; anything else leaves the key unused.
    Raises KeyReused, KeyInProgress, DatabaseUnavailable, and whatever `act` raises.
    """
    key = sent_key()
    if key is None:
        with transaction() as session:
            content = act(session)
        return shown(content, status)
    with first_in_line(actor, key), taking_key(IdempotencyKey.__tablename__), transaction() as session:
        row, is_new = _claim(session, actor, key, asked)
        if not is_new:
            return _again(row)
        response = _attempt(session, act, status)
        row.status, row.content_type = response.status_code, response.content_type
        row.answer_sealed = crypto.seal(response.get_data(as_text=True), place=_place(row))
    return response


def _claim(session: Session, actor: Actor, key: str, asked: bytes | None) -> tuple[IdempotencyKey, bool]:
    """Our key's row, and whether it is new. Waits for who is using it. Raises KeyReused, LockTimeout."""
    scope = {"store_id": actor.store_id, "live": actor.live, "method": request.method, "path": request.path, "key": key}
    asked = strict_json.fingerprint(strict_json.body()) if asked is None else asked
    new = session.execute(insert(IdempotencyKey).values(
        **scope, request_hash=asked, content_type="", created_at=clock.now()).on_conflict_do_nothing()
        .returning(IdempotencyKey.key)).first()
    row = session.scalars(select(IdempotencyKey).filter_by(**scope)).one()
    if bytes(row.request_hash) != asked:
        raise KeyReused()
    return row, new is not None


def _attempt(session: Session, act: Act, status: int) -> Response:
    try:
        with translated(), session.begin_nested():
            content = act(session)
        return shown(content, status)
    except (Conflict, Rejected) as refusal:
        if refusal.retryable:
            raise
        return answer(refusal)


def _again(row: IdempotencyKey) -> Response:
    assert row.answer_sealed is not None
    return Response(crypto.open_sealed(row.answer_sealed, place=_place(row)), status=row.status,
                    content_type=row.content_type, headers={REPLAYED: "true"})


def _place(row: IdempotencyKey) -> str:
    return f"idempotency_keys|answer|{row.store_id}/{row.live}/{row.method}/{row.path}/{row.key}"
