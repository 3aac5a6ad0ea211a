"""All reference data of a process in one frozen object, read anew every few seconds: seven small queries."""
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, Select, select, text
from sqlalchemy.orm import Session

from portal.core.db import Base, after_commit, engine, may_read, open_session, reader
from portal.core.errors import FieldError, Invalid
from portal.core.replica import at_primary
from portal.reference import pauses
from portal.reference.models import Bank, Currency, Method

FRESH_S = 2.5  # read anew after this; a change is seen by every process within twice that
STALE_MAX_S = 4.5  # a thread may use the old copy while another reads, but never an older one
ASKED_AGAIN_S = 0.25  # no oftener for a currency that this process does not know
_CHANGED = "reference_changed"


@dataclass(frozen=True)
class CurrencyFacts:
    code: str
    exponent: int
    kind: str  # fiat or crypto
    sign: str
    name: str
    active: bool


@dataclass(frozen=True)
class MethodFacts:
    code: str
    name: str
    name_ru: str
    number_label: str
    number_label_ru: str
    validator: str
    rules: Mapping[str, Any]
    currencies: Sequence[str]  # none: any
    position: int
    active: bool


@dataclass(frozen=True)
class BankFacts:
    code: str
    name: str
    name_ru: str
    country: str
    position: int
    active: bool


@dataclass(frozen=True)
class RateFacts:
    """Quote units for one unit of base."""

    id: UUID
    base: str
    quote: str
    rate: Decimal
    source: str
    at: datetime


@dataclass(frozen=True)
class Reference:
    """Everything by code, inactive ones too; `rates` by (base, quote), the newest of each pair."""

    currencies: Mapping[str, CurrencyFacts]
    methods: Mapping[str, MethodFacts]
    banks: Mapping[str, BankFacts]
    rates: Mapping[tuple[str, str], RateFacts]
    pause: pauses.PauseFacts | None = None  # of the whole desk
    pauses_of_parts: tuple[pauses.PauseFacts, ...] = ()

    def refuse_while_paused(self) -> None:
        """Before anything new is taken in. Raises DeskPaused."""
        if self.pause is not None and self.pause.holds:
            raise self.pause.refusal()

    def refuse_while_partly_paused(self, **asked: str | None) -> None:
        """Before an order is taken in: of this `direction`, `method`, `bank` (if it names one) and `store`.

        Raises PartlyPaused.
        """
        for pause in self.pauses_of_parts:
            if pause.holds and asked.get(pause.scope) == pause.target:
                raise pause.refusal()

    def method(self, code: str) -> MethodFacts:
        """Raises Invalid for a method that does not exist or is switched off."""
        found = self.methods.get(code)
        if found is None or not found.active:
            raise Invalid(fields=[FieldError("/method", "unknown_method", "There is no such payment method.")])
        return found

    def currency(self, code: str) -> CurrencyFacts:
        """Raises Invalid for a currency that does not exist or is switched off."""
        found = self.currencies.get(code)
        if found is None or not found.active:
            raise Invalid(fields=[FieldError("/currency", "unknown_currency", "There is no such currency.")])
        return found

    def bank(self, code: str) -> BankFacts:
        """Raises Invalid for a bank that does not exist or is switched off."""
        found = self.banks.get(code)
        if found is None or not found.active:
            raise Invalid(fields=[FieldError("/bank", "unknown_bank", "There is no such bank.")])
        return found


class _Copy:
    """The copy of one database: a process has one, the tests have several."""

    def __init__(self) -> None:
        self.reading = threading.Lock()
        self.held: Reference | None = None
        self.read_at = 0.0


_copies: dict[Engine, _Copy] = {}
_rate_max_age_s = 3600


def configure(*, rate_max_age_s: int) -> None:
    """The operator's limit on the age of a feed's rate; called once by `create_app`."""
    global _rate_max_age_s
    _rate_max_age_s = rate_max_age_s


def rate_max_age_s() -> int:
    return _rate_max_age_s


def snapshot(session: Session | None = None) -> Reference:
    """Reference data as of a few seconds ago at most; at once for the transaction that changes it."""
    session = session or open_session()
    if session is not None and session.info.get(_CHANGED, session) is session.info.get("after_commit"):
        return _read(session)
    copy = _copies.setdefault(engine(), _Copy())
    if copy.held is not None and time.monotonic() - copy.read_at < FRESH_S:
        return copy.held
    if session is None and not may_read() and copy.held is not None and time.monotonic() - copy.read_at < STALE_MAX_S:
        return copy.held  # its reader reads it anew in time
    session = session or reader()
    if not copy.reading.acquire(blocking=False):
        held = copy.held
        if held is not None and time.monotonic() - copy.read_at < STALE_MAX_S:
            return held
        copy.reading.acquire()
    try:
        begun = time.monotonic()
        if copy.held is None or begun - copy.read_at >= FRESH_S:
            with at_primary(session, engine()) as current:  # a standby may be behind: orders are taken by this
                copy.held, copy.read_at = _read(current), begun
        return copy.held
    finally:
        copy.reading.release()


def exponent(code: str) -> int | None:
    """Digits after the point of a currency that staff have added; None where there is none.

    One that another process has added in this moment is not missed; strangers' codes make few reads of it.
    """
    copy = _copies.setdefault(engine(), _Copy())
    found = snapshot().currencies.get(code)
    if found is None and may_read() and time.monotonic() - copy.read_at > ASKED_AGAIN_S:
        copy.held = None
        found = snapshot().currencies.get(code)
    return found.exponent if found else None


def grows_old() -> bool:
    """Whether it is time to read it anew, for who may not read himself."""
    copy = _copies.get(engine())
    return copy is not None and time.monotonic() - copy.read_at >= FRESH_S


def forget() -> None:
    """Read anew at the next look."""
    for copy in _copies.values():
        copy.held = None


def changed(session: Session) -> None:
    """This transaction changes reference data: it sees its own change, this process sees it after the commit."""
    after_commit(session, forget)
    session.info[_CHANGED] = session.info["after_commit"]  # which names the transaction, rolled back or not


def _read(session: Session) -> Reference:
    return Reference(
        currencies={row.code: CurrencyFacts(*row) for row in session.execute(
            _columns(Currency, CurrencyFacts).order_by(Currency.code))},
        methods={row.code: MethodFacts(*row) for row in session.execute(
            _columns(Method, MethodFacts).order_by(Method.position, Method.code))},
        banks={row.code: BankFacts(*row) for row in session.execute(
            _columns(Bank, BankFacts).order_by(Bank.country, Bank.position, Bank.name))},
        rates={(row.base, row.quote): RateFacts(row.id, row.base, row.quote, row.rate, row.source, row.at) for row in
               session.execute(_NEWEST)},
        pause=pauses.current(session), pauses_of_parts=pauses.of_parts(session))


def _columns(model: type[Base], facts: type[Any]) -> Select[Any]:
    return select(*(getattr(model, field.name) for field in fields(facts)))


# from pair to pair along ix_rates_pair, one probe for the next and one for its newest: however long the history of a
# feed has become, however many currencies there are
_NEWEST = text("""
    WITH RECURSIVE pairs AS (
        (SELECT base, quote FROM rates ORDER BY base, quote LIMIT 1)
        UNION ALL
        SELECT next.base, next.quote FROM pairs p CROSS JOIN LATERAL (
            SELECT base, quote FROM rates WHERE (base, quote) > (p.base, p.quote)
             ORDER BY base, quote LIMIT 1) AS next)
    SELECT r.id, r.base, r.quote, r.rate, r.source, r.at FROM pairs p
    CROSS JOIN LATERAL (SELECT * FROM rates WHERE base = p.base AND quote = p.quote
                        ORDER BY at DESC, id DESC LIMIT 1) AS r""")
