"""The desk for uvicorn: streams of `/live` first, then bodies within limits, plain creates, and Flask in a thread."""
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from portal.core import garbage, jobs
from portal.gateway.lane import Lane
from portal.web.body import BodyReader
from portal.web.bridge import Bridge
from portal.web.live import Live
from tasks.loop_waker import LoopWaker
from tasks.waker import poke
from wsgi import app as flask_app

THREADS = 8


@asynccontextmanager
async def serving() -> AsyncIterator[None]:
    """What belongs to the loop: wake-ups go out by it, and the lane's connections end with it."""
    waker = LoopWaker()
    jobs.poke_with(waker.poke)
    try:
        yield
    finally:
        jobs.poke_with(poke)
        await waker.close()
        await lane.close()


lane = Lane(Bridge(flask_app, threads=THREADS, serving=serving), flask_app)
app = Live(BodyReader(lane), flask_app)

garbage.settle()
