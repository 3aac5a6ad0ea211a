"""What a disputed order comes to, or a completed one after all: staff ask, a second person agrees, it happens.

Of another amount than was ordered (`orders/other_amount.py`) likewise: the order is disputed, though nobody opened a
dispute. What was asked for holds only as long as it would post the same: else it is stale.
"""
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from portal import approvals, ledger
from portal.approvals import Approval
from portal.core import crypto, ids, typed_amounts
from portal.core.access import Actor, Permission
from portal.core.errors import Denied, FieldError, Invalid
from portal.core.lifecycle import InvalidTransition
from portal.core.money import Money
from portal.disputes import endings, late, queries
from portal.disputes.commands import DecideDispute
from portal.disputes.models import Dispute
from portal.ledger import Draft
from portal.orders import corrections, reopening
from portal.orders import queries as orders
from portal.orders.agreement import Outcome, agree, outcome
from portal.orders.directions import drafted, rules_of
from portal.orders.matching import reservations
from portal.orders.models import Assignment, Order
from portal.orders.reopening import LATE
from portal.orders.states import ENDED, Action, AssignmentState, Direction, Status
from portal.orders.steps import Steps
from portal.parties.models import Trader
from portal.requisites.models import Requisite
from portal.tariffs import reserve_terms

KIND = "dispute_decision"
OUTCOMES = {Status.DISPUTED: ("complete", "cancel"), Status.COMPLETED: ("stands", "correct")} | dict.fromkeys(
    LATE, ("complete", "stands"))


class OwnDispute(Denied):
    """You opened this dispute: somebody else has to decide it."""

    code = "own_dispute"


def ask(session: Session, actor: Actor, command: DecideDispute) -> Approval:
    """Put what staff want done before a second person; nothing changes yet.

    Raises NotFound, Denied, InvalidTransition, Invalid, AmountBelowFee, AlreadyAsked.
    """
    order, before, after = _wanted(session, actor, command)
    return approvals.ask_once(session, actor, kind=KIND, target_kind="order", target_id=order.id,
                              reason=command.reason, before=before, after=after)


def decide_in_test(session: Session, arbiters: tuple[Actor, Actor], command: DecideDispute) -> Approval:
    """Two robots ask and agree in one breath, about a test order and nothing else.

    Raises as `ask` and `apply`.
    """
    order, before, after = _wanted(session, arbiters[0], command)
    if order.live:
        raise Denied()
    return approvals.ask_and_decide(session, arbiters, kind=KIND, target_kind="order", target_id=order.id,
                                    reason=command.reason, before=before, after=after)


def _wanted(session: Session, actor: Actor, command: DecideDispute) -> tuple[Order, dict[str, Any], dict[str, Any]]:
    """The locked order, how it stands, and what is asked for."""
    order = orders.lock(session, actor, command.order_id)
    if not (actor.is_staff and actor.may(Permission.DISPUTE_DECIDE)):
        raise Denied()
    dispute = queries.open_of(session, order.id)
    if order.status not in OUTCOMES or (order.status in ENDED and dispute is None):
        raise InvalidTransition(status=order.status, action=str(Action.RESOLVE_COMPLETE))
    if command.outcome not in OUTCOMES[Status(order.status)]:
        raise Invalid(fields=[FieldError("/outcome", "unknown_choice", "There is no such choice.")])
    assignment = _assignment(session, order, command.assignment_id if command.outcome == "complete" else None)
    asked = assignment.to_pay(order)
    after: dict[str, Any] = {
        "external_id": order.external_id, "trader": session.get_one(Trader, assignment.trader_id).name,
        "requisite": session.get_one(Requisite, assignment.requisite_id).mask, "currency": order.currency,
        "ordered": asked.text, "outcome": command.outcome}
    if command.outcome == "cancel":
        after["amount"] = asked.text  # what limits of decisions go by
    if order.amount_received is not None:
        after["received"] = order.amount_received.text
    if command.outcome in ("complete", "correct"):
        after["amount"] = _amount(session, command, order, assignment).text
    standing = _standing(order, assignment, dispute)
    sketch = Approval(id=ids.new_id(), target_id=str(order.id), before=standing, after=after)  # never added
    if command.outcome == "complete" and order.status in LATE and dispute is not None:
        _stop_unsecured(session, order, dispute, assignment)
    return order, standing | {"moves": _moves(session, sketch)}, after


def apply(session: Session, actor: Actor, approval: Approval) -> None:
    """A second person agrees. For more than was ordered the trader's collateral has to cover the difference.

    Raises StaleApproval where it was decided or would post something else meanwhile, OwnDispute, AmountBelowFee,
    InsufficientFunds.
    """
    [order] = orders.lock_many(session, [UUID(approval.target_id)]).values()
    dispute = queries.open_of(session, order.id, lock=True)
    _no_party(actor, dispute)
    if stale(session, approval):
        raise approvals.StaleApproval()
    assignment = _assignment(session, order, approval.before["assignment"])
    match approval.after["outcome"]:
        case "cancel":
            endings.cancelled(session, actor, order, assignment, Action.RESOLVE_CANCEL, reason=approval.reason,
                              details=_by(approval))
        case "complete":
            _complete(session, actor, order, assignment, approval)
        case "correct":
            corrections.carry_out(session, actor, order, approval)
    if dispute is not None:
        endings.decide(session, dispute, order, outcome=_told(order, approval), ground=approval.reason,
                       by=approval.asked_name)


def stale(session: Session, approval: Approval) -> bool:
    """It was decided, or would post something else by now."""
    order = session.get_one(Order, UUID(approval.target_id))
    if order.status not in OUTCOMES:
        return True
    assignment = _assignment(session, order, approval.before["assignment"])
    now = _standing(order, assignment, queries.open_of(session, order.id)) | {"moves": _moves(session, approval)}
    return now != approval.before


def foreseen(session: Session, order: Order) -> dict[str, list[Draft]]:
    """What settling as ordered and cancelling would post, before anybody asks for it."""
    if order.status == Status.COMPLETED or order.status not in OUTCOMES:
        return {}
    assignment = _assignment(session, order)
    settled = order.amount_received or assignment.to_pay(order)
    sketches = {"complete": {"outcome": "complete", "amount": settled.text}}
    if order.status == Status.DISPUTED:
        sketches["cancel"] = {"outcome": "cancel"}
    before = _standing(order, assignment, None)
    return {name: drafts(session, Approval(id=ids.new_id(), target_id=str(order.id), before=before, after=after))
            for name, after in sketches.items()}


def drafts(session: Session, approval: Approval) -> list[Draft]:
    """What approving it posts, and what settlement posts right after."""
    order = session.get_one(Order, UUID(approval.target_id))
    if order.status not in OUTCOMES or approval.after["outcome"] == "stands":
        return []
    if approval.after["outcome"] == "correct":
        return corrections.drafts(session, approval)
    assignment = _assignment(session, order, approval.before["assignment"])
    rules, held = rules_of(order), reservations.hold_facts(assignment, order.live)
    let_go = [rules.on_release(reservations.hold_facts(one, order.live)) for one in orders.holding(session, order)
              if one.id != assignment.id]
    if approval.after["outcome"] == "cancel":
        return drafted(rules.on_release(held), *let_go, rules.on_end(order))
    found = _found(session, order, assignment, approval)
    more, nothing = _more(found, order, assignment), Money.zero(found.fee.currency)
    kept = reserve_terms.of(session, order.store_id).kept_of(found.settlement - found.fee) if rules.flow > 0 else ()
    again = late.held_again(session, order, approval.id, held) if order.status in LATE else None
    topup = _topup_draft(order, assignment, more, approval) if more else None
    return [*drafted(again, *let_go, topup), rules.on_settle(ledger.SettleFacts(
        order_id=order.id, assignment_id=assignment.id, trader_id=assignment.trader_id, store_id=order.store_id,
        amount=found.settlement, fee=found.fee, reward=found.reward, live=order.live, kept=sum(kept, nothing),
        hold=assignment.hold + more,
        spared=Money(order.settlement_minor + order.fee_minor, order.settlement_currency) - found.settlement
        - found.fee))]


def subject(session: Session, approval: Approval) -> str:
    """Who gains by it, as of a correction."""
    if approval.after["outcome"] == "correct":
        return corrections.subject(session, approval)
    assignment = session.get_one(Assignment, ids.parse("asg", approval.before["assignment"]))
    return corrections.gainer(session.get_one(Order, UUID(approval.target_id)), assignment,
                              more=approval.after["outcome"] == "complete")


def _complete(session: Session, actor: Actor, order: Order, assignment: Assignment, approval: Approval) -> None:
    steps, found = Steps(session, actor), _found(session, order, assignment, approval)
    if order.status in LATE:
        if order.live and not rules_of(order).needs_collateral:
            ledger.stops.refuse_while_kept(session, order.store_id, order.settlement_currency)
        assignment = late.reopened(steps, order, assignment, reason=approval.reason, decision_id=approval.id)
        action = Action.CONFIRM if rules_of(order).needs_collateral else _resolved(found)
    else:
        if assignment.state == AssignmentState.LINGERING:
            reopening.take_back(steps, order, assignment)
        action = _resolved(found)
    agree(steps, order, assignment, found, reason=approval.reason, details=_by(approval), action=action)
    if more := _more(found, order, assignment):  # balances are locked after everything else
        draft = _topup_draft(order, assignment, more, approval)
        assignment.settlement_minor += more.minor
        session.flush()
        ledger.post(session, actor, [draft])
    steps.write()


def _resolved(found: Outcome) -> Action:
    return Action.RESOLVE_COMPLETE if found.exactness == "exact" else Action.RESOLVE_ADJUST


def _no_party(actor: Actor, dispute: Dispute | None) -> None:
    if dispute is not None and dispute.opener_id is not None and dispute.opener_id == actor.id:
        raise OwnDispute()


def places(session: Session, order: Order) -> Sequence[Assignment]:
    """Where the money may have come: the requisites its payer was given, the one the order is at first."""
    if order.status in LATE:
        return reopening.places(session, order)
    current = orders.current_assignment(session, order)
    return sorted(orders.holding(session, order), key=lambda one: one is not current)


def _assignment(session: Session, order: Order, named: str | None = None) -> Assignment:
    """The one that the quarrel is about, or that is named. Raises Invalid."""
    if order.status == Status.COMPLETED:
        return corrections.settled_assignment(session, order)
    offered = places(session, order)
    assert offered, "a disputed order has the requisite it is about"
    found = next((one for one in offered if named in (None, one.public_id)), None)
    if found is None:
        raise Invalid(fields=[FieldError("/assignment_id", "unknown_choice", "There is no such choice.")])
    return found


def _stop_unsecured(session: Session, order: Order, dispute: Dispute, assignment: Assignment) -> None:
    """Staff find that the money is with him, and his collateral does not cover it: he is stopped from now on, not when
    the second of them is refused for want of it. A decision either way lets him go on."""
    account = ledger.trader_available(assignment.trader_id, assignment.settlement_currency, order.live)
    if not rules_of(order).needs_collateral:
        return
    if assignment.trader_id == dispute.trader_id and ledger.balance(session, account) < assignment.hold:
        late.unsecured(session, order, dispute)


def _amount(session: Session, command: DecideDispute, order: Order, assignment: Assignment) -> Money:
    """What is taken to have arrived; as ordered, where nothing is said. Raises Invalid, AmountBelowFee."""
    if command.amount is None and command.outcome == "complete" and order.amount_received is None:
        return assignment.to_pay(order)
    if command.amount is None:
        raise Invalid(fields=[FieldError("/amount", "missing", "Field required")])
    amount = typed_amounts.amount("amount", command.amount, order.currency)
    if command.outcome == "complete" and not amount:
        raise Invalid(fields=[FieldError("/amount", "invalid_amount", "Nothing arrived? Then cancel the order.")])
    if command.outcome == "correct" and amount == order.amount_received:
        raise Invalid(fields=[FieldError("/amount", "same_amount", "This is what it was settled by.")])
    if order.direction == Direction.PAYOUT and command.outcome == "complete" and amount > order.amount_to_pay:
        raise Invalid(fields=[FieldError("/amount", "over", "More than was ordered is not held for this payout.")])
    outcome(session, order, assignment, amount)  # refused now rather than later
    return amount


def _found(session: Session, order: Order, assignment: Assignment, approval: Approval) -> Outcome:
    return outcome(session, order, assignment, Money.parse(approval.after["amount"], order.currency))


def _more(found: Outcome, order: Order, assignment: Assignment) -> Money:
    """What the collateral lacks."""
    lacks = found.settlement.minor - assignment.settlement_minor if rules_of(order).needs_collateral else 0
    return Money(max(0, lacks), found.settlement.currency)


def _topup_draft(order: Order, assignment: Assignment, more: Money, approval: Approval) -> Draft:
    facts = ledger.HoldFacts(assignment_id=assignment.id, trader_id=assignment.trader_id, amount=more, live=order.live)
    return ledger.entries.payin_topup(facts, approval.id)


def _standing(order: Order, assignment: Assignment, dispute: Dispute | None) -> dict[str, Any]:
    """What must still be so when it is decided."""
    received = order.amount_received
    return {"status": str(order.status), "assignment": assignment.public_id,
            "received": received.text if received is not None else None,
            "dispute": dispute.public_id if dispute is not None else None}


def _moves(session: Session, approval: Approval) -> str:
    """The postings, and what claims take of them, in a few characters."""
    posted = drafts(session, approval)
    posted += ledger.claims.foreseen(session, posted)
    return crypto.sha256(repr([(draft.kind, [(line.debit.key, line.credit.key, line.amount.text)
                                             for line in draft.lines]) for draft in posted])).hex()[:16]


def _by(approval: Approval) -> dict[str, object]:
    return {"approval": approval.public_id, "asked_by": approval.asked_name}


def _told(order: Order, approval: Approval) -> str:
    """As the sides are told: on less or more than was ordered it is adjusted."""
    if approval.after["outcome"] == "complete" and order.exactness != "exact":
        return "adjust"
    return str(approval.after["outcome"])


approvals.register(KIND, apply=apply, title="Decision of a dispute", drafts=drafts, subject=subject, stale=stale)
