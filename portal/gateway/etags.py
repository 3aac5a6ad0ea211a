"""Answers that change seldom: with an ETag, and 304 to who has them already."""
import hashlib
from typing import Any

from flask import Response, request

from portal.gateway.endpoint import shown


def conditional(content: Any) -> Response:
    """The answer, or 304 when `If-None-Match` names it."""
    response = shown(content)
    response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:32])
    response.headers["Cache-Control"] = "private, no-cache"
    response.make_conditional(request)
    response.headers.pop("Date", None)  # as in web/headers: the server says it
    return response
