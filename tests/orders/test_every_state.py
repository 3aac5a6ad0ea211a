"""Every state that is written down is reached, and left or final, by commands that people and the clock really give.

Each story of `stories` says which steps it shows and what became of what stands beside its order: an exact list. What
the tables of steps and the database know beyond all lists together is a state without a story, and fails.
"""
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import select, text

from portal.approvals import Approval
from portal.disputes.models import Dispute
from portal.orders.directions import RULES
from portal.orders.models import Assignment, Order, OrderEvent
from portal.orders.states import ENDED, AssignmentState, Direction, Status
from tests import factories as f
from tests.orders import stories as s

PAYIN, PAYOUT = Direction.PAYIN, Direction.PAYOUT
BOTH = (PAYIN, PAYOUT)


@dataclass(frozen=True)
class Story:
    """`steps` of the order, `beside` it: an assignment's, a dispute's, an approval's `from > to`."""

    tell: Callable[[f.Cast, Direction], Iterator[Order]]
    directions: tuple[Direction, ...]
    steps: str
    beside: str = ""
    alone: bool = False  # it needs a desk without any other's rules


STORIES = (
    Story(s.settled_and_corrected, (PAYIN,),
          "assigned mark_paid paid, completed correct completed, confirmed settle completed, new match assigned, "
          "paid confirm confirmed",
          "approval none > pending, approval pending > approved, assignment chosen > ended, assignment none > open, "
          "assignment open > chosen"),
    Story(s.settled_and_corrected, (PAYOUT,),
          "assigned accept assigned, assigned mark_paid paid, completed correct completed, "
          "confirmed settle completed, new match assigned, paid confirm confirmed",
          "approval none > pending, approval pending > approved, assignment chosen > ended, assignment none > open, "
          "assignment open > chosen"),
    Story(s.confirmed_where_its_payer_had_it_exchanged, (PAYIN,),
          "assigned confirm confirmed, assigned replace assigned, new match assigned",
          "assignment lingering > chosen, assignment none > open, assignment open > ended, "
          "assignment open > lingering"),
    Story(s.exchanged_and_ended, (PAYIN,),
          "assigned cancel cancelled, assigned replace assigned, new match assigned",
          "assignment lingering > ended, assignment none > open, assignment open > ended, "
          "assignment open > lingering"),
    Story(s.the_second_gives_it_back, (PAYIN,),
          "assigned confirm confirmed, assigned decline new, assigned replace assigned, new match assigned, "
          "new reopen assigned",
          "assignment lingering > chosen, assignment none > open, assignment open > ended, "
          "assignment open > lingering"),
    Story(s.the_second_gives_it_back_and_nobody_is_found, (PAYIN,),
          "assigned confirm confirmed, assigned decline new, assigned replace assigned, new match assigned, "
          "new retry retrying, retrying reopen assigned",
          "assignment lingering > chosen, assignment none > open, assignment open > ended, "
          "assignment open > lingering"),
    Story(s.confirmed_before_it_was_claimed, (PAYIN,),
          "assigned confirm confirmed, new match assigned",
          "assignment none > open, assignment open > chosen"),
    Story(s.found_at_the_third_look, BOTH,
          "assigned cancel cancelled, new retry retrying, retrying match assigned, retrying retry retrying",
          "assignment none > open, assignment open > ended"),
    Story(s.never_found, BOTH,
          "new retry retrying, retrying fail failed"),
    Story(s.looked_at_too_late, BOTH,
          "new fail failed"),
    Story(s.cancelled_unseen, BOTH,
          "new cancel cancelled"),
    Story(s.cancelled_while_nobody_was_found, BOTH,
          "new retry retrying, retrying cancel cancelled"),
    Story(s.cancelled_while_its_payer_could_pay, (PAYIN,),
          "assigned cancel cancelled, assigned confirm confirmed, cancelled reopen assigned, new match assigned",
          "assignment none > chosen, assignment none > open, assignment open > ended"),
    Story(s.given_back, (PAYIN,),
          "assigned decline new, new match assigned",
          "assignment none > open, assignment open > ended"),
    Story(s.given_back, (PAYOUT,),
          "assigned accept assigned, assigned decline new, new match assigned",
          "assignment none > open, assignment open > ended"),
    Story(s.refused_by_rules, BOTH,
          "new refuse failed"),
    Story(s.looked_at_and_released, BOTH,
          "new hold_for_review review, review release new"),
    Story(s.looked_at_and_refused, BOTH,
          "new hold_for_review review, review refuse failed"),
    Story(s.cancelled_in_review, BOTH,
          "new hold_for_review review, review cancel cancelled"),
    Story(s.held_by_a_rule_made_while_it_looked, BOTH,
          "new retry retrying, retrying hold_for_review review", alone=True),
    Story(s.refused_by_a_rule_made_while_it_looked, BOTH,
          "new retry retrying, retrying refuse failed", alone=True),
    Story(s.called_off, (PAYIN,),
          "assigned mark_paid paid, new match assigned, paid call_off cancelled, paid flag paid",
          "approval none > pending, approval pending > approved, approval pending > rejected, "
          "approval pending > withdrawn, assignment none > open, assignment open > ended"),
    Story(s.called_off, (PAYOUT,),
          "assigned accept assigned, assigned mark_paid paid, new match assigned, paid call_off cancelled, "
          "paid flag paid",
          "approval none > pending, approval pending > approved, approval pending > rejected, "
          "approval pending > withdrawn, assignment none > open, assignment open > ended"),
    Story(s.asked_of_nobody, (PAYIN,),
          "assigned mark_paid paid, new match assigned",
          "approval none > pending, approval pending > expired, assignment none > open"),
    Story(s.asked_of_nobody, (PAYOUT,),
          "assigned accept assigned, assigned mark_paid paid, new match assigned",
          "approval none > pending, approval pending > expired, assignment none > open"),
    Story(s.suspected_once_it_was_paid, (PAYIN,),
          "assigned mark_paid paid, new match assigned, paid suspect paid",
          "assignment none > open"),
    Story(s.suspected_once_it_was_paid, (PAYOUT,),
          "assigned accept assigned, assigned mark_paid paid, new match assigned, paid suspect paid",
          "assignment none > open"),
    Story(s.let_pass, (PAYIN,),
          "assigned confirm confirmed, assigned expire expired, expired reopen assigned, new match assigned",
          "assignment none > chosen, assignment none > open, assignment open > ended"),
    Story(s.let_pass_by_two_traders, (PAYOUT,),
          "assigned expire expired, assigned reassign new, new match assigned",
          "assignment none > open, assignment open > ended"),
    Story(s.cancelled_before_it_was_accepted, (PAYOUT,),
          "assigned cancel cancelled, new match assigned",
          "assignment none > open, assignment open > ended"),
    Story(s.objected_to_before_it_was_paid, (PAYIN,),
          "assigned dispute disputed, disputed concede confirmed, new match assigned",
          "assignment none > open, assignment open > chosen, dispute none > trader, dispute trader > complete"),
    Story(s.its_store_finds_it, (PAYOUT,),
          "assigned accept assigned, assigned mark_paid paid, disputed concede confirmed, new match assigned, "
          "paid dispute disputed",
          "assignment none > open, assignment open > chosen, dispute none > trader, dispute trader > complete"),
    Story(s.its_store_gives_in, (PAYIN,),
          "assigned mark_paid paid, disputed give_up cancelled, new match assigned, paid dispute disputed",
          "assignment none > open, assignment open > ended, dispute none > store, dispute store > cancel"),
    Story(s.its_trader_gives_in, (PAYOUT,),
          "assigned accept assigned, assigned mark_paid paid, disputed give_up cancelled, new match assigned, "
          "paid dispute disputed",
          "assignment none > open, assignment open > ended, dispute none > trader, dispute trader > cancel"),
    Story(s.decided_that_it_counts, (PAYIN,),
          "assigned mark_paid paid, disputed resolve_complete confirmed, new match assigned, paid dispute disputed",
          "approval none > pending, approval pending > approved, assignment none > open, assignment open > chosen, "
          "dispute none > trader, dispute staff > complete, dispute trader > staff"),
    Story(s.decided_that_it_counts, (PAYOUT,),
          "assigned accept assigned, assigned mark_paid paid, disputed resolve_complete confirmed, "
          "new match assigned, paid dispute disputed",
          "approval none > pending, approval pending > approved, assignment none > open, assignment open > chosen, "
          "dispute none > trader, dispute staff > complete, dispute trader > staff"),
    Story(s.decided_that_a_part_counts, (PAYIN,),
          "assigned mark_paid paid, disputed resolve_adjust confirmed, new match assigned, paid dispute disputed",
          "approval none > pending, approval pending > approved, assignment none > open, assignment open > chosen, "
          "dispute none > trader, dispute trader > adjust"),
    Story(s.decided_that_a_part_counts, (PAYOUT,),
          "assigned accept assigned, assigned mark_paid paid, disputed resolve_adjust confirmed, "
          "new match assigned, paid dispute disputed",
          "approval none > pending, approval pending > approved, assignment none > open, assignment open > chosen, "
          "dispute none > trader, dispute trader > adjust"),
    Story(s.decided_that_nothing_counts, (PAYIN,),
          "assigned mark_paid paid, disputed resolve_cancel cancelled, new match assigned, paid dispute disputed",
          "approval none > pending, approval pending > approved, assignment none > open, assignment open > ended, "
          "dispute none > trader, dispute trader > cancel"),
    Story(s.decided_that_nothing_counts, (PAYOUT,),
          "assigned accept assigned, assigned mark_paid paid, disputed resolve_cancel cancelled, "
          "new match assigned, paid dispute disputed",
          "approval none > pending, approval pending > approved, assignment none > open, assignment open > ended, "
          "dispute none > trader, dispute trader > cancel"),
    Story(s.it_was_sent_after_all, (PAYOUT,),
          "assigned accept assigned, assigned mark_paid paid, cancelled reopen disputed, "
          "disputed resolve_cancel cancelled, disputed resolve_complete confirmed, new match assigned, "
          "paid dispute disputed",
          "approval none > pending, approval pending > approved, assignment none > chosen, assignment none > open, "
          "assignment open > ended, dispute none > staff, dispute none > trader, dispute staff > complete, "
          "dispute trader > cancel"),
    Story(s.objected_to_when_it_was_settled, (PAYIN,),
          "assigned mark_paid paid, completed correct completed, confirmed settle completed, new match assigned, "
          "paid confirm confirmed",
          "approval none > pending, approval pending > approved, assignment chosen > ended, "
          "assignment none > chosen, dispute none > store, dispute store > correct, dispute store > stands"),
    Story(s.less_came_and_its_store_takes_it, (PAYIN,),
          "assigned mark_paid paid, disputed accept_amount confirmed, disputed add_transfer disputed, "
          "new match assigned, paid dispute disputed",
          "assignment none > open, assignment open > chosen"),
    Story(s.less_came_and_its_store_does_not_take_it, (PAYIN,),
          "assigned mark_paid paid, disputed refuse_amount disputed, new match assigned, paid dispute disputed",
          "assignment none > open"),
    Story(s.less_came_and_its_store_says_nothing, (PAYIN,),
          "assigned mark_paid paid, disputed flag disputed, new match assigned, paid dispute disputed",
          "assignment none > open"),
)


CASES = [pytest.param(story, direction, id=f"{direction}-{story.tell.__name__}")
         for story in STORIES for direction in story.directions]


@pytest.mark.parametrize(("story", "direction"), CASES)
def test_a_story_shows_what_it_says(request, story: Story, direction: Direction) -> None:
    request.getfixturevalue("fresh_app" if story.alone else "app")
    cast = f.new_cast()
    cast.requisite(payout=True)
    steps, beside = seen(story.tell(cast, direction))
    assert steps == listed(story.steps)
    assert beside == listed(story.beside)


@pytest.mark.parametrize("direction", BOTH)
def test_every_step_of_the_table_has_a_story(direction: Direction) -> None:
    told = set[str]().union(*(listed(story.steps) for story in STORIES if direction in story.directions))
    table = {f"{status} {action} {to}" for (status, action), to in RULES[direction].lifecycle.steps.items()}
    assert told == table


@pytest.mark.parametrize("direction", BOTH)
def test_every_state_of_an_order_is_reached_and_left_or_final(direction: Direction) -> None:
    """By the table itself, whose every step has a story."""
    steps = RULES[direction].lifecycle.steps
    reached, left = {RULES[direction].lifecycle.initial, *steps.values()}, {status for status, _ in steps}
    assert reached == set(Status)
    assert left >= set(Status) - ENDED
    assert Status.FAILED not in left


def test_every_state_beside_an_order_is_reached_and_left_or_final(app) -> None:
    moves = {move for story in STORIES for move in listed(story.beside)}
    reached: dict[str, set[str]] = {}
    left: dict[str, set[str]] = {}
    for kind, before, after in (re.fullmatch(r"(\w+) (\w+) > (\w+)", move).groups() for move in moves):
        left.setdefault(kind, set()).add(before)
        reached.setdefault(kind, set()).add(after)
    final = {"assignment": {"ended"}, "dispute": kept_by("ck_disputes_outcome"),
             "approval": kept_by("ck_approvals_state") - {"pending"}}
    running = {"assignment": kept_by("ck_assignments_state") - {"ended"}, "dispute": kept_by("ck_disputes_waits_for"),
               "approval": {"pending"}}
    assert kept_by("ck_assignments_state") == set(AssignmentState)
    for kind, states in running.items():
        assert left[kind] == states | {"none"}, kind
        assert reached[kind] == states | final[kind], kind


def kept_by(constraint: str) -> set[str]:
    """The words that the database lets stand there."""
    with f.look() as session:
        spelled = session.scalar(text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = :name"),
                                 {"name": constraint})
    return set(re.findall(r"'(\w+)'::text", spelled))


def listed(text: str) -> set[str]:
    return {one.strip() for one in text.split(",") if one.strip()}


def seen(told: Iterator[Order]) -> tuple[set[str], set[str]]:
    """What the order's journal tells when the story is over, and how what stands beside it moved from act to act."""
    moves, stood, order = set[str](), dict[object, str](), None
    for order in told:
        now = beside(order)
        moves |= {f"{key[0]} {stood.get(key, 'none')} > {state}" for key, state in now.items()
                  if stood.get(key) != state}
        stood = now
    assert order is not None
    with f.look() as session:
        events = session.scalars(select(OrderEvent).where(OrderEvent.order_id == order.id, OrderEvent.action.is_not(
            None))).all()
    return {f"{event.from_status} {event.action} {event.to_status}" for event in events}, moves


def beside(order: Order) -> dict[tuple[str, object], str]:
    """By kind and row: its state. A dispute's is whose word is next, and its outcome once it ended."""
    with f.look() as session:
        assignments = session.scalars(select(Assignment).where(Assignment.order_id == order.id))
        disputes = session.scalars(select(Dispute).where(Dispute.order_id == order.id))
        approvals = session.scalars(select(Approval).where(Approval.target_id == str(order.id)))
        return ({("assignment", one.id): one.state for one in assignments}
                | {("dispute", one.id): str(one.outcome or one.waits_for) for one in disputes}
                | {("approval", one.id): one.state for one in approvals})
