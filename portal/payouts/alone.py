"""Whom payouts that count against their store's limit of one person go to: `treasury/sent_alone.py` counts them."""
from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.approvals import small_moves
from portal.core.errors import Invalid
from portal.core.money import Money
from portal.orders import destinations
from portal.orders.commands import CreatePayout
from portal.orders.intake.create import price
from portal.orders.intake.store_terms import terms_of
from portal.orders.states import Direction
from portal.parties.models import Store
from portal.payouts import rows, typed
from portal.payouts.models import PayoutImport, PayoutImportRow
from portal.requisites.numbers import fingerprint
from portal.treasury import sent_alone

NOBODY = ""  # a recipient who is not known yet


def undo(session: Session, taken: PayoutImport) -> None:
    """It was taken back before anything was made."""
    small_moves.undo(session, sent_alone.scope(taken.store_id), taken.public_id)


def recipient(command: CreatePayout) -> str:
    """The number as it is told apart from others, and kept for a day: its keyed print."""
    return fingerprint(destinations.canonical(command.destination, command.currency)).hex()


def by_recipient(session: Session, taken: PayoutImport, store: Store) -> dict[str, int]:
    """What each recipient of an import costs at the rates and by the tariffs of now. Raises as `cost.of_import`."""
    keyring, terms = rows.keyring_of(store), terms_of(store.id)
    priced, sums = dict[tuple[str, Money], int](), dict[str, int]()
    for row in session.scalars(select(PayoutImportRow).where(
            PayoutImportRow.import_id == taken.id, PayoutImportRow.state == "right")):
        assert row.amount is not None, "a right row has its amount"
        assert row.method is not None
        alike = row.method, row.amount
        if alike not in priced:
            priced[alike] = price(terms, Direction.PAYOUT, row.method, row.amount).total.minor
        to = _recipient_of(rows.cells_of(taken, row, keyring), row.amount)
        sums[to] = sums.get(to, 0) + priced[alike]
    return sums


def _recipient_of(cells: Mapping[str, str], amount: Money) -> str:
    """Nobody, where what was typed is judged otherwise by now: such a row fails when it is made."""
    try:
        return recipient(typed.kept(cells, amount))
    except Invalid:
        return NOBODY
