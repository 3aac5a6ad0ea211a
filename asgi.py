"""The desk for granian: bodies are read here, within a limit and a time, before Flask gives them a thread."""
from a2wsgi import WSGIMiddleware

from portal.web.body import BodyReader
from wsgi import app as flask_app

THREADS = 8

app = BodyReader(WSGIMiddleware(flask_app, workers=THREADS))
