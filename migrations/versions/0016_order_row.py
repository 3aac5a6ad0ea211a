"""An order's final amounts beside the frozen ones; the column `meta` is called as it is in the code.

Revision ID: 0016_order_row
"""
import sqlalchemy as sa
from alembic import op

revision = "0016_order_row"
down_revision = "0015_payers_and_links"
FINAL = ("final_settlement_minor", "final_fee_minor", "final_reward_minor")


def upgrade() -> None:
    op.execute("-- squawk-ignore renaming-column\nALTER TABLE orders RENAME metadata TO meta")
    for name in FINAL:
        op.add_column("orders", sa.Column(name, sa.BigInteger()))
    op.execute("""
        UPDATE orders o SET final_settlement_minor = o.settlement_minor, final_fee_minor = o.fee_minor,
                            final_reward_minor = a.reward_minor
          FROM assignments a WHERE a.order_id = o.id AND o.status IN ('confirmed', 'completed')
           AND (a.state = 'chosen' OR a.end_reason = 'settled')""")
    op.execute("""
        -- squawk-ignore constraint-missing-not-valid
        ALTER TABLE orders ADD CONSTRAINT ck_orders_final_amounts CHECK (
            num_nonnulls(final_settlement_minor, final_fee_minor, final_reward_minor) IN (0, 3)
            AND final_settlement_minor > 0 AND final_reward_minor >= 0
            AND final_fee_minor BETWEEN 0 AND final_settlement_minor)""")


def downgrade() -> None:
    op.drop_constraint(op.f("ck_orders_final_amounts"), "orders")
    for name in FINAL:
        op.drop_column("orders", name)
    op.alter_column("orders", "meta", new_column_name="metadata")
