"""The rows of the queue: what is to be done, and what was."""
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, PrimaryKeyConstraint, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.columns import Serial
from portal.core.db import Base


class Job(Base):
    """One piece of work: ids only. A finished row moves to `jobs_done`, so the unique key holds among live rows."""

    __tablename__ = "jobs"
    __table_args__ = (
        UniqueConstraint("kind", "unique_key"),
        # what is due of a kind, oldest first (claim, dispatcher)
        Index("ix_jobs_due", "kind", "run_at", "id", postgresql_where=text("dead_at IS NULL")),
        # what is due of one partition, so that one with thousands of rows hides no other's (webhooks' claim)
        Index("ix_jobs_partition", "partition", "run_at", "id",
              postgresql_where=text("partition IS NOT NULL AND dead_at IS NULL")),
        Index("ix_jobs_dead", "dead_at", "id", postgresql_where=text("dead_at IS NOT NULL")),  # the jobs page
        {"postgresql_with": {"fillfactor": 70}},
    )
    id: Mapped[Serial]
    kind: Mapped[str] = mapped_column(Text)
    reference: Mapped[UUID | None]
    unique_key: Mapped[str] = mapped_column(Text)
    partition: Mapped[str | None] = mapped_column(Text)  # work that must not crowd out other work of its kind
    run_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")  # tries that ended in an error
    lost: Mapped[int] = mapped_column(default=0, server_default="0")  # leases that ran out
    lease: Mapped[UUID | None]
    leased_until: Mapped[datetime | None]
    dead_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)
    request_id: Mapped[str | None] = mapped_column(Text)  # and a trace's context, where traces are on (core.tracing)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class DoneJob(Base):
    """What was done, by month; detached and archived later."""

    __tablename__ = "jobs_done"
    __table_args__ = (
        PrimaryKeyConstraint("id", "done_at"),
        Index("ix_jobs_done_reference", "reference"),
        {"postgresql_partition_by": "RANGE (done_at)"},
    )
    id: Mapped[int] = mapped_column(BigInteger)
    done_at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(Text)
    reference: Mapped[UUID | None]
    unique_key: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int]
    lost: Mapped[int]
    request_id: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]


class JobSlot(Base):
    """The newest slot of a recurring kind that was turned into a job, so that two dispatchers make it once."""

    __tablename__ = "job_slots"
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    slot: Mapped[int] = mapped_column(BigInteger)
    turned_at: Mapped[datetime | None]  # when; the newest says whether a dispatcher lives
