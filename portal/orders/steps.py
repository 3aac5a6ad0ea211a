"""Taking a step: the one place where an order's status changes, with its event and what the store is told."""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from portal.core import clock, ids, page_events
from portal.core.access import Actor
from portal.core.clock import rfc3339
from portal.core.errors import Denied
from portal.orders import attention_cases, events, robots_turn, row, view
from portal.orders.directions import rules_of
from portal.orders.facts import OrderFacts
from portal.orders.queries import party_of
from portal.orders.row import OrderRow
from portal.orders.states import ENDED, Action, Status

UNTOLD = frozenset({Status.REVIEW, Status.RETRYING})  # of the desk's own concern
# likewise: the order stands where it stood, and the step has a word of its own
DESK_ONLY = {Action.FLAG: "unconfirmed", Action.SUSPECT: "suspected", Action.ACCEPT: "accepted",
             Action.REFUSE_AMOUNT: "amount_refused", Action.ADD_TRANSFER: "transfer_added"}
OWN_WORD = {Action.CORRECT: "corrected"}  # told by it, because the status it leads to was told before
SEARCHING = frozenset({Action.RETRY, Action.FAIL, Action.HOLD_FOR_REVIEW, Action.REFUSE})  # no trader's business
MOMENTS = {Status.ASSIGNED: "assigned_at", Status.PAID: "paid_at", Status.CONFIRMED: "confirmed_at",
           Status.COMPLETED: "completed_at"}


class NotYours(Denied):
    """This step is not yours to take."""

    code = "not_your_step"


@dataclass
class Steps:
    """The steps of one transaction: taken one by one, written together. `write` must follow, before the commit.

    `statement`: what writes them; one of `events.statement` where order rows and more go along.
    """

    session: Session
    actor: Actor
    statement: str = events.INSERT
    _taken: list[dict[str, Any]] = field(default_factory=list)

    def take(self, order: OrderFacts, action: Action, *, reason: str | None = None,
             requisite: dict[str, Any] | None = None, details: dict[str, Any] | None = None,
             along: dict[str, Any] | None = None) -> None:
        """Move a locked order along the table of legal steps.

        `requisite`: where to pay, masked, its holder by `kept_names`, for what the store is told. `details`: more of
        before and after for the audit. `along`: columns that `statement` wants besides. Raises InvalidTransition,
        NotYours.
        """
        target = self.check(order, action)
        before, now = order.status, clock.now()
        order.status, order.version = str(target), order.version + 1  # as a row has it: an enum is slow in JSON
        if target in MOMENTS and target != before:
            setattr(order, MOMENTS[target], now)
        if target in ENDED and target != before:
            order.ended_at = now
        attention_cases.moved_on(self.session, order, before)
        event = self._note(order, now, action=action, before=before, reason=reason, requisite=requisite,
                           details=details or {})
        if isinstance(order, OrderRow):
            event |= row.values(order, row.STEPPED)
        self._taken.append(event | along if along else event)

    def check(self, order: OrderFacts, action: Action) -> Status:
        """Where this step leads. Raises InvalidTransition, NotYours."""
        rules = rules_of(order)
        target = Status(rules.lifecycle.next(order.status, action))
        if party_of(self.actor) not in rules.who[action]:
            raise NotYours(action=str(action))
        return target

    def _note(self, order: OrderFacts, now: datetime, *, action: Action, before: str, reason: str | None,
              requisite: dict[str, Any] | None, details: dict[str, Any]) -> dict[str, Any]:
        quiet = action in DESK_ONLY
        type = f"{order.direction}.{DESK_ONLY.get(action) or OWN_WORD.get(action, order.status)}"
        told = not quiet and Status(order.status) not in UNTOLD
        if told:
            order.steps = [*order.steps, [type, rfc3339(now) or ""]]
        return {
            "id": ids.new_id(), "created_at": now, "order_id": order.id, "version": order.version, "type": type,
            "action": str(action), "from_status": before, "to_status": order.status, "actor_kind": str(self.actor.kind),
            "actor_id": self.actor.id, "actor_name": self.actor.name, "role": self.actor.role,
            "address": self.actor.address, "request_id": self.actor.request_id, "reason": reason,
            "details": details, "payload": view.kept(order, requisite) if told else None,
            "store_id": order.store_id, "live": order.live}

    def write(self) -> None:
        """Events, announcements, order rows of all steps: one statement however many. Others are flushed before."""
        self.session.flush()
        if self._taken:
            taken, self._taken = self._taken, []
            events.write(self.session, taken, self.statement, then=partial(self._tell_pages, taken))
            robots_turn.promise(self.session, [event["order_id"] for event in taken if not event["live"]])

    def _tell_pages(self, taken: Sequence[dict[str, Any]], traders_of: Mapping[UUID, Sequence[UUID]]) -> None:
        """Of the store and of every trader who has had the order: one who lost it must see that too."""
        stores = {page_events.store(event["store_id"]) for event in taken}
        traders = {page_events.trader(trader) for event in taken if event["action"] not in SEARCHING
                   for trader in traders_of[event["order_id"]]}
        page_events.tell(self.session, "orders", stores | traders)
