"""What the desk takes from a store for one order, chosen and computed once, at creation."""
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from portal.core.db import engine, reader
from portal.core.errors import Rejected, Unavailable
from portal.core.money import Money
from portal.tariffs.models import Tariff

FRESH_S = 4  # a process may use a tariff this long after it was replaced
STORES_MAX = 10_000  # kept in a process


class AmountTooSmall(Rejected):
    """The fee would take the whole amount. Ask for a larger one."""

    code = "amount_too_small"


class NoTariff(Unavailable):
    """The fees of this store are not set for such orders. The operator has to set them."""

    code = "no_tariff"
    retry_after_s = 60


@dataclass(frozen=True)
class Fee:
    """F of spec/ledger.md, in settlement currency, and the version it follows from."""

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
        return min(settlement, settlement.share(self.bps) + Money(self.fixed_minor, settlement.currency))


def fee(*, store_id: UUID, direction: str, method: str, amount: Money, settlement: Money) -> Fee:
    """The fee of an order of `amount` that comes to `settlement`, by the store's most specific version.

    Raises AmountTooSmall where nothing would be left of a payin, NoTariff.
    """
    fitting = [rule for rule in _rules(store_id) if rule.covers(direction, method, amount)]
    if not fitting:
        raise NoTariff()
    rule = min(fitting, key=lambda rule: rule.breadth)
    taken = rule.of(settlement)
    if taken >= settlement:
        raise AmountTooSmall(fee=taken.text, settlement=settlement.text)
    return Fee(rule.id, taken)


_kept: OrderedDict[tuple[Engine, UUID], tuple[float, tuple[FeeRule, ...]]] = OrderedDict()
_lock = threading.Lock()


def _rules(store_id: UUID) -> tuple[FeeRule, ...]:
    key = (engine(), store_id)
    now = time.monotonic()
    found = _kept.get(key)
    if found is not None and now - found[0] < FRESH_S:
        return found[1]
    rules = _read(reader(), store_id)
    with _lock:
        _kept[key] = (now, rules)
        _kept.move_to_end(key)
        while len(_kept) > STORES_MAX:
            _kept.popitem(last=False)
    return rules


def _read(session: Session, store_id: UUID) -> tuple[FeeRule, ...]:
    rows = session.execute(select(
        Tariff.id, Tariff.direction, Tariff.method, Tariff.currency, Tariff.from_minor, Tariff.to_minor,
        Tariff.fee_bps, Tariff.fee_fixed_minor).where(Tariff.store_id == store_id, Tariff.retired_at.is_(None))
        .order_by(Tariff.created_at.desc(), Tariff.id.desc()))  # of two alike the newer wins
    return tuple(FeeRule(*row) for row in rows)


def forget() -> None:
    """Read anew at the next look."""
    with _lock:
        _kept.clear()
