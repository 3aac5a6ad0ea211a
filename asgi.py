"""The desk for granian: bodies are read here, within a limit and a time, before Flask gives them a thread."""
from portal.web.body import BodyReader
from portal.web.bridge import Bridge
from wsgi import app as flask_app

THREADS = 8

app = BodyReader(Bridge(flask_app, threads=THREADS))
