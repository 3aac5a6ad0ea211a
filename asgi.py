"""The desk for uvicorn: heads and bodies within limits first, then calls that wait, streams, plain creates, and Flask
in a thread."""
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from sqlalchemy.orm import configure_mappers

from portal.core import jobs, tracing
from portal.server import gc_tuning
from portal.server.connection_room import Room
from portal.server.fast_create import FastCreate
from portal.server.live import Live
from portal.server.request_body import BodyReader, Limits, taken_by
from portal.server.serving import Serving
from portal.server.waits import Waits
from portal.server.wsgi_bridge import Bridge
from tasks.wakeups import poke
from tasks.wakeups_async import LoopWaker
from wsgi import app as flask_app

THREADS = 8


@asynccontextmanager
async def serving() -> AsyncIterator[None]:
    """What belongs to the loop: wake-ups go out by it, and the fast road's connections end with it."""
    if settings.http_webhooks:
        structlog.get_logger("web").warning("webhooks_may_reach_this_machine", app_env=settings.app_env)
    waker = LoopWaker()
    jobs.poke_with(waker.poke)
    if fast is not None:
        await fast.begin()
    try:
        yield
    finally:
        jobs.poke_with(poke)
        await waker.close()
        if fast is not None:
            await fast.close()


settings = flask_app.extensions["settings"]
tracing.begin(settings.traces_url, share=settings.traces_share, key=settings.trace_key, process="web")
bridge = Bridge(flask_app, threads=THREADS, serving=serving)
fast = FastCreate(bridge, flask_app) if settings.fast_create else None
live = Live(fast or bridge, flask_app)
waits = Waits(live, flask_app, live.hub)
app = tracing.around(BodyReader(Serving(waits), Limits(asked_for=taken_by(flask_app))))
room = Room(per_address=settings.address_connections)

configure_mappers()  # else by the first call, which waits for it: 77 ms of work, half a second on a busy machine
gc_tuning.settle()
