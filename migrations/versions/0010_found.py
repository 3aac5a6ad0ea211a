"""What people search by: external ids in any case, the end of an id, addresses, customers' names store by store.

Revision ID: 0010_found
Revises: 0009_reference
"""
from alembic import op

revision = "0010_found"
down_revision = "0009_reference"
branch_labels = None
depends_on = None

NEW = {
    "ix_orders_external_id_folded": "orders (lower(external_id))",
    "ix_orders_short_id": "orders (\"right\"(id::text, 8))",
    "ix_orders_customer_ip": "orders (customer_ip, created_at) WHERE customer_ip IS NOT NULL",
    "ix_orders_customer_named": "orders (store_id, translate(lower(customer_name), 'ё', 'е') text_pattern_ops)"
                                " WHERE customer_name IS NOT NULL",
    "ix_requisites_short_id": "requisites (\"right\"(id::text, 8))",
}
OLD = {
    "ix_orders_external_id": "orders (external_id)",
    "ix_orders_customer_name": "orders (lower(customer_name) text_pattern_ops) WHERE customer_name IS NOT NULL",
}


def upgrade() -> None:
    _change(NEW, OLD)


def downgrade() -> None:
    _change(OLD, NEW)


def _change(made: dict[str, str], gone: dict[str, str]) -> None:
    """Without holding writers up."""
    with op.get_context().autocommit_block():
        for name, on in made.items():
            op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {on}")
        for name in gone:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
