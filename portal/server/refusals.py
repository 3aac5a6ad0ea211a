"""What is refused before Flask sees it: problem documents under /gateway/, a sentence for whoever wanted a page."""
import json
from collections.abc import Callable
from dataclasses import dataclass

from portal.core import ids, jitter, metrics

GATEWAY = "/gateway"
HEADERS = {
    "cache-control": "no-store", "x-content-type-options": "nosniff", "referrer-policy": "same-origin",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'"}


@dataclass(frozen=True)
class Refusal:
    """As the registry of codes has it (docs/errors.md); `after_s`: when to come back, for what may succeed later."""

    status: int
    code: str
    sentence: str
    after_s: int | None = None


MALFORMED = Refusal(400, "malformed_request", "This request cannot be understood.")
TOO_SLOW = Refusal(408, "body_too_slow", "The body did not arrive in time.", 1)
HEAD_TOO_SLOW = Refusal(408, "head_too_slow", "The head of the request did not arrive in time.", 1)
TOO_LARGE = Refusal(413, "body_too_large", "The body is too large.")
NOT_PLAIN = Refusal(415, "unsupported_encoding", "Send the body in UTF-8 and without a Content-Encoding.")
HEAD_TOO_LARGE = Refusal(431, "head_too_large", "What surrounds the body of the request is too large.")
BUG = Refusal(500, "internal", "Something went wrong on our side. Tell us the request id.", 1)
NO_ROOM = Refusal(503, "no_room", "There are too many connections just now. Try again in a moment.", 2)

OVERLOADED = Refusal(503, "overloaded", "The desk has more to do than it can just now. Try again in a moment.", 2)


@dataclass(frozen=True)
class Answer:
    """What goes over the wire, and the id by which people ask about it."""

    headers: list[tuple[bytes, bytes]]
    body: bytes
    request_id: str


class Refused(Exception):
    """This request is not taken; `refusal` says why. `heard` is given what was answered: whose call it was is known."""

    def __init__(self, refusal: Refusal, heard: Callable[[Answer], None] | None = None) -> None:
        super().__init__(refusal.code)
        self.refusal, self.heard = refusal, heard


def shed(what: str, heard: Callable[[Answer], None] | None = None) -> Refused:
    """There is more to do than can be done in time: who comes now is told so, instead of waiting with all others."""
    metrics.SHED.labels(what).inc()
    return Refused(OVERLOADED, heard)


def answer(refusal: Refusal, path: str) -> Answer:
    """The last one on its connection."""
    request_id, retryable = ids.public("req", ids.new_id()), refusal.after_s is not None
    if path == GATEWAY or path.startswith(f"{GATEWAY}/"):
        kind = "application/problem+json"
        text = json.dumps({
            "type": f"/docs/errors#{refusal.code}", "title": refusal.sentence, "status": refusal.status,
            "detail": refusal.sentence, "code": refusal.code, "request_id": request_id, "retryable": retryable})
    else:
        kind, text = "text/plain; charset=utf-8", f"{refusal.sentence}\n{request_id}\n"
    later = {} if refusal.after_s is None else {"retry-after": jitter.retry_after(refusal.after_s)}
    headers = {**HEADERS, **later, "content-type": kind, "content-length": str(len(text.encode())),
               "request-id": request_id, "connection": "close"}
    return Answer([(name.encode(), value.encode()) for name, value in headers.items()], text.encode(), request_id)
