"""Deposits end in the books."""
from tests.ledger.conftest import books, cast

__all__ = ["books", "cast"]
