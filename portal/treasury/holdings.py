"""What many stores or traders have, in one query: for lists."""
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.access import Actor, Permission
from portal.ledger import Holdings
from portal.ledger.models import AccountRow, BalanceRow


def holdings(session: Session, actor: Actor, owner_kind: str, owners: dict[UUID, str],
             *, live: bool = True) -> dict[UUID, Holdings]:
    """Money by owner in the currency named for each, zero where nothing was posted; nothing for one who may not
    read balances."""
    if not (actor.is_system or actor.may(Permission.BALANCE_READ)):
        return {}
    rows = session.execute(
        select(AccountRow.owner_id, AccountRow.purpose, BalanceRow.credits_minor - BalanceRow.debits_minor,
               AccountRow.currency)
        .join(BalanceRow, AccountRow.id == BalanceRow.account_id)
        .where(AccountRow.owner_kind == owner_kind, AccountRow.owner_id.in_(list(owners)), AccountRow.live.is_(live)))
    found: dict[UUID, dict[str, int]] = {}
    for owner, purpose, minor, currency in rows:
        if owners[owner] == currency:
            found.setdefault(owner, {})[purpose] = minor
    return {owner: Holdings.of(found.get(owner, {}), currency) for owner, currency in owners.items()}


def settlement_of(rows: Iterable[object]) -> dict[UUID, str]:
    """Owners with their settlement currency, as `holdings` wants them."""
    return {row.id: row.settlement_currency for row in rows}  # type: ignore[attr-defined]
