"""Finishing jobs refuses by itself to have lost its lease: the commit can be sent along without a look at the answer.

Revision ID: 0006_lease_kept
Revises: 0005_pick_estimates
"""
from alembic import op

revision = "0006_lease_kept"
down_revision = "0005_pick_estimates"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """As a violated check, so that it is told like one: see `core.errors.judges`."""
    op.execute("""
        CREATE FUNCTION lease_kept(kept boolean) RETURNS boolean LANGUAGE plpgsql AS $$
        BEGIN
            IF NOT kept THEN
                RAISE EXCEPTION 'the lease ran out' USING ERRCODE = 'check_violation', CONSTRAINT = 'lease_kept';
            END IF;
            RETURN true;
        END $$""")


def downgrade() -> None:
    op.execute("DROP FUNCTION lease_kept")
