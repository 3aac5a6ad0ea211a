"""Approvals need nothing but a database."""
from tests.ledger.conftest import books

__all__ = ["books"]
