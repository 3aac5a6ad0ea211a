"""Money in and out of the desk: deposits, on the word of two people."""
from portal.treasury.deposits import AskDeposit, ask

__all__ = ["AskDeposit", "ask"]
