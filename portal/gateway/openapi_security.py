"""How the OpenAPI document says who calls: a key or a token of it, and a signature beside where one is wanted."""
from collections.abc import Iterable, Sequence
from typing import Any

from portal.core.access import SCOPE_WORDS
from portal.gateway import signing
from portal.gateway.endpoint import BASE

SIGNED: dict[str, list[str]] = {"signature": [], "timestamp": []}


def alternatives(scopes: Sequence[str]) -> list[dict[str, Sequence[str]]]:
    """A call that needs one of these scopes. Whether it is signed, the key and its store decide."""
    return [{"key": []}, {"token": scopes}, {"key": [], **SIGNED}, {"token": scopes, **SIGNED}]


def schemes(scopes: Iterable[str]) -> dict[str, Any]:
    """Of `components`."""
    return {
        "key": {"type": "http", "scheme": "bearer",
                "description": f"A secret API key, `qk_…`. Scopes: {', '.join(scopes)}."},
        "token": {"type": "oauth2", "description": "Fifteen minutes for a key: a JWT, sent as the key would be. Its"
                  " scopes can only be fewer. /.well-known/jwks.json has the keys it is signed with.",
                  "flows": {"clientCredentials": {"tokenUrl": f"{BASE}/token", "scopes": SCOPE_WORDS}}},
        "signature": {
            "type": "apiKey", "in": "header", "name": signing.SIGNATURE, "description":
            "`v1=` and, in hex, HMAC-SHA256 with the key's signing secret over six lines joined by `\\n`: `v1`, the"
            " timestamp as sent, the method, path and query as sent, the `Idempotency-Key` or nothing, and SHA-256 of"
            " the body in hex. Counts once for calls that change something, which carry an `Idempotency-Key` then."},
        "timestamp": {
            "type": "apiKey", "in": "header", "name": signing.TIMESTAMP, "description":
            f"Unix time in seconds, with decimals or without, at most {signing.AWAY_MAX_S} from ours."},
    }
