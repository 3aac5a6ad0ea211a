"""The web process: `python serve.py HOST PORT`."""
import sys

from asgi import app, live, room
from portal.web.wire import serve

if __name__ == "__main__":
    serve(app, host=sys.argv[1], port=int(sys.argv[2]), stopping=live.close, room=room)
