"""Deposits and withdrawals end in the books."""
import pytest
from sqlalchemy import create_engine, text

from tests.ledger.conftest import books, cast

__all__ = ["books", "cast", "corrupt"]


@pytest.fixture
def corrupt(fresh_database, url_of):
    """As the owner of the tables, past every trigger: what no program of ours may do."""
    engine = create_engine(url_of(fresh_database, "owner").replace("postgresql://", "postgresql+psycopg://"))

    def do(statement: str) -> None:
        with engine.begin() as connection:
            for table in ("deposits", "withdrawals", "adjustments", "transfers", "postings", "claims", "reserves"):
                connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
            assert connection.execute(text(statement)).rowcount > 0

    yield do
    engine.dispose()
