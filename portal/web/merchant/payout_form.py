"""The form of one payout: what can be chosen in it, what is asked by it, and what that costs."""
from typing import Any
from uuid import UUID

from flask import request
from sqlalchemy.orm import Session

from portal.core import ids
from portal.core.commands import bind
from portal.core.db import reader
from portal.core.errors import FieldError, Invalid
from portal.core.names import in_order
from portal.orders.models import Order
from portal.parties.models import Store
from portal.parties.queries import stores_visible_to
from portal.payouts import recipients, service, typed
from portal.payouts.commands import SaveRecipient
from portal.payouts.models import PayoutImport
from portal.treasury.holdings import holdings, settlement_of
from portal.web import reference_choices
from portal.web.form_keys import FIELD, new_key
from portal.web.identity import signed_in
from portal.web.order_lists import STORES_MAX


def choices() -> dict[str, Any]:
    """What can be chosen, and what each store has to pay out of."""
    session, actor = reader(), signed_in()
    stores = session.scalars(stores_visible_to(actor).where(Store.status == "active")
                             .order_by(in_order(Store.name), Store.id).limit(STORES_MAX)).all()
    has, several = holdings(session, actor, "store", settlement_of(stores)), len(stores) > 1
    names = {store.id: store.name for store in stores}
    saved = [(one.row.public_id, f"{one.label} · {names[one.row.store_id]}" if several else one.label)
             for one in recipients.of_stores(session, actor) if one.row.store_id in names]
    return {"stores": [(store.public_id, store.name, has[store.id].available) for store in stores if store.id in has],
            "methods": reference_choices.methods(), "banks": reference_choices.banks(), "saved": saved,
            "currencies": reference_choices.fiat()}


def send(session: Session) -> Order | PayoutImport:
    """What the form asks for: a payout, or what waits for a second person. Raises what `service.ask` raises."""
    actor, store_id = signed_in(), ids.parse("str", request.form.get("store_id", ""))
    cells = _cells(session, store_id)
    with typed.at_plain_fields():
        command = typed.payout(cells)
        made = service.ask(session, actor, store_id, command, cells,
                           idempotency_key=f"form-{request.form.get(FIELD) or new_key()}")
        if name := request.form.get("save_as", "").strip():
            recipients.save(session, actor, store_id, command, bind(SaveRecipient, {"save_as": name}))
    return made


def _cells(session: Session, store_id: UUID) -> dict[str, str]:
    """The form as it was typed; of a saved recipient what is kept of them."""
    cells = {name: text.strip() for name, text in request.form.items() if name in typed.ASKED and text.strip()}
    cells.setdefault("external_id", f"portal-{new_key()[:12]}")
    if not (recipient := request.form.get("recipient_id", "")):
        return cells
    if "number" in cells:
        raise Invalid(fields=[FieldError("/number", "two_recipients",
                                         "Choose somebody you have saved or type a number, not both.")])
    to = recipients.cells(session, signed_in(), store_id, recipient)
    return {name: text for name, text in cells.items() if name not in ("method", "bank", "holder")} | to
