"""`/servez` on the event loop: whether this process takes more calls. A balancer must not wait for a thread to hear it.

With the database away every thread may be waiting for it, and a balancer that hears nothing takes all webs out.
"""
from portal.core import readiness
from portal.server.request_body import App, Receive, Scope, Send

PATH = "/servez"


class Serving:
    """ASGI before `road`, which serves everything else."""

    def __init__(self, road: App) -> None:
        self._road = road

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] not in ("GET", "HEAD", "OPTIONS"):
            await self._road(scope, receive, send)
            return
        status, word = readiness.serving()
        body = b'{"status":"%s"}\n' % word.encode()
        await send({"type": "http.response.start", "status": status, "headers": [
            (b"content-type", b"application/json"), (b"cache-control", b"no-store"),
            (b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
