"""Double-entry books. Others name accounts, draft `entries` and `post` them, read balances and statements.

Rows are only ever added: a correction is a new entry. `verify` proves the whole.
"""
from portal.ledger import entries
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
from portal.ledger.entries import Draft, HoldFacts, Line, SettleFacts, accounts_of
from portal.ledger.service import AlreadyPosted, InsufficientFunds, Locked, lock_balances, post

__all__ = [
    "EXTERNAL", "FEES", "SUSPENSE", "Account", "AlreadyPosted", "Draft", "HoldFacts", "InsufficientFunds", "Line",
    "Locked", "SettleFacts", "accounts_of", "entries", "lock_balances", "post", "store_available", "store_held",
    "trader_available", "trader_held",
]
