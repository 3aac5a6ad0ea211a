"""Who takes part in a measurement: merchants with stores and keys, traders with requisites and collateral, in bulk."""
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import insert

from portal import ledger
from portal.core import crypto, ids
from portal.core.access import SCOPES, SYSTEM
from portal.core.db import transaction
from portal.core.logging import luhn
from portal.core.money import Money
from portal.parties import key_tokens, stores, traders
from portal.parties.models import ApiKey, Holder, Merchant, Store, StoreCurrency, Trader
from portal.reference.commands import SetRate
from portal.reference.service import set_rate
from portal.requisites import lanes, numbers
from portal.requisites.models import Requisite
from portal.tariffs.models import Reward, Tariff

METHOD, CURRENCY, SETTLEMENT = "card", "RUB", "USDT"
COLLATERAL = Money(10**15, SETTLEMENT)  # a billion each: no measurement ends for want of it
STORES_EACH = 10  # of a merchant
RANGES = ((100_00, 5_000_00), (500_00, 10_000_00), (1_000_00, 50_000_00), (5_000_00, 100_000_00))  # min, max: kopecks
CHUNK = 5_000


@dataclass
class Shops:
    ids: list[UUID] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)


def shops(count: int, *, fee_bps: int = 250) -> Shops:
    """Stores that take cards in roubles, each with a live key; call inside an application's context."""
    made = Shops()
    merchants = [ids.new_id() for _ in range(-(-count // STORES_EACH))]
    keys, rows = [], []
    for number in range(count):
        id = ids.new_id()
        public_id, token = key_tokens.new(live=True)
        made.ids.append(id)
        made.tokens.append(token)
        rows.append({"id": id, "merchant_id": merchants[number // STORES_EACH], "slug": f"shop{number}",
                     "name": f"Shop {number}", "settlement_currency": SETTLEMENT, "return_hosts": ["shop.example"],
                     "data_key": crypto.new_data_key(stores.key_place(id))})
        keys.append({"public_id": public_id, "store_id": id, "live": True, "name": "Website",
                     "digest": crypto.sha256(token), "scopes": sorted(SCOPES)})
    with transaction() as session:
        set_rate(session, SYSTEM, SetRate(base=SETTLEMENT, quote=CURRENCY, rate="92", force=True))
        session.execute(insert(Merchant), [{"id": id, "name": f"Merchant {place}", "status": "active"}
                                           for place, id in enumerate(merchants)])
        session.execute(insert(Store), rows)
        session.execute(insert(StoreCurrency), [
            {"store_id": id, "currency": CURRENCY, "min_minor": 1_00, "max_minor": 500_000_00, "methods": [METHOD]}
            for id in made.ids])
        session.execute(insert(Tariff), [{"store_id": id, "direction": direction, "fee_bps": fee_bps}
                                         for id in made.ids for direction in ("payin", "payout")])
        session.execute(insert(ApiKey), keys)
    return made


def fund(store_ids: list[UUID]) -> None:
    """Stores that can pay out: a billion each."""
    with transaction() as session:
        ledger.post(session, SYSTEM, [
            ledger.entries.deposit(ids.new_id(), ledger.store_available(id, SETTLEMENT, True), COLLATERAL)
            for id in store_ids])


def workforce(count: int, *, each: int = 20, tier: int = 1, ranges: tuple[tuple[int, int], ...] = RANGES,
              first: int = 0, payout: bool = False) -> list[UUID]:
    """`count` active requisites, `each` of a trader on shift, with limits that no measurement reaches.

    `ranges`: what they take, in turn; `first`: where their numbers begin, so that no two calls make the same card.
    `payout`: they send instead of receiving.
    """
    if not count:
        return []
    who = _traders(-(-count // each), tier=tier)
    made, rows = [], []
    for number in range(count):
        trader = who[number // each]
        id = ids.new_id()
        least, most = ranges[number % len(ranges)]
        made.append(id)
        rows.append({"id": id, "trader_id": trader.id, "holder_id": trader.holder, "live": True, "method": METHOD,
                     "bank": "alfa", "currency": CURRENCY, "payin": not payout, "payout": payout, "status": "active",
                     "min_minor": least, "max_minor": most, "day_max_minor": 10**15, "day_count_max": 10**9,
                     "month_max_minor": 10**16, "open_orders_max": 10**6, **trader.seal(id, first + number)})
    with transaction() as session:
        for begin in range(0, count, CHUNK):
            session.execute(insert(Requisite), rows[begin:begin + CHUNK])
    for begin in range(0, count, CHUNK):
        with transaction() as session:
            session.connection().exec_driver_sql("SET LOCAL statement_timeout = '120s'")
            lanes.rebuild(session, made[begin:begin + CHUNK])
    return made


@dataclass
class _Hand:
    id: UUID
    holder: UUID
    keyring: crypto.Keyring

    def seal(self, id: UUID, number: int) -> dict[str, bytes | str]:
        """As requisites.numbers.seal does it, with the trader's key unwrapped once for all."""
        stem = f"2200{number:011d}"
        card = next(stem + last for last in "0123456789" if luhn(stem + last))
        return {"number_sealed": self.keyring.seal(card.encode(), place=f"requisites|number_sealed|{id}"),
                "number_first6": card[:6], "number_last4": card[-4:], "number_fingerprint": numbers.fingerprint(card)}


def _traders(count: int, *, tier: int) -> list[_Hand]:
    hands, rows, holders = [], [], []
    for place in range(count):
        id, holder = ids.new_id(), ids.new_id()
        sealed = crypto.new_data_key(traders.key_place(id))
        name = f"Holder {place} of {id.hex[-6:]}"
        rows.append({"id": id, "name": f"Trader {place}", "status": "active", "on_shift": True, "tier": tier,
                     "settlement_currency": SETTLEMENT, "open_orders_max": 10**8, "data_key": sealed})
        holders.append({"id": holder, "name_fingerprint": crypto.fingerprint("holder", name.casefold()),
                        "name_sealed": crypto.seal(name, place=f"holders|name_sealed|{holder}")})
        hands.append(_Hand(id, holder, crypto.data_keyring(sealed, place=traders.key_place(id))))
    with transaction() as session:
        session.connection().exec_driver_sql("SET LOCAL statement_timeout = '120s'")
        session.execute(insert(Trader), rows)
        session.execute(insert(Holder), holders)
        session.execute(insert(Reward), [{"trader_id": hand.id, "direction": direction, "reward_bps": 100}
                                         for hand in hands for direction in ("payin", "payout")])
        ledger.post(session, SYSTEM, [
            ledger.entries.deposit(ids.new_id(), ledger.trader_available(hand.id, SETTLEMENT, True), COLLATERAL)
            for hand in hands])
    return hands


def rare(count: int, least: int, most: int) -> list[UUID]:
    """Few requisites that alone take these amounts (minor units)."""
    return workforce(count, each=4, ranges=((least, most),), first=10**7)
