"""What keeps money from leaving, whoever asks: told to the owner, to who approves and to who is about to send."""
from sqlalchemy.orm import Session

from portal import ledger
from portal.core.errors import Conflict, PortalError
from portal.parties.models import Trader
from portal.treasury.owners import Owner, kind_of


class Unsecured(Conflict):
    """Money of a late payment is with this trader and no collateral covers it. Decide that first, or top up."""

    code = "unsecured"


def check(session: Session, owner: Owner) -> None:
    """Raises what stands in the way."""
    for stop in stops(session, owner):
        raise stop


def stops(session: Session, owner: Owner) -> list[PortalError]:
    """What stands in the way just now, as the refusals that `check` raises; the worst first."""
    found: list[PortalError] = []
    if stopped := ledger.stops.money_out_stopped(session):
        found.append(stopped)
    if isinstance(owner, Trader) and owner.unsecured:
        found.append(Unsecured())
    if owed := ledger.claims.owed(session, kind_of(owner), owner.id, owner.settlement_currency):
        found.append(ledger.claims.ClaimOpen(owed=owed.text, currency=owed.currency))
    return found
