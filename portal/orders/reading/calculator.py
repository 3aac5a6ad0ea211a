"""What an amount would cost and who would get what, by rate, tariffs and rewards of now. Nothing is made."""
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import StringConstraints
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import tariffs
from portal.core import typed_amounts
from portal.core.access import Actor
from portal.core.commands import Command
from portal.core.errors import FieldError, Invalid
from portal.core.money import EXPONENTS, Money
from portal.orders.directions import RULES
from portal.orders.intake.create import price
from portal.orders.intake.store_terms import terms_of
from portal.parties import queries
from portal.parties.models import Store, Trader

TRADERS_MAX, SHOWN_MAX = 2000, 100


class AskCost(Command):
    """`amount` of `currency` as people type it; of a store that the asker may see."""

    store_id: UUID
    direction: Literal["payin", "payout"]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{3,10}$")]
    method: Annotated[str, StringConstraints(max_length=40)]
    amount: Annotated[str, StringConstraints(max_length=60)]

    @property
    def money(self) -> Money:
        """Once `cost` has taken it."""
        return typed_amounts.amount("amount", self.amount, self.currency)


@dataclass(frozen=True)
class Share:
    """If this trader does it: what he earns, and what is left of the fee for the desk (below zero: it pays)."""

    trader: str
    reward: Money
    desk: Money


@dataclass(frozen=True)
class Cost:
    """Of `amount`: what it comes to, the fee of it, and what the store gets (a payin) or pays (a payout)."""

    amount: Money
    rate: Decimal
    settlement: Money
    fee: Money
    flow: int

    @property
    def due(self) -> Money:
        return self.settlement - self.fee if self.flow > 0 else self.settlement + self.fee


def cost(session: Session, actor: Actor, command: AskCost) -> Cost:
    """Raises NotFound, StoreSuspended, Invalid, RateUnavailable, AmountTooSmall, NoTariff."""
    store: Store = queries.found(session, queries.stores_visible_to(actor), command.store_id)
    if command.currency not in EXPONENTS:
        raise Invalid(fields=[FieldError("/currency", "unknown_currency", "The desk does not know this currency.")])
    amount = typed_amounts.amount("amount", command.amount, command.currency)
    if not amount:
        raise Invalid(fields=[FieldError("/amount", "invalid_amount", "The amount must be more than zero.")])
    rules = RULES[command.direction]
    found = price(terms_of(store.id), rules.direction, command.method, amount)
    return Cost(amount, found.quote.rate, found.settlement, found.fee.amount, rules.flow)


def shares(session: Session, command: AskCost, found: Cost) -> list[Share]:
    """For staff: the active traders who could be paid for it, a hundred of those who ask least. Two queries."""
    rows = session.execute(select(Trader.id, Trader.name).where(
        Trader.status == "active", Trader.robot.is_(False),
        Trader.settlement_currency == found.settlement.currency).order_by(Trader.name).limit(TRADERS_MAX))
    names = dict(iter(rows))
    rules = tariffs.rewards(session, names, direction=command.direction, method=command.method, amount=found.amount)
    by_trader = [(names[id], rule.of(found.settlement)) for id, rule in rules.items()]
    return [Share(name, reward, found.fee - reward)
            for name, reward in sorted(by_trader, key=lambda one: (one[1], one[0]))[:SHOWN_MAX]]
