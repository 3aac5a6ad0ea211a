"""The desk for uvicorn: heads and bodies within limits first, then streams, plain creates, and Flask in a thread."""
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from portal.core import garbage, jobs
from portal.gateway.lane import Lane
from portal.web.body import BodyReader, Limits, taken_by
from portal.web.bridge import Bridge
from portal.web.live import Live
from portal.web.room import Room
from tasks.loop_waker import LoopWaker
from tasks.waker import poke
from wsgi import app as flask_app

THREADS = 8


@asynccontextmanager
async def serving() -> AsyncIterator[None]:
    """What belongs to the loop: wake-ups go out by it, and the lane's connections end with it."""
    if flask_app.extensions["settings"].http_webhooks:
        structlog.get_logger("web").warning("webhooks_may_reach_this_machine", app_env=flask_app.extensions[
            "settings"].app_env)
    waker = LoopWaker()
    jobs.poke_with(waker.poke)
    try:
        yield
    finally:
        jobs.poke_with(poke)
        await waker.close()
        await lane.close()


lane = Lane(Bridge(flask_app, threads=THREADS, serving=serving), flask_app)
live = Live(lane, flask_app)
app = BodyReader(live, Limits(asked_for=taken_by(flask_app)))
room = Room(per_address=flask_app.extensions["settings"].address_connections)

garbage.settle()
