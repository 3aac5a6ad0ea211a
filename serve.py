"""The web process: `python serve.py HOST PORT`."""
from tasks import lean  # isort: split

import sys

from asgi import app, live, room
from portal import live_settings
from portal.core import readiness, start_check
from portal.server.http_limits import serve
from tasks.app import settings
from wsgi import app as flask_app

assert lean  # before anything else

if __name__ == "__main__":
    start_check.insist(settings.sqlalchemy_url, prepared=settings.database_prepared,
                       keys=settings.master_key_ids)
    live_settings.begin(lambda: flask_app)
    serve(app, host=sys.argv[1], port=int(sys.argv[2]), room=room, stopping=live.close, leaving=readiness.leave,
          lame_duck_s=settings.lame_duck_s)
