"""What a schema cannot say, told to schemathesis: how our formats look, and that a key of idempotency is one request's.

Loaded by SCHEMATHESIS_HOOKS=tests.gateway.schemathesis_hooks.
"""
import io
import string
from secrets import token_hex

import schemathesis
from hypothesis import strategies as st
from PIL import Image
from schemathesis.transport.serialization import Binary


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


def _good(key: object) -> bool:
    return isinstance(key, str) and 0 < len(key) <= 255 and all("!" <= letter <= "~" for letter in key)
