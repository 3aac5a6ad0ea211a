"""Receipts and documents.

Revision ID: 0018_files
"""
import sqlalchemy as sa
from alembic import op

revision = "0018_files"
down_revision = "0017_payouts"


def upgrade() -> None:
    op.create_table(
        "files",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("uploader", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("picture_hash", sa.BigInteger()),
        sa.Column("picture_parts", sa.ARRAY(sa.Integer())),
        sa.Column("storage_key", sa.Text(), nullable=False),
        sa.Column("subject_kind", sa.Text()),
        sa.Column("subject_id", sa.Uuid()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attached_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("(subject_id IS NULL) = (attached_at IS NULL)", name=op.f("ck_files_attached")),
        sa.CheckConstraint("size_bytes > 0", name=op.f("ck_files_size")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_files")),
    )
    op.create_index("ix_files_subject", "files", ["subject_kind", "subject_id"])
    op.create_index("ix_files_content_hash", "files", ["content_hash"])
    op.create_index("ix_files_picture_parts", "files", ["picture_parts"], postgresql_using="gin")
    op.create_index("ix_files_drafts", "files", ["created_at"], postgresql_where=sa.text("attached_at IS NULL"))


def downgrade() -> None:
    op.drop_table("files")
