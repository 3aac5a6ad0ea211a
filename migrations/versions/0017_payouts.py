"""Payouts: recipients on orders, the clocks and rules of stores.

Revision ID: 0017_payouts
"""
import sqlalchemy as sa
from alembic import op

revision = "0017_payouts"
down_revision = "0016_order_row"
ORDERS = (sa.Column("destination_sealed", sa.LargeBinary()), sa.Column("destination_mask", sa.Text()),
          sa.Column("destination_fingerprint", sa.LargeBinary()), sa.Column("recipient_sealed", sa.LargeBinary()),
          sa.Column("accepted_at", sa.DateTime(timezone=True)))
STORES = (sa.Column("payout_accept_for_s", sa.Integer(), nullable=False, server_default="600"),
          sa.Column("payout_pay_for_s", sa.Integer(), nullable=False, server_default="1800"),
          sa.Column("payout_confirm", sa.Text(), nullable=False, server_default="window"),
          sa.Column("payout_window_s", sa.Integer(), nullable=False, server_default="3600"),
          sa.Column("payout_tries_max", sa.Integer(), nullable=False, server_default="3"),
          sa.Column("payout_alone_max_minor", sa.BigInteger()))


def upgrade() -> None:
    for column in ORDERS:
        op.add_column("orders", column._copy())
    for column in STORES:
        op.add_column("stores", column._copy())
    op.execute("""
        CREATE VIEW direction_rules AS SELECT * FROM (
            VALUES ('payin', true, true, 1, false), ('payout', false, false, -1, true))
            AS rules (direction, needs_collateral, one_amount, flow, accepted_first)""")
    op.execute("GRANT SELECT ON direction_rules TO quittance_app")
    op.execute("""
        -- squawk-ignore constraint-missing-not-valid
        ALTER TABLE orders ADD CONSTRAINT ck_orders_destination CHECK (
            (direction = 'payout') = (destination_sealed IS NOT NULL)
            AND num_nonnulls(destination_sealed, destination_mask, destination_fingerprint) IN (0, 3))""")
    op.execute("""
        -- squawk-ignore constraint-missing-not-valid
        ALTER TABLE stores ADD CONSTRAINT ck_stores_payout_confirm CHECK (
            payout_confirm IN ('store', 'window', 'at_once'))""")
    op.execute("""
        -- squawk-ignore require-concurrent-index-creation
        CREATE INDEX ix_orders_destination ON orders (destination_fingerprint, created_at)
         WHERE destination_fingerprint IS NOT NULL""")


def downgrade() -> None:
    op.execute("DROP VIEW direction_rules")
    op.drop_index("ix_orders_destination", "orders")
    op.drop_constraint(op.f("ck_stores_payout_confirm"), "stores")
    op.drop_constraint(op.f("ck_orders_destination"), "orders")
    for column in STORES:
        op.drop_column("stores", column.name)
    for column in ORDERS:
        op.drop_column("orders", column.name)
