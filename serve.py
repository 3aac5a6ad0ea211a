"""The web process: `python serve.py HOST PORT`."""
import sys

from asgi import app, live, room
from portal.core import start_check
from portal.server.http_limits import serve
from tasks.app import settings

if __name__ == "__main__":
    start_check.insist(settings.sqlalchemy_url, prepared=settings.database_prepared)
    serve(app, host=sys.argv[1], port=int(sys.argv[2]), stopping=live.close, room=room)
