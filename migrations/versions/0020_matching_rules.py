"""The functions of matching are composed of one list of rules; a third says why a requisite gets no orders.

Revision ID: 0020_matching_rules
"""
from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0020_matching_rules"
down_revision = "0019_lists_by_direction"
SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    _run((SQL / "matching.sql").read_text("utf-8"))


def downgrade() -> None:
    op.execute("DROP FUNCTION requisite_hindrances(uuid[], bigint[], timestamptz, date)")
    _run((SQL / "0007_matching.sql").read_text("utf-8"))
    op.execute("ALTER FUNCTION pick_requisites(uuid[], uuid[], timestamptz, date) ROWS 10")


def _run(sql: str) -> None:
    """Several statements at once, as they stand: no parameters, no escaping."""
    if op.get_context().as_sql:
        op.execute(sa.text(sql.replace(":", r"\:")))
    else:
        op.get_bind().connection.cursor().execute(sql)
