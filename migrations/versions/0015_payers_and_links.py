"""Whose amounts rest, which endpoints are told payment links, customers' names by any apostrophe.

Endpoints there are keep what they were told. Every index is built without holding writers up.

Revision ID: 0015_payers_and_links
Revises: 0014_form_keys
"""
import sqlalchemy as sa
from alembic import op

revision = "0015_payers_and_links"
down_revision = "0014_form_keys"
branch_labels = None
depends_on = None

NEW = {
    "ix_orders_customer_folded":
        "orders (store_id, replace(translate(lower(customer_name), 'ё’‘ʼʻ`´′‐‑‒–—−', 'е''''''''''''''------'),"
        " 'ß', 'ss') text_pattern_ops) WHERE customer_name IS NOT NULL",
    "ix_kept_amounts_payer": "kept_amounts (store_id, payer, until)",
}
OLD = {
    "ix_orders_customer_named": "orders (store_id, translate(lower(customer_name), 'ё', 'е') text_pattern_ops)"
                                " WHERE customer_name IS NOT NULL",
}


def upgrade() -> None:
    op.add_column("kept_amounts", sa.Column("store_id", sa.Uuid(), nullable=True))
    op.add_column("kept_amounts", sa.Column("payer", sa.Text(), nullable=True))
    op.add_column("webhook_endpoints",
                  sa.Column("with_link", sa.Boolean(), server_default=sa.text("true"), nullable=False))
    _change(NEW, OLD)


def downgrade() -> None:
    _change(OLD, NEW)
    op.drop_column("webhook_endpoints", "with_link")
    op.drop_column("kept_amounts", "payer")
    op.drop_column("kept_amounts", "store_id")


def _change(made: dict[str, str], gone: dict[str, str]) -> None:
    """Without holding writers up."""
    with op.get_context().autocommit_block():
        for name, on in made.items():
            op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {on}")
        for name in gone:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
