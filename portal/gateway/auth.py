"""Whose key it is, whether it may be used from here, and whether its scopes cover the call."""
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from flask import current_app, g, request
from sqlalchemy import select

from portal.core.access import SCOPES, Actor, ActorKind, Permission
from portal.core.db import give_back, reader, translated
from portal.gateway import limits, reading
from portal.gateway.calls import Call, bp
from portal.gateway.errors import AddressNotAllowed, ScopeMissing, Unauthorized
from portal.parties import keys
from portal.parties.models import Store
from portal.parties.stores import StoreSuspended

SAFE = frozenset({"GET", "HEAD"})


def caller() -> Actor:
    """The key that makes this call, as an actor."""
    actor: Actor = g.actor
    return actor


@bp.before_request
def admit() -> None:
    """Before every call: the key, its address, its pace, its store, its scope; in this order.

    Raises Unauthorized, AddressNotAllowed, TooManyRequests, StoreSuspended, ScopeMissing.
    """
    needed: Permission | None = getattr(current_app.view_functions[request.endpoint or ""], "permission", None)
    if needed is None:
        return
    address = _address()
    with translated():
        key = keys.find(_token(), address=str(address) if address else None)
    give_back()
    if key is None:
        raise Unauthorized()
    g.actor = Actor(
        kind=ActorKind.KEY, id=key.id, name=key.name, permissions=key.permissions, merchant_id=key.merchant_id,
        store_id=key.store_id, live=key.live, address=str(address) if address else None, request_id=g.request_id)
    if not _allowed(address, key.networks):
        raise AddressNotAllowed()
    limits.check(key.id, writes=request.method not in SAFE)
    if key.suspended:
        raise StoreSuspended()
    if needed not in key.permissions:
        raise ScopeMissing(scope=next(name for name, held in SCOPES.items() if needed in held))


@bp.before_request
def refuse_stray_queries() -> None:
    """A call that takes no query values refuses them all. Raises Invalid."""
    described: Call = getattr(current_app.view_functions[request.endpoint or ""], "call")  # noqa: B009
    if described.query is None and request.args:
        reading.query(reading.NoQuery)


def home_currency() -> str:
    """The currency that the caller's store is settled in."""
    return reader().execute(select(Store.settlement_currency).where(Store.id == caller().store_id)).scalar_one()


def _token() -> str:
    """Raises Unauthorized."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.isascii():
        raise Unauthorized()
    return token


def _address() -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(request.remote_addr or "")
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _allowed(address: IPv4Address | IPv6Address | None, networks: Sequence[str]) -> bool:
    if not networks:
        return True
    return address is not None and any(address in ip_network(network) for network in networks)
