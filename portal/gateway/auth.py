"""Whose key it is, whether it may be used from here, whether the call is signed, and whether its scopes cover it.

Both roads of a create use these functions, with a key and with an access token alike.
"""
from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address, ip_network

from flask import current_app, g, request
from sqlalchemy import select

from portal.core import addresses
from portal.core.access import SCOPES, Actor, ActorKind, Permission
from portal.core.db import reader
from portal.gateway import idempotency, rate_limits, seen_signatures, signing, strict_json
from portal.gateway.endpoint import Call
from portal.gateway.errors import AddressNotAllowed, ScopeMissing, Unauthorized
from portal.parties import keys
from portal.parties.key_cache import FoundKey, Signing
from portal.parties.models import Store
from portal.parties.stores import StoreSuspended

SAFE = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, kw_only=True)
class KeyActor(Actor):
    """A key that calls; `suspended`: its store or merchant is. `signature`: of this call, where it has one."""

    suspended: bool
    signing: Signing
    signature: str | None = None


class TurnedAway(AddressNotAllowed):
    """This key may not be used from this address."""  # as above: no code of its own

    def __init__(self, key: FoundKey, address: str | None) -> None:
        super().__init__()
        self.key, self.address = key, address


def caller() -> Actor:
    """The key that makes this call, as an actor."""
    actor: Actor = g.actor
    return actor


def admit() -> None:
    """Before every call: the key, its address, its signature, its pace, its store, its scope; in this order.

    Who shows no good key, or needs none, is counted by address.
    Raises Unauthorized (also for its signature), AddressNotAllowed, TooManyRequests, StoreSuspended, ScopeMissing,
    KeyRequired.
    """
    described: Call | None = getattr(current_app.view_functions[request.endpoint or ""], "call", None)
    if described is None or described.permission is None:
        if described is None or not described.takes_form:  # which shows its key elsewhere, and counts itself
            rate_limits.check_stranger()
        return
    try:
        actor = identified(
            request.headers.get("Authorization", ""), request.remote_addr or "", request_id=g.request_id)
        g.turned_away = actor  # until it is let in: the log of calls tells whose it was
        g.actor = actor = signed(actor, _sent(), described.permission)
    except TurnedAway as away:
        g.turned_away = actor_of(away.key, away.address, request_id=g.request_id)
        rate_limits.check_stranger()
        raise
    except Unauthorized:
        rate_limits.check_stranger()
        raise
    rate_limits.check(actor.id, writes=request.method not in SAFE)  # type: ignore[arg-type]
    let_in(actor, described.permission)
    if actor.signature is not None and request.method not in SAFE:
        seen_signatures.check(actor.signature)


def identified(authorization: str, address_text: str, *, request_id: str) -> KeyActor:
    """Whose key it is, used from where it may be. Raises Unauthorized, AddressNotAllowed."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.isascii():
        raise Unauthorized()
    return actor_of(*known(token, address_text), request_id=request_id)


def actor_of(key: FoundKey, address: str | None, *, request_id: str) -> KeyActor:
    return KeyActor(
        kind=ActorKind.KEY, id=key.id, name=key.name, permissions=key.permissions, merchant_id=key.merchant_id,
        store_id=key.store_id, live=key.live, address=address, request_id=request_id, suspended=key.suspended,
        signing=key.signing)


def known(token: str, address_text: str) -> tuple[FoundKey, str | None]:
    """The key behind a secret or an access token, used from where it may be; and from where that is.

    Raises Unauthorized, AddressNotAllowed.
    """
    address = addresses.read(address_text)
    shown = None if address is None else str(address)
    key = keys.find(token, address=shown)
    if key is None:
        raise Unauthorized()
    if not _allowed(address, key.networks):
        raise TurnedAway(key, shown)
    return key, shown


def signed(actor: KeyActor, sent: signing.Sent, needed: Permission) -> KeyActor:
    """With the call's signature, where it has one; used before or not is asked later. Raises as `signing.check`."""
    assert actor.id is not None
    signature = signing.check(actor.id, actor.signing, sent, needed=needed)
    return actor if signature is None else replace(actor, signature=signature)


def let_in(actor: KeyActor, needed: Permission) -> None:
    """Whether the key opens this call. Raises StoreSuspended, ScopeMissing."""
    if actor.suspended:
        raise StoreSuspended()
    if needed not in actor.permissions:
        raise ScopeMissing(scope=next(name for name, held in SCOPES.items() if needed in held))


def refuse_stray_queries() -> None:
    """A call that takes no query values refuses them all. Raises Invalid."""
    described: Call = getattr(current_app.view_functions[request.endpoint or ""], "call")  # noqa: B009
    if described.query is None and request.args:
        strict_json.query(strict_json.NoQuery)


def home_currency() -> str:
    """The currency that the caller's store is settled in."""
    return reader().execute(select(Store.settlement_currency).where(Store.id == caller().store_id)).scalar_one()


def _sent() -> signing.Sent:
    headers, environ = request.headers, request.environ
    target = environ.get("RAW_URI") or environ.get("REQUEST_URI") or request.full_path.rstrip("?")
    return signing.Sent(headers.get(signing.TIMESTAMP), headers.get(signing.SIGNATURE), request.method, target,
                        headers.get(idempotency.HEADER, ""), lambda: request.get_data(cache=True))


def _allowed(address: IPv4Address | IPv6Address | None, networks: Sequence[str]) -> bool:
    if not networks:
        return True
    return address is not None and any(address in ip_network(network) for network in networks)
