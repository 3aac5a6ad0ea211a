"""The web process: `python serve.py HOST PORT`."""
import sys

from asgi import app, live, room
from portal.core import readiness, start_check
from portal.server.http_limits import serve
from tasks.app import settings

if __name__ == "__main__":
    start_check.insist(settings.sqlalchemy_url, prepared=settings.database_prepared,
                       keys=settings.master_key_ids)
    serve(app, host=sys.argv[1], port=int(sys.argv[2]), room=room, stopping=live.close, leaving=readiness.leave,
          lame_duck_s=settings.lame_duck_s)
