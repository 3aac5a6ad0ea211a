"""What a store may ask for, read rarely and used at every creation: currencies, methods, limits, clocks."""
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from portal.core import crypto
from portal.core.money import Money
from portal.orders.states import Direction
from portal.parties.models import Merchant, Store, StoreCurrency
from portal.parties.store_cache import Remembered, tell_of
from portal.parties.stores import StoreSuspended, key_place


@dataclass(frozen=True, slots=True)
class CurrencyTerms:
    least: Money
    most: Money
    methods: tuple[str, ...]
    payin: bool
    payout: bool

    def takes(self, direction: Direction) -> bool:
        """Whether the store has this currency in that direction at all."""
        return {Direction.PAYIN: self.payin, Direction.PAYOUT: self.payout}[direction]


@dataclass(frozen=True)
class Terms:
    store_id: UUID
    active: bool
    settlement_currency: str
    currencies: dict[str, CurrencyTerms]
    return_hosts: frozenset[str]
    match_for_s: int
    data_key: bytes  # sealed by the master key

    @cached_property
    def keyring(self) -> crypto.Keyring:
        """What the store's own secrets are sealed with; opened by who first needs it, and as long in memory as this.

        Raises CannotOpen.
        """
        return crypto.data_keyring(self.data_key, place=key_place(self.store_id))


def terms_of(store_id: UUID) -> Terms:
    """Raises StoreSuspended."""
    terms = _remembered.of(store_id)
    if not terms.active:
        raise StoreSuspended()
    return terms


def keyring_of(store_id: UUID) -> crypto.Keyring:
    """Of a suspended store too. Raises CannotOpen."""
    return _remembered.of(store_id).keyring


def forget() -> None:
    """Read anew at the next look."""
    _remembered.forget()


def _read(session: Session, store_id: UUID) -> Terms:
    store = session.scalars(select(Store).where(Store.id == store_id).execution_options(populate_existing=True)
                            .options(joinedload(Store.merchant), selectinload(Store.currencies))).one()
    return Terms(
        store.id, store.status == "active" and store.merchant.status == "active", store.settlement_currency,
        {row.currency: CurrencyTerms(Money(row.min_minor, row.currency), Money(row.max_minor, row.currency),
                                     tuple(row.methods), row.payin, row.payout) for row in store.currencies},
        frozenset(store.return_hosts), store.match_for_s, bytes(store.data_key))


_remembered = Remembered(_read)
tell_of(Merchant, Store, StoreCurrency)
