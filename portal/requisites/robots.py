"""Robots: who takes test orders. Two traders per settlement currency, each with one requisite per method and fiat
currency that its stores take: what the first one refuses, the second takes.

They are exempt from slots, limits, cooldown and same amount, so that a test never depends on an earlier one.
"""
import hashlib
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from portal import reference
from portal.core import audit, crypto, ids
from portal.core.access import SYSTEM
from portal.core.logging import luhn
from portal.parties.models import Store, StoreCurrency, Trader
from portal.parties.traders import key_place
from portal.reference import validators
from portal.requisites import lanes, numbers
from portal.requisites.models import Requisite
from portal.requisites.states import Status
from portal.tariffs.models import Reward

HOLDER = "Test Robot"
MAX_MINOR = 10**9  # a test order above it finds no requisite
OPEN_ORDERS_MAX = 2**31 - 1
REWARD_BPS = 50
MADE_MAX = 30  # requisites in one transaction; the rest a minute later
TIERS = (1, 2)  # one robot each


def ensure(session: Session, settlement_currency: str, *, methods: Iterable[str] | None = None) -> Trader:
    """Make what is missing of the robots for a settlement currency: harmless twice, and for two at once.

    For what stores settled in this currency take; only by these `methods`, where they are named. Returns the first.
    """
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"),
                    {"name": f"robot {settlement_currency}"})
    known = {trader.tier: trader for trader in session.scalars(
        select(Trader).where(Trader.robot, Trader.settlement_currency == settlement_currency))}
    traders = [known.get(tier) or _trader(session, settlement_currency, tier) for tier in TIERS]
    active = {code: method for code, method in reference.snapshot(session).methods.items() if method.active}
    wanted = {pair for pair in _taken(session, settlement_currency) if methods is None or pair[0] in set(methods)}
    there = {tuple(row) for row in session.execute(
        select(Requisite.trader_id, Requisite.method, Requisite.currency)
        .where(Requisite.trader_id.in_([trader.id for trader in traders])))}
    missing = [(trader, *pair) for pair in sorted(wanted) for trader in traders
               if pair[0] in active and (trader.id, *pair) not in there][:MADE_MAX]
    made = [_requisite(session, trader, method, active[method].validator, currency)
            for trader, method, currency in missing]
    session.add_all(made)
    lanes.rebuild(session, [requisite.id for requisite in made])
    return traders[0]


def ensure_all(session: Session) -> None:
    """A robot for every settlement currency that a store has, with what those stores take; a bounded piece of it."""
    for currency in session.scalars(select(Store.settlement_currency).distinct()
                                    .order_by(Store.settlement_currency)).all():
        ensure(session, currency)


def _taken(session: Session, settlement_currency: str) -> set[tuple[str, str]]:
    """(method, currency) of the stores settled in this currency."""
    rows = session.execute(select(func.unnest(StoreCurrency.methods), StoreCurrency.currency)
                           .join(Store, Store.id == StoreCurrency.store_id)
                           .where(Store.settlement_currency == settlement_currency).distinct())
    return {(method, currency) for method, currency in rows}


def _trader(session: Session, settlement_currency: str, tier: int) -> Trader:
    id = ids.new_id()
    trader = Trader(id=id, name=f"Robot {settlement_currency} {tier}", status="active", robot=True, on_shift=True,
                    tier=tier,
                    settlement_currency=settlement_currency, open_orders_max=OPEN_ORDERS_MAX,
                    data_key=crypto.new_data_key(key_place(id)))
    session.add(trader)
    session.flush()
    session.add_all(Reward(trader_id=id, direction=direction, reward_bps=REWARD_BPS)
                    for direction in ("payin", "payout"))
    audit.record(session, SYSTEM, "trader.created", "trader", id, after={"robot": True, "name": trader.name})
    return trader


def _requisite(session: Session, trader: Trader, method: str, validator: str, currency: str) -> Requisite:
    id = ids.new_id()
    number = test_number(validator, f"{trader.settlement_currency} {method} {currency} {trader.tier}")
    return Requisite(
        id=id, trader_id=trader.id, holder_id=_holder(session), live=False, robot=True, status=Status.ACTIVE,
        method=method, currency=currency, payin=True, payout=True, min_minor=1, max_minor=MAX_MINOR,
        open_orders_max=OPEN_ORDERS_MAX, **numbers.seal(trader, id, number, card=validator in validators.CARDS))


def _holder(session: Session) -> UUID:
    return numbers.holder_of(session, HOLDER)


def test_number(validator: str, seed: str) -> str:
    """A number of the right shape that no bank has given out, the same for the same seed."""
    digits = str(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big")).zfill(20)
    match validator:
        case "card" | "luhn16":
            stem = f"220099{digits[-9:]}"
            return next(stem + last for last in "0123456789" if luhn(stem + last))
        case "phone":
            return f"+7000{digits[-7:]}"
        case "upi":
            return f"robot{digits[-9:]}@test"
        case "pix":
            return f"robot{digits[-9:]}@test.example"
        case _:
            return f"40817{digits[-15:]}"
