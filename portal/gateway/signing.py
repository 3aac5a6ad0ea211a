"""Calls that carry a signature beside their key: HMAC-SHA256 over method, address, time, idempotency key and body.

Who reads a key off a log has not got the secret; who reads a whole call can send it once more, and it does nothing: a
call that changes something is signed with its `Idempotency-Key`, and its signature counts once (docs/decisions/0157).
"""
import hashlib
import hmac
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from portal.core import clock, crypto
from portal.core.access import Permission
from portal.gateway.errors import KeyRequired, SignatureInvalid, SignatureMissing, TimestampOutOfRange
from portal.parties import key_signing
from portal.parties.key_cache import Signing

TIMESTAMP, SIGNATURE = "Quittance-Timestamp", "Quittance-Signature"
AWAY_MAX_S = 300  # of the caller's clock from ours
SAFE = frozenset({"GET", "HEAD"})
_SECONDS = re.compile(r"[0-9]{1,11}(\.[0-9]{1,6})?", re.ASCII)
_V1 = re.compile(r"v1=([0-9a-f]{64})", re.ASCII)


class Sent(NamedTuple):
    """What of a call is signed. `target`: path and query, as they stand in the request; `body` is read when needed."""

    timestamp: str | None
    signature: str | None
    method: str
    target: str
    idempotency_key: str
    body: Callable[[], bytes]


def check(key_id: UUID, signing: Signing, sent: Sent, *, needed: Permission) -> str | None:
    """The signature of the call, where it has one that counts; None where it has none and needs none.

    Raises SignatureMissing, TimestampOutOfRange, SignatureInvalid, KeyRequired.
    """
    if sent.signature is None and sent.timestamp is None and not is_wanted(signing, needed):
        return None
    if sent.signature is None or sent.timestamp is None:
        raise SignatureMissing()
    spelled = _V1.fullmatch(sent.signature)
    _check_time(sent.timestamp)
    if spelled is None or not any(_is_made_with(secret, spelled[1], sent) for secret in _secrets(key_id, signing)):
        raise SignatureInvalid()
    if sent.method not in SAFE and not sent.idempotency_key:
        raise KeyRequired("A signed call that changes something carries an `Idempotency-Key`.")
    return spelled[1]


def is_wanted(signing: Signing, needed: Permission) -> bool:
    """Whether the key signs all its calls, or its store all payouts and this is about one."""
    return signing.of_all or (signing.of_payouts and needed is Permission.PAYOUT_CREATE)


def signed_text(sent: Sent) -> bytes:
    """What the signature is made over: six lines, the last without an end."""
    return "\n".join(("v1", sent.timestamp or "", sent.method, sent.target, sent.idempotency_key,
                      hashlib.sha256(sent.body()).hexdigest())).encode("utf-8", "surrogateescape")


def _check_time(timestamp: str) -> None:
    now = clock.now().timestamp()
    if _SECONDS.fullmatch(timestamp) is None or abs(float(timestamp) - now) > AWAY_MAX_S:
        raise TimestampOutOfRange(server_time=int(now))


def _is_made_with(secret: str, signature: str, sent: Sent) -> bool:
    return crypto.same(hmac.digest(secret.encode(), signed_text(sent), hashlib.sha256).hex(), signature)


def _secrets(key_id: UUID, signing: Signing) -> Iterator[str]:
    """The present one, then the one before it while that counts along."""
    now: datetime = clock.now()
    if signing.sealed is not None:
        yield key_signing.opened(key_id, signing.sealed)
    if signing.previous_sealed is not None and signing.previous_until is not None and now < signing.previous_until:
        yield key_signing.opened(key_id, signing.previous_sealed, previous=True)
