"""Is this message from the desk? Standard Webhooks, checked with the standard library alone."""
import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import cast

from quittance.errors import BadSignature
from quittance.shapes import WebhookMessage

TOLERANCE_S = 300
PREFIX = "whsec_"


class Webhook:
    """Messages to one endpoint. While its secret changes a message carries two signatures: either secret verifies it,
    and several secrets may be named here for the time in which you do not know which one is in force."""

    def __init__(self, *secrets: str, tolerance_s: int = TOLERANCE_S) -> None:
        if not secrets:
            raise ValueError("name the endpoint's secret")
        self._keys = [base64.b64decode(secret.removeprefix(PREFIX), validate=True) for secret in secrets]
        self._tolerance_s = tolerance_s

    def verify(self, body: bytes | str, headers: Mapping[str, str], *, now: float | None = None) -> WebhookMessage:
        """The message, if it is the desk's and of now; `body`: the bytes as they came, not parsed and written again.

        Raises BadSignature. It may come twice, and late: remember `webhook-id`, compare `data["version"]`.
        """
        given = {name.lower(): value for name, value in headers.items()}
        sent = body.encode() if isinstance(body, str) else body
        self._check(sent, given, time.time() if now is None else now)
        return cast(WebhookMessage, json.loads(sent))

    def _check(self, body: bytes, headers: Mapping[str, str], now: float) -> None:
        try:
            name, at, signatures = (headers[f"webhook-{part}"] for part in ("id", "timestamp", "signature"))
        except KeyError as missing:
            raise BadSignature(f"the header {missing} is not there") from None
        if not (at.isascii() and at.isdigit()) or abs(now - int(at)) > self._tolerance_s:
            raise BadSignature("its time is more than a few minutes off")
        signed = b".".join([name.encode(), at.encode(), body])
        wanted = [hmac.digest(key, signed, hashlib.sha256) for key in self._keys]
        if not any(hmac.compare_digest(one, given) for given in _decoded(signatures) for one in wanted):
            raise BadSignature("no signature fits")


def _decoded(signatures: str) -> list[bytes]:
    """Those of the version we know; others are of a time to come."""
    found = []
    for one in signatures.split():
        version, _, text = one.partition(",")
        if version == "v1":
            try:
                found.append(base64.b64decode(text, validate=True))
            except (binascii.Error, ValueError):
                continue
    return found
