"""A delivery's request as it leaves the desk, for people to read: the exact body, and a head without its signature."""
import json
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from portal.core.outbound import addresses, transport
from portal.webhooks import signature
from portal.webhooks.models import Delivery, EndpointKind
from portal.webhooks.payload import names, shown

MASKED = "v1,••••••••"
EACH_TRY = "…"  # the second it was signed in


@dataclass(frozen=True)
class Request:
    path: str
    head: dict[str, str]
    body: str

    @property
    def pretty(self) -> str:
        """The same JSON with room to read it."""
        return json.dumps(json.loads(self.body), ensure_ascii=False, indent=2)


def request_of(session: Session, delivery: Delivery, *, with_link: bool) -> Request:
    """With its event and endpoint. Signatures are not kept, and would say nothing to people.

    `with_link`: to one who may do what a payment link opens; to others, and where its endpoint is told none, the body
    stands there without it. A name that does not open is null there; it is not sent so.
    """
    kept = delivery.event.payload
    payload = shown(kept, names(session, [kept]), event=delivery.event.public_id,
                    with_link=with_link and delivery.endpoint.with_link)
    body = signature.body(delivery.event.type, delivery.event.created_at, payload)
    own = {"webhook-id": delivery.event.public_id, "webhook-timestamp": EACH_TRY, "webhook-signature": MASKED}
    if delivery.endpoint.kind == EndpointKind.INBOX:
        return Request("/", inside(body, own), body.decode())
    path, head = _head(delivery.endpoint.url, body, own)
    return Request(path, head, body.decode())


def head_lines(url: str, body: bytes, headers: Mapping[str, str]) -> str:
    """The head of one try as it is kept: its signatures would let whoever reads it send it once more."""
    return lines(_head(url, body, {**headers, "webhook-signature": MASKED})[1])


def lines(head: Mapping[str, str]) -> str:
    return "".join(f"{name}: {value}\n" for name, value in head.items())


def inside(body: bytes, headers: Mapping[str, str]) -> dict[str, str]:
    """What an inbox gets: the same headers, with no connection around them."""
    return {**transport.about(body), **headers}


def read_lines(head: str | None) -> dict[str, str]:
    """Kept lines by name in lower case; a name that stands twice has both values."""
    found: dict[str, str] = {}
    for line in (head or "").splitlines():
        name, _, value = line.partition(": ")
        found[name.lower()] = f"{found[name.lower()]}, {value}" if name.lower() in found else value
    return found


def _head(url: str, body: bytes, own: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    try:
        target = addresses.guard().parse(url)
    except addresses.Refused:  # the rules became stricter since it was named: nothing is sent to it
        return url, dict(own)
    return target.path, transport.head_of_post(target, body, own)
