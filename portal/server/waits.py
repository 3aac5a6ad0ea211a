"""Calls that wait for an order to change (`?wait=`): on the event loop, so that no thread waits with them.

Flask is asked twice: first whether the call may wait (key, order, version: `portal.gateway.waiting`), and again when
the order has changed, the time is over or the server stops. In between one look at the database serves everybody who
waits in this process: at once when a step is told of one of their stores, and every LOOK_EVERY_S besides.
"""
import asyncio
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from time import perf_counter
from uuid import UUID

import structlog
from flask import Flask
from prometheus_client import Gauge
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from portal.core import page_events
from portal.core.db import db, reader, translated
from portal.core.errors import PortalError
from portal.gateway.endpoint import BASE
from portal.gateway.rate_limits import COUNTED
from portal.gateway.waiting import WAIT, Rooms, Wait
from portal.orders.models import Order
from portal.server.live.audience import Listener
from portal.server.live.hub import Hub, Stream
from portal.server.request_body import App, Gone, Message, Receive, Scope, Send, until_gone, with_first

PATHS = (f"{BASE}/payins/", f"{BASE}/payouts/")
LOOK_EVERY_S = 1.0  # whatever Redis says or loses
APART_S = .1  # between two looks
WAITING = Gauge("quittance_waiting_calls", "Calls that wait for their order to change")
log = structlog.get_logger("waits")


class Waits:
    """ASGI before `road`, which serves all calls; `hub` hears of steps."""

    def __init__(self, road: App, flask: Flask, hub: Hub, *, rooms: Rooms | None = None) -> None:
        self.rooms = rooms or Rooms()
        self._road, self._flask, self._hub = road, flask, hub
        self._waiting: dict[Wait, asyncio.Future[None]] = {}
        self._ear = Stream(Listener(UUID(int=0), frozenset()))
        self._looking: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="waits")
        WAITING.set_function(lambda: self.rooms.size)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or b"wait=" not in scope["query_string"] or not (
                scope["path"].startswith(PATHS)):
            await self._road(scope, receive, send)
            return
        wait = Wait(self.rooms, perf_counter())
        if self._hub.closing.is_set():
            self.rooms.closed = True

        async def unless_held(message: Message) -> None:
            if not wait.held:
                await send(message)

        try:
            message = await receive()  # a GET's body is nothing; Flask is given it twice
            await self._road({**scope, WAIT: wait}, with_first(message, receive), unless_held)
            if not wait.held:
                return
            await self._until_changed(wait, receive)
        finally:
            if wait.place is not None:
                self.rooms.leave(wait.place)
        wait.held, wait.over = False, True
        await self._road({**scope, WAIT: wait, COUNTED: wait.counted}, with_first(message, receive), send)

    async def _until_changed(self, wait: Wait, receive: Receive) -> None:
        """Or until its time is over, or the server stops. Raises Gone."""
        changed = self._waiting[wait] = asyncio.get_running_loop().create_future()
        gone = asyncio.ensure_future(until_gone(receive))
        self._look_from_now_on()
        try:
            await asyncio.wait({changed, gone}, timeout=wait.seconds, return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                raise Gone()
        finally:
            del self._waiting[wait]
            gone.cancel()

    def _look_from_now_on(self) -> None:
        self._ear.stirred.set()  # it may have changed since it was read
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(self._look())

    async def _look(self) -> None:
        """As long as anybody waits."""
        self._hub.join(self._ear)
        try:
            while self._waiting:
                self._ear.listener = Listener(UUID(int=0), frozenset(
                    page_events.store(wait.store_id) for wait in self._waiting if wait.store_id))
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_EVERY_S):
                        await self._ear.stirred.wait()
                self._ear.take()
                if self._hub.closing.is_set():
                    self.rooms.closed = True
                    self._answer(self._waiting)
                else:
                    await self._answer_changed()
                await asyncio.sleep(APART_S)
        finally:
            self._hub.leave(self._ear)

    async def _answer_changed(self) -> None:
        asked = {wait.order_id for wait in self._waiting if wait.order_id is not None}
        try:
            now = await asyncio.get_running_loop().run_in_executor(self._thread, self._versions, asked)
        except (PortalError, SQLAlchemyError) as error:
            log.warning("waits_not_looked", error=type(error).__name__)  # the next look may see
            return
        self._answer([wait for wait in self._waiting if wait.order_id in asked and now.get(
            wait.order_id) != wait.version])

    def _answer(self, waits: Collection[Wait]) -> None:
        for wait in waits:
            if not self._waiting[wait].done():
                self._waiting[wait].set_result(None)

    def _versions(self, order_ids: Collection[UUID]) -> dict[UUID, int]:
        """In a thread: one statement, by the primary key."""
        with self._flask.app_context():
            try:
                with translated():
                    rows = reader().execute(select(Order.id, Order.version).where(Order.id.in_(order_ids)))
                    return {row.id: row.version for row in rows}
            finally:
                db.session.remove()
