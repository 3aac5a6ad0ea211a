"""The books of a test: a database of its own role, owners made up on the spot, entries in a word."""
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Engine, create_engine, select
from sqlalchemy.orm import Session

from portal import ledger
from portal.core.access import SYSTEM, Actor
from portal.core.ids import new_id
from portal.core.money import Money
from portal.ledger import Account, Draft, HoldFacts, SettleFacts, entries
from portal.ledger.models import JournalEntry


@dataclass
class Books:
    """The ledger as the application's role sees it."""

    engine: Engine
    actor: Actor = SYSTEM

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    def post(self, *drafts: Draft) -> list[int]:
        """The ids of the entries, in the order given."""
        with self.transaction() as session:
            ledger.post(session, self.actor, drafts)
            ids = {(kind, reference): id for id, kind, reference in session.execute(
                select(JournalEntry.id, JournalEntry.kind, JournalEntry.reference).where(
                    JournalEntry.reference.in_(draft.reference for draft in drafts)))}
            return [ids[draft.kind, draft.reference] for draft in drafts]

    def balance(self, account: Account) -> int:
        with self.transaction() as session:
            return ledger.balance(session, account).minor

    def verify(self) -> list[str]:
        """The ledger's own checks: these books know no orders."""
        with Session(self.engine) as session:
            return ledger.verify.run(session, ledger.verify.OWN).differences


@contextmanager
def open_books(url: str) -> Iterator[Books]:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"), pool_size=20, max_overflow=0,
                           connect_args={"prepare_threshold": 1})
    try:
        yield Books(engine)
    finally:
        engine.dispose()


@dataclass(frozen=True)
class Cast:
    """One trader, one store, one currency."""

    currency: str = "USDT"
    live: bool = True
    trader_id: UUID = field(default_factory=new_id)
    store_id: UUID = field(default_factory=new_id)

    @property
    def trader(self) -> Account:
        return ledger.trader_available(self.trader_id, self.currency, self.live)

    @property
    def held(self) -> Account:
        return ledger.trader_held(self.trader_id, self.currency, self.live)

    @property
    def store(self) -> Account:
        return ledger.store_available(self.store_id, self.currency, self.live)

    def money(self, minor: int) -> Money:
        return Money(minor, self.currency)

    def deposit(self, minor: int) -> Draft:
        return entries.deposit(new_id(), self.trader, self.money(minor))

    def hold(self, minor: int, assignment_id: UUID | None = None) -> Draft:
        return entries.payin_hold(self._hold(minor, assignment_id))

    def release(self, minor: int, assignment_id: UUID | None = None) -> Draft:
        return entries.payin_release(self._hold(minor, assignment_id))

    def settle(self, amount: int, fee: int, reward: int, order_id: UUID | None = None) -> Draft:
        return entries.payin_settle(SettleFacts(
            order_id=order_id or new_id(), assignment_id=new_id(), trader_id=self.trader_id, store_id=self.store_id,
            amount=self.money(amount), fee=self.money(fee), reward=self.money(reward), live=self.live))

    def _hold(self, minor: int, assignment_id: UUID | None) -> HoldFacts:
        return HoldFacts(assignment_id=assignment_id or new_id(), trader_id=self.trader_id, amount=self.money(minor),
                         live=self.live)


def at_the_same_time(times: int, act: Callable[[int], str]) -> list[str]:
    """What each of `times` threads came to."""
    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(act, range(times)))
