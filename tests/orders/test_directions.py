"""What a direction decides, read off its table: what is held and freed, and that every order gives back all it took."""
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.ids import new_id
from portal.core.money import Money
from portal.ledger import HoldFacts, SettleFacts
from portal.orders import attention_cases
from portal.orders.directions import RULES, drafted, rules_of
from portal.orders.row import OrderRow
from portal.orders.states import Direction, Status

AMOUNTS = st.integers(1, 10**12).flatmap(lambda a: st.tuples(st.just(a), st.integers(0, a), st.integers(0, a)))
both = pytest.mark.parametrize("direction", Direction)


def taken_in(direction: Direction, amount: int, fee: int) -> OrderRow:
    return OrderRow(id=new_id(), store_id=new_id(), direction=direction, live=True, settlement_currency="USDT",
                    settlement_minor=amount, fee_minor=fee)


def sums(drafts: list) -> dict[tuple[str, str], int]:
    """What each kind of account has gained, in minor units."""
    got: dict[tuple[str, str], int] = {}
    for draft in drafts:
        for line in draft.lines:
            for account, sign in ((line.debit, -1), (line.credit, 1)):
                key = account.owner_kind, account.purpose
                got[key] = got.get(key, 0) + sign * line.amount.minor
    return {key: gained for key, gained in got.items() if gained}


def held(order: OrderRow) -> HoldFacts:
    return HoldFacts(assignment_id=new_id(), trader_id=new_id(), live=True,
                     amount=Money(order.settlement_minor, "USDT"))


@both
@given(parts=AMOUNTS)
def test_settled_nothing_stays_held_and_the_parts_add_up(direction, parts):
    amount, fee, reward = parts
    order, rules = taken_in(direction, amount, fee), RULES[direction]
    hold = held(order)
    settle = rules.on_settle(SettleFacts(
        order_id=order.id, assignment_id=hold.assignment_id, trader_id=hold.trader_id, store_id=order.store_id,
        amount=hold.amount, fee=Money(fee, "USDT"), reward=Money(reward, "USDT"), live=True))
    got = sums(drafted(rules.on_create(order), rules.on_match(hold), settle))
    expected = {("store", "available"): rules.flow * amount - fee,
                ("trader", "available"): reward - rules.flow * amount, ("platform", "fees"): fee - reward}
    assert got == {key: gained for key, gained in expected.items() if gained}
    assert settle.kind == rules.settle_kind


@both
@given(parts=AMOUNTS)
def test_what_ends_without_money_gives_everything_back_however_often_it_was_assigned(direction, parts):
    amount, fee, _ = parts
    order, rules = taken_in(direction, amount, fee), RULES[direction]
    first, second = held(order), held(order)
    drafts = drafted(rules.on_create(order), rules.on_match(first), rules.on_release(first), rules.on_match(second),
                     rules.on_release(second), rules.on_end(order))
    assert sums(drafts) == {}
    assert len({(draft.kind, draft.reference) for draft in drafts}) == len(drafts)


@both
def test_each_direction_is_known_by_its_prefix_and_its_kind(direction):
    assert rules_of(taken_in(direction, 1, 0)).direction == direction
    assert taken_in(direction, 1, 0).public_id.startswith({"payin": "pin_", "payout": "pout_"}[direction])


@both
def test_no_step_leads_from_a_dispute_back_to_work(direction):
    """So what is decided takes the call to a frozen requisite off the desk whatever was decided."""
    after = {target for (source, _), target in RULES[direction].lifecycle.steps.items() if source == Status.DISPUTED}
    assert after & attention_cases.LASTS[attention_cases.FROZEN] <= {Status.DISPUTED}
    assert {Status.CONFIRMED, Status.CANCELLED} <= after
