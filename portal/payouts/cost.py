"""What payouts cost before anything is sent: fee, rate and total of one, and of all the rows of an import together."""
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal import ledger
from portal.approvals.small_moves import Whole
from portal.core.access import Actor
from portal.core.money import Money
from portal.orders.intake.create import Price, price
from portal.orders.intake.store_terms import terms_of
from portal.orders.states import Direction
from portal.parties import queries
from portal.parties.models import Store
from portal.payouts import alone
from portal.payouts.models import PayoutImport, PayoutImportRow
from portal.treasury import sent_alone


@dataclass(frozen=True)
class Part:
    """The rows of one currency: what recipients get, and what that comes to in the store's."""

    count: int
    amount: Money
    settlement: Money
    fee: Money


@dataclass(frozen=True)
class Cost:
    """`alone`: nobody else need let it go, for `counted` is within the store's limit."""

    parts: tuple[Part, ...]
    total: Money
    available: Money
    limit: Money | None
    counted: Whole

    @property
    def alone(self) -> bool:
        return self.limit is None or self.counted.total_minor <= self.limit.minor

    @property
    def because(self) -> str | None:
        """Where only what was sent alone before makes it too much: that of the same person, or to the same recipient
        (`subject`)."""
        return None if self.alone or self.limit is None or self.total > self.limit else self.counted.because

    @property
    def before(self) -> Money:
        """What was sent alone before."""
        return Money(self.counted.before_minor, self.total.currency)

    @property
    def missing(self) -> Money | None:
        return self.total - self.available if self.available < self.total else None

    def insist(self) -> None:
        """The store can pay it. Raises InsufficientFunds."""
        if self.missing is not None:
            raise ledger.InsufficientFunds.by(self.missing)


def of_one(session: Session, actor: Actor, store_id: UUID, method: str, amount: Money, *,
           recipient: str = alone.NOBODY, reference: str = "") -> tuple[Price, Cost]:
    """`recipient`: as `alone.recipient` says it; `reference`: of what is asked for, if it was asked for before.

    Raises NotFound, StoreSuspended, RateUnavailable, AmountTooSmall, NoTariff, Invalid.
    """
    store: Store = queries.found(session, queries.stores_visible_to(actor), store_id)
    found = price(terms_of(store.id), Direction.PAYOUT, method, amount)
    part = Part(1, amount, found.settlement, found.fee.amount)
    return found, _cost(session, actor, store, [part], {recipient: found.total.minor}, reference)


def of_import(session: Session, actor: Actor, taken: PayoutImport, store: Store, *,
              by_recipient: Mapping[str, int] | None = None) -> Cost:
    """Of its rows that are right, at the rates and by the tariffs of now. `by_recipient`: as `alone.by_recipient` says
    it; without, only what the actor sent before is counted. Raises as `of_one`."""
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
    parts = [Part(count, Money(minor, currency), Money(settlement, own), Money(fee, own))
             for currency, (count, minor, settlement, fee) in sorted(sums.items())]
    return _cost(session, actor, store, parts, by_recipient or {alone.NOBODY: _total(parts)}, taken.public_id)


def _cost(session: Session, actor: Actor, store: Store, parts: Iterable[Part], amounts: Mapping[str, int],
          reference: str) -> Cost:
    kept, own = tuple(parts), store.settlement_currency
    return Cost(kept, Money(_total(kept), own), ledger.balance(session, ledger.store_available(store.id, own, True)),
                store.payout_alone_max,
                sent_alone.whole(session, store, sent_alone.piece(store, actor, amounts, reference)))


def _total(parts: Iterable[Part]) -> int:
    return sum(part.settlement.minor + part.fee.minor for part in parts)
