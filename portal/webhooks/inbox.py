"""An inbox: what a test order would have told, kept and verified by the desk itself, for who has no server yet."""
from collections.abc import Mapping, Sequence

from portal.core import clock
from portal.core.outbound.transport import Answer
from portal.webhooks import request_preview, signature

VERIFIED = "signature verified"
TAKEN, REFUSED = 200, 400


def receive(headers: Mapping[str, str], told: bytes, keys: Sequence[str]) -> Answer:
    """As a receiver would that holds the newest secret: it takes only what that secret signed.

    Nothing is called, so that an inbox works behind every firewall and opens no way into the operator's network.
    """
    good = signature.verified(headers, told, keys[0], clock.now())
    return Answer(TAKEN if good else REFUSED, 0, None, VERIFIED if good else "the signature does not verify", None,
                  "Content-Type: text/plain\n", request_preview.lines(request_preview.inside(told, headers)))
