"""Taking an order in: what the store asks for is judged, priced and frozen here, and written by `insert`."""
import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import reference, tariffs
from portal.core import clock, ids
from portal.core.access import Actor
from portal.core.errors import Conflict, FieldError, Invalid
from portal.core.money import AMOUNT_MAX, Money, convert
from portal.orders import destinations, row, view
from portal.orders.commands import CreatePayin, CreatePayout, Customer, leads_to
from portal.orders.directions import rules_of
from portal.orders.intake.insert import Asked, write, write_held
from portal.orders.intake.store_terms import Terms, terms_of
from portal.orders.models import Order
from portal.orders.row import OrderRow
from portal.orders.states import Direction
from portal.requisites import test_outcomes

NOBODY = Customer()
NOBODY_FOR_S = 1
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


class ExternalIdTaken(Conflict):
    """Another order of this store has this external id."""

    code = "external_id_taken"


class Price(NamedTuple):
    """What an order comes to in its store's settlement currency, at the rate and by the tariff of now."""

    settlement: Money
    fee: tariffs.Fee
    quote: reference.Quote

    @property
    def total(self) -> Money:
        """What a payout costs."""
        return self.settlement + self.fee.amount


@dataclass(frozen=True)
class Created:
    """`answer`: the first one and every other. `replayed`: the key was used before; `same_body`: with this request."""

    row: OrderRow | Order
    answer: dict[str, Any]
    replayed: bool = False
    same_body: bool = True

    @property
    def order(self) -> Order:
        """As it was written, or as it lies in the table by now; in no session."""
        if isinstance(self.row, Order):
            return self.row
        return row.as_order(self.row)


def request_hash(command: CreatePayin | CreatePayout) -> bytes:
    """Of the canonical request: white space and the order of keys do not matter, nor fields left at their default.

    Kept with the order: a retry may reach another release, which must find the same.
    """
    body = command.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    return hashlib.sha256(_CANONICAL.encode(body).encode()).digest()


def create(session: Session, actor: Actor, command: CreatePayin | CreatePayout, *, idempotency_key: str) -> Created:
    """A store asks for an order: freeze rate, tariff and fee, hold what its direction wants held, have it matched.

    Raises DeskPaused, PartlyPaused, StoreSuspended, Invalid (currency, method, limits, return address, destination),
    RateUnavailable, AmountTooSmall, NoTariff, InsufficientFunds, MoneyOutStopped, ClaimOpen, ExternalIdTaken,
    LockTimeout while the same key or external id is being taken elsewhere.
    """
    assert actor.store_id is not None
    recipient = (destinations.sealed(actor.store_id, command) if isinstance(command, CreatePayout)
                 else _no_recipient)
    asked = asked_for(actor, command, idempotency_key=idempotency_key, recipient=recipient)
    hold = rules_of(asked.order).on_create(asked.order)
    if not (write(session, [asked]) if hold is None else write_held(session, asked, hold)):
        return there_already(session, asked.order)  # a retry has its first answer, whatever stands in the way by now
    return Created(asked.order, asked.answer)


def _no_recipient(order_id: UUID) -> dict[str, Any]:
    return {}


def asked_for(actor: Actor, command: CreatePayin | CreatePayout, *, idempotency_key: str,
              recipient: destinations.Columns = _no_recipient) -> Asked:
    """The order as it will be written, if nothing stands in its way: judged, priced, frozen. Raises as `create`."""
    assert actor.store_id is not None
    assert actor.live is not None
    reference.snapshot().refuse_while_paused()
    terms = terms_of(actor.store_id)
    amount, now = command.money, clock.now()
    method = method_of(terms, command, amount)
    reference.snapshot().refuse_while_partly_paused(direction=command.direction, method=method, bank=command.bank,
                                                    store=str(terms.store_id))
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)
    settlement, fee, quote = price(terms, command.direction, method, amount)
    customer, id, direction = command.customer or NOBODY, ids.new_id(), str(command.direction)  # as in a row
    order = OrderRow(
        id=id, direction=direction, live=actor.live, store_id=terms.store_id,
        external_id=command.external_id, idempotency_key=idempotency_key, request_hash=request_hash(command),
        currency=command.currency, amount_minor=amount.minor, amount_to_pay_minor=amount.minor, method=method,
        bank=command.bank, customer_id=customer.id, customer_name=customer.name, customer_ip=customer.ip,
        description=command.description, return_url=command.return_url, meta=command.metadata,
        settlement_currency=settlement.currency, settlement_minor=settlement.minor,
        fee_minor=fee.amount.minor, rate=quote.rate, rate_at=quote.at, rate_id=quote.id, tariff_id=fee.tariff_id,
        created_at=now, match_by=now + timedelta(seconds=_match_for_s(actor, terms, amount)),
        steps=[[f"{direction}.new", clock.rfc3339(now) or ""]], **recipient(id))
    return Asked.by(actor, order, view.public(order))


def _match_for_s(actor: Actor, terms: Terms, amount: Money) -> int:
    """Of a test order that nobody is to take it is known at once: no developer waits for it."""
    nobody = not actor.live and test_outcomes.of_amount(amount.minor) is test_outcomes.Outcome.NOBODY
    return NOBODY_FOR_S if nobody else terms.match_for_s


def price(terms: Terms, direction: Direction, method: str, amount: Money) -> Price:
    """Raises RateUnavailable, AmountTooSmall, NoTariff, Invalid."""
    quote = reference.quote(terms.settlement_currency, amount.currency)
    settlement = convert(amount, quote.rate, terms.settlement_currency)
    if not settlement:
        raise tariffs.AmountTooSmall()
    if settlement.minor > AMOUNT_MAX:  # what a rate makes of it is as bounded as what is asked for
        raise Invalid(fields=[FieldError("/amount", "amount_out_of_range", "The amount is too large.")])
    return Price(settlement, tariffs.fee(store_id=terms.store_id, direction=direction, method=method, amount=amount,
                                         settlement=settlement), quote)


def method_of(terms: Terms, command: CreatePayin | CreatePayout, amount: Money) -> str:
    """Of what the store takes; all that is wrong at once. Raises Invalid."""
    wrong, method = [], command.method
    at = "" if isinstance(command, CreatePayin) else "/destination"
    taken = terms.currencies.get(command.currency)
    if taken is None or not taken.takes(command.direction):
        wrong.append(FieldError("/currency", "currency_not_taken", "The store does not take this currency."))
    else:
        method = method or (taken.methods[0] if len(taken.methods) == 1 else None)
        if method is None:
            wrong.append(FieldError(f"{at}/method", "missing", "Name a method: %(methods)s.",
                                    {"methods": ", ".join(taken.methods)}))
        elif method not in taken.methods:
            wrong.append(FieldError(f"{at}/method", "method_not_taken", "The store does not take this method."))
        if not taken.least.minor <= amount.minor <= taken.most.minor:
            wrong.append(FieldError("/amount", "amount_out_of_range",
                                    "The store takes %(least)s to %(most)s %(currency)s.",
                                    {"least": taken.least.text, "most": taken.most.text, "currency": amount.currency}))
    if command.bank is not None and command.bank not in reference.snapshot().banks:
        wrong.append(FieldError(f"{at}/bank", "unknown_bank", "The desk does not know this bank."))
    if command.return_url is not None and not leads_to(command.return_url, terms.return_hosts):
        wrong.append(FieldError("/return_url", "host_not_listed", "The store has not listed this host."))
    if wrong:
        raise Invalid(fields=wrong)
    assert method is not None
    return method


def there_already(session: Session, order: OrderRow) -> Created:
    """What stood in its way. The key first: a retry finds its own order, even when it was the external id.

    Raises ExternalIdTaken.
    """
    first = session.scalar(select(Order).where(
        Order.store_id == order.store_id, Order.live == order.live, Order.direction == order.direction,
        Order.idempotency_key == order.idempotency_key))
    if first is not None:
        return replay(first, order.request_hash)
    other = session.scalar(select(Order).where(
        Order.store_id == order.store_id, Order.live == order.live, Order.external_id == order.external_id))
    raise ExternalIdTaken(order_id=other.public_id if other else None)


def replay(first: Order, request_hash: bytes) -> Created:
    """The first answer again, for a request with the key of that order."""
    same = bytes(first.request_hash) == request_hash
    return Created(first, view.public(row.as_created(first)), replayed=True, same_body=same)
