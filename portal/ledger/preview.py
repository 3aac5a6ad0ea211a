"""What drafts would do to the books, before anybody posts them: the same lines, the balances before and after."""
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.money import Money
from portal.ledger.accounts import Account, ids_of
from portal.ledger.entries import Draft, Line, accounts_of
from portal.ledger.models import BalanceRow


@dataclass(frozen=True)
class Moved:
    """An account that drafts would move: credit minus debit, now and afterwards."""

    account: Account
    before: Money
    after: Money

    @property
    def short(self) -> bool:
        """Posting would be refused as things stand: the account may not go below zero."""
        return self.after.minor < 0 and self.account.owner_kind in ("store", "trader")


@dataclass(frozen=True)
class Preview:
    """`lines` in the order they would be posted; `moved` in the order the accounts first appear."""

    lines: tuple[Line, ...]
    moved: tuple[Moved, ...]


def preview(session: Session, drafts: Sequence[Draft]) -> Preview:
    """Nothing is locked, opened or written: a balance may have moved by the time these drafts are posted."""
    ids = ids_of(session, accounts_of(drafts), opening=False)
    rows = session.execute(select(BalanceRow.account_id, BalanceRow.credits_minor - BalanceRow.debits_minor)
                           .where(BalanceRow.account_id.in_(ids.values())))
    now = {id: int(minor) for id, minor in rows}
    lines = tuple(line for draft in drafts for line in draft.lines)
    moves: dict[Account, int] = {}
    for line in lines:
        moves[line.debit] = moves.get(line.debit, 0) - line.amount.minor
        moves[line.credit] = moves.get(line.credit, 0) + line.amount.minor
    return Preview(lines, tuple(_moved(account, now.get(ids.get(account, 0), 0), by) for account, by in moves.items()))


def _moved(account: Account, before_minor: int, by_minor: int) -> Moved:
    return Moved(account, Money(before_minor, account.currency), Money(before_minor + by_minor, account.currency))
