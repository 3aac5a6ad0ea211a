"""What a store may ask for, read rarely and used at every creation: currencies, methods, limits, clocks."""
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session, joinedload, selectinload

from portal.core.db import engine, reader
from portal.core.money import Money
from portal.parties.models import Store
from portal.parties.stores import StoreSuspended

FRESH_S = 4  # a change of limits is seen by every process within 5 s
STORES_MAX = 10_000


@dataclass(frozen=True)
class CurrencyTerms:
    least: Money
    most: Money
    methods: tuple[str, ...]
    payin: bool
    payout: bool


@dataclass(frozen=True)
class Terms:
    store_id: UUID
    active: bool
    settlement_currency: str
    currencies: dict[str, CurrencyTerms]
    return_hosts: frozenset[str]
    match_for_s: int


_kept: OrderedDict[tuple[Engine, UUID], tuple[float, Terms]] = OrderedDict()
_lock = threading.Lock()


def terms_of(store_id: UUID) -> Terms:
    """Raises StoreSuspended."""
    key, now = (engine(), store_id), time.monotonic()
    found = _kept.get(key)
    if found is None or now - found[0] >= FRESH_S:
        found = (now, _read(reader(), store_id))
        with _lock:
            _kept[key] = found
            _kept.move_to_end(key)
            while len(_kept) > STORES_MAX:
                _kept.popitem(last=False)
    if not found[1].active:
        raise StoreSuspended()
    return found[1]


def forget() -> None:
    """Read anew at the next look."""
    with _lock:
        _kept.clear()


def _read(session: Session, store_id: UUID) -> Terms:
    store = session.scalars(select(Store).where(Store.id == store_id).execution_options(populate_existing=True)
                            .options(joinedload(Store.merchant), selectinload(Store.currencies))).one()
    return Terms(
        store.id, store.status == "active" and store.merchant.status == "active", store.settlement_currency,
        {row.currency: CurrencyTerms(Money(row.min_minor, row.currency), Money(row.max_minor, row.currency),
                                     tuple(row.methods), row.payin, row.payout) for row in store.currencies},
        frozenset(store.return_hosts), store.match_for_s)
