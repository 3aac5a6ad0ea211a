"""Staff's one search: whatever a person has in hand (an id, an amount, four digits, a name) → the records it fits.

One statement, a UNION of look-ups of which each has an index and a limit; each starts from what the actor may see.
"""
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    DateTime,
    Select,
    Text,
    case,
    cast,
    func,
    lateral,
    literal,
    literal_column,
    null,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from portal import approvals
from portal.approvals import Approval
from portal.core import names
from portal.core.access import Actor, Permission
from portal.core.columns import words_of
from portal.core.money import Money
from portal.orders import queries
from portal.orders.models import Assignment, Order
from portal.orders.reading import pasted
from portal.orders.reading.customer_names import BEGINNING_MIN, begins, name_of_customer
from portal.parties import queries as parties
from portal.parties.models import ApiKey, Merchant, Store, Trader, User
from portal.requisites import queries as requisites
from portal.requisites.models import Requisite
from portal.requisites.numbers import fingerprints
from portal.treasury.models import ADDRESS, DEPOSIT, WITHDRAWAL, Deposit, Withdrawal, WithdrawalAddress
from portal.treasury.networks import reference_key
from portal.webhooks import queries as webhooks
from portal.webhooks.models import Delivery, Endpoint, Event

P = Permission
EACH_MAX = 8  # rows of one look-up
TOTAL_MAX = 50
KEY = re.compile(r"qk_(?:live|test)_([0-9A-Za-z]{12})(?:_.*)?")
WORD = re.compile(r"[^\W_]+")
COMPANIES: dict[str, type[Merchant] | type[Store] | type[Trader]] = {"mrc": Merchant, "str": Store, "trd": Trader}
MONEY: dict[str, Any] = {DEPOSIT: Deposit, WITHDRAWAL: Withdrawal, ADDRESS: WithdrawalAddress}
KINDS = {DEPOSIT: "deposit", WITHDRAWAL: "withdrawal", ADDRESS: "address"}
REFERENCE_MIN = 4  # letters of a transfer's reference
TYPES: dict[str, Any] = {"at": DateTime(timezone=True), "minor": BigInteger(), "live": Boolean(), "exact": Boolean()}


@dataclass(frozen=True)
class Hit:
    """`exact`: the text names this record alone, as an id does; a name or an amount may fit many."""

    kind: str  # order, requisite, merchant, store, trader, user, approval, deposit, withdrawal, address
    id: UUID
    exact: bool
    title: str
    detail: str | None
    status: str | None
    at: datetime | None
    amount: Money | None
    live: bool | None
    direction: str | None


def look(session: Session, actor: Actor, text: str) -> Sequence[Hit]:
    """What the text fits, exact ones first; at most TOTAL_MAX. Empty for an empty text."""
    statement = statement_for(actor, text)
    found = session.execute(statement).all() if statement is not None else []
    hits: dict[tuple[str, UUID], Hit] = {}
    newest = sorted(found, key=lambda row: row.at.isoformat() if row.at else "", reverse=True)
    for row in sorted(newest, key=lambda row: not row.exact):
        money = Money(row.minor, row.currency) if row.minor is not None else None
        hits.setdefault((row.kind, row.id), Hit(row.kind, row.id, row.exact, row.title, row.detail, row.status, row.at,
                                                money, row.live, row.direction))
    return list(hits.values())


def statement_for(actor: Actor, text: str) -> Any:
    """The UNION of every look-up that the text can mean and the actor may make; None when there is none."""
    wanted = pasted.clean(text)
    lookups = [select(rows.limit(EACH_MAX).subquery()) for rows in _lookups(actor, wanted)] if wanted else []
    return union_all(*lookups).limit(TOTAL_MAX) if lookups else None


def _lookups(actor: Actor, wanted: str) -> Iterator[Select[Any]]:
    if (whole := pasted.whole_id(wanted)) is not None:
        yield from _by_id(actor, *whole)
    elif (key := KEY.fullmatch(wanted)) and actor.may(P.KEY_READ):
        yield _row(parties.stores_visible_to(actor).join(ApiKey, ApiKey.store_id == Store.id)
                   .where(ApiKey.public_id == key[1]), "store", Store, Store.name, exact=True, status=Store.status)
    if actor.may(P.ORDER_READ):
        yield from _orders(actor, wanted)
    if actor.may(P.REQUISITE_READ):
        if (cards := _cards(actor, wanted)) is not None:
            yield _requisite(cards, exact=bool(pasted.numbers(wanted)))
        if ends := pasted.tails(wanted):
            yield _requisite(requisites.visible_to(actor).where(_ends(Requisite.id).in_(ends)), exact=False)
    if actor.may(P.TREASURY_READ) and len(wanted) >= REFERENCE_MIN:
        for prefix in (DEPOSIT, WITHDRAWAL):
            yield _money(prefix, MONEY[prefix].reference_key == reference_key(wanted), exact=False)
    if actor.may(P.PARTY_READ):
        yield from _by_name(actor, wanted)
    if actor.may(P.USER_READ):
        yield from _people(actor, wanted)


def _cards(actor: Actor, wanted: str) -> Select[Requisite] | None:
    """The requisites whose number it is: whole, by its keyed fingerprint, or its last four digits. None: it is none."""
    if numbers := pasted.numbers(wanted):
        marks = [mark for number in numbers for mark in fingerprints(number)]
        return requisites.visible_to(actor).where(Requisite.number_last4.in_({number[-4:] for number in numbers}),
                                                  Requisite.number_fingerprint.in_(marks))
    if (last_four := pasted.last_four(wanted)) is not None:
        return requisites.visible_to(actor).where(Requisite.number_last4 == last_four)
    return None


def _ends(id: Any) -> Any:
    """How an id ends, as ix_…_short_id has it: see `pasted.tails`."""
    return func.right(cast(id, Text), 8)


def _by_id(actor: Actor, prefix: str, id: UUID) -> Iterator[Select[Any]]:
    """The record itself, or the one whose page shows it: an assignment's order, an endpoint's store."""
    if prefix in ("pin", "pout", "asg", "evt", "dlv") and actor.may(P.ORDER_READ):
        orders = queries.visible_to(actor)
        yield _order({
            "asg": orders.join(Assignment, Assignment.order_id == Order.id).where(Assignment.id == id),
            "evt": orders.where(Order.id.in_(webhooks.events_visible_to(actor).where(Event.id == id)
                                             .with_only_columns(Event.order_id))),
            "dlv": orders.join(Event, Event.order_id == Order.id).join(Delivery, Delivery.event_id == Event.id)
                         .where(Delivery.id.in_(webhooks.deliveries_visible_to(actor).where(Delivery.id == id)
                                                .with_only_columns(Delivery.id))),
        }.get(prefix, orders.where(Order.id == id)), exact=True)
    elif prefix == "rqs" and actor.may(P.REQUISITE_READ):
        yield _requisite(requisites.visible_to(actor).where(Requisite.id == id), exact=True)
    elif prefix == "apr" and actor.may(P.APPROVAL_READ):
        yield _row(approvals.visible_to(actor).where(Approval.id == id), "approval", Approval, Approval.kind,
                   exact=True, status=Approval.state, at=Approval.created_at)
    elif prefix == "whk" and actor.may(P.WEBHOOK_READ):
        yield _row(parties.stores_visible_to(actor).join(Endpoint, Endpoint.store_id == Store.id)
                   .where(Endpoint.id == id), "store", Store, Store.name, exact=True, status=Store.status)
    elif prefix in MONEY and actor.may(P.TREASURY_READ):
        yield _money(prefix, MONEY[prefix].id == id, exact=True)
    elif prefix in COMPANIES and actor.may(P.PARTY_READ):
        model = COMPANIES[prefix]
        yield _company(actor, model, model.id == id, exact=True)
    elif prefix == "usr" and actor.may(P.USER_READ):
        yield _user(actor, User.id == id, exact=True)


def _orders(actor: Actor, wanted: str) -> Iterator[Select[Any]]:
    orders, newest = queries.visible_to(actor), Order.created_at.desc()
    yield _order(orders.where(func.lower(Order.external_id) == wanted.lower()).order_by(newest), exact=True)
    if ends := pasted.tails(wanted):
        yield _order(orders.where(_ends(Order.id).in_(ends)), exact=False)
    if (address := pasted.address(wanted)) is not None:
        yield _order(orders.where(Order.customer_ip == address).order_by(newest), exact=False)
    # the customer's id, store by store: each a probe of ix_orders_customer
    theirs = lateral(select(Order.id, Order.created_at).where(Order.store_id == Store.id, Order.customer_id == wanted)
                     .order_by(newest).limit(EACH_MAX))
    yield _order(orders.where(Order.id.in_(_newest(select(theirs.c.id).select_from(Store), theirs))), exact=False)
    if _is_a_beginning(wanted):  # how a customer's name begins, likewise a probe of ix_orders_customer_folded each
        named = lateral(select(Order.id, Order.created_at).where(
            Order.store_id == Store.id, Order.customer_name.is_not(None),
            *begins(name_of_customer(), names.canonical(wanted))).limit(EACH_MAX))
        yield _order(orders.where(Order.id.in_(_newest(select(named.c.id).select_from(Store), named))), exact=False)
    for codes, minor in pasted.amounts(wanted):
        yield _order(orders.where(Order.amount_minor == minor, Order.currency.in_(codes)).order_by(newest), exact=False)
        yield _order(orders.where(Order.amount_to_pay_minor == minor, Order.amount_to_pay_minor != Order.amount_minor,
                                  Order.currency.in_(codes)).order_by(newest), exact=False,
                     minor=Order.amount_to_pay_minor)  # a varied sum, as a bank statement has it
    if actor.may(P.REQUISITE_READ) and (cards := _cards(actor, wanted)) is not None:
        yield _order(_orders_on(orders, cards.limit(EACH_MAX).subquery()), exact=False)


def _orders_on(orders: Select[Order], cards: Any) -> Select[Any]:
    """The newest orders on these requisites: from their trader's history, which its index alone tells."""
    taken = lateral(select(Assignment.id, Assignment.created_at)
                    .where(Assignment.trader_id == cards.c.trader_id, Assignment.requisite_id == cards.c.id)
                    .order_by(Assignment.created_at.desc()).limit(EACH_MAX))
    newest = _newest(select(taken.c.id).select_from(cards), taken)
    return orders.where(Order.id.in_(select(Assignment.order_id).where(Assignment.id.in_(newest))))


def _newest(rows: Select[Any], probe: Any) -> Select[Any]:
    return rows.join(probe, literal(True)).order_by(probe.c.created_at.desc()).limit(EACH_MAX)


def _by_name(actor: Actor, wanted: str) -> Iterator[Select[Any]]:
    yield _company(actor, Store, Store.slug == wanted.lower(), exact=True)
    if words := _words(wanted):
        for model in (Merchant, Store, Trader):
            yield _company(actor, model, _named(model, words), exact=False)


def _people(actor: Actor, wanted: str) -> Iterator[Select[Any]]:
    yield _user(actor, User.email == wanted.lower(), exact=True)
    if _is_a_beginning(wanted):
        yield _user(actor, *begins(User.email, wanted), exact=False)
    if words := _words(wanted):
        yield _user(actor, _named(User, words), exact=False)


def _order(rows: Select[Any], *, exact: bool, minor: Any = Order.amount_minor) -> Select[Any]:
    return _row(rows.join(Store, Store.id == Order.store_id), "order", Order, Order.external_id, exact=exact,
                detail=Store.name, status=Order.status, at=Order.created_at, minor=minor,
                currency=Order.currency, live=Order.live, direction=Order.direction)


def _requisite(rows: Select[Any], *, exact: bool) -> Select[Any]:
    return _row(rows.join(Trader, Trader.id == Requisite.trader_id), "requisite", Requisite, Requisite.number_last4,
                exact=exact, detail=Trader.name, status=Requisite.status, at=Requisite.created_at, live=Requisite.live)


def _money(prefix: str, fits: Any, *, exact: bool) -> Select[Any]:
    """A deposit, a withdrawal, or an address of somebody's book; whoever asks may read the treasury."""
    model = MONEY[prefix]
    amount = {} if prefix == ADDRESS else {"minor": model.amount_minor, "currency": model.currency}
    title = model.mask if prefix == ADDRESS else func.coalesce(model.reference, model.asked_name)
    return _row(select(model).where(fits), KINDS[prefix], model, title, exact=exact, detail=model.asked_name,
                status=model.status, at=model.created_at, **amount)


def _company(actor: Actor, model: type[Merchant] | type[Store] | type[Trader], fits: Any, *,
             exact: bool) -> Select[Any]:
    visible = {Merchant: parties.merchants_visible_to, Store: parties.stores_visible_to,
               Trader: parties.traders_visible_to}[model]
    return _row(visible(actor).where(fits), model.__tablename__[:-1], model, model.name, exact=exact,
                detail=Store.slug if model is Store else None, status=model.status)


def _user(actor: Actor, *fits: Any, exact: bool) -> Select[Any]:
    return _row(parties.users_visible_to(actor).where(*fits), "user", User, User.name, exact=exact, detail=User.email,
                status=case((User.active, "active"), else_="disabled"))


def _row(rows: Select[Any], kind: str, model: Any, title: Any, *, exact: bool, detail: Any = None, status: Any = None,
         at: Any = None, minor: Any = None, currency: Any = None, live: Any = None,
         direction: Any = None) -> Select[Any]:
    """The same columns of every kind, so that they make one UNION."""
    columns = {"kind": literal(kind), "id": model.id, "exact": literal(exact), "title": title, "detail": detail,
               "status": status, "at": at, "minor": minor, "currency": currency, "live": live, "direction": direction}
    return rows.with_only_columns(*(
        cast(null() if column is None else column, TYPES.get(name, Text())).label(name) if name != "id"
        else column.label(name) for name, column in columns.items()))


def _is_a_beginning(wanted: str) -> bool:
    return len(wanted) >= BEGINNING_MIN and not wanted[0].isdecimal()


def _named(model: Any, words: str) -> Any:
    return words_of(f"{model.__tablename__}.name").op("@@")(func.to_tsquery(literal_column("'simple'"), words))


def _words(wanted: str) -> str:
    """Each word and how it may go on: `book sh` → 'book':* & 'sh':*"""
    return " & ".join(f"'{word}':*" for word in WORD.findall(wanted.lower())) if len(wanted) > 1 else ""
