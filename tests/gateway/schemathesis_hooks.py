"""What a schema cannot say, told to schemathesis: how our formats look, that a key of idempotency is one request's, and
how a call is signed that the document wants signed.

Loaded by SCHEMATHESIS_HOOKS=tests.gateway.schemathesis_hooks; SIGNING_SECRET is the key's, where it has one.
"""
import io
import os
import string
import time
from secrets import token_hex

import schemathesis
from hypothesis import strategies as st
from PIL import Image
from requests import PreparedRequest
from requests.auth import AuthBase
from schemathesis.transport.serialization import Binary

from tests.gateway.signatures import signature


def _png(grey: int) -> bytes:
    kept = io.BytesIO()
    Image.new("L", (8, 8), grey).save(kept, "PNG")
    return kept.getvalue()


PICTURES = [_png(grey) for grey in (0, 90, 255)]
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
    if _is_signed(case.operation.definition.raw):
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


def _is_signed(operation: dict) -> bool:
    """Whether the document knows no way of this call without a signature."""
    ways = operation.get("security", ())
    return bool(ways) and all("signature" in way for way in ways)


def _text(header: str | bytes | None) -> str:
    return (header.decode("latin-1") if isinstance(header, bytes) else header or "").strip()


def _good(key: object) -> bool:
    return isinstance(key, str) and 0 < len(key) <= 255 and all("!" <= letter <= "~" for letter in key)
