"""What an order comes to once it is agreed what arrived, and the step into `confirmed`, which settlement follows."""
from dataclasses import dataclass

from sqlalchemy.orm import Session

from portal.core import jobs
from portal.core.errors import Rejected
from portal.core.money import Money, convert
from portal.orders import queries
from portal.orders.directions import rules_of
from portal.orders.matching import reservations
from portal.orders.models import Assignment, Order
from portal.orders.states import Action, AssignmentState
from portal.orders.steps import Steps
from portal.requisites import quarantine
from portal.tariffs.models import Reward, Tariff


class AmountBelowFee(Rejected):
    """The store's fee would take all of this amount. It cannot be settled: cancel the order instead."""

    code = "amount_below_fee"


@dataclass(frozen=True)
class Outcome:
    """`received` of what was to be paid, and what is settled for it: A, F and R in settlement currency."""

    received: Money
    exactness: str  # exact, under, over
    settlement: Money
    fee: Money
    reward: Money

    @property
    def net(self) -> Money:
        """What a store gets of a payin."""
        return self.settlement - self.fee


def outcome(session: Session, order: Order, assignment: Assignment, received: Money) -> Outcome:
    """By what was frozen: the order's rate and tariff, the assignment's reward. Each is rounded once, from `received`;
    what is exact is what was frozen, unless the sum was varied. Nothing received comes to nothing.

    Raises AmountBelowFee.
    """
    currency = order.settlement_currency
    asked = assignment.to_pay(order)
    if received == asked == order.amount:
        return Outcome(received, "exact", Money(order.settlement_minor, currency), Money(order.fee_minor, currency),
                       assignment.reward)
    exactness = "exact" if received == asked else "over" if received > asked else "under"
    settlement = convert(received, order.rate, currency)
    if not received:
        return Outcome(received, exactness, settlement, settlement, settlement)
    tariff = session.get_one(Tariff, order.tariff_id)
    fee = settlement.share(tariff.fee_bps, fixed_minor=tariff.fee_fixed_minor)
    if fee >= settlement:
        raise AmountBelowFee(fee=fee.text, settlement=settlement.text)
    rule = session.get_one(Reward, assignment.reward_id)
    return Outcome(received, exactness, settlement, fee,
                   settlement.share(rule.reward_bps, fixed_minor=rule.reward_fixed_minor))


def agree(steps: Steps, order: Order, assignment: Assignment, agreed: Outcome, *, action: Action = Action.CONFIRM,
          reason: str | None = None, details: dict[str, object] | None = None) -> None:
    """The same for both directions: final amounts set, slot free, settlement queued; what its payer had exchanged is
    let go."""
    session = steps.session
    order.amount_received_minor, order.exactness = agreed.received.minor, agreed.exactness
    order.final_settlement_minor, order.final_fee_minor = agreed.settlement.minor, agreed.fee.minor
    order.final_reward_minor, order.waits_for = agreed.reward.minor, None
    steps.take(order, action, reason=reason, details={"assignment": assignment.public_id} | (details or {}))
    others = [one for one in queries.holding(session, order) if one.id != assignment.id]
    if others:
        reservations.lock(session, [assignment, *others])  # before any balance
        reservations.release(session, [(order, one) for one in others], reason=reservations.REPLACED)
    assignment.state = AssignmentState.CHOSEN
    taken = reservations.free(session, [assignment])
    if rules_of(order).has_payment_page:
        quarantine.worked(session, taken.requisites[assignment.requisite_id])
    if steps.actor.trader_id is not None:
        taken.traders[assignment.trader_id].missed = 0
    if order.live:
        reservations.count_day(session, [(order, assignment)], confirmed=True)
    jobs.cancel(session, "expire_order", str(assignment.id))
    jobs.cancel(session, "flag_unconfirmed", str(order.id))
    jobs.enqueue(session, "settle_order", order.id)
