"""`/pay/<token>/outcome`: on the page of a test order, and there alone, whoever tries the desk chooses what happens."""
from uuid import UUID

from flask import request

from portal.core.access import Actor
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.core.errors import NotFound
from portal.orders import queries
from portal.orders.models import Order
from portal.requisites.test_outcomes import Outcome
from portal.test_mode import choices
from portal.test_mode.choices import ChooseOutcome
from portal.web.badges import N_

LABELS = {
    Outcome.EXACT: N_("The money comes, exactly"), Outcome.LESS: N_("Less comes"), Outcome.MORE: N_("More comes"),
    Outcome.EXPIRES: N_("Nobody pays: the time runs out"), Outcome.LATE: N_("The money comes too late"),
    Outcome.DECLINED: N_("The first trader refuses"),
    Outcome.WON: N_("Dispute, decided for the store"), Outcome.LOST: N_("Dispute, decided against the store"),
}


def of(order: Order) -> list[tuple[str, str]]:
    """(outcome, its words) for the buttons."""
    return [(str(one), LABELS[one]) for one in choices.offered(order)]


def store_of(payer: Actor) -> UUID:
    """Whose test order the link is for. Raises NotFound, for a live one too: it spends nothing of a store's tries."""
    found: UUID | None = reader().scalar(queries.visible_to(payer).where(~Order.live).with_only_columns(Order.store_id))
    if found is None:
        raise NotFound()
    return found


def choose(payer: Actor) -> None:
    """Raises NotFound, NothingToTry, Invalid."""
    with transaction() as session:
        choices.choose(session, payer, bind(ChooseOutcome, request.form,
                                            order_id=queries.public_id_of(session, payer)))
