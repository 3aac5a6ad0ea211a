"""The fast road of `POST /payins`, the one call that stores wait for by the thousand. See docs/decisions/0050.

It stands before Flask, on the event loop: a create for which everything needed is remembered (key, terms, tariff,
rate) and nothing is wrong is judged at once and written together with the others of the moment. No thread waits.
What is not remembered is read in a thread first. Whatever is not plain success, a refusal, a replay, a busy lock, a
database that is away, has had no effect here and takes the ordinary road through Flask, which alone says what
becomes of it. Only where that road would wait in vain again, because the table is locked or a commit has no end, is the
503 said here.
"""
import asyncio
from collections.abc import Sequence
from contextlib import suppress
from time import perf_counter
from typing import Any, NamedTuple
from uuid import UUID

from flask import Flask, g
from prometheus_client import Counter
from psycopg.errors import LockNotAvailable
from pydantic_core import to_json
from sqlalchemy.exc import SQLAlchemyError

from portal import reference
from portal.calls import EXTENSION, Writer
from portal.core import db, ids, logging, request_log
from portal.core.access import Permission
from portal.core.commands import bind
from portal.core.db_outage import row_waited_for
from portal.core.errors import DatabaseUnavailable, OutcomeUnknown, PortalError
from portal.gateway import auth, call_log, idempotency, problems, rate_limits, seen_signatures, signing, strict_json
from portal.gateway.endpoint import BASE, headers_of
from portal.orders.commands import CreatePayin
from portal.orders.intake.create import asked_for
from portal.orders.intake.insert import INSERT, Asked, parameters, written
from portal.parties import key_invalidation, store_cache
from portal.server.group_commit import GroupCommit, say_failed
from portal.server.loop_connection import LoopDatabase
from portal.server.plain_create import Why, reader, why_not_plain
from portal.server.refusals import OVERLOADED, shed
from portal.server.request_body import with_first
from portal.server.wsgi_bridge import target_of
from portal.web import forwarded

PATH = f"{BASE}/payins"
TIMESTAMP, SIGNATURE = signing.TIMESTAMP.lower(), signing.SIGNATURE.lower()
APART_S = .003  # between batches of new orders: a commit costs as much for one as for ten
WAITING_MAX = 1000  # about a second's work: who comes then had better come again
PATIENCE = "50ms"  # of a batch with whoever holds a key of one of its orders: then all go the ordinary road
CREATES = Counter("quittance_gateway_creates", "Payins asked for: by which road they went, and why not by the fast one",
                  ["road", "reason"])


class Done(NamedTuple):
    """Whether it was written, and how its key's call was counted; None when nobody counts."""

    written: bool
    counted: rate_limits.Counted | None


class Unserved(NamedTuple):
    """Nobody could write it, or say whether it stands: on the ordinary road it would only wait again."""

    why: DatabaseUnavailable


class FastCreate:
    """ASGI, between the reader of bodies and the bridge to Flask."""

    def __init__(self, road: Any, flask: Flask) -> None:
        settings = flask.extensions["settings"]
        self._flask = flask
        self._road, self._hops, self._hosts = road, settings.proxy_hops, frozenset(settings.hosts)
        self._counter: rate_limits.Counter | None = flask.extensions.get(rate_limits.EXTENSION)
        self._seen: seen_signatures.Seen = flask.extensions[seen_signatures.EXTENSION]
        self._headers = [(name.lower().encode(), value.encode()) for name, value in flask.gateway_headers.items()]  # type: ignore[attr-defined]
        self._headers += [(name.lower().encode(), value.encode())
                          for name, value in headers_of(flask.view_functions["gateway.create_payin"]).items()]
        self._headers.append((b"content-type", b"application/json"))
        with flask.app_context():
            self._engine = db.engine()
        self.database = LoopDatabase(self._engine, prepared=settings.database_prepared)
        self._reading: asyncio.Future[None] | None = None
        self._lines: list[str] = []
        self._made_fast = CREATES.labels("fast", "")
        self._writer: GroupCommit[Asked, Done | Unserved] = GroupCommit("new orders", self._write, apart_s=APART_S)

    async def begin(self) -> None:
        """Read what every create looks for, before the first one waits for it; no harm where the database is away.

        And listen for revoked keys: until then none is remembered, and every create takes the ordinary road.
        """
        key_invalidation.of(self._engine).start()
        await asyncio.get_running_loop().run_in_executor(None, self._read_anew)

    async def close(self) -> None:
        """Let go of database and Redis, on the loop that has used them."""
        await self.database.close()
        await self._seen.close()
        if self._counter is not None:
            await self._counter.close()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self._road(scope, receive, send)
            return
        begun, message = perf_counter(), await receive()
        asked = await self._asked(scope, message)
        if isinstance(asked, Why):
            await self._by_flask(asked, scope, with_first(message, receive), send)
            return
        if self._writer.waiting >= WAITING_MAX:
            raise shed("new orders", heard=lambda said: self._keep(
                asked, begun, message["body"], OVERLOADED.status, said.body, request_id=said.request_id))
        signature = getattr(asked.actor, "signature", None)
        if signature is not None:
            claimed = await self._seen.claim_on_loop(signature)
            scope = {**scope, seen_signatures.CLAIMED: claimed}  # each counts once
            if not claimed:
                await self._by_flask(Why.REFUSED, scope, with_first(message, receive), send)
                return
        done = await self._writer.submit(asked)
        if isinstance(done, Unserved):
            CREATES.labels("fast", "unserved").inc()
            self._log(asked, begun, 503)
            self._keep(asked, begun, message["body"], 503, await self._say(send, asked, done.why))
        elif done is None or not done.written:
            if done is not None and done.counted is not None:
                scope = {**scope, rate_limits.COUNTED: done.counted}  # once is enough
            await self._by_flask(_why_not(done), scope, with_first(message, receive), send)
        else:
            self._made_fast.inc()
            self._log(asked, begun, 201)
            body = to_json(asked.answer)
            try:
                await self._answer(send, asked, done, body)
            finally:  # also of who has left meanwhile
                self._keep(asked, begun, message["body"], 201, body, made=asked.order.id)

    async def _by_flask(self, why: Why, scope: Any, receive: Any, send: Any) -> None:
        CREATES.labels("flask", why).inc()
        await self._road(scope, receive, send)

    def _log(self, asked: Asked, begun: float, status: int) -> None:
        """A line for each; those that are answered in the same turn of the loop go out in one write."""
        if not self._lines:
            asyncio.get_running_loop().call_soon(self._write_lines)
        actor = asked.actor
        self._lines.append(request_log.request_line("POST", PATH, status, begun, actor.id, actor.request_id))

    def _keep(self, asked: Asked, begun: float, body: bytes, status: int, answer: bytes, *,
              request_id: str | None = None, made: UUID | None = None) -> None:
        """For the store's own log: only put down here. `request_id`: where another was told than the create's."""
        writer: Writer | None = self._flask.extensions.get(EXTENSION)
        if writer is not None:
            writer.put(call_log.seen(
                asked.actor, request_id or asked.actor.request_id, "POST", PATH, "", status, begun, body, answer,
                made=made))

    def _write_lines(self) -> None:
        lines, self._lines = self._lines, []
        logging.write_lines(lines)

    async def _asked(self, scope: Any, message: Any) -> Asked | Why:
        """What will be written, or why it is Flask's."""
        try:
            return self._judge(scope, message)
        except db.MustRead:
            try:
                await asyncio.get_running_loop().run_in_executor(None, self._remember, scope, message)
                return self._judge(scope, message)
            except (db.MustRead, SQLAlchemyError):
                return Why.NOT_REMEMBERED

    def _judge(self, scope: Any, message: Any) -> Asked | Why:
        """By the same functions as on Flask's road, from what is remembered. Raises MustRead."""
        headers = dict(scope["headers"])
        if (why := why_not_plain(
                scope, headers, message["body"], hosts=self._hosts, hops=self._hops)) is not None:
            return why
        with db.remembered_only(self._engine):
            return self._judged(scope, message, headers)

    def _remember(self, scope: Any, message: Any) -> None:
        """In a thread, where reading is allowed: what the loop will look for."""
        with self._flask.app_context():
            self._judged(scope, message, dict(scope["headers"]))

    def _judged(self, scope: Any, message: Any, headers: dict[bytes, bytes]) -> Asked | Why:
        try:
            key = idempotency.usable(headers[b"idempotency-key"].decode("latin-1"))
            actor = auth.identified(
                headers[b"authorization"].decode("latin-1"),
                forwarded.visitor(reader(headers), self._hops, str((scope.get("client") or ("",))[0])),
                request_id=ids.public("req", ids.new_id()))
            actor = auth.signed(actor, _sent(scope, headers, message["body"], key), Permission.ORDER_CREATE)
            auth.let_in(actor, Permission.ORDER_CREATE)
            return asked_for(actor, bind(CreatePayin, strict_json.parse(message["body"])), idempotency_key=key)
        except PortalError:
            return Why.REFUSED

    async def _write(self, batch: Sequence[Asked]) -> Sequence[Done | Unserved | None]:
        """Count the calls of each key, and write all that are within their limit; at once where all are far from it."""
        keys = [asked.actor.id for asked in batch if asked.actor.id]
        if self._counter is None or self._counter.far(keys):
            counting = asyncio.ensure_future(self._counted(keys))
            made = await self._made(batch)
            counts = await counting
        else:
            counts = await self._counted(keys)
            allowed = [asked for asked, count in zip(batch, counts, strict=True)
                       if count is None or count.calls <= rate_limits.BURST]
            made = await self._made(allowed) if allowed else set()
        if isinstance(made, DatabaseUnavailable):
            return await self._unserved(counts, made)
        return [Done(asked.order.id in made, count) for asked, count in zip(batch, counts, strict=True)]

    async def _unserved(self, counts: Sequence[rate_limits.Counted | None],
                        why: DatabaseUnavailable) -> list[Done | Unserved | None]:
        """Told to ask again: no fault of theirs, so it does not count. Who was over the limit hears that instead."""
        within = [count for count in counts if count is not None and count.calls <= rate_limits.BURST]
        if self._counter is not None and within:
            await asyncio.get_running_loop().run_in_executor(None, self._counter.give_all_back, within)
        return [Unserved(why) if count is None or count.calls <= rate_limits.BURST else Done(False, count)
                for count in counts]

    async def _counted(self, keys: Sequence[UUID]) -> Sequence[rate_limits.Counted | None]:
        """Each call in its window; None where nobody counts."""
        return (self._counter and await self._counter.count_writes(keys)) or [None] * len(keys)

    async def _made(self, batch: Sequence[Asked]) -> set[UUID] | DatabaseUnavailable:
        """Those that were written: none of a batch that failed, whose calls have been counted. Or why to ask again."""
        self._keep_fresh()
        try:
            return await self.database.run(
                INSERT, parameters(batch, patience=PATIENCE), lambda session, found: written(session, batch, found))
        except OutcomeUnknown as unknown:
            return unknown
        except Exception as error:  # whatever it was: each finds out alone, and its own sender hears of it
            say_failed("new orders", len(batch), error)
            locked = isinstance(error, LockNotAvailable) and row_waited_for(error) is None
            return DatabaseUnavailable() if locked else set()

    def _keep_fresh(self) -> None:
        """Have what every create looks for read in a thread before it is too old for the loop, which may not read."""
        with db.remembered_only(self._engine):
            due = reference.grows_old() or store_cache.grows_old()
        if due and (self._reading is None or self._reading.done()):
            self._reading = asyncio.get_running_loop().run_in_executor(None, self._read_anew)

    def _read_anew(self) -> None:
        with self._flask.app_context(), suppress(DatabaseUnavailable, SQLAlchemyError):
            reference.snapshot()
            store_cache.renew()

    async def _answer(self, send: Any, asked: Asked, done: Done, body: bytes) -> None:
        headers = [*self._headers, (b"request-id", (asked.actor.request_id or "").encode()),
                   (b"content-length", b"%d" % len(body))]
        if done.counted is not None:
            left = rate_limits.left(done.counted)
            headers += [(name.lower().encode(), value.encode()) for name, value in left.items()]
        await send({"type": "http.response.start", "status": 201, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _say(self, send: Any, asked: Asked, why: DatabaseUnavailable) -> bytes:
        with self._flask.app_context():
            g.request_id = asked.actor.request_id
            said = problems.answer(why)
        headers = [header for header in self._headers if header[0] != b"content-type"]
        headers += [(name.lower().encode(), value.encode()) for name, value in said.headers]
        headers.append((b"request-id", (asked.actor.request_id or "").encode()))
        await send({"type": "http.response.start", "status": said.status_code, "headers": headers})
        body: bytes = said.get_data()
        await send({"type": "http.response.body", "body": body})
        return body


def _why_not(done: Done | None) -> Why:
    over = done is not None and done.counted is not None and done.counted.calls > rate_limits.BURST
    return Why.LIMITED if over else Why.TAKEN


def _sent(scope: Any, headers: dict[bytes, bytes], body: bytes, idempotency_key: str) -> signing.Sent:
    read = reader(headers)
    return signing.Sent(read(TIMESTAMP) or None, read(SIGNATURE) or None, scope["method"], target_of(scope),
                        idempotency_key, lambda: body)
