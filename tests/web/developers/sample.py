"""Keys, endpoints and deliveries for the stage: what the addresses of their pages are filled in with."""
from portal.core import ids
from portal.core.access import SYSTEM
from portal.core.db import reader, transaction
from portal.parties import keys
from portal.parties.commands import CreateKey
from portal.webhooks import queries, service
from portal.webhooks.commands import CreateEndpoint, Ping
from tests.factories import Cast

LONG = "https://hooks.a-very-long-name-of-a-shop.example/quittance/receiver?kind=everything&to=" + "x" * 120


def integrate(cast: Cast, hostile: str) -> dict[str, list[str]]:
    """Before orders are made, so that they are told of. `hostile`: what a stranger may write."""
    with transaction() as session:
        test, _ = keys.create(session, cast.owner, CreateKey(store_id=cast.store.id, live=False, name=hostile,
                                                             scopes=("orders:read",), networks=("203.0.113.0/24",)))
        live, _ = keys.create(session, cast.owner, CreateKey(store_id=cast.store.id, live=True, name="Server",
                                                             scopes=("orders:read", "orders:write")))
        endpoint, _ = service.create_endpoint(session, cast.key, CreateEndpoint(
            url="http://127.0.0.1:9/hook", events=["*"], description=hostile))
        service.create_endpoint(session, cast.test_key, CreateEndpoint(
            url=LONG.replace("https", "http"), events=["payin.completed", "payin.expired"]))
        service.ping(session, cast.key, Ping(endpoint_id=endpoint.public_id))
    return {"key_id": [ids.public("key", key.id) for key in (test, live)], "endpoint_id": [endpoint.public_id]}


def told(cast: Cast) -> dict[str, list[str]]:
    """After orders were made: one delivery of a step, and the test."""
    with transaction():
        rows = queries.deliveries(reader(), SYSTEM, store_id=cast.store.id).rows
    return {"delivery_id": [rows[0].public_id, rows[-1].public_id]}
