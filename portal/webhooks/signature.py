"""Standard Webhooks: the secret's spelling, what is signed, and the exact body."""
import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from portal.core import clock

SECRET_BYTES = 32
PREFIX = "whsec_"
BODY_MAX = 20_000  # bytes
TOLERANCE_S = 300


def new_secret() -> str:
    """`whsec_…`, 256 random bits."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def body(type: str, at: datetime, payload: dict[str, Any]) -> bytes:
    """Compact JSON `{"type", "timestamp", "data"}`, under 20 kB.

    Should an order's history make it longer, the history is left out; the gateway still shows it.
    """
    told = _compact({"type": type, "timestamp": clock.rfc3339(at), "data": payload})
    if len(told) >= BODY_MAX:
        told = _compact({"type": type, "timestamp": clock.rfc3339(at), "data": payload | {"events": []}})
    return told


def headers(webhook_id: str, at: datetime, told: bytes, keys: Sequence[str]) -> dict[str, str]:
    """The three headers; one signature for each secret, so that a receiver may hold the old or the new one."""
    timestamp = str(int(at.timestamp()))
    signed = b".".join([webhook_id.encode(), timestamp.encode(), told])
    return {"webhook-id": webhook_id, "webhook-timestamp": timestamp,
            "webhook-signature": " ".join(_sign(key, signed) for key in keys)}


def verified(headers: Mapping[str, str], told: bytes, key: str, now: datetime) -> bool:
    """As a receiver does who has one secret: is this ours, and of these minutes?"""
    timestamp = headers["webhook-timestamp"]
    signed = b".".join([headers["webhook-id"].encode(), timestamp.encode(), told])
    fresh = abs(int(timestamp) - now.timestamp()) <= TOLERANCE_S
    return fresh and any(hmac.compare_digest(shown, _sign(key, signed))
                         for shown in headers["webhook-signature"].split(" "))


def _sign(key: str, signed: bytes) -> str:
    digest = hmac.digest(base64.b64decode(key.removeprefix(PREFIX)), signed, hashlib.sha256)
    return "v1," + base64.b64encode(digest).decode()


def _compact(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
