"""Page or fragment from one view: everything works without JavaScript, and htmx gets only what changed."""
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Response, abort, g, make_response, redirect, render_template, request

from portal.core.db import reader
from portal.core.errors import Conflict, Invalid, Rejected
from portal.web.htmx import wants_fragment
from portal.web.refused_forms import Refusal, sentences


def show(page: str, /, *, fragment: str | None = None, status: int = 200, **context: Any) -> Response:
    """Render the whole page, or only its fragment when htmx asks for it."""
    template = fragment if fragment is not None and wants_fragment() else page
    response = make_response(render_template(template, **context), status)
    response.vary.add("HX-Request")
    return response


def done(fragment: str, /, *, otherwise: str, **context: Any) -> Response:
    """Answer a successful POST: the changed fragment for htmx, a redirect (303) for a plain form."""
    if wants_fragment():
        return show(fragment, fragment=fragment, **context)
    return redirect(otherwise, 303)  # type: ignore[return-value]


@contextmanager
def redisplay(page: str, record: Callable[[], dict[str, Any]] = dict, /, *, fragment: str | None = None,
              **context: Any) -> Iterator[None]:
    """Show the form again with what was typed and what is wrong with it: 422, or 409 when the record moved on.

    `record` gives the rest of the context, read after the refusal: the record as it is now.
    """
    try:
        yield
    except (Invalid, Rejected, Conflict) as error:
        reader().expunge_all()  # what the transaction held is as it was before it
        status = 422 if isinstance(error, Invalid) else 409
        wrong = sentences(error)
        g.refusal = Refusal(request.path, request.form, wrong)
        abort(show(page, fragment=fragment, status=status, error=error, wrong=wrong, values=request.form, **context,
                   **record()))
