"""The web process: `python serve.py HOST PORT`."""
import sys

from asgi import app, live, room
from portal.core import fitness
from portal.web.wire import serve
from tasks.app import settings

if __name__ == "__main__":
    fitness.insist(settings.sqlalchemy_url, prepared=settings.database_prepared)
    serve(app, host=sys.argv[1], port=int(sys.argv[2]), stopping=live.close, room=room)
