"""Each call of a known key goes into its store's log (portal/calls), refused ones included, whichever road it took."""
import time
from uuid import UUID

from flask import Flask, Response, current_app, g, request

from portal.calls import EXTENSION, Seen, Writer
from portal.core import db
from portal.core.access import Actor

JSON = ("application/json", "application/problem+json")


def start(app: Flask) -> Writer:
    """From now on this process writes the log down."""
    with app.app_context():
        writer = Writer(db.engine(), prepared=app.extensions["settings"].database_prepared)
    app.extensions[EXTENSION] = writer
    return writer


def put(answer: Response, begun: float) -> None:
    """The call that is just being answered. A key that is not known, or is not what it says, has no log."""
    writer: Writer | None = current_app.extensions.get(EXTENSION)
    actor: Actor | None = g.actor or g.turned_away
    if writer is None or actor is None:
        return
    body = request.get_data() if request.mimetype not in ("multipart/form-data",) else b""
    kept = answer.mimetype in JSON and not answer.is_streamed
    writer.put(seen(actor, g.request_id, request.method, request.path, request.query_string.decode("latin-1"),
                    answer.status_code, begun, body, answer.get_data() if kept else b""))


def seen(actor: Actor, request_id: str | None, method: str, path: str, query: str, status: int, begun: float,
         body: bytes, answer: bytes, *, made: UUID | None = None) -> Seen:
    """`begun`: by `time.perf_counter`. `made`: the new order whose first answer this is."""
    assert request_id is not None
    assert actor.id is not None
    assert actor.store_id is not None
    return Seen(request_id, actor.store_id, bool(actor.live), actor.id, method, path, query, status,
                time.perf_counter() - begun, body, answer, made)
