"""Lists of a store are of payins or of payouts.

Revision ID: 0019_lists_by_direction
"""
from alembic import op

revision = "0019_lists_by_direction"
down_revision = "0018_files"
NEW, OLD = "ix_orders_store_id_direction", "ix_orders_store_id_created_at_id"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {NEW} ON orders (store_id, live, direction, created_at, id)")
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {OLD}")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {OLD} ON orders (store_id, live, created_at, id)")
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {NEW}")
