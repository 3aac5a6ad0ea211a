"""Play the demo day: each step at its own time, by the services that people and workers use."""
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from io import BytesIO

from PIL import Image, ImageDraw
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import files
from portal.core import clock, jobs
from portal.core.access import SCOPES, Actor, ActorKind
from portal.core.db import transaction
from portal.core.jobs import Kind
from portal.demo import books, cast, script, treasury
from portal.demo.load import Desk
from portal.demo.script import STEPS, Scripted
from portal.orders import deadlines, payouts, service, settlement
from portal.orders.commands import (
    AcceptPayout,
    CancelOrder,
    ConfirmOrder,
    ConfirmPayout,
    CreatePayin,
    CreatePayout,
    Customer,
    DeclineOrder,
    Destination,
    MarkPaid,
    PayPayout,
)
from portal.orders.intake.create import create
from portal.orders.matching import match
from portal.orders.models import Assignment, Order
from portal.orders.states import AssignmentState
from portal.parties import traders
from portal.requisites import lanes, robots
from portal.requisites import service as requisites
from portal.requisites.commands import MoveRequisite
from portal.treasury import result

BEGINS = timedelta(hours=-26)  # when the cast comes onto the desk
SHIFT_ENDS = timedelta(minutes=-4)
WORK = (Kind("match_order", match.work), Kind("settle_order", settlement.work),
        Kind("expire_order", deadlines.expire))


def play(desk: Desk) -> None:
    """Everything in the order it happened. Tenge go to the fifth trader alone until his shift ends."""
    for kind in WORK:
        if kind.name not in jobs.KINDS:  # a command has no worker's kinds
            jobs.register(kind)
    tenge = next(one for one in desk.requisites if one.currency == "KZT" and one.trader_id != desk.traders[4].id)
    owner = _person(desk, tenge.trader_id)
    with clock.moved(BEGINS), transaction() as session:
        requisites.pause(session, owner, MoveRequisite(requisite_id=tenge.public_id, reason="Bank is slow today"))
    theatre = Theatre(desk)
    scenes: list[tuple[int, treasury.Scene]] = [
        (minutes_ago, partial(theatre.do, order, step)) for minutes_ago, order, step in _timeline()]
    for minutes_ago, scene in sorted([*scenes, *treasury.scenes(desk), *books.scenes(desk)],
                                     key=lambda one: -one[0]):  # as accounts want it
        with clock.moved(timedelta(minutes=-minutes_ago)):
            scene()
    with clock.moved(SHIFT_ENDS), transaction() as session:
        for part, trader in zip(cast.TRADERS, desk.traders, strict=True):
            if not part.on_shift:
                traders.end_shift(session, _person(desk, trader.id), trader.id)
        requisites.resume(session, owner, MoveRequisite(requisite_id=tenge.public_id))
        lanes.rebuild_for_traders(session, [trader.id for trader in desk.traders])
    with transaction() as session:
        result.compute(session)


def _timeline() -> list[tuple[int, Scripted, str]]:
    """(minutes ago, order, step), the earliest first."""
    steps = [(order.minutes_ago - after, order, step) for order in script.orders()
             for after, step in ((0, "create"), *STEPS[order.outcome])]
    return sorted(steps, key=lambda step: (-step[0], step[1].number))


class Theatre:
    """Who does what to which order; one transaction a step, as at a door, then what the workers would do."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.orders: dict[int, Order] = {}

    def do(self, scripted: Scripted, step: str) -> None:
        act: Callable[[Scripted], None] = getattr(self, f"_{step}")
        act(scripted)

    def _create(self, scripted: Scripted) -> None:
        command = _payout(scripted) if scripted.payout else _payin(scripted)
        with transaction() as session:
            self.orders[scripted.number] = create(
                session, self._store(scripted), command, idempotency_key=f"demo-{scripted.external_id}").order
        if not scripted.unmatched:
            jobs.run("match_order")

    def _match(self, scripted: Scripted) -> None:
        jobs.run("match_order")

    def _mark_paid(self, scripted: Scripted) -> None:
        with transaction() as session:
            service.mark_paid(session, self._customer(scripted), MarkPaid(order_id=self._id(scripted)))

    def _confirm(self, scripted: Scripted) -> None:
        self._confirm_only(scripted)
        jobs.run("settle_order")

    def _confirm_only(self, scripted: Scripted) -> None:
        with transaction() as session:
            assignment = self._assignment(session, scripted)
            service.confirm(session, _person(self.desk, assignment.trader_id), ConfirmOrder(
                order_id=self._id(scripted), assignment_id=assignment.public_id, received=scripted.amount))

    def _decline(self, scripted: Scripted) -> None:
        with transaction() as session:
            assignment = self._assignment(session, scripted)
            service.decline(session, _person(self.desk, assignment.trader_id), DeclineOrder(
                order_id=self._id(scripted), why="bank", reason="The bank's app is down"))
        jobs.run("match_order")

    def _cancel(self, scripted: Scripted) -> None:
        with transaction() as session:
            service.cancel(session, self.desk.support, CancelOrder(
                order_id=self._id(scripted), reason="The store asked us to"))

    def _accept(self, scripted: Scripted) -> None:
        with transaction() as session:
            assignment = self._assignment(session, scripted)
            payouts.accept(session, _person(self.desk, assignment.trader_id), AcceptPayout(
                order_id=self._id(scripted), assignment_id=assignment.public_id))

    def _pay(self, scripted: Scripted) -> None:
        stored = files.store(files.Upload("receipt.png", receipt(scripted)))
        with transaction() as session:
            assignment = self._assignment(session, scripted)
            trader = _person(self.desk, assignment.trader_id)
            shown = files.keep(session, trader, stored)
            payouts.pay(session, trader, PayPayout(order_id=self._id(scripted), assignment_id=assignment.public_id,
                                                   receipts=(shown.public_id,)))

    def _agree(self, scripted: Scripted) -> None:
        with transaction() as session:
            payouts.confirm(session, self._store(scripted), ConfirmPayout(order_id=self._id(scripted)))
        jobs.run("settle_order")

    def _cancel_payout(self, scripted: Scripted) -> None:
        with transaction() as session:
            service.cancel(session, self._store(scripted), CancelOrder(order_id=self._id(scripted)))

    def _cancel_by_customer(self, scripted: Scripted) -> None:
        with transaction() as session:
            service.cancel(session, self._customer(scripted), CancelOrder(order_id=self._id(scripted)))

    def _expire(self, scripted: Scripted) -> None:
        jobs.run("expire_order")

    def _store(self, scripted: Scripted) -> Actor:
        """The store's system, by its key."""
        store, key = self.desk.stores[scripted.store], self.desk.keys[scripted.store]
        return Actor(kind=ActorKind.KEY, id=key.id, name=key.name, store_id=store.id, live=True,
                     permissions=frozenset().union(*(SCOPES[scope] for scope in key.scopes)))

    def _id(self, scripted: Scripted) -> str:
        return self.orders[scripted.number].public_id

    def _customer(self, scripted: Scripted) -> Actor:
        return Actor(kind=ActorKind.CUSTOMER, name="customer", order_id=self.orders[scripted.number].id,
                     address=f"203.0.113.{10 + scripted.number}")

    def _assignment(self, session: Session, scripted: Scripted) -> Assignment:
        return session.scalars(select(Assignment).where(
            Assignment.order_id == self.orders[scripted.number].id, Assignment.state == AssignmentState.OPEN)).one()


def _payin(scripted: Scripted) -> CreatePayin:
    return CreatePayin(
        currency=scripted.currency, amount=scripted.amount, external_id=scripted.external_id, method=scripted.method,
        bank=scripted.bank, description=script.GOODS[scripted.store],
        customer=Customer(id=f"c-{scripted.customer[:3].lower()}", name=scripted.customer,
                          ip=f"203.0.113.{10 + scripted.number}"))


def _payout(scripted: Scripted) -> CreatePayout:
    number = robots.test_number("card", scripted.external_id)
    return CreatePayout(
        currency=scripted.currency, amount=scripted.amount, external_id=scripted.external_id, description="Refund",
        destination=Destination(method=scripted.method, number=number, holder=scripted.customer),
        customer=Customer(id=f"c-{scripted.customer[:3].lower()}", name=scripted.customer))


def receipt(scripted: Scripted) -> bytes:
    """What a bank would have shown, on a small screen."""
    sheet, out = Image.new("RGB", (540, 720), "white"), BytesIO()
    pen = ImageDraw.Draw(sheet)
    for at, line in enumerate(("Transfer done", f"{scripted.amount} {scripted.currency}", scripted.customer,
                               scripted.external_id)):
        pen.text((60, 120 + 90 * at), line, fill="black", font_size=40)
    sheet.save(out, "PNG")
    return out.getvalue()


def _person(desk: Desk, trader_id: object) -> Actor:
    return next(person for person in desk.people.values() if person.trader_id == trader_id)
