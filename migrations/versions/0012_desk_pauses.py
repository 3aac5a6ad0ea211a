"""The desk can be stopped for a while, by whoever may already retry and drop its work.

Revision ID: 0012_desk_pauses
Revises: 0011_admissions
"""
import sqlalchemy as sa
from alembic import op

revision = "0012_desk_pauses"
down_revision = "0011_admissions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "desk_pauses",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("began_by", sa.Uuid(), nullable=True),
        sa.Column("began_name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_name", sa.Text(), nullable=True),
        sa.CheckConstraint("began_at < ends_at", name=op.f("ck_desk_pauses_range")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_pauses")),
    )
    op.create_index("ix_desk_pauses_open", "desk_pauses", ["ends_at"], postgresql_where=sa.text("ended_at IS NULL"))
    op.execute("INSERT INTO user_permissions (user_id, permission)"
               " SELECT user_id, 'desk:pause' FROM user_permissions WHERE permission = 'job:manage'"
               " ON CONFLICT DO NOTHING")


def downgrade() -> None:
    op.execute("DELETE FROM user_permissions WHERE permission = 'desk:pause'")
    op.drop_table("desk_pauses")
