"""An application to join the desk. Its documents are files whose subject it is."""
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import ids
from portal.core.columns import Id, LongText, Timestamped
from portal.core.db import Base

PREFIX = "apl"
DOCUMENT = "application"  # what its documents are attached to


class Application(Timestamped, Base):
    """received → proposed (a second person decides) → accepted or refused; received again where that came to nothing.

    `told`: what the applicant reads of the decision. The link by which the first person chooses a password is kept as
    its SHA-256.
    """

    __tablename__ = "applications"
    __table_args__ = (
        CheckConstraint("kind IN ('merchant', 'trader')", name="kind"),
        CheckConstraint("state IN ('received', 'proposed', 'accepted', 'refused')", name="state"),
        CheckConstraint("(state IN ('accepted', 'refused')) = (decided_at IS NOT NULL)", name="decided"),
        CheckConstraint("(state = 'accepted') = (user_id IS NOT NULL)", name="accepted"),
        UniqueConstraint("link_digest"),
        Index("ix_applications_state", "state", "created_at", "id"),  # staff's list
        Index("ix_applications_created_at", "created_at"),  # how many a day
        Index("ix_applications_email", "email"),  # the same person again
        Index("ix_applications_phone_digits", "phone_digits"),
    )
    id: Mapped[Id]
    kind: Mapped[LongText]
    name: Mapped[LongText]  # of the company, or of the trader
    contact: Mapped[LongText]
    email: Mapped[LongText]
    phone: Mapped[LongText]  # as it was typed
    phone_digits: Mapped[LongText]
    country: Mapped[LongText]
    volume: Mapped[LongText]  # a month, one of commands.VOLUMES
    website: Mapped[str | None] = mapped_column(Text)
    wants: Mapped[LongText]
    locale: Mapped[LongText]
    address: Mapped[str | None] = mapped_column(INET)  # from where it came
    state: Mapped[LongText] = mapped_column(default="received")
    told: Mapped[str | None] = mapped_column(Text)
    decided_at: Mapped[datetime | None]
    party_id: Mapped[UUID | None]  # the merchant or trader that came of it
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))  # its first person
    link_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    link_until: Mapped[datetime | None]

    @property
    def public_id(self) -> str:
        return ids.public(PREFIX, self.id)

    @property
    def waits(self) -> bool:
        return self.state in ("received", "proposed")
