"""An amount rests on its requisite until a payer can no longer be late; the looks for a requisite are kept for good.

What a trader's day came to is counted as it happens. His history takes in which requisite each order went to, so that assignments need one index less.

Revision ID: 0007_kept_amounts
Revises: 0006_lease_kept
"""
from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0007_kept_amounts"
down_revision = "0006_lease_kept"
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[1] / "sql"
PICK = "pick_requisites(uuid[], uuid[], timestamptz, date)"


def upgrade() -> None:
    op.add_column("stores", sa.Column("late_for_s", sa.Integer(), server_default="86400", nullable=False))
    op.create_table(
        "kept_amounts",
        sa.Column("requisite_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("assignment_id", sa.Uuid(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignments.id"], name=op.f("fk_kept_amounts_assignment_id")),
        sa.PrimaryKeyConstraint("requisite_id", "amount_minor", "assignment_id", name=op.f("pk_kept_amounts")),
    )
    op.create_table(
        "trader_days",
        sa.Column("trader_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("confirmed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("confirmed_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lost", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["trader_id"], ["traders.id"], name=op.f("fk_trader_days_trader_id")),
        sa.PrimaryKeyConstraint("trader_id", "day", "currency", name=op.f("pk_trader_days")),
    )
    op.create_index("ix_kept_amounts_amount", "kept_amounts", ["amount_minor", "requisite_id", "until"])
    op.create_index("ix_kept_amounts_until", "kept_amounts", ["until"])
    op.execute("REVOKE UPDATE, DELETE, TRUNCATE ON match_tries FROM quittance_app")
    _run((SQL / "0007_matching.sql").read_text("utf-8"))
    op.execute(f"ALTER FUNCTION {PICK} ROWS 10")
    with op.get_context().autocommit_block():
        op.execute("CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_assignments_history"
                   " ON assignments (trader_id, created_at, id) INCLUDE (requisite_id, amount_minor)")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_assignments_trader_id")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_assignments_requisite_id")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_assignments_requisite_id"
                   " ON assignments (requisite_id, created_at)")
        op.execute("CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_assignments_trader_id"
                   " ON assignments (trader_id, created_at, id)")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_assignments_history")
    _run((SQL / "0004_matching.sql").read_text("utf-8"))
    op.execute(f"ALTER FUNCTION {PICK} ROWS 10")
    op.execute("GRANT UPDATE, DELETE ON match_tries TO quittance_app")
    op.drop_table("trader_days")
    op.drop_table("kept_amounts")
    op.drop_column("stores", "late_for_s")


def _run(sql: str) -> None:
    """Several statements at once, as they stand: no parameters, no escaping."""
    if op.get_context().as_sql:
        op.execute(sa.text(sql.replace(":", r"\:")))
    else:
        op.get_bind().connection.cursor().execute(sql)
