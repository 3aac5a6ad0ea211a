"""Pick, funnel and "why no orders" give one answer, whatever a requisite, its trader and its holder are like."""
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from portal.core import clock
from portal.core.db import db
from portal.core.ids import new_id
from portal.orders.matching.match import STAGES
from portal.parties.models import Trader
from portal.requisites import hindrances
from portal.requisites.models import Requisite
from tests import factories as f

AMOUNT, LARGEST = 1500_00, 50_000_00
DAYS, COUNTED, OFF = st.sampled_from([-31, -1, 0, 1]), st.sampled_from([0, 1, 2, 3]), st.just(False)  # days from today
SUMS = st.sampled_from([1, 500_00, AMOUNT - 1, AMOUNT, AMOUNT + 1, 2 * AMOUNT])
WINDOWS: dict[str, Any] = {
    "day_on": DAYS, "day_used_minor": SUMS, "day_count": COUNTED, "month_on": DAYS, "month_used_minor": SUMS,
    "day_max_minor": SUMS, "day_count_max": COUNTED, "month_max_minor": SUMS}
# What may differ from a requisite that takes the order, by the table it lies in.
DIFFERENT: dict[str, dict[str, Any]] = {
    "requisites": WINDOWS | {
        "status": st.sampled_from(["paused", "blocked"]), "robot": st.just(True), "payin": OFF, "payout": OFF,
        "max_minor": st.just(AMOUNT), "open_orders": COUNTED, "open_orders_max": st.sampled_from([2, 3]),
        "cool_until": st.sampled_from([-1, 1])},  # minutes from now
    "traders": {"status": st.just("suspended"), "on_shift": OFF, "payin": OFF, "payout": OFF, "open_orders": COUNTED,
                "open_orders_max": st.sampled_from([2, 3])},
    "holders": WINDOWS | {"currency": st.sampled_from([None, "KZT"])},
    # about others: what is agreed with its trader, what he has, what lies on the amount
    "around": {"reward": st.sampled_from(["method", "other", "none"]), "short_by": st.sampled_from([0, 1]),
               "resting": st.sampled_from(["open", "kept", "over"]),
               "paused": st.sampled_from(["now", "later", "over", "ended", "other"])},
    "asked": {"bank": st.sampled_from(["alfa", "sber"]), "above": st.just(1), "too_dear": st.just(True),
              "declined": st.just(True)}}
LIKE: dict[str, dict[str, Any]] = {
    "requisites": {}, "traders": {}, "holders": {"currency": "RUB"},
    "around": {"reward": "any", "short_by": None, "resting": None, "paused": None},
    "asked": {"bank": None, "above": 0, "too_dear": False, "declined": False}}
ONE = st.one_of([st.tuples(st.just(table), st.just(name), values)
                 for table, facts in DIFFERENT.items() for name, values in facts.items()])
# a limit and what is used of it come together, else few examples are near a limit
PAIRS = st.one_of([st.tuples(st.just(table), values) for table in ("requisites", "holders") for values in (
    st.fixed_dictionaries({"day_on": DAYS, "day_used_minor": SUMS, "day_max_minor": SUMS}),
    st.fixed_dictionaries({"day_on": DAYS, "day_count": COUNTED, "day_count_max": COUNTED}),
    st.fixed_dictionaries({"month_on": DAYS, "month_used_minor": SUMS, "month_max_minor": SUMS}))])


@pytest.fixture(scope="module")
def desk(worker_app):
    """Orders of both directions, a requisite for either on the lanes, and another with an order on it."""
    with worker_app.app_context():
        cast = f.new_cast()
        other = f.assigned_payout(cast, "7000.00")
        trader = cast.trader()
        requisite = cast.requisite(trader, payout=True, min_amount="1500.00")
        orders = {"payin": cast.order("1500.00"), "payout": f.create_payout(cast, "1500.00").order}
        assignment = f.assignment_of(other)
        db.session.remove()
    return cast, trader, requisite, orders, assignment


def set_row(session, table: str, id, facts: dict[str, Any]) -> None:
    if not facts:
        return
    moved = {name: value if value is None or not name.endswith("_on") else clock.today() + timedelta(days=value)
             for name, value in facts.items()}
    moved = {name: value.replace(day=1) if name == "month_on" and value is not None else value
             for name, value in moved.items()}
    if moved.get("cool_until") is not None:
        moved["cool_until"] = clock.now() + timedelta(minutes=moved["cool_until"])
    session.execute(text(f"UPDATE {table} SET {', '.join(f'{name} = :{name}' for name in moved)} WHERE id = :id"),
                    moved | {"id": id})


def arrange(session, desk, direction: str, around: dict[str, Any], asked: dict[str, Any]) -> None:
    cast, trader, requisite, orders, other = desk
    order = orders[direction]
    session.execute(text("UPDATE rewards SET method = CASE :which WHEN 'any' THEN NULL WHEN 'method' THEN :mine"
                         " ELSE 'card' END, retired_at = CASE :which WHEN 'none' THEN now() END"
                         " WHERE trader_id = :trader"),
                    {"which": around["reward"], "mine": cast.method, "trader": trader.id})
    if around["short_by"] is not None:  # what a batch would see: the order takes as much as he has, or one unit more
        session.execute(text(
            "UPDATE orders SET settlement_minor = x.free + :more FROM (SELECT b.credits_minor - b.debits_minor AS free"
            " FROM accounts c JOIN balances b ON b.account_id = c.id WHERE c.owner_id = :trader"
            " AND c.purpose = 'available') x WHERE id = :id"),
            {"more": around["short_by"], "trader": trader.id, "id": order.id})
    if around["resting"] == "open":
        session.execute(text("UPDATE open_places SET requisite_id = :id, amount_minor = :amount"
                             " WHERE assignment_id = :a"), {"id": requisite.id, "amount": AMOUNT, "a": other.id})
    elif around["resting"] is not None:
        until = clock.now() + timedelta(minutes=5 if around["resting"] == "kept" else -5)
        session.execute(text("INSERT INTO kept_amounts (requisite_id, amount_minor, assignment_id, store_id, payer,"
                             " until) VALUES (:id, :amount, :a, :store, '', :until)"),
                        {"id": requisite.id, "amount": AMOUNT, "a": other.id, "store": cast.store.id, "until": until})
    session.execute(text("UPDATE orders SET bank = :bank, amount_to_pay_minor = :amount, fee_minor = CASE WHEN :dear"
                         " THEN 0 ELSE settlement_minor END WHERE id = :id"),
                    {"bank": asked["bank"], "amount": AMOUNT + asked["above"], "dear": asked["too_dear"],
                     "id": order.id})
    if around["paused"] is not None:  # its bank stands still
        now, hours = clock.now(), {"later": (1, 2), "over": (-2, -1)}.get(around["paused"], (-1, 1))
        session.execute(text("INSERT INTO desk_pauses (id, scope, target, target_name, began_at, began_name, reason,"
                             " ends_at, ended_at) VALUES (:id, 'bank', :bank, '', :since, 'x', 'x', :until, :ended)"),
                        {"id": new_id(), "bank": "sber" if around["paused"] == "other" else "alfa",
                         "since": now + timedelta(hours=hours[0]), "until": now + timedelta(hours=hours[1]),
                         "ended": now if around["paused"] == "ended" else None})
    if asked["declined"]:
        session.execute(text("UPDATE assignments SET order_id = :order, trader_id = :trader, state = 'ended',"
                             " end_reason = 'declined' WHERE id = :a"),
                        {"order": order.id, "trader": trader.id, "a": other.id})


def test_all_three_agree(worker_app, desk):
    outcomes = []

    @settings(max_examples=600)
    @given(ones=st.lists(ONE, max_size=3), pairs=st.lists(PAIRS, max_size=2),
           direction=st.sampled_from(["payin", "payin", "payout"]))
    def agree(ones, pairs, direction):
        facts = {table: dict(values) for table, values in LIKE.items()}
        for table, values in pairs:
            facts[table] |= values
        for table, name, value in ones:
            facts[table][name] = value
        with worker_app.app_context():
            outcomes.append(_agree(desk, facts, direction))

    agree()
    assert min(outcomes.count(True), outcomes.count(False)) > 100, "examples of one kind only say nothing"


def _agree(desk, facts: dict[str, dict[str, Any]], direction: str) -> bool:
    """Whether it takes the order, by all three."""
    _, its_trader, card, orders, _ = desk
    session = db.session()
    try:
        for table, id in (("requisites", card.id), ("traders", its_trader.id), ("holders", card.holder_id)):
            set_row(session, table, id, facts[table])
        session.execute(text("UPDATE traders SET on_shift = false WHERE id <> :id"), {"id": its_trader.id})
        arrange(session, desk, direction, facts["around"], facts["asked"])
        order = orders[direction].id
        asked = {"order": order, "card": card.id, "new": new_id(), "at": clock.now(), "day": clock.today(),
                 "needed": session.scalar(text("SELECT settlement_minor FROM orders WHERE id = :id"), {"id": order})}
        hindered = dict(session.execute(text(
            "SELECT direction, rules FROM requisite_hindrances(ARRAY[:card]::uuid[], ARRAY[:needed]::bigint[],"
            " :at, :day)"), asked).all())
        funnel = session.scalar(text("SELECT matching_funnel(:order, :at, :day)"), asked)
        picked = session.execute(text("SELECT requisite_id FROM pick_requisites(ARRAY[:order]::uuid[],"
                                      " ARRAY[:new]::uuid[], :at, :day)"), asked).scalars().all()
    finally:
        session.rollback()
        db.session.remove()
    takes = picked == [card.id]
    assert (funnel[STAGES[-2]] == 1) == takes, (funnel, picked)
    if facts["asked"] == LIKE["asked"]:
        told = hindered.get(direction, ["direction_off"])
        free = not told and not another_amount_is_free(facts, direction)
        assert takes == free, (told, funnel)
    return takes


def another_amount_is_free(facts: dict[str, dict[str, Any]], direction: str) -> bool:
    """Its smallest amount lies on it, and it takes a range: no hindrance, though not for this order."""
    return (facts["requisites"].get("max_minor", LARGEST) > AMOUNT and direction == "payin"
            and not facts["requisites"].get("robot") and facts["around"]["resting"] in ("open", "kept"))


def test_a_rule_of_one_direction_names_it(app):
    """Without collateral payins stay away and payouts come."""
    cast = f.new_cast()
    card = cast.requisite(cast.trader(deposit="0.100000"), payout=True)
    with f.look() as session:
        trader, found = session.get_one(Trader, cast.traders[0].id), session.get_one(Requisite, card.id)
        [told] = hindrances.hindrances(session, trader, [found])[card.id]
    assert (told.because, told.direction) == ("collateral", "payin")
    assert told.needed is not None
