"""Who let whom into an account is kept: two accounts of one person do not make two people.

Revision ID: 0011_admissions
Revises: 0010_found
"""
import sqlalchemy as sa
from alembic import op

revision = "0011_admissions"
down_revision = "0010_found"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "admissions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.Column("approval_id", sa.Uuid(), nullable=True),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("how IN ('password', 'enabled', 'rights', 'email')", name=op.f("ck_admissions_how")),
        sa.CheckConstraint("by_id <> user_id", name=op.f("ck_admissions_by_another")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admissions")),
    )
    op.create_index("ix_admissions_user_id_given_at", "admissions", ["user_id", "given_at"])
    op.execute("REVOKE UPDATE, DELETE, TRUNCATE ON admissions FROM quittance_app")
    op.execute("GRANT UPDATE (told_at) ON admissions TO quittance_app")


def downgrade() -> None:
    op.drop_table("admissions")
