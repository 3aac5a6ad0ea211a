"""What an empty desk still needs before it takes its first payment: found in the records, never ticked by hand."""
from dataclasses import dataclass

from sqlalchemy import Engine, Select, exists, func, select
from sqlalchemy.orm import Session

from portal.core import clock
from portal.core.access import Permission
from portal.ledger.models import AccountRow, BalanceRow
from portal.orders.reservation_models import TraderDay
from portal.parties.models import ApiKey, Merchant, Store, StoreCurrency, Trader, User, UserPermission
from portal.reference.models import Currency, Rate
from portal.requisites.models import Requisite
from portal.requisites.states import Status as RequisiteStatus
from portal.tariffs.models import Reward, Tariff
from portal.tariffs.service import counting_at


@dataclass(frozen=True)
class FirstHour:
    """In the order in which people do them."""

    second_person: bool  # two who may decide
    settlement: bool  # a currency that balances can be kept in
    rate: bool
    store: bool  # of a merchant set going, with what it takes and a fee
    trader: bool  # set going, with a reward
    collateral: bool
    requisite: bool
    shift: bool
    key: bool
    test_order: bool  # completed
    live_order: bool  # confirmed

    @property
    def count(self) -> int:
        return sum(vars(self).values())

    @property
    def total(self) -> int:
        return len(vars(self))

    @property
    def done(self) -> bool:
        return self.count == self.total


_over: set[Engine] = set()


def unfinished(session: Session) -> FirstHour | None:
    """None once it is over, which is remembered: a desk that works is not asked about its first hour again."""
    engine = session.get_bind().engine
    if engine in _over:
        return None
    found = look(session)
    if found.done:
        _over.add(engine)
        return None
    return found


def look(session: Session) -> FirstHour:
    """One statement of eleven probes."""
    deciders = select(func.count() > 1).select_from(UserPermission).join(User, User.id == UserPermission.user_id).where(
        User.active, UserPermission.permission == Permission.APPROVAL_DECIDE).scalar_subquery()
    now = clock.now()
    of_trader = (Trader.status == "active", Trader.robot.is_(False))
    return FirstHour(*session.execute(select(
        deciders,
        exists().where(Currency.kind == "crypto", Currency.active),
        exists().where(Rate.rate > 0),
        exists().where(Merchant.status == "active", Store.merchant_id == Merchant.id, Store.status == "active",
                       StoreCurrency.store_id == Store.id, StoreCurrency.payin, Tariff.store_id == Store.id,
                       *counting_at(Tariff, now)),
        exists().where(*of_trader, Reward.trader_id == Trader.id, *counting_at(Reward, now)),
        exists(_paid_into("trader", live=True)),
        exists().where(*of_trader, Requisite.trader_id == Trader.id, Requisite.status == RequisiteStatus.ACTIVE),
        exists().where(*of_trader, Trader.on_shift),
        exists().where(ApiKey.revoked_at.is_(None)),
        exists(_paid_into("store", live=False)),  # only settlement pays into a store's test account
        exists().where(TraderDay.confirmed > 0))).one())  # of people, not of robots


def _paid_into(owner: str, *, live: bool) -> Select[int]:
    return select(AccountRow.id).join(BalanceRow, BalanceRow.account_id == AccountRow.id).where(
        AccountRow.owner_kind == owner, AccountRow.purpose == "available", AccountRow.live.is_(live),
        BalanceRow.credits_minor > 0)
