"""What a create must look like to be judged on the event loop; whatever is odd about it is Flask's to look into."""
import re
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from portal.web import forwarded

JSON = frozenset({b"application/json", b"application/json; charset=utf-8"})
BODY_MAX = 16 * 1024  # what may be parsed on the loop; ten times an order
NEVER = re.compile(rb"q\s*=\s*0(?:\.0*)?\s*(?:[,;]|$)", re.I)  # of a media type: it is not accepted


class Why(StrEnum):
    """A create takes the road through Flask."""

    QUERY = "query"  # a query string
    LARGE = "large"  # a body beyond BODY_MAX
    HEADERS = "headers"  # one that may stand once stands twice, or one is missing, or JSON may not be accepted
    MEDIA_TYPE = "media_type"
    HOST = "host"  # not one of the desk's, as proxies tell it
    REFUSED = "refused"  # Flask says so, in full
    NOT_REMEMBERED = "not_remembered"  # and could not be read just now
    TAKEN = "taken"  # the key or the external id is in use, or the batch failed
    LIMITED = "limited"  # too many calls


def why_not_plain(scope: Any, headers: dict[bytes, bytes], body: bytes, *, hosts: frozenset[str],
                  hops: int) -> Why | None:
    """None where there is nothing odd. `hosts`: the desk's own; `hops`: proxies in front of it."""
    if scope["query_string"]:
        return Why.QUERY
    if len(body) > BODY_MAX:
        return Why.LARGE
    if len(headers) != len(scope["headers"]) or not (b"authorization" in headers and b"idempotency-key" in headers):
        return Why.HEADERS
    if not _accepts_json(headers.get(b"accept", b"*/*")):
        return Why.HEADERS
    if headers.get(b"content-type") not in JSON:
        return Why.MEDIA_TYPE
    name, _, port = forwarded.host(reader(headers), hops).partition(":")
    return None if name in hosts and (not port or port.isdecimal()) else Why.HOST


def reader(headers: dict[bytes, bytes]) -> Callable[[str], str]:
    """A header by its name; empty for one that is not there."""
    return lambda name: headers.get(name.encode(), b"").decode("latin-1")


def _accepts_json(accept: bytes) -> bool:
    """Surely; what is harder to say is Flask's."""
    return not accept or ((b"*/*" in accept or b"application/json" in accept) and not NEVER.search(accept))
