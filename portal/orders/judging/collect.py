"""The facts of a batch: a bounded number of statements, each along an index, and only what a rule in force asks for."""
from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from portal.core import addresses
from portal.core.pipeline import Rows, array, pipelined, queue
from portal.orders import destinations
from portal.orders.facts import OrderFacts
from portal.risk import counters, lists
from portal.risk.counters import Seen
from portal.risk.facts import By, Facts, History, Moment
from portal.risk.kinds import HISTORY_MAX
from portal.risk.rule_book import RuleBook

COLUMNS = ("id", "direction", "store_id", "currency", "amount_minor", "customer_id", "customer_name", "customer_ip",
           "destination_sealed", "destination_mask", "destination_fingerprint", "recipient_sealed", "created_at")
"""Of an order, all that facts are collected from."""
# The last orders before each, of one customer or from one address; never more than HISTORY_MAX are looked at.
_PAST = """
    SELECT '{by}', asked.id, count(*), count(*) FILTER (WHERE past.status = 'completed'),
           count(*) FILTER (WHERE past.status = 'expired')
      FROM unnest((SELECT CAST(%(orders)s AS uuid[]))) AS asked (id) JOIN orders o ON o.id = asked.id
     CROSS JOIN LATERAL (SELECT p.status FROM orders p WHERE {same} AND p.created_at < o.created_at AND p.live
                          ORDER BY p.created_at DESC LIMIT %(most)s) AS past
     GROUP BY asked.id"""
SAME = {By.CUSTOMER: "p.store_id = o.store_id AND p.customer_id = o.customer_id",
        By.IP: "p.customer_ip = o.customer_ip AND o.customer_ip IS NOT NULL AND p.customer_ip IS NOT NULL"}
PAST = {by: _PAST.format(by=by, same=same) for by, same in SAME.items()}
SHARED = """
    SELECT asked.id, count(DISTINCT (past.store_id, past.customer_id))
      FROM unnest((SELECT CAST(%(orders)s AS uuid[])), (SELECT CAST(%(prints)s AS bytea[]))) AS asked (id, print)
      JOIN orders o ON o.id = asked.id
     CROSS JOIN LATERAL (SELECT p.store_id, p.customer_id FROM orders p
                          WHERE p.destination_fingerprint = asked.print AND p.live
                            AND p.created_at < o.created_at ORDER BY p.created_at DESC LIMIT %(most)s) AS past
     WHERE (past.store_id, past.customer_id) IS DISTINCT FROM (o.store_id, o.customer_id)
       AND past.customer_id IS NOT NULL
     GROUP BY asked.id"""
OWN = "SELECT number_fingerprint FROM requisites WHERE number_fingerprint = ANY (CAST(%(prints)s AS bytea[]))"


def facts(session: Session, book: RuleBook, moment: Moment, orders: Sequence[OrderFacts], *,
          requisites: Mapping[UUID, UUID] | None = None, receipts_seen: int = 0,
          paid_from: str | None = None) -> dict[UUID, Facts]:
    """By order, which are counted by this. `requisites`: the requisite of each, once there is one. `paid_from`: the
    address at which their payer's page was open, where a payer acts."""
    prints = {one.id: destinations.prints(session, one) for one in orders}
    seen = [Seen(one.id, one.created_at, one.currency, one.amount_minor,
                 whose(one, prints[one.id], (requisites or {}).get(one.id)),
                 {By.DESTINATION: [f"{one.direction}|{print.hex()}" for print in prints[one.id][1:]]})
            for one in orders]
    asked = {"orders": array(one.id for one in orders), "most": HISTORY_MAX}
    past: Rows = []
    shared: dict[UUID, int] = {}
    own: set[bytes] = set()
    with pipelined(session):  # one wait for all of them
        counting = counters.send(session, seen, book.windows(moment))
        listed = lists.send(session, [_bearer(one, prints[one.id]) for one in orders]) if book.has_lists else None
        if moment is Moment.INTAKE and (looks_back := sorted(book.looks_back_by())):
            queue(session, " UNION ALL ".join(PAST[by] for by in looks_back), asked, past.extend)
        if moment is Moment.INTAKE and book.asks("destination_shared"):
            queue(session, SHARED, _each(prints) | {"most": HISTORY_MAX}, lambda found: shared.update(found))
        if any(prints.values()) and book.asks("destination_is_requisite"):
            queue(session, OWN, _each(prints), lambda found: own.update(bytes(one) for (one,) in found))
    counted, standing = counting.counted(), {} if listed is None else listed.standing()
    classed = {} if listed is None else listed.classed()
    history: dict[UUID, dict[By, History]] = defaultdict(dict)
    for by, id, *counts in past:
        history[id][By(by)] = History(*counts)
    return {one.id: Facts(
        moment=moment, direction=one.direction, store_id=one.store_id, currency=one.currency,
        amount_minor=one.amount_minor, counted=counted.get(one.id, {}),
        history=history.get(one.id, {}), receipts_seen=receipts_seen,
        network_differs=network_differs(one, paid_from), destination_is_requisite=not own.isdisjoint(prints[one.id]),
        destination_customers=shared.get(one.id, 0), entries=standing.get(one.id, ()),
        classed=classed.get(one.id)) for one in orders}


def whose(order: OrderFacts, prints: Sequence[bytes], requisite: UUID | None = None) -> dict[By, str]:
    """As counters know it. `prints`: of its destination, by the current key first."""
    address = str(order.customer_ip) if order.customer_ip is not None else None
    known = {By.CUSTOMER: order.customer_id and f"{order.store_id}|{order.customer_id}", By.IP: address,
             By.NETWORK: address and counters.network_of(address), By.DESTINATION: prints[0].hex() if prints else None,
             By.REQUISITE: requisite and str(requisite), By.STORE: f"{order.store_id}"}
    return {by: f"{order.direction}|{value}" for by, value in known.items() if value}


def network_differs(order: OrderFacts, paid_from: str | None) -> bool:
    """Both are known, of one family, and not of one network. A browser that changed to IPv6 says nothing of IPv4."""
    if paid_from is None or order.customer_ip is None:
        return False
    told, seen = addresses.read(str(order.customer_ip)), addresses.read(paid_from)
    return (told is not None and seen is not None and told.version == seen.version
            and counters.network_of(str(told)) != counters.network_of(str(seen)))


def _bearer(order: OrderFacts, prints: Sequence[bytes]) -> lists.Bearer:
    called = (order.customer_name, destinations.recipient(order))
    return lists.Bearer(order.id, order.store_id, order.customer_id,
                        None if order.customer_ip is None else str(order.customer_ip),
                        tuple(prints), tuple(name for name in called if name))


def _each(prints: Mapping[UUID, Sequence[bytes]]) -> dict[str, str]:
    """Side by side: orders and the prints of where they go."""
    pairs = [(id, print) for id, found in prints.items() for print in found]
    return {"orders": array(id for id, _ in pairs), "prints": array(print for _, print in pairs)}
