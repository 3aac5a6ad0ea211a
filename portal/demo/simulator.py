"""Customers and traders who never sleep, so that the pages live. Runs only when asked; touches only its own orders."""
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

import structlog
from sqlalchemy import select

from portal.core import clock
from portal.core.access import SCOPES, SYSTEM, TEMPLATES, Actor, ActorKind, Role
from portal.core.db import db, reader, transaction
from portal.core.errors import PortalError
from portal.core.ids import new_id
from portal.core.ids import text as id_text
from portal.demo.script import CUSTOMERS, GOODS
from portal.orders import queries, service
from portal.orders.commands import CancelOrder, ConfirmOrder, CreatePayin, Customer, DeclineOrder, MarkPaid
from portal.orders.create import create
from portal.orders.models import Assignment, Order
from portal.orders.states import ENDED, AssignmentState, Status
from portal.parties.models import Store

log = structlog.get_logger("simulator")
OPEN_MAX = 12  # orders of ours at a time
NEW_EACH_S = 6.0  # on average


@dataclass
class Playing:
    """An order of ours and when somebody does something next."""

    id: str
    next_at: datetime


class Simulator:
    """`tick` once a second."""

    def __init__(self, seed: int | None = None) -> None:
        self.dice = Random(seed)
        self.playing: list[Playing] = []

    def tick(self) -> None:
        """Perhaps a new order; then each order whose time has come moves one step. What is refused is only logged."""
        try:
            if len(self.playing) < OPEN_MAX and self.dice.random() < 1 / NEW_EACH_S:
                self._begin()
            for one in [one for one in self.playing if one.next_at <= clock.now()]:
                self._go_on(one)
        except PortalError as refused:
            log.info("simulator_refused", code=refused.code)
        finally:
            db.session.remove()

    def _begin(self) -> None:
        with transaction() as session:
            stores = session.scalars(select(Store).where(Store.slug.in_(tuple(GOODS))).order_by(Store.slug)).all()
            if not stores:
                return
            store, amount = self.dice.choice(stores), self.dice.randrange(300, 20_000)
            actor = Actor(kind=ActorKind.KEY, name="simulator", store_id=store.id, live=True,
                          permissions=frozenset().union(*SCOPES.values()))
            name = id_text(new_id())
            made = create(session, actor, CreatePayin(
                currency="RUB", amount=f"{amount}.00", method=self.dice.choice(("card", "card", "sbp")),
                external_id=f"SIM-{name}", description=GOODS[store.slug],
                customer=Customer(name=self.dice.choice(CUSTOMERS))), idempotency_key=name)
            self.playing.append(Playing(made.order.public_id, self._in(8, 25)))

    def _go_on(self, one: Playing) -> None:
        one.next_at = self._in(8, 40)
        order = queries.find(reader(), SYSTEM, one.id)
        if order.status in ENDED or order.status == Status.CONFIRMED:
            self.playing.remove(one)
        elif order.status == Status.ASSIGNED:
            self._pay(order)
        elif order.status == Status.PAID:
            self._look(order)

    def _pay(self, order: Order) -> None:
        """Most pay, some think better of it, some traders cannot just now, and some customers simply go away."""
        customer, trader = Actor(kind=ActorKind.CUSTOMER, name="customer", order_id=order.id), self._trader(order)[0]
        chance = self.dice.random()
        with transaction() as session:
            if chance < 0.8:
                service.mark_paid(session, customer, MarkPaid(order_id=order.public_id))
            elif chance < 0.87:
                service.cancel(session, customer, CancelOrder(order_id=order.public_id))
            elif chance < 0.92:
                service.decline(session, trader, DeclineOrder(
                    order_id=order.public_id, reason="The bank's app is down"))

    def _look(self, order: Order) -> None:
        trader, assignment_id = self._trader(order)
        with transaction() as session:
            service.confirm(session, trader, ConfirmOrder(
                order_id=order.public_id, assignment_id=assignment_id, received=order.amount_to_pay.text))

    def _trader(self, order: Order) -> tuple[Actor, str]:
        assignment = reader().scalars(select(Assignment).where(
            Assignment.order_id == order.id, Assignment.state == AssignmentState.OPEN)).one()
        return Actor(kind=ActorKind.USER, role=Role.TRADER, name="simulator", trader_id=assignment.trader_id,
                     permissions=TEMPLATES["trader"]), assignment.public_id

    def _in(self, least_s: int, most_s: int) -> datetime:
        return clock.now() + timedelta(seconds=self.dice.randint(least_s, most_s))
