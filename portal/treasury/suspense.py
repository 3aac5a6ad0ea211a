"""What the desk cannot place yet, by currency."""
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.access import Actor, Permission
from portal.core.money import Money
from portal.ledger.models import AccountRow, BalanceRow
from portal.ledger.queries import BALANCE


def balances(session: Session, actor: Actor) -> list[Money]:
    """Live. Above zero the desk owes it to somebody it does not know; below zero it laid it out. Zeros are told too:
    something lay there once. Nothing for one who may not read the books."""
    if not (actor.is_system or (actor.is_staff and actor.may(Permission.LEDGER_READ))):
        return []
    rows = session.execute(
        select(AccountRow.currency, BALANCE).join(BalanceRow, BalanceRow.account_id == AccountRow.id)
        .where(AccountRow.owner_kind == "platform", AccountRow.purpose == "suspense", AccountRow.live.is_(True))
        .order_by(AccountRow.currency))
    return [Money(minor, currency) for currency, minor in rows]
