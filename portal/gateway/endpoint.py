"""How a call is written down: its address, its permission and what the documentation says stand on the view itself."""
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from flask import Blueprint, Response
from pydantic import BaseModel
from pydantic_core import to_json
from werkzeug.http import http_date

from portal.core.access import Permission, requires
from portal.core.errors import PortalError

View = TypeVar("View", bound=Callable[..., Any])
BASE = "/gateway/v1"
BODY_OF_FILES_MAX = 6 * 1024 * 1024  # files of up to 5 MB, and what is around them
bp = Blueprint("gateway", __name__, url_prefix=BASE)


@dataclass(frozen=True, kw_only=True)
class Ending:
    """A call that will go: `since` when another is to be used, from `sunset` on it may no longer be there.

    `instead`: the id of the operation that takes its place.
    """

    since: datetime
    sunset: datetime
    instead: str

    @property
    def headers(self) -> dict[str, str]:
        """RFC 9745 and RFC 8594."""
        return {"Deprecation": f"@{int(self.since.timestamp())}", "Sunset": http_date(self.sunset),
                "Link": '</docs/compatibility>; rel="deprecation"; type="text/html"'}


@dataclass(frozen=True, kw_only=True)
class Call:
    """What OpenAPI tells of a call."""

    summary: str
    answer: Any
    status: int = 200
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    errors: tuple[type[PortalError], ...] = ()
    moves_money: bool = False  # an Idempotency-Key is required
    permission: Permission | None = None
    cached: bool = False  # answers carry an ETag
    takes_files: bool = False  # a multipart body, larger than others
    takes_form: bool = False  # the one call that standards have written: an HTML form's body, no Idempotency-Key
    deprecated: Ending | None = None


def call(method: str, path: str, permission: Permission | None, **described: Any) -> Callable[[View], View]:
    """Put a view at an address: `permission` None for the few calls that anybody may make."""

    def put(view: View) -> View:
        view.call = described_call = Call(permission=permission, **described)  # type: ignore[attr-defined]
        if described_call.takes_files:
            view.body_max = BODY_OF_FILES_MAX  # type: ignore[attr-defined]
        marked = view if permission is None else requires(permission)(view)
        return bp.route(path, methods=[method], provide_automatic_options=False)(marked)

    return put


def headers_of(view: Any) -> dict[str, str]:
    """What every answer of this call carries, refusals too."""
    described: Call | None = getattr(view, "call", None)
    return described.deprecated.headers if described is not None and described.deprecated is not None else {}


def shown(content: Any, status: int = 200) -> Response:
    """An answer as JSON."""
    return Response(dumped(content), status=status, content_type="application/json")


def dumped(content: Any) -> bytes:
    return to_json(content)  # pydantic's writer: a quarter of the time of `json.dumps`
