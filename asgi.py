"""The desk for granian: streams of `/live` first, then bodies within limits, plain creates, and Flask in a thread."""
from portal.core import garbage
from portal.gateway.lane import Lane
from portal.web.body import BodyReader
from portal.web.bridge import Bridge
from portal.web.live import Live
from wsgi import app as flask_app

THREADS = 8

app = Live(BodyReader(Lane(Bridge(flask_app, threads=THREADS), flask_app)), flask_app)

garbage.settle()
