"""The table of legal steps: every state, every action, everybody; what is not in it is refused and changes nothing."""
import pytest
from sqlalchemy import func, select

from portal.core.access import SYSTEM
from portal.core.errors import PortalError
from portal.core.lifecycle import InvalidTransition
from portal.orders.directions import RULES
from portal.orders.models import Assignment, OpenPlace, Order, OrderEvent
from portal.orders.reopening import LATE
from portal.orders.states import Action, Direction, Status
from portal.orders.steps import NotYours, Steps
from tests import factories as f

# From the specification, not from the code. "store" is its key and its people in the portal.
LEGAL = {
    ("new", "match"): ("assigned", {"system"}), ("retrying", "match"): ("assigned", {"system"}),
    ("new", "retry"): ("retrying", {"system"}), ("retrying", "retry"): ("retrying", {"system"}),
    ("new", "fail"): ("failed", {"system"}), ("retrying", "fail"): ("failed", {"system"}),
    ("assigned", "decline"): ("new", {"trader"}),
    ("new", "cancel"): ("cancelled", {"store", "customer", "staff"}),
    ("retrying", "cancel"): ("cancelled", {"store", "customer", "staff"}),
    ("review", "cancel"): ("cancelled", {"store", "customer", "staff"}),
    ("assigned", "cancel"): ("cancelled", {"store", "customer", "staff"}),
    ("assigned", "mark_paid"): ("paid", {"customer", "store"}),
    ("assigned", "confirm"): ("confirmed", {"trader", "staff"}),
    ("paid", "confirm"): ("confirmed", {"trader", "staff"}),
    ("assigned", "expire"): ("expired", {"system"}),
    ("paid", "call_off"): ("cancelled", {"staff"}),
    ("expired", "reopen"): ("assigned", {"trader", "staff"}),
    ("cancelled", "reopen"): ("assigned", {"trader", "staff"}),
    # beyond the specification (decision 0149): confirmed on a requisite that its payer exchanged, while it looks on
    ("new", "reopen"): ("assigned", {"trader", "staff"}), ("retrying", "reopen"): ("assigned", {"trader", "staff"}),
    ("assigned", "replace"): ("assigned", {"system"}),
    ("paid", "flag"): ("paid", {"system"}),
    ("confirmed", "settle"): ("completed", {"system"}),
    ("completed", "correct"): ("completed", {"staff"}),
    ("new", "hold_for_review"): ("review", {"system"}), ("retrying", "hold_for_review"): ("review", {"system"}),
    ("new", "refuse"): ("failed", {"system", "staff"}), ("retrying", "refuse"): ("failed", {"system", "staff"}),
    ("review", "release"): ("new", {"staff"}), ("review", "refuse"): ("failed", {"system", "staff"}),
    ("paid", "suspect"): ("paid", {"system"}),
    ("assigned", "dispute"): ("disputed", {"store", "customer", "trader", "staff", "system"}),
    ("paid", "dispute"): ("disputed", {"store", "customer", "trader", "staff", "system"}),
    # beyond the specification (decision 0137): who gives in loses by it alone
    ("disputed", "concede"): ("confirmed", {"trader"}), ("disputed", "give_up"): ("cancelled", {"store"}),
    ("disputed", "accept_amount"): ("confirmed", {"store"}), ("disputed", "refuse_amount"): ("disputed", {"store"}),
    ("disputed", "add_transfer"): ("disputed", {"trader"}),  # beyond the specification (decision 0173)
    ("disputed", "flag"): ("disputed", {"system"}),  # likewise (decision 0215): its store did not answer in time
    ("disputed", "resolve_complete"): ("confirmed", {"staff"}),
    ("disputed", "resolve_adjust"): ("confirmed", {"staff"}), ("disputed", "resolve_cancel"): ("cancelled", {"staff"}),
}
OF_PAYINS = {("assigned", "dispute"), ("disputed", "accept_amount"), ("disputed", "refuse_amount"),
             ("disputed", "add_transfer"), ("disputed", "flag"),
             ("assigned", "confirm"), ("assigned", "replace"), ("expired", "reopen"), ("cancelled", "reopen"),
             ("new", "reopen"), ("retrying", "reopen")}
LEGAL_OF_PAYOUTS = {step: taken for step, taken in LEGAL.items() if step not in OF_PAYINS} | {
    ("new", "cancel"): ("cancelled", {"store", "staff"}), ("retrying", "cancel"): ("cancelled", {"store", "staff"}),
    ("review", "cancel"): ("cancelled", {"store", "staff"}), ("assigned", "cancel"): ("cancelled", {"store", "staff"}),
    ("assigned", "accept"): ("assigned", {"trader"}), ("assigned", "mark_paid"): ("paid", {"trader"}),
    ("paid", "confirm"): ("confirmed", {"store", "staff", "system"}),
    ("assigned", "reassign"): ("new", {"system"}),
    ("paid", "dispute"): ("disputed", {"store", "trader", "staff"}),
    ("disputed", "concede"): ("confirmed", {"store"}), ("disputed", "give_up"): ("cancelled", {"trader"}),
    ("cancelled", "reopen"): ("disputed", {"staff"}),  # beyond the specification (decision 0216): it was sent after all
}
PARTIES = ("system", "store", "customer", "trader", "staff")
ACTS = {"cancel": f.cancel, "mark_paid": f.mark_paid, "decline": f.decline,
        "confirm": lambda actor, order: f.confirm(actor, order, assignment_id=_shown(order))}


@pytest.mark.parametrize(("direction", "legal"), [(Direction.PAYIN, LEGAL), (Direction.PAYOUT, LEGAL_OF_PAYOUTS)])
def test_the_table_in_the_code_is_the_one_of_the_spec(direction, legal):
    rules = RULES[direction]
    steps = {(str(status), str(action)): (str(to), {str(party) for party in rules.who[action]})
             for (status, action), to in rules.lifecycle.steps.items()}
    assert steps == legal


@pytest.mark.parametrize("status", Status)
def test_every_action_of_everybody_in_every_state(ready, status):
    """On the step itself: it is taken or refused as the table says, and a refusal changes nothing."""
    order = f.assigned_payin(ready)
    actors = _everybody(ready, order)
    for action in Action:
        for party in PARTIES:
            expected = LEGAL.get((status, action))
            with f.look() as session:
                row = session.get_one(Order, order.id)
                row.status = status
                session.flush()
                before = _columns(row)
                steps = Steps(session, actors[party])
                if expected is None:
                    with pytest.raises(InvalidTransition):
                        steps.take(row, action)
                elif party not in expected[1]:
                    with pytest.raises(NotYours):
                        steps.take(row, action)
                else:
                    steps.take(row, action)
                    assert (row.status, row.version) == (expected[0], order.version + 1)
                    continue
                assert _columns(row) == before


@pytest.mark.parametrize("status", Status)
def test_what_people_ask_out_of_turn_is_refused_and_nothing_changes(ready, status):
    order = _in_state(ready, status)
    actors = _everybody(ready, order) | {"owner": ready.owner, "other trader": f.as_trader(ready.trader())}
    before = _everything(ready, order)
    for action, act in ACTS.items():
        for name, actor in actors.items():
            party = {"owner": "store", "other trader": "nobody"}.get(name, name)
            if (status, action) in LEGAL and party in LEGAL[status, action][1]:
                continue
            if (action, party) == ("confirm", "trader") and status in LATE:
                continue  # the money came after all: see tests/disputes/test_late.py
            with pytest.raises(PortalError):
                act(actor, order)
            assert _everything(ready, order) == before, (action, name)


def _everybody(cast, order):
    return {"system": SYSTEM, "store": cast.key, "customer": cast.customer(order),
            "trader": f.as_trader(cast.traders[0]), "staff": f.staff("support_orders")}


def _in_state(cast, status):
    """By the way an order comes there; states of later releases are set."""
    match status:
        case Status.NEW:
            return cast.order()
        case Status.RETRYING:
            order = cast.order("60000.00")
            f.work_off()
        case Status.ASSIGNED:
            order = f.assigned_payin(cast)
        case Status.PAID:
            order = f.paid_payin(cast)
        case Status.CONFIRMED:
            order = f.confirmed_payin(cast)
        case Status.COMPLETED:
            order = f.completed_payin(cast)
        case Status.CANCELLED:
            order = f.assigned_payin(cast)
            f.cancel(cast.key, order)
        case Status.EXPIRED:
            order = f.expire(f.assigned_payin(cast))
        case Status.REVIEW | Status.FAILED:
            order = cast.order()
            f.change(order, status=status)
        case Status.DISPUTED:
            order = f.paid_payin(cast)
            f.change(order, status=status)
    found = f.fresh(order)
    assert found.status == status
    return found


def _shown(order) -> str:
    """What a form made for the newest assignment carries."""
    assignments = f.assignments_of(order)
    return assignments[-1].public_id if assignments else "asg_01J00000000000000000000000"


def _columns(row) -> dict:
    return {column.key: getattr(row, column.key) for column in type(row).__mapper__.column_attrs}


def _everything(cast, order) -> tuple:
    with f.look() as session:
        assignments = session.scalars(select(Assignment).where(Assignment.order_id == order.id)
                                      .order_by(Assignment.id)).all()
        rows = [_columns(session.get_one(Order, order.id)), *map(_columns, assignments)]
        counted = [session.scalar(select(func.count()).where(kind.order_id == order.id))
                   for kind in (OrderEvent, OpenPlace)]
    trader = cast.traders[0]
    return rows, counted, f.trader_available(trader), f.trader_held(trader), f.store_available(cast.store)
