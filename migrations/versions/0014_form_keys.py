"""Forms of pages carry keys: what a second sending of one is answered.

Revision ID: 0014_form_keys
Revises: 0013_imports_cases
"""
import sqlalchemy as sa
from alembic import op

revision = "0014_form_keys"
down_revision = "0013_imports_cases"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "form_keys",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("content_print", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("answer_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(status IS NULL) = (answer_sealed IS NULL)", name=op.f("ck_form_keys_answered")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_form_keys_user_id")),
        sa.PrimaryKeyConstraint("user_id", "path", "key", name=op.f("pk_form_keys")),
    )
    op.create_index("ix_form_keys_created_at", "form_keys", ["created_at"])
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON form_keys TO quittance_app")


def downgrade() -> None:
    op.drop_table("form_keys")
