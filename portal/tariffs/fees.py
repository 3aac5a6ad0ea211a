"""What the desk takes from a store for one order, chosen and computed once, at creation."""
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from portal.core import clock
from portal.core.errors import Rejected, Unavailable
from portal.core.money import Money
from portal.parties.store_cache import Remembered, tell_of
from portal.tariffs.models import Tariff
from portal.tariffs.rules import COLUMNS, NEWEST_FIRST, Rule, most_specific


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


def fee(*, store_id: UUID, direction: str, method: str, amount: Money, settlement: Money) -> Fee:
    """The fee of an order of `amount` that comes to `settlement`, by the store's most specific version.

    Raises AmountTooSmall where nothing would be left of a payin, NoTariff.
    """
    rule = most_specific(_remembered.of(store_id), direction=direction, method=method, amount=amount, at=clock.now())
    if rule is None:
        raise NoTariff()
    taken = rule.of(settlement)
    if taken >= settlement:
        raise AmountTooSmall(fee=taken.text, settlement=settlement.text)
    return Fee(rule.id, taken)


def _read(session: Session, store_id: UUID) -> tuple[Rule, ...]:
    """What counts now, and what will."""
    rows = session.execute(select(*COLUMNS[Tariff]).where(
        Tariff.store_id == store_id, or_(Tariff.retired_at.is_(None), Tariff.retired_at > clock.now()))
        .order_by(*NEWEST_FIRST[Tariff]))
    return tuple(Rule(*row) for row in rows)


_remembered = Remembered(_read)
tell_of(Tariff)


def forget() -> None:
    """Read anew at the next look."""
    _remembered.forget()
