"""Recipients that a store has saved: looked through, renamed, removed; and how a store's payouts go."""
from typing import Any

from flask import Response, redirect, request, url_for

from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.core.names import in_order
from portal.parties.models import Store
from portal.parties.queries import stores_visible_to
from portal.payouts import recipients
from portal.payouts.commands import RenameRecipient
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.merchant.payouts import bp
from portal.web.order_lists import STORES_MAX
from portal.web.render import redisplay, show

INDEX, ONE = "merchant/payouts/recipients/index.html", "merchant/payouts/recipients/one.html"


@bp.get("/recipients")
@requires(Permission.PAYOUT_CREATE)
def saved_recipients() -> Response:
    sought = request.args.get("q", "").strip()[:120]
    return show(INDEX, found=recipients.of_stores(reader(), signed_in(), sought=sought), sought=sought,
                most=recipients.RECIPIENTS_MAX, stores={store.id: store.name for store in _stores()})


@bp.get("/recipients/<recipient_id>")
@requires(Permission.PAYOUT_CREATE)
def one_recipient(recipient_id: str) -> Response:
    return show(ONE, error=None, wrong={}, values={}, **_recipient(recipient_id))


@bp.post("/recipients/<recipient_id>/name")
@requires(Permission.PAYOUT_CREATE)
@once
def rename_recipient(recipient_id: str) -> Response:
    with redisplay(ONE, lambda: _recipient(recipient_id)), transaction() as session:
        recipients.rename(session, signed_in(), bind(RenameRecipient, request.form, recipient_id=recipient_id))
    return _back()


@bp.post("/recipients/<recipient_id>/removal")
@requires(Permission.PAYOUT_CREATE)
@once
def remove_recipient(recipient_id: str) -> Response:
    with transaction() as session:
        recipients.remove(session, signed_in(), recipient_id)
    return _back()


@bp.get("/terms")
@requires(Permission.ORDER_READ)
def terms() -> Response:
    return show("merchant/payouts/terms.html", stores=_stores())


def _recipient(recipient_id: str) -> dict[str, Any]:
    return {"recipient": recipients.find(reader(), signed_in(), recipient_id)}


def _stores() -> list[Store]:
    return list(reader().scalars(stores_visible_to(signed_in()).order_by(in_order(Store.name), Store.id)
                                 .limit(STORES_MAX)))


def _back() -> Response:
    return redirect(url_for(".saved_recipients"), 303)  # type: ignore[return-value]
