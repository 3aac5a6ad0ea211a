"""What a schema cannot say, told to schemathesis: how our formats look, that a key of idempotency is one request's, and
how a call is signed that the document wants signed.

Loaded by SCHEMATHESIS_HOOKS=tests.gateway.schemathesis_hooks; SIGNING_SECRET is the key's, where it has one, and HEARD
a file for what was answered.
"""
import io
import json
import os
import string
import time
from collections import Counter, defaultdict
from pathlib import Path
from secrets import token_hex

import schemathesis
from hypothesis import strategies as st
from PIL import Image
from requests import PreparedRequest
from requests.auth import AuthBase
from schemathesis.cli import EventHandler
from schemathesis.engine.events import ScenarioFinished
from schemathesis.transport.serialization import Binary

from tests.gateway.signatures import signature


def _png(grey: int) -> bytes:
    kept = io.BytesIO()
    Image.new("L", (8, 8), grey).save(kept, "PNG")
    return kept.getvalue()


OK, NOT_FOUND = 200, 404
PICTURES = [_png(grey) for grey in (0, 90, 255)]
TO_BE_SIGNED = "to-be-signed"  # from the configuration of a key that signs; what was made up here goes out as it is
PLAIN = string.ascii_letters + string.digits + "-_.:#/ "


def _luhn(body: str) -> str:
    """A card number with its check digit."""
    doubled = [int(digit) * 2 if at % 2 == 0 else int(digit) for at, digit in enumerate(reversed(body))]
    return body + str(-sum(n - 9 if n > 9 else n for n in doubled) % 10)


def _tidy(text: str) -> bool:
    return bool(text) and text == text.strip()


schemathesis.openapi.format("plain-id", st.text(PLAIN, min_size=1, max_size=40).filter(_tidy))
schemathesis.openapi.format("plain-text", st.text(PLAIN, min_size=1, max_size=200).filter(_tidy))
schemathesis.openapi.format("binary", st.sampled_from(PICTURES).map(Binary))
schemathesis.openapi.format("card-number", st.text(string.digits, min_size=11, max_size=11)
                            .map(lambda tail: _luhn("2200" + tail)))


@schemathesis.hook
def before_call(context, case, kwargs):
    """The same key with another body is refused, and rightly; every request here is a new one."""
    for name in [name for name in case.headers or {} if name.lower() == "idempotency-key"]:
        if _good(case.headers[name]):
            case.headers[name] = token_hex(16)
    if isinstance(case.query, dict) and isinstance(case.query.get("wait"), int) and 1 < case.query["wait"] <= 30:
        case.query["wait"] = 1  # an order that stands still is waited for as long as it says
    if (case.headers or {}).get("Quittance-Signature") == TO_BE_SIGNED:
        kwargs["auth"] = Signature(os.environ["SIGNING_SECRET"])


class Signature(AuthBase):
    """Over a request as it goes out, boundaries of its files and escapes of its query included."""

    def __init__(self, secret: str) -> None:
        self.secret = secret

    def __call__(self, prepared: PreparedRequest) -> PreparedRequest:
        at, body = f"{time.time():.6f}", prepared.body or b""
        prepared.headers["Quittance-Timestamp"] = at
        prepared.headers["Quittance-Signature"] = signature(
            self.secret, at, prepared.method or "", prepared.path_url, _text(prepared.headers.get("Idempotency-Key")),
            body.encode() if isinstance(body, str) else body)
        return prepared


def _text(header: str | bytes | None) -> str:
    return (header.decode("latin-1") if isinstance(header, bytes) else header or "").strip()


def _good(key: object) -> bool:
    return isinstance(key, str) and 0 < len(key) <= 255 and all("!" <= letter <= "~" for letter in key)


@schemathesis.cli.handler()
class Heard(EventHandler):
    """A green run can be one that got nowhere: what was answered to each call that the document allows, and how many
    times each link of it found what was made, or what a call before had deleted.

    Not links that schemathesis guessed by itself, nor where it threw away what the link gave.
    """

    def __init__(self, *args, **params):
        self.calls, self.links = defaultdict(set), Counter()

    def handle_event(self, ctx, event):
        if not isinstance(event, ScenarioFinished):
            return
        cases = event.recorder.cases
        answers = {name: made.response.status_code for name, made in event.recorder.interactions.items()
                   if made.response is not None}
        gone = tuple(cases[name].value.formatted_path for name, status in answers.items()
                     if status == OK and cases[name].value.method.upper() == "DELETE")
        for name, status in answers.items():
            case = cases[name].value
            if _is_allowed(case):
                self.calls[case.operation.label].add(status)
            if _is_by_our_link(cases[name]) and (status != NOT_FOUND or case.formatted_path.startswith(gone)):
                self.links[cases[name].transition.id] += 1

    def shutdown(self, ctx):
        if "HEARD" in os.environ:
            Path(os.environ["HEARD"]).write_text(json.dumps({"calls": self.calls, "links": self.links}, default=sorted))


def _is_allowed(case):
    """Not one of those that were spoilt, or sent with a method that the address has not got, to be refused."""
    return case.meta is not None and case.meta.generation.mode.is_positive and (
        case.method.upper() == case.operation.method.upper())


def _is_by_our_link(case):
    return case.transition is not None and case.is_transition_applied and not case.transition.is_inferred
