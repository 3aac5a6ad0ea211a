"""A delivery's request as it leaves the desk, for people to read: the exact body, and a head without its signature."""
import json
from dataclasses import dataclass

from portal.core.outbound import addresses, transport
from portal.webhooks import signature
from portal.webhooks.models import Delivery
from portal.webhooks.payload import with_payment_link

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


def request_of(delivery: Delivery, *, with_link: bool) -> Request:
    """With its event and endpoint. Signatures are not kept, and would say nothing to people.

    `with_link`: to one who may do what a payment link opens; to others, and where its endpoint is told none, the body
    stands there without it.
    """
    payload = delivery.event.payload
    if with_link and delivery.endpoint.with_link:
        payload = with_payment_link(payload)
    body = signature.body(delivery.event.type, delivery.event.created_at, payload)
    own = {"webhook-id": delivery.event.public_id, "webhook-timestamp": EACH_TRY, "webhook-signature": MASKED}
    try:
        target = addresses.guard().parse(delivery.endpoint.url)
    except addresses.Refused:  # the rules became stricter since it was named: nothing is sent to it
        return Request(delivery.endpoint.url, own, body.decode())
    return Request(target.path, transport.head_of_post(target, body, own), body.decode())
