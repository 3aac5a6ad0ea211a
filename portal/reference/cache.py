"""All reference data of a process in one frozen object, read anew every few seconds: five small queries."""
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from portal.core.db import after_commit, engine, may_read, open_session, reader
from portal.core.errors import FieldError, Invalid
from portal.reference.models import Bank, Currency, Method

FRESH_S = 2.5  # read anew after this; a change is seen by every process within twice that
STALE_MAX_S = 4.5  # a thread may use the old copy while another reads, but never an older one
_CHANGED = "reference_changed"


@dataclass(frozen=True)
class CurrencyFacts:
    code: str
    exponent: int
    kind: str  # fiat or crypto
    sign: str
    active: bool


@dataclass(frozen=True)
class MethodFacts:
    code: str
    name: str
    number_label: str
    validator: str
    active: bool


@dataclass(frozen=True)
class BankFacts:
    code: str
    name: str
    country: str
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
            copy.held, copy.read_at = _read(session), begun
        return copy.held
    finally:
        copy.reading.release()


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
        currencies={row.code: CurrencyFacts(row.code, row.exponent, row.kind, row.sign, row.active) for row in
                    session.execute(select(Currency.code, Currency.exponent, Currency.kind, Currency.sign,
                                           Currency.active).order_by(Currency.code))},
        methods={row.code: MethodFacts(row.code, row.name, row.number_label, row.validator, row.active) for row in
                 session.execute(select(Method.code, Method.name, Method.number_label, Method.validator, Method.active)
                                 .order_by(Method.position, Method.code))},
        banks={row.code: BankFacts(row.code, row.name, row.country, row.active) for row in
               session.execute(select(Bank.code, Bank.name, Bank.country, Bank.active).order_by(Bank.name))},
        rates={(row.base, row.quote): RateFacts(row.id, row.base, row.quote, row.rate, row.source, row.at) for row in
               session.execute(_NEWEST)})


# one probe of ix_rates_pair for each pair, however long the history of a feed has become
_NEWEST = text("""
    SELECT r.id, r.base, r.quote, r.rate, r.source, r.at FROM currencies b CROSS JOIN currencies q
    CROSS JOIN LATERAL (SELECT * FROM rates WHERE base = b.code AND quote = q.code
                        ORDER BY at DESC, id DESC LIMIT 1) AS r""")
