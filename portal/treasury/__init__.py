"""Money in and out of the desk, and what staff put right in its books, on the word of two people."""
from portal.treasury import (
    adjustments,
    book_proof,
    proof,
    releases,
    reserve,
    result_proof,
    reversals,
    transfers,
    withdrawals,
)
from portal.treasury.commands import AskDeposit
from portal.treasury.deposits import ask
from portal.treasury.holdings import holdings, settlement_of

assert releases
assert adjustments
assert reversals
assert proof
assert book_proof
assert reserve
assert result_proof

__all__ = ["AskDeposit", "ask", "holdings", "settlement_of", "transfers", "withdrawals"]
