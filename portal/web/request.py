"""A request as pages read it: what htmx says of it (htmx-flask), and forms that are bounded however they are sent."""
from collections.abc import Callable
from typing import IO, Any, TypeVar

from flask import Flask, request
from htmx_flask import Htmx
from htmx_flask.requests import HtmxAwareRequest
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser, MultiPartParser

BODY_MAX = 1024 * 1024
PIECE = 16 * 1024
View = TypeVar("View", bound=Callable[..., Any])


class BoundedForms(FormDataParser):
    """werkzeug bounds what comes as multipart; what is urlencoded is held to the same number of fields and bytes."""

    def _parse_multipart(self, stream: IO[bytes], mimetype: str, content_length: int | None,
                         options: dict[str, str]) -> Any:
        """Read in pieces well below the bound of the fields' memory, which werkzeug holds every piece of a file to."""
        boundary = options.get("boundary", "").encode("ascii")
        if not boundary:
            raise ValueError
        parser = MultiPartParser(self.stream_factory, self.max_form_memory_size, self.cls, buffer_size=PIECE,
                                 max_form_parts=self.max_form_parts)
        return stream, *parser.parse(stream, boundary, content_length)

    def _parse_urlencoded(self, stream: IO[bytes], mimetype: str, content_length: int | None,
                          options: dict[str, str]) -> Any:
        most = self.max_form_memory_size
        if most is not None and (content_length or 0) > most:
            raise RequestEntityTooLarge()
        fields = super()._parse_urlencoded(stream, mimetype, content_length, options)
        if self.max_form_parts is not None and sum(len(each) for each in fields[1].listvalues()) > self.max_form_parts:
            raise RequestEntityTooLarge()
        return fields


class Visit(HtmxAwareRequest):  # type: ignore[misc]
    form_data_parser_class = BoundedForms


def takes(most: int) -> Callable[[View], View]:
    """This view asks for bodies of up to `most` bytes, as for files; all others take BODY_MAX."""

    def mark(view: View) -> View:
        view.body_max = most  # type: ignore[attr-defined]
        return view

    return mark


def register(app: Flask) -> None:
    """`request.htmx` on every request, bounded forms, and for each route as much of a body as it asks for."""
    Htmx(app)
    app.request_class = Visit

    @app.before_request
    def as_much_as_it_asks_for() -> None:
        asked: int = getattr(app.view_functions.get(request.endpoint or ""), "body_max", BODY_MAX)
        if asked > BODY_MAX:
            request.max_content_length = asked
