"""An address of a page with a slash too many, as people type it: the page without it."""
from urllib.parse import urlsplit

from flask import current_app, request
from werkzeug.exceptions import HTTPException


def without_slash() -> str | None:
    """Where the page of this request is, if only the slash at its end is wrong. A path, never another host's."""
    path = request.path.rstrip("/")
    if request.routing_exception is None or not path or path == request.path:
        return None
    routes = current_app.create_url_adapter(request)
    assert routes is not None, "there is a request"
    try:
        endpoint, values = routes.match(path, method="GET")
    except HTTPException:
        return None
    query = request.query_string.decode("latin-1")
    return urlsplit(routes.build(endpoint, values))._replace(query=query).geturl()
