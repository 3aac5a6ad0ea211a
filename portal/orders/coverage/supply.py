"""Who could take an order of each size now, by the rules of matching (`matching.sql`, function `coverage_now`)."""
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal import reference
from portal.core import clock
from portal.core.money import EXPONENTS
from portal.orders.states import Direction
from portal.parties.models import Trader
from portal.reference import RateUnavailable, cache

NOW = text("""SELECT currency, method, bank, band, able, there
                FROM coverage_now(CAST(:currencies AS text[]), CAST(:settlements AS text[]), CAST(:units AS bigint[]),
                                  CAST(:per AS numeric[]), :now, :day, :direction)""")


class Able(NamedTuple):
    """Requisites for orders of a band: `able` could take one now, `there` are approved for such amounts."""

    currency: str
    method: str
    bank: str | None
    band: int
    able: int
    there: int


def now(session: Session, direction: Direction) -> Sequence[Able]:
    """One pass over the live requisites. Of currencies without a fresh rate there is nobody."""
    settled_in = session.scalars(select(Trader.settlement_currency).where(~Trader.robot).distinct()).all()
    currencies, settlements, units, per = [], [], [], []
    for currency in cache.snapshot(session).currencies:
        for settlement in settled_in:
            try:
                rate = reference.quote(settlement, currency, session).rate
            except RateUnavailable:
                continue
            currencies.append(currency)
            settlements.append(settlement)
            units.append(10**EXPONENTS[currency])
            per.append(10**EXPONENTS[settlement] / rate / 10**EXPONENTS[currency])
    rows = session.execute(NOW, {"currencies": currencies, "settlements": settlements, "units": units, "per": per,
                                 "now": clock.now(), "day": clock.today(), "direction": direction})
    return [Able(*row) for row in rows]
