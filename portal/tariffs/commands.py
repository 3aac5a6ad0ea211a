"""What staff ask of tariffs."""
from datetime import date, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from portal.core.commands import Command
from portal.core.money import AMOUNT_MAX

Bps = Annotated[int, Field(ge=0, le=10_000)]
MinorAmount = Annotated[int, Field(ge=0, le=AMOUNT_MAX)]
Direction = Literal["payin", "payout"]


class _Version(Command):
    """What it counts for, and from when (none: at once)."""

    direction: Direction
    method: str | None = None
    currency: str | None = None
    from_minor: MinorAmount | None = None
    to_minor: MinorAmount | None = None
    valid_from: datetime | None = None

    @model_validator(mode="after")
    def _band(self) -> Self:
        if (self.from_minor, self.to_minor) != (None, None) and self.currency is None:
            raise ValueError("A band of amounts needs its currency.")
        if self.from_minor is not None and self.to_minor is not None and self.from_minor > self.to_minor:
            raise ValueError("A band begins below its end.")
        return self


class SetFee(_Version):
    """A store's new fee. Minor units; the band in `currency`, the fixed part in the store's settlement currency."""

    store_id: UUID
    fee_bps: Bps
    fee_fixed_minor: MinorAmount = 0


class SetReward(_Version):
    """A trader's new reward. Minor units; the band in `currency`, the fixed part in settlement currency."""

    trader_id: UUID
    reward_bps: Bps
    reward_fixed_minor: MinorAmount = 0


Reason = Annotated[str, StringConstraints(min_length=1, max_length=500)]
AmountText = Annotated[str, StringConstraints(min_length=1, max_length=40)]


class AskVersion(Command):
    """A new fee or reward, before a second person. Amounts are decimal text: the band of `currency`, the fixed part of
    the settlement currency; a percent as in 2.5. `valid_from` is an operator's day; none: as soon as it is agreed."""

    direction: Direction
    method: str | None = None
    currency: str | None = None
    from_amount: AmountText | None = None
    to_amount: AmountText | None = None
    valid_from: date | None = None
    reason: Reason


class AskFee(AskVersion):
    store_id: UUID
    fee_percent: AmountText
    fee_fixed: AmountText | None = None


class AskReward(AskVersion):
    trader_id: UUID
    reward_percent: AmountText
    reward_fixed: AmountText | None = None


class AskTerms(Command):
    """What a store takes in one currency, before a second person. Amounts are decimal text of `currency`."""

    store_id: UUID
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{3,8}$")]
    min_amount: AmountText
    max_amount: AmountText
    methods: tuple[str, ...] = Field(min_length=1, max_length=50)
    payin: bool = False
    payout: bool = False
    reason: Reason


class SetRewardAboveFee(Command):
    """May a trader's reward be more than a store's fee, the desk paying the difference? Off holds at once."""

    store_id: UUID
    on: bool
    reason: Reason


Minutes = Annotated[int, Field(ge=1, le=1440)]


class SetPayoutTerms(Command):
    """How a store's payouts go. `alone_max`: decimal text of the settlement currency; None: no limit."""

    store_id: UUID
    accept_for_min: Minutes
    pay_for_min: Minutes
    confirm: Literal["store", "window", "at_once"]
    window_min: Minutes
    tries_max: Annotated[int, Field(ge=1, le=20)]
    alone_max: AmountText | None = None
    reason: Reason


class AskReserveTerms(Command):
    """What a store waits for of each settled payin: `reserve_percent` of its part for `reserve_days`, the rest for
    `delay_days`."""

    store_id: UUID
    reserve_percent: AmountText
    reserve_days: Annotated[int, Field(ge=0, le=365)]
    delay_days: Annotated[int, Field(ge=0, le=60)]
    reason: Reason
