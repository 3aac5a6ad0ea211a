"""The demo's small shop: what it sells, its API key, and the address where it hears of payments.

It keeps nothing of its own. Its key is derived from the desk's keys, so that each process knows it and no file does;
like any merchant's, the desk has only the digest. The shop belongs to one of the demo's stores, and key and webhook
address are made when somebody first buys: a desk nobody shops at has neither.
"""
import base64
import hashlib
import hmac
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core import audit, crypto
from portal.core.access import SYSTEM
from portal.core.db import locked_one
from portal.core.errors import Rejected
from portal.core.money import Money
from portal.parties import key_tokens, keys
from portal.parties.commands import CreateKey
from portal.parties.models import ApiKey, Store
from portal.webhooks import service as webhooks
from portal.webhooks.commands import ChangeEndpoint, CreateEndpoint
from portal.webhooks.models import Endpoint, EndpointStatus

STORE = "games"
CURRENCY = "RUB"
NAME = "Demo shop"
SCOPES = ("orders:read", "orders:write", "payouts:write")
_STEPS = ("paid", "completed", "corrected", "disputed", "failed", "expired", "cancelled")
EVENTS = [*(f"{kind}.{step}" for kind in ("payin", "payout") for step in _STEPS),
          "dispute.opened", "dispute.answered", "dispute.decided"]


class NoShop(Rejected):
    """The demo's store is not on this desk. Load the demo data first: bin/flask demo load."""

    code = "no_shop"


@dataclass(frozen=True)
class Good:
    code: str
    name: str
    price: Money
    words: str


GOODS = (
    Good("pouch", "A pouch of 500 coins", Money(450_00, CURRENCY), "Enough for a hat."),
    Good("chest", "A chest of 5 000 coins", Money(3_990_00, CURRENCY), "What most players take."),
    Good("vault", "A vault of 25 000 coins", Money(17_500_00, CURRENCY), "For the whole guild."),
)


def good(code: str) -> Good | None:
    return next((one for one in GOODS if one.code == code), None)


def token() -> str:
    """The shop's API key, the same in every process. Never shown."""
    derived = int.from_bytes(crypto.fingerprint("demo-shop", "api key"))
    public_id = hashlib.sha256(crypto.fingerprint("demo-shop", "key id")).hexdigest()[:key_tokens.ID_CHARS]
    return key_tokens.spelled(live=True, public_id=public_id, secret=derived)


def open_shop(session: Session, webhook_url: str) -> None:
    """Key and webhook address of the shop, as they are to be. Harmless twice. Raises NoShop."""
    store = locked_one(session, select(Store).where(Store.slug == STORE))
    if store is None:
        raise NoShop()
    spelled = key_tokens.read(token())
    assert spelled is not None
    key = session.scalar(select(ApiKey).where(ApiKey.public_id == spelled.public_id))
    if key is None:
        key, _ = keys.create(session, SYSTEM, CreateKey(store_id=store.id, live=True, name=NAME, scopes=SCOPES))
        key.public_id, key.digest = spelled.public_id, crypto.sha256(token())
    elif key.scopes != sorted(SCOPES):  # of a demo that was loaded when the shop did less
        before, key.scopes = key.scopes, sorted(SCOPES)
        keys.forget(session)
        audit.record(session, SYSTEM, "key.scopes_set", "key", key.id, before={"scopes": before},
                     after={"scopes": key.scopes})
    endpoint = _endpoint(session, store)
    if endpoint is None:
        webhooks.create_endpoint(session, SYSTEM, CreateEndpoint(url=webhook_url, events=EVENTS, description=NAME),
                                 store_id=store.id, live=True)
    elif (endpoint.url, sorted(endpoint.types)) != (webhook_url, sorted(EVENTS)):
        webhooks.change_endpoint(session, SYSTEM, ChangeEndpoint(endpoint_id=endpoint.public_id, url=webhook_url,
                                                                 events=EVENTS))


def verified(session: Session, webhook_id: str, timestamp: str, signature: str, body: bytes) -> bool:
    """Whether the desk signed this for the shop: what a merchant's code does (docs/gateway.md)."""
    store = session.scalar(select(Store).where(Store.slug == STORE))
    endpoint = _endpoint(session, store) if store is not None else None
    if endpoint is None:
        return False
    secret = crypto.open_sealed(endpoint.secret_sealed, place=webhooks.place(endpoint.id)).removeprefix("whsec_")
    signed = b".".join([webhook_id.encode(), timestamp.encode(), body])
    ours = "v1," + base64.b64encode(hmac.digest(base64.b64decode(secret), signed, hashlib.sha256)).decode()
    return any(crypto.same(ours, theirs) for theirs in signature.split())


def _endpoint(session: Session, store: Store) -> Endpoint | None:
    return session.scalars(select(Endpoint).where(
        Endpoint.store_id == store.id, Endpoint.description == NAME,
        Endpoint.status != EndpointStatus.DELETED)).first()
