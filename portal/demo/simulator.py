"""Customers and traders who never sleep, so that the pages live. Works only when asked; touches only its own orders.

It keeps nothing in memory: whose order it is stands in its number (`SIM-…`), and what happens next is a throw of dice.
So a switch on the desk can turn it on in any worker, and a worker that dies takes nothing with it.
"""
from datetime import timedelta
from random import Random, SystemRandom

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core import clock, jobs
from portal.core.access import SCOPES, TEMPLATES, Actor, ActorKind, Role
from portal.core.db import db, locked_one, reader, transaction, translated
from portal.core.errors import PortalError
from portal.core.ids import new_id
from portal.core.ids import text as id_text
from portal.core.jobs import Job
from portal.demo.script import CUSTOMERS, GOODS
from portal.orders import service
from portal.orders.commands import CancelOrder, ConfirmOrder, CreatePayin, Customer, DeclineOrder, MarkPaid
from portal.orders.intake.create import create
from portal.orders.models import Assignment, OpenPlace, Order
from portal.orders.states import AssignmentState, Status
from portal.parties.models import Store

log = structlog.get_logger("simulator")
KIND = "simulate"
MARK = "SIM-"
OPEN_MAX = 12  # orders of ours at a time
EVERY_S = 1
NEW_EACH_S, STEP_AFTER_S = 6, 12  # on average


def is_on(session: Session) -> bool:
    """Whether the switch on the desk is on."""
    return session.scalar(select(Job.id).where(Job.kind == KIND)) is not None


def turn(session: Session, *, on: bool) -> None:
    """The switch: a job that comes back each second. Harmless twice."""
    if on:
        jobs.enqueue(session, KIND, key=KIND)
    else:
        jobs.cancel(session, KIND, KIND)


def drain() -> int:
    """Work of the kind `simulate`: of several workers one makes this second's move."""
    with transaction() as session:
        job = locked_one(session, select(Job).where(Job.kind == KIND, Job.run_at <= clock.now()))
        if job is None:
            return 0
        job.run_at = clock.now() + timedelta(seconds=EVERY_S)
    tick(SystemRandom())
    return 1


def tick(dice: Random) -> None:
    """A second: perhaps a new order; perhaps a step of each that is under way. What is refused is only logged."""
    try:
        with translated():
            ours = reader().scalars(
                select(Order).join(OpenPlace, OpenPlace.order_id == Order.id)
                .where(Order.external_id.startswith(MARK, autoescape=True)).order_by(Order.id).limit(OPEN_MAX)).all()
            reader().rollback()
        if len(ours) < OPEN_MAX and dice.random() < 1 / NEW_EACH_S:
            _begin(dice)
        for order in ours:
            if dice.random() < 1 / STEP_AFTER_S:
                _go_on(order, dice)
    except PortalError as refused:
        log.info("simulator_refused", code=refused.code)
    finally:
        db.session.remove()


def _begin(dice: Random) -> None:
    with transaction() as session:
        stores = session.scalars(select(Store).where(Store.slug.in_(tuple(GOODS))).order_by(Store.slug)).all()
        if not stores:
            return
        store, amount = dice.choice(stores), dice.randrange(300, 20_000)
        actor = Actor(kind=ActorKind.KEY, name="simulator", store_id=store.id, live=True,
                      permissions=frozenset().union(*SCOPES.values()))
        name = id_text(new_id())
        create(session, actor, CreatePayin(
            currency="RUB", amount=f"{amount}.00", method=dice.choice(("card", "card", "sbp")),
            external_id=f"{MARK}{name}", description=GOODS[store.slug],
            customer=Customer(name=dice.choice(CUSTOMERS))), idempotency_key=name)


def _go_on(order: Order, dice: Random) -> None:
    """Most pay, some think better of it, some traders cannot just now, and some customers simply go away."""
    chance = dice.random()
    customer = Actor(kind=ActorKind.CUSTOMER, name="customer", order_id=order.id)
    with transaction() as session:
        if order.status == Status.PAID:
            trader, assignment = _trader(session, order)
            service.confirm(session, trader, ConfirmOrder(
                order_id=order.public_id, assignment_id=assignment, received=order.amount_to_pay.text))
        elif order.status != Status.ASSIGNED:
            return
        elif chance < 0.85:
            service.mark_paid(session, customer, MarkPaid(order_id=order.public_id))
        elif chance < 0.92:
            service.cancel(session, customer, CancelOrder(order_id=order.public_id))
        elif chance < 0.97:
            trader, _ = _trader(session, order)
            service.decline(session, trader, DeclineOrder(
                order_id=order.public_id, why="bank", reason="The bank's app is down"))


def _trader(session: Session, order: Order) -> tuple[Actor, str]:
    assignment = session.scalars(select(Assignment).where(
        Assignment.order_id == order.id, Assignment.state == AssignmentState.OPEN)).one()
    return Actor(kind=ActorKind.USER, role=Role.TRADER, name="simulator", trader_id=assignment.trader_id,
                 permissions=TEMPLATES["trader"]), assignment.public_id
