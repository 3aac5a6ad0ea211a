"""Double-entry books. Others name accounts, draft `entries` and `post` them, read balances and statements.

Rows are only ever added: a correction is a new entry. `verify` proves the whole.
"""
from portal.ledger import claims, entries, stops, verify
from portal.ledger.accounts import (
    EXTERNAL,
    FEES,
    SUSPENSE,
    Account,
    store_available,
    store_held,
    store_reserve,
    trader_available,
    trader_held,
)
from portal.ledger.entries import Draft, Line, accounts_of
from portal.ledger.facts import HoldFacts, PayoutFacts, SettleFacts, WithdrawalFacts
from portal.ledger.preview import Preview, preview
from portal.ledger.queries import (
    EntryLine,
    Holdings,
    Recorded,
    Total,
    balance,
    balances_of,
    entry_of,
    lines_of,
    recorded,
    reversed_among,
    totals,
)
from portal.ledger.service import AlreadyPosted, InsufficientFunds, Locked, lock_balances, post
from portal.ledger.statements import Statement, StatementLine, statement, statement_lines_of

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
    "Preview",
    "Recorded",
    "SettleFacts",
    "Statement",
    "StatementLine",
    "Total",
    "WithdrawalFacts",
    "accounts_of",
    "balance",
    "balances_of",
    "claims",
    "entries",
    "entry_of",
    "lines_of",
    "lock_balances",
    "post",
    "preview",
    "recorded",
    "reversed_among",
    "statement",
    "statement_lines_of",
    "stops",
    "store_available",
    "store_held",
    "store_reserve",
    "totals",
    "trader_available",
    "trader_held",
    "verify",
]
