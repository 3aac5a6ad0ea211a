"""What staff search by, what they narrow the audit by, the ledger's proofs, and when the dispatcher last turned.

Every index is built without holding writers up: concurrently, and a partitioned one month by month.

Revision ID: 0003_search
Revises: 0002_one_time_password
"""
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003_search"
down_revision = "0002_one_time_password"
branch_labels = None
depends_on = None

PLAIN = {  # the queries: search/staff_search.py
    "ix_orders_amount": "orders (amount_minor, created_at)",
    "ix_orders_customer_name": "orders (lower(customer_name) text_pattern_ops) WHERE customer_name IS NOT NULL",
    "ix_users_email_prefix": "users (email text_pattern_ops)",
    "ix_merchants_words": "merchants USING gin (to_tsvector('simple', translate(name, '-_./', '    ')))",
    "ix_stores_words": "stores USING gin (to_tsvector('simple', translate(name, '-_./', '    ')))",
    "ix_traders_words": "traders USING gin (to_tsvector('simple', translate(name, '-_./', '    ')))",
    "ix_users_words": "users USING gin (to_tsvector('simple', translate(name, '-_./', '    ')))",
}
BY_MONTH = {  # the queries: the audit page's filters
    "ix_audit_rows_actor": "actor_name, created_at, id",
    "ix_audit_rows_action": "action, created_at, id",
}


def upgrade() -> None:
    op.create_table(
        "ledger_proofs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checks", sa.Integer(), nullable=False),
        sa.Column("examined", sa.BigInteger(), nullable=False),
        sa.Column("differences", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_proofs")),
    )
    op.add_column("job_slots", sa.Column("turned_at", sa.DateTime(timezone=True), nullable=True))
    with op.get_context().autocommit_block():
        for name, on in PLAIN.items():
            op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {on}")
        for name, columns in BY_MONTH.items():
            # empty and quick: it only says what the months have
            op.execute("-- squawk-ignore require-concurrent-index-creation\n"
                       f"CREATE INDEX IF NOT EXISTS {name} ON ONLY audit_rows ({columns})")
            for month in _months("audit_rows"):
                op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {month}_{name[14:]} ON {month} ({columns})")
                op.execute(f"ALTER INDEX {name} ATTACH PARTITION {month}_{name[14:]}")


def downgrade() -> None:
    for name in (*PLAIN, *BY_MONTH):
        op.drop_index(name)
    op.drop_column("job_slots", "turned_at")
    op.drop_table("ledger_proofs")


def _months(table: str) -> list[str]:
    """The partitions there are; none where SQL is only written down."""
    if op.get_context().as_sql:
        return []
    found = op.get_bind().execute(sa.text(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
        " WHERE i.inhparent = CAST(:table AS regclass) ORDER BY 1"), {"table": table})
    return list(found.scalars())
