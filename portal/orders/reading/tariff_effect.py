"""What a fee or a reward that is asked for would have made of yesterday's orders, band by band."""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.core import clock
from portal.core.money import Money
from portal.tariffs import bands, change_requests
from portal.tariffs.bands import Band
from portal.tariffs.rules import Rule

BANDS_MAX = 100
ORDERS_MAX = 50_000  # of a day, the newest: what stands on a page is not reckoned for minutes
# Each order of yesterday falls into one band at most; what it is priced by there is not reckoned anew where it stays.
_SUMS = """
    SELECT b.n, count(*), coalesce(sum({was}), 0)::bigint,
           coalesce(sum(CASE WHEN b.asked THEN least(o.settlement_minor,
               half_even(o.settlement_minor::numeric * :bps / 10000) + :fixed) ELSE {was} END), 0)::bigint
      FROM ({orders}) o
      JOIN unnest(CAST(:methods AS text[]), CAST(:currencies AS text[]), CAST(:least AS bigint[]),
                  CAST(:most AS bigint[]), CAST(:asked AS boolean[])) WITH ORDINALITY
           AS b(method, currency, least, most, asked, n)
        ON o.amount_to_pay_minor BETWEEN b.least AND b.most
       AND (o.method = b.method OR b.method IS NULL AND o.method <> ALL (CAST(:named_methods AS text[])))
       AND (o.currency = b.currency OR b.currency IS NULL AND o.currency <> ALL (CAST(:named_currencies AS text[])))
     WHERE o.status = 'completed' AND o.settlement_currency = :settlement
     GROUP BY b.n"""
_COLUMNS = "o.status, o.settlement_currency, o.method, o.currency, o.amount_to_pay_minor, o.settlement_minor"
_OF_STORE = """FROM orders o WHERE o.store_id = :owner AND o.live AND o.direction = :direction
       AND o.created_at >= :since AND o.created_at < :until ORDER BY o.created_at DESC"""
_OF_TRADER = """FROM assignments WHERE trader_id = :owner AND created_at >= :since AND created_at < :until
             ORDER BY created_at DESC, id DESC"""
_FEES = text(_SUMS.format(was="o.fee_minor", orders=f"""
    SELECT {_COLUMNS}, o.fee_minor {_OF_STORE} LIMIT :orders_max"""))
# By the index of a trader's history alone, then each by its id (OFFSET 0), however many the planner thinks there are.
_REWARDS = text(_SUMS.format(was="o.reward_minor", orders=f"""
    SELECT {_COLUMNS}, a.reward_minor
      FROM (SELECT id {_OF_TRADER} LIMIT :orders_max) newest
     CROSS JOIN LATERAL (SELECT * FROM assignments WHERE id = newest.id OFFSET 0) a
     CROSS JOIN LATERAL (SELECT * FROM orders WHERE id = a.order_id OFFSET 0) o
     WHERE a.end_reason = 'settled' AND o.live AND o.direction = :direction"""))
_MORE_FEES, _MORE_REWARDS = (text(f"SELECT EXISTS (SELECT 1 {which} OFFSET :orders_max LIMIT 1)")
                             for which in (_OF_STORE, _OF_TRADER))


@dataclass(frozen=True)
class Effect:
    """`orders` of yesterday, the operator's day, that were completed: what was taken (or paid), and what would be."""

    orders: int
    was: Money
    would_be: Money

    @property
    def difference(self) -> Money:
        return self.would_be - self.was


@dataclass(frozen=True)
class BandEffect:
    """A band, and yesterday's orders in it."""

    band: Band
    effect: Effect

    @property
    def opens_at(self) -> Money | None:
        return self._edge(self.band.opens_at)

    @property
    def ends_at(self) -> Money | None:
        return self._edge(self.band.ends_at)

    def _edge(self, minor: int | None) -> Money | None:
        return None if minor is None or self.band.currency is None else Money(minor, self.band.currency)


@dataclass(frozen=True)
class Effects:
    """`total`: of the orders that the version would price. `left_out`: bands that are not shown.
    `methods`, `currencies`: those that have versions of their own. `cut`: there were more orders than are counted."""

    kind: str
    settlement_currency: str
    bands: Sequence[BandEffect]
    total: Effect
    left_out: int
    methods: Sequence[str]
    currencies: Sequence[str]
    cut: bool

    def fixed(self, rule: Rule) -> Money:
        """Of a fee or reward, its fixed part."""
        return Money(rule.fixed_minor, self.settlement_currency)


def effects(session: Session, kind: str, owner_id: UUID, asked: Mapping[str, Any]) -> Effects:
    """`kind`: fee of a store, or reward of a trader; `asked` as its approval keeps it. Over one day."""
    version, rules = change_requests.asked_and_standing(session, kind, owner_id, asked)
    found, methods, currencies = bands.changes(rules, version)
    first = sorted(range(len(found)), key=lambda n: found[n].change == "same")[:BANDS_MAX]  # what changes
    shown = [found[n] for n in sorted(first)]
    currency, today = asked["settlement_currency"], clock.today()
    of_day = {"owner": owner_id, "since": clock.midnight_before(today - timedelta(days=1)),
              "until": clock.midnight_before(today), "direction": asked["direction"], "orders_max": ORDERS_MAX}
    fee = kind == change_requests.FEE
    sums = {row[0]: row[1:] for row in session.execute(_FEES if fee else _REWARDS, of_day | {
        "settlement": currency, "methods": [band.method for band in shown],
        "currencies": [band.currency for band in shown], "least": [band.from_minor for band in shown],
        "most": [band.to_minor for band in shown], "asked": [band.after is version for band in shown],
        "named_methods": methods, "named_currencies": currencies, "bps": version.bps, "fixed": version.fixed_minor})}
    told = [BandEffect(band, _effect(currency, *sums.get(n, (0, 0, 0)))) for n, band in enumerate(shown, start=1)]
    priced = [one.effect for one in told if one.band.after is version]
    return Effects(kind, currency, told, Effect(
        sum(one.orders for one in priced), sum((one.was for one in priced), Money.zero(currency)),
        sum((one.would_be for one in priced), Money.zero(currency))), len(found) - len(shown),
        methods, currencies,
        cut=bool(session.scalar(_MORE_FEES, of_day) if fee else session.scalar(
            _MORE_REWARDS, {name: given for name, given in of_day.items() if name != "direction"})))


def _effect(currency: str, orders: int, was: int, would_be: int) -> Effect:
    return Effect(orders, Money(was, currency), Money(would_be, currency))
