"""What ended assignments leave behind: amounts that rest on requisites, and what a trader's day came to."""
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db import Base


class KeptAmount(Base):
    """An amount that rests on a requisite: its order ended without money, and the payer may still send it.

    Until `until`, the end of that order's late window, no other order gets this amount there: two payers of one sum
    could not be told apart. Matching reads it, nobody else waits for it; what is over is swept away.
    """

    __tablename__ = "kept_amounts"
    __table_args__ = (
        Index("ix_kept_amounts_amount", "amount_minor", "requisite_id", "until"),  # the funnel; the pick has the key
        Index("ix_kept_amounts_until", "until"),  # the sweep
        Index("ix_kept_amounts_payer", "store_id", "payer", "until"),  # how much of one payer's rests
    )
    requisite_id: Mapped[UUID] = mapped_column(primary_key=True)
    amount_minor: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    assignment_id: Mapped[UUID] = mapped_column(ForeignKey("assignments.id"), primary_key=True)
    until: Mapped[datetime]
    store_id: Mapped[UUID | None]  # of the order
    payer: Mapped[str | None] = mapped_column(Text)  # places.payer_of


class TraderDay(Base):
    """What became of a trader's orders on one of the operator's days, by currency; counted as it happens."""

    __tablename__ = "trader_days"
    trader_id: Mapped[UUID] = mapped_column(ForeignKey("traders.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(Text, primary_key=True)
    confirmed: Mapped[int] = mapped_column(server_default="0")  # orders
    confirmed_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")  # what came in with them
    lost: Mapped[int] = mapped_column(server_default="0")  # ended without money: refused, expired, cancelled
