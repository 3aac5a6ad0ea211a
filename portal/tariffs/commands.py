"""What staff ask of tariffs."""
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from portal.core.commands import Command
from portal.core.money import AMOUNT_MAX

Bps = Annotated[int, Field(ge=0, le=10_000)]
MinorAmount = Annotated[int, Field(ge=0, le=AMOUNT_MAX)]
Direction = Literal["payin", "payout"]


class SetFee(Command):
    """A store's new fee; the version for the same direction, method and band is retired. Minor units.

    The band is in `currency`, the fixed part in the store's settlement currency.
    """

    store_id: UUID
    direction: Direction
    method: str | None = None
    currency: str | None = None
    from_minor: MinorAmount | None = None
    to_minor: MinorAmount | None = None
    fee_bps: Bps
    fee_fixed_minor: MinorAmount = 0

    @model_validator(mode="after")
    def _band(self) -> Self:
        if (self.from_minor, self.to_minor) != (None, None) and self.currency is None:
            raise ValueError("A band of amounts needs its currency.")
        if self.from_minor is not None and self.to_minor is not None and self.from_minor > self.to_minor:
            raise ValueError("A band begins below its end.")
        return self


class SetReward(Command):
    """A trader's new reward; the version for the same direction and method is retired. Minor units."""

    trader_id: UUID
    direction: Direction
    method: str | None = None
    reward_bps: Bps
    reward_fixed_minor: MinorAmount = 0


Reason = Annotated[str, StringConstraints(min_length=1, max_length=500)]
AmountText = Annotated[str, StringConstraints(min_length=1, max_length=40)]


class AskFee(Command):
    """A store's new fee, before a second person. Amounts are decimal text: the band of `currency`, the fixed part of
    the settlement currency; `fee_percent` as in 2.5."""

    store_id: UUID
    direction: Direction
    method: str | None = None
    currency: str | None = None
    from_amount: AmountText | None = None
    to_amount: AmountText | None = None
    fee_percent: AmountText
    fee_fixed: AmountText | None = None
    reason: Reason


class AskReward(Command):
    """A trader's new reward, before a second person."""

    trader_id: UUID
    direction: Direction
    method: str | None = None
    reward_percent: AmountText
    reward_fixed: AmountText | None = None
    reason: Reason


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
