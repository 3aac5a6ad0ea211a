"""Matching and its funnel at a cost that does not grow with the desk: the same rules, planned once.

Revision ID: 0004_matching
Revises: 0003_search
"""
from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0004_matching"
down_revision = "0003_search"
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    """The functions that these called until now stay for a release: a pick that runs meanwhile still calls them."""
    _run((SQL / "0004_matching.sql").read_text("utf-8"))


def downgrade() -> None:
    """As 0001 made them."""
    op.execute("ALTER FUNCTION pick_requisites(uuid[], uuid[], timestamptz, date) RESET ALL")
    _run((SQL / "orders.sql").read_text("utf-8").replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))


def _run(sql: str) -> None:
    """Several statements at once, as they stand: no parameters, no escaping."""
    if op.get_context().as_sql:
        op.execute(sa.text(sql.replace(":", r"\:")))
    else:
        op.get_bind().connection.cursor().execute(sql)
