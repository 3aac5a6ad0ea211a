"""Whose key it is, whether it may be used from here, and whether its scopes cover the call."""
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_network

from flask import current_app, g, request
from sqlalchemy import select

from portal.core import addresses
from portal.core.access import SCOPES, Actor, ActorKind, Permission
from portal.core.db import reader
from portal.gateway import rate_limits, strict_json
from portal.gateway.endpoint import Call
from portal.gateway.errors import AddressNotAllowed, ScopeMissing, Unauthorized
from portal.parties import keys
from portal.parties.models import Store
from portal.parties.stores import StoreSuspended

SAFE = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, kw_only=True)
class KeyActor(Actor):
    """A key that calls; `suspended`: its store or merchant is."""

    suspended: bool


class TurnedAway(AddressNotAllowed):
    """This key may not be used from this address."""  # as above: no code of its own

    def __init__(self, actor: KeyActor) -> None:
        super().__init__()
        self.actor = actor


def caller() -> Actor:
    """The key that makes this call, as an actor."""
    actor: Actor = g.actor
    return actor


def admit() -> None:
    """Before every call: the key, its address, its pace, its store, its scope; in this order.

    Who shows no good key, or needs none, is counted by address.
    Raises Unauthorized, AddressNotAllowed, TooManyRequests, StoreSuspended, ScopeMissing.
    """
    needed: Permission | None = getattr(current_app.view_functions[request.endpoint or ""], "permission", None)
    if needed is None:
        rate_limits.check_stranger()
        return
    try:
        g.actor = actor = identified(
            request.headers.get("Authorization", ""), request.remote_addr or "", request_id=g.request_id)
    except Unauthorized:
        rate_limits.check_stranger()
        raise
    except TurnedAway as away:
        g.turned_away = away.actor
        rate_limits.check_stranger()
        raise
    rate_limits.check(actor.id, writes=request.method not in SAFE)  # type: ignore[arg-type]
    let_in(actor, needed)


def identified(authorization: str, address_text: str, *, request_id: str) -> KeyActor:
    """Whose key it is, used from where it may be. Raises Unauthorized, AddressNotAllowed."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.isascii():
        raise Unauthorized()
    address = addresses.read(address_text)
    shown = None if address is None else str(address)
    key = keys.find(token, address=shown)
    if key is None:
        raise Unauthorized()
    actor = KeyActor(
        kind=ActorKind.KEY, id=key.id, name=key.name, permissions=key.permissions, merchant_id=key.merchant_id,
        store_id=key.store_id, live=key.live, address=shown, request_id=request_id, suspended=key.suspended)
    if not _allowed(address, key.networks):
        raise TurnedAway(actor)
    return actor


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


def _allowed(address: IPv4Address | IPv6Address | None, networks: Sequence[str]) -> bool:
    if not networks:
        return True
    return address is not None and any(address in ip_network(network) for network in networks)
