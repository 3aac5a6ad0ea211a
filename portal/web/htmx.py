"""What htmx 4 says of a request and may be told in an answer: `request.htmx` is htmx-flask's, the rest is ours."""
from flask import Response
from htmx_flask import request

POLL = "Quittance-Poll"  # a page that refreshes itself says so: such requests never extend a session
PTAG = "HX-PTag"  # the version of a fragment, both ways


def wants_fragment() -> bool:
    """htmx asks for a part of the page; a boosted link asks for the whole."""
    return bool(request.htmx) and not request.htmx.boosted


def is_poll() -> bool:
    return POLL in request.headers


def unless_known(version: str) -> Response | None:
    """304 for a fragment that the page has already (hx-ptag): nothing is swapped."""
    if not wants_fragment() or request.headers.get(PTAG) != version:
        return None
    return tagged(Response(status=304), version)


def tagged(response: Response, version: str) -> Response:
    response.headers[PTAG] = version
    return response


def redirect_to(url: str, status: int = 401) -> Response:
    """Have htmx open another page."""
    response = Response(status=status)
    response.headers["HX-Redirect"] = url
    return response
