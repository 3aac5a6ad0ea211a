"""Money in and out of the desk: deposits, on the word of two people."""
from portal.treasury.deposits import AskDeposit, ask
from portal.treasury.holdings import holdings, settlement_of

__all__ = ["AskDeposit", "ask", "holdings", "settlement_of"]
