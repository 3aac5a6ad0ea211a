"""Files a desk begins with, and who of the staff is on what.

Revision ID: 0013_imports_cases
Revises: 0012_desk_pauses
"""
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013_imports_cases"
down_revision = "0012_desk_pauses"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "imports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sheet", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("content_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("sums", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('checked', 'asked', 'applied')", name=op.f("ck_imports_state")),
        sa.CheckConstraint("sheet IN ('merchants', 'stores', 'traders', 'requisites', 'balances')",
                           name=op.f("ck_imports_sheet")),
        sa.CheckConstraint("(state = 'applied') = (content_sealed IS NULL)", name=op.f("ck_imports_forgotten")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
    )
    op.create_table(
        "cases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("taken_by", sa.Uuid(), nullable=False),
        sa.Column("taken_name", sa.Text(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_name", sa.Text(), nullable=True),
        sa.CheckConstraint("subject_kind IN ('order', 'approval')", name=op.f("ck_cases_subject_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
    )
    op.create_index("uq_cases_open", "cases", ["subject_kind", "subject_id"], unique=True,
                    postgresql_where=sa.text("ended_at IS NULL"))
    op.create_index("ix_cases_taken_by", "cases", ["taken_by"], postgresql_where=sa.text("ended_at IS NULL"))


def downgrade() -> None:
    op.drop_table("cases")
    op.drop_table("imports")
