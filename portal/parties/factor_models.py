"""What a person proves themselves by besides the password: recovery codes, passkeys, and the challenges of these."""
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock, ids
from portal.core.columns import Id, LongText
from portal.core.db import Base


class RecoveryCode(Base):
    """One of ten, shown once; each opens the second door once. The table keeps its argon2id, at the salt of its ten."""

    __tablename__ = "recovery_codes"
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[datetime] = mapped_column(default=clock.now)
    used_at: Mapped[datetime | None]


class Passkey(Base):
    """A key in somebody's phone, computer or token. `sign_count` never goes back: a copy would."""

    __tablename__ = "passkeys"
    __table_args__ = (
        UniqueConstraint("credential_id"),
        Index("ix_passkeys_user_id", "user_id"),  # their own page, and the second door
        CheckConstraint("sign_count >= 0", name="sign_count"),
    )
    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    name: Mapped[LongText]
    credential_id: Mapped[bytes] = mapped_column(LargeBinary)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger)
    made_at: Mapped[datetime] = mapped_column(default=clock.now)
    used_at: Mapped[datetime | None]

    @property
    def public_id(self) -> str:
        return ids.public("psk", self.id)


class PasskeyChallenge(Base):
    """What an authenticator is to sign: once, soon, for one purpose, at the browser that asked."""

    __tablename__ = "passkey_challenges"
    __table_args__ = (
        Index("ix_passkey_challenges_expires_at", "expires_at"),  # upkeep forgets
        CheckConstraint("purpose IN ('add', 'prove', 'sign_in')", name="purpose"),
    )
    challenge: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    purpose: Mapped[LongText]
    browser: Mapped[bytes] = mapped_column(LargeBinary)  # SHA-256 of what only this browser's session has
    expires_at: Mapped[datetime]
