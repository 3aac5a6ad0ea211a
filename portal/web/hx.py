"""What htmx 4 says of a request and may be told in an answer, beside htmx-flask (which knows version 2's names)."""
from flask import Response, request

POLL = "Quittance-Poll"  # a page that refreshes itself says so: such requests never extend a session


def wants_fragment() -> bool:
    """htmx asks for a part of the page; a boosted link asks for the whole."""
    return "HX-Request" in request.headers and "HX-Boosted" not in request.headers


def is_poll() -> bool:
    return POLL in request.headers


def redirect_to(url: str, status: int = 401) -> Response:
    """Have htmx open another page."""
    response = Response(status=status)
    response.headers["HX-Redirect"] = url
    return response
