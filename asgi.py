"""The desk for granian: streams of `/live` first, then bodies within limits, plain creates, and Flask in a thread."""
import gc

from portal.gateway.lane import Lane
from portal.web.body import BodyReader
from portal.web.bridge import Bridge
from portal.web.live import Live
from wsgi import app as flask_app

THREADS = 8
GARBAGE = 20_000  # new objects between looks for cycles (Python: 700): a request makes hundreds and hardly a cycle

app = Live(BodyReader(Lane(Bridge(flask_app, threads=THREADS), flask_app)), flask_app)

gc.set_threshold(GARBAGE)
gc.collect()
gc.freeze()  # what a process starts with stays: no later collection stops everybody to look through it again
