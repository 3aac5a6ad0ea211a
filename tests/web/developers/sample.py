"""Keys, endpoints and deliveries for the stage: what the addresses of their pages are filled in with."""
from typing import Any

from pydantic_core import to_json

from portal.calls import Seen, Writer
from portal.core import ids
from portal.core.access import SYSTEM
from portal.core.db import db, reader, transaction
from portal.parties import keys
from portal.parties.commands import CreateKey
from portal.parties.models import ApiKey
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
    asked = [logged_call(key, answer=b'{"code": "invalid", "detail": "' + b"x" * 9000 + b'"}', status=422,
                         body=to_json({"description": hostile, "external_id": hostile}), query="q=" + "y" * 300)
             for key in (test, live)]
    asked.append(logged_call(live, method="GET", path="/gateway/v1/balance"))
    return {"request_id": asked, "key_id": [ids.public("key", key.id) for key in (test, live)],
            "endpoint_id": [endpoint.public_id]}


def logged_call(key: ApiKey, **seen: Any) -> str:
    """A call of that key in its store's log: its request id."""
    call = Seen(**{
        "request_id": ids.public("req", ids.new_id()), "store_id": key.store_id, "live": key.live, "key_id": key.id,
        "method": "POST", "path": "/gateway/v1/payins", "query": "", "status": 200, "seconds": .012, "body": b"",
        "answer": b"{}", **seen})
    writer = Writer(db.engine)
    writer.put(call)
    writer.close()
    return call.request_id


def told(cast: Cast) -> dict[str, list[str]]:
    """After orders were made: one delivery of a step, and the test."""
    with transaction():
        rows = queries.deliveries(reader(), SYSTEM, store_id=cast.store.id).rows
    return {"delivery_id": [rows[0].public_id, rows[-1].public_id]}
