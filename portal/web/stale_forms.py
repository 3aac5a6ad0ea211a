"""A form older than a sign-in or sign-out in another tab: what was typed is carried over, and asked to be sent again.

Only where the browser itself says that the form came from our own page: another site's would be sent with one click.
"""
from flask import abort, g, make_response, render_template, request

from portal.web.htmx import wants_fragment

NOT_CARRIED = ("password", "code", "secret")  # parts of names whose fields are typed anew
FORM_FIELDS = frozenset({"csrf_token"})


def ask_again() -> None:
    """Answer with what was typed and a fresh token, unless htmx asked: its page stands as it was, and says so itself.

    Never for what changes who is signed in: those forms hold nothing but secrets.
    """
    if wants_fragment() or request.headers.get("Sec-Fetch-Site") != "same-origin" or request.blueprint == "auth":
        return
    carried = [(name, value) for name, value in request.form.items(multi=True)
               if name not in FORM_FIELDS and not _is_secret(name)]
    lost = any(_is_secret(name) for name in request.form) or any(file.filename for file in request.files.values())
    page = render_template("errors/stale_form.html", action=request.full_path.rstrip("?"), carried=carried, lost=lost,
                           signed_in=g.get("actor") is not None)
    abort(make_response(page, 403))


def _is_secret(name: str) -> bool:
    return any(part in name for part in NOT_CARRIED)
