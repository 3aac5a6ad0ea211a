"""What the head of a request must be before anybody looks into it, for pages, calls and the fast lane alike.

Where two readers could take a head differently, nobody reads it: what may stand once stands once (RFC 9110, 5.3), a
host is named, and text is UTF-8 as it is.
"""
import re
from collections.abc import MutableMapping
from typing import Any

from portal.server.refusals import MALFORMED, NOT_PLAIN, Refused

Scope = MutableMapping[str, Any]
ONCE = frozenset({
    b"authorization", b"content-encoding", b"content-length", b"content-type", b"date", b"from", b"host",
    b"hx-request", b"idempotency-key", b"if-modified-since", b"if-range", b"if-unmodified-since", b"max-forwards",
    b"origin", b"proxy-authorization", b"range", b"referer", b"sec-fetch-site", b"transfer-encoding", b"user-agent",
    b"x-csrftoken", b"x-csrf-token"})
HOST = re.compile(rb"(?:[A-Za-z0-9._~-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
QUERY_FIELDS_MAX = 100
UTF8 = re.compile(rb'"?utf-?8"?', re.IGNORECASE)


def judge(scope: Scope) -> None:
    """Raises Refused: no host, a doubtful one, twice what stands once, a query that is no ASCII or has no end."""
    seen, host = set[bytes](), None
    for name, value in scope["headers"]:
        if name in ONCE:
            if name in seen:
                raise Refused(MALFORMED)
            seen.add(name)
            if name == b"host":
                host = value
    query: bytes = scope["query_string"]
    named = scope["http_version"] == "1.0" if host is None else HOST.fullmatch(host)
    if not named or not query.isascii() or query.count(b"&") >= QUERY_FIELDS_MAX:
        raise Refused(MALFORMED)


def judge_writing(scope: Scope) -> None:
    """Of a request with a body. Raises Refused: another charset than UTF-8, or packed."""
    for name, value in scope["headers"]:
        if name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
            raise Refused(NOT_PLAIN)
        if name == b"content-type" and b"charset" in value.lower() and not _is_utf8(value):
            raise Refused(NOT_PLAIN)


def _is_utf8(content_type: bytes) -> bool:
    """All that it says of a charset says UTF-8."""
    said = [value.strip() for name, _, value in (part.partition(b"=") for part in content_type.split(b";")[1:])
            if name.strip().lower() == b"charset"]
    return all(UTF8.fullmatch(value) for value in said)
