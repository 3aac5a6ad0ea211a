"""What staff ask of tariffs."""
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from portal.core.commands import Command

Bps = Annotated[int, Field(ge=0, le=10_000)]
MinorAmount = Annotated[int, Field(ge=0, le=2**62)]
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
