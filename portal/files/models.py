"""Files as the desk keeps them; their bytes lie in the storage under `storage_key`."""
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock, ids
from portal.core.columns import Id, LongText
from portal.core.db import Base

PREFIX = "fil"


class File(Base):
    """One upload. A draft belongs to who brought it until an act attaches it to its subject, for good.

    `content_hash` is SHA-256 of what was sent, `kept_hash` of what is kept of it, `picture_hash` 64 bits of how it
    looks, `picture_parts` those of its four parts that are not plain: the same file, or nearly the same picture, on a
    second subject is found by them.
    """

    __tablename__ = "files"
    __table_args__ = (
        CheckConstraint("(subject_id IS NULL) = (attached_at IS NULL)", name="attached"),
        CheckConstraint("size_bytes > 0", name="size"),
        Index("ix_files_storage_key", "storage_key", unique=True),  # bytes that no row knows are swept
        Index("ix_files_subject", "subject_kind", "subject_id"),
        Index("ix_files_content_hash", "content_hash"),
        Index("ix_files_kept_hash", "kept_hash"),  # documents that were only saved anew
        Index("ix_files_picture_parts", "picture_parts", postgresql_using="gin"),  # pictures that look nearly alike
        Index("ix_files_drafts", "created_at", postgresql_where=text("attached_at IS NULL")),
    )
    id: Mapped[Id]
    uploader: Mapped[LongText]  # kind and id of the actor: a draft is his alone
    name: Mapped[LongText]  # as it was called where it came from; shown, never used as a path
    content_type: Mapped[LongText]
    size_bytes: Mapped[int] = mapped_column(BigInteger)  # of what is kept
    content_hash: Mapped[bytes] = mapped_column(LargeBinary)
    kept_hash: Mapped[bytes] = mapped_column(LargeBinary)
    picture_hash: Mapped[int | None] = mapped_column(BigInteger)
    picture_parts: Mapped[list[int] | None] = mapped_column(ARRAY(Integer))
    storage_key: Mapped[LongText]
    subject_kind: Mapped[str | None] = mapped_column(Text)
    subject_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    attached_at: Mapped[datetime | None]

    @property
    def public_id(self) -> str:
        return ids.public(PREFIX, self.id)

    @property
    def brought_by(self) -> str:
        """The kind of actor who sent it."""
        return self.uploader.partition(":")[0]

    @property
    def is_picture(self) -> bool:
        return self.content_type.startswith("image/")
