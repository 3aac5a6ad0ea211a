"""What payouts cost before anything is sent: fee, rate and total of one, and of all the rows of an import together."""
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal import ledger
from portal.core.access import Actor
from portal.core.money import Money
from portal.orders.intake.create import Price, price
from portal.orders.intake.store_terms import terms_of
from portal.orders.states import Direction
from portal.parties import queries
from portal.parties.models import Store
from portal.payouts.models import PayoutImport, PayoutImportRow


@dataclass(frozen=True)
class Part:
    """The rows of one currency: what recipients get, and what that comes to in the store's."""

    count: int
    amount: Money
    settlement: Money
    fee: Money


@dataclass(frozen=True)
class Cost:
    """`alone`: nobody else need let it go."""

    parts: tuple[Part, ...]
    total: Money
    available: Money
    alone: bool

    @property
    def missing(self) -> Money | None:
        return self.total - self.available if self.available < self.total else None

    def insist(self) -> None:
        """The store can pay it. Raises InsufficientFunds."""
        if self.missing is not None:
            raise ledger.InsufficientFunds.by(self.missing)


def of_one(session: Session, actor: Actor, store_id: UUID, method: str, amount: Money) -> tuple[Price, Cost]:
    """Raises NotFound, StoreSuspended, RateUnavailable, AmountTooSmall, NoTariff, Invalid."""
    store: Store = queries.found(session, queries.stores_visible_to(actor), store_id)
    found = price(terms_of(store.id), Direction.PAYOUT, method, amount)
    part = Part(1, amount, found.settlement, found.fee.amount)
    return found, _cost(session, store, [part])


def of_import(session: Session, taken: PayoutImport, store: Store) -> Cost:
    """Of its rows that are right, at the rates and by the tariffs of now. Raises as `of_one`."""
    of_amount = select(PayoutImportRow.currency, PayoutImportRow.method, PayoutImportRow.amount_minor, func.count()
                       ).where(PayoutImportRow.import_id == taken.id, PayoutImportRow.state == "right").group_by(
        PayoutImportRow.currency, PayoutImportRow.method, PayoutImportRow.amount_minor)
    terms, sums = terms_of(store.id), dict[str, list[int]]()
    for currency, method, minor, count in session.execute(of_amount):
        assert currency is not None, "a right row has it"
        assert method is not None
        assert minor is not None
        found = price(terms, Direction.PAYOUT, method, Money(minor, currency))
        sums[currency] = [a + b for a, b in zip(sums.get(currency, (0, 0, 0, 0)), (
            count, count * minor, count * found.settlement.minor, count * found.fee.amount.minor), strict=True)]
    own = store.settlement_currency
    return _cost(session, store, [Part(count, Money(minor, currency), Money(settlement, own), Money(fee, own))
                                  for currency, (count, minor, settlement, fee) in sorted(sums.items())])


def _cost(session: Session, store: Store, parts: Iterable[Part]) -> Cost:
    kept, own = tuple(parts), store.settlement_currency
    total = Money(sum(part.settlement.minor + part.fee.minor for part in kept), own)
    limit = store.payout_alone_max
    return Cost(kept, total, ledger.balance(session, ledger.store_available(store.id, own, True)),
                limit is None or total <= limit)
