"""An entry of the journal is to be mirrored: asked for on its own page, decided by another."""
from flask import Response, flash, redirect, request, url_for
from flask_babel import gettext

from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.treasury import reversals
from portal.treasury.commands import AskReversal
from portal.web.admin.acts import act
from portal.web.admin.ledger import ENTRY, bp, entry_page
from portal.web.form_keys import once
from portal.web.identity import signed_in


@bp.post("/entries/<int:entry_id>/reversal")
@requires(Permission.ADJUSTMENT_REQUEST, step_up=True)
@once
def reverse(entry_id: int) -> Response:
    with act(ENTRY, lambda: entry_page(entry_id)) as session:
        reversals.ask(session, signed_in(), bind(AskReversal, request.form, entry_id=entry_id))
    flash(gettext("Nothing has moved yet: a second person decides."))
    return redirect(url_for(".entry", entry_id=entry_id), 303)  # type: ignore[return-value]
