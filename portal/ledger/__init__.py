"""Double-entry books. Others name accounts, draft `entries` and `post` them, read balances and statements.

Rows are only ever added: a correction is a new entry. `verify` proves the whole.
"""
from portal.ledger import entries, verify
from portal.ledger.accounts import (
    EXTERNAL,
    FEES,
    SUSPENSE,
    Account,
    store_available,
    store_held,
    trader_available,
    trader_held,
)
from portal.ledger.entries import Draft, HoldFacts, Line, PayoutFacts, SettleFacts, accounts_of
from portal.ledger.queries import EntryLine, Holdings, Total, balance, balances_of, lines_of, totals
from portal.ledger.service import AlreadyPosted, InsufficientFunds, Locked, lock_balances, post
from portal.ledger.statements import Statement, StatementLine, credited, statement

__all__ = [
    "EXTERNAL",
    "FEES",
    "SUSPENSE",
    "Account",
    "AlreadyPosted",
    "Draft",
    "EntryLine",
    "HoldFacts",
    "Holdings",
    "InsufficientFunds",
    "Line",
    "Locked",
    "PayoutFacts",
    "SettleFacts",
    "Statement",
    "StatementLine",
    "Total",
    "accounts_of",
    "balance",
    "balances_of",
    "credited",
    "entries",
    "lines_of",
    "lock_balances",
    "post",
    "statement",
    "store_available",
    "store_held",
    "totals",
    "trader_available",
    "trader_held",
    "verify",
]
