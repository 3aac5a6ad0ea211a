"""A password that staff give out opens the desk once.

Revision ID: 0002_one_time_password
Revises: 0001
"""
import sqlalchemy as sa
from alembic import op

revision = "0002_one_time_password"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("one_time_until", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("users", "one_time_until")
