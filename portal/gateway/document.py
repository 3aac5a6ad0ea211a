"""The document of the gateway, for who asks: what makes it is imported then, 1 MB that hardly a call needs."""
from typing import Any

from flask import Flask, Response, current_app, g, request

from portal.gateway import auth, errors
from portal.gateway.endpoint import call
from portal.gateway.etags import conditional
from portal.parties.stores import StoreSuspended


@call("GET", "/openapi.json", None, summary="This document", answer=dict[str, Any])
def openapi() -> Response:
    """With a good key: what its store takes, what it signs. A key that opens nothing changes nothing: it needs none."""
    from portal.gateway import openapi_store

    try:
        key = auth.identified(request.headers.get("Authorization", ""), request.remote_addr or "",
                              request_id=g.request_id)
        return conditional(openapi_store.of_key(current_app, key))
    except (errors.Unauthorized, errors.AddressNotAllowed, StoreSuspended):
        return conditional(whole(current_app))


def whole(app: Flask) -> dict[str, Any]:
    """The same for everybody."""
    from portal.gateway import openapi

    return openapi.document(app)
