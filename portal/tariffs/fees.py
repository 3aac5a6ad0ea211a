"""What the desk takes from a store for one order, chosen and computed once, at creation."""
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import Rejected, Unavailable
from portal.core.money import Money
from portal.parties.store_cache import Remembered, tell_of
from portal.tariffs.models import Tariff


class AmountTooSmall(Rejected):
    """The fee would take the whole amount. Ask for a larger one."""

    code = "amount_too_small"


class NoTariff(Unavailable):
    """The fees of this store are not set for such orders. The operator has to set them."""

    code = "no_tariff"
    retry_after_s = 60


@dataclass(frozen=True)
class Fee:
    """The desk's fee, in settlement currency, and the version it follows from."""

    tariff_id: UUID
    amount: Money


@dataclass(frozen=True)
class FeeRule:
    """One version: for which orders, and how much. The band is in minor units of `currency`; both ends belong to it."""

    id: UUID
    direction: str
    method: str | None
    currency: str | None
    from_minor: int | None
    to_minor: int | None
    bps: int
    fixed_minor: int

    def covers(self, direction: str, method: str, amount: Money) -> bool:
        if self.direction != direction or self.method not in (None, method):
            return False
        if self.currency not in (None, amount.currency):
            return False
        return (self.from_minor is None or self.from_minor <= amount.minor) and (
            self.to_minor is None or amount.minor <= self.to_minor)

    @property
    def breadth(self) -> tuple[bool, bool, int]:
        """Smaller is more specific: a method named, then a currency named, then the narrower band."""
        width = 2**63 if self.from_minor is None and self.to_minor is None else (
            (2**63 - 1 if self.to_minor is None else self.to_minor) - (self.from_minor or 0))
        return self.method is None, self.currency is None, width

    def of(self, settlement: Money) -> Money:
        """F = min(A, A·bps/10,000 half-even + fixed)."""
        return settlement.share(self.bps, fixed_minor=self.fixed_minor)


def fee(*, store_id: UUID, direction: str, method: str, amount: Money, settlement: Money) -> Fee:
    """The fee of an order of `amount` that comes to `settlement`, by the store's most specific version.

    Raises AmountTooSmall where nothing would be left of a payin, NoTariff.
    """
    fitting = [rule for rule in _remembered.of(store_id) if rule.covers(direction, method, amount)]
    if not fitting:
        raise NoTariff()
    rule = min(fitting, key=lambda rule: rule.breadth)
    taken = rule.of(settlement)
    if taken >= settlement:
        raise AmountTooSmall(fee=taken.text, settlement=settlement.text)
    return Fee(rule.id, taken)


def _read(session: Session, store_id: UUID) -> tuple[FeeRule, ...]:
    rows = session.execute(select(
        Tariff.id, Tariff.direction, Tariff.method, Tariff.currency, Tariff.from_minor, Tariff.to_minor,
        Tariff.fee_bps, Tariff.fee_fixed_minor).where(Tariff.store_id == store_id, Tariff.retired_at.is_(None))
        .order_by(Tariff.created_at.desc(), Tariff.id.desc()))  # of two alike the newer wins
    return tuple(FeeRule(*row) for row in rows)


_remembered = Remembered(_read)
tell_of(Tariff)


def forget() -> None:
    """Read anew at the next look."""
    _remembered.forget()
