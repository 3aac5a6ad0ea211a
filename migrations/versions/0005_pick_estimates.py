"""What the planner is told of the functions that matching calls, so that a pick never walks a whole table around them.

Revision ID: 0005_pick_estimates
Revises: 0004_matching
"""
from alembic import op

revision = "0005_pick_estimates"
down_revision = "0004_matching"
branch_labels = None
depends_on = None

PICK = "pick_requisites(uuid[], uuid[], timestamptz, date)"
HALF_EVEN = """
    CREATE OR REPLACE FUNCTION half_even(value numeric) RETURNS bigint
        LANGUAGE sql IMMUTABLE {strict} PARALLEL SAFE
        -- ties to the even one, as core.money.half_even
        RETURN CASE WHEN abs(value - trunc(value)) = 0.5
                    THEN (2 * round(value / 2))::bigint ELSE round(value)::bigint END"""


def upgrade() -> None:
    """A pick finds as many rows as its batch has orders, not a thousand; a rounding that is not STRICT is inlined."""
    op.execute(f"ALTER FUNCTION {PICK} ROWS 10")
    op.execute(HALF_EVEN.format(strict=""))


def downgrade() -> None:
    op.execute(HALF_EVEN.format(strict="STRICT"))
    op.execute(f"ALTER FUNCTION {PICK} ROWS 1000")
