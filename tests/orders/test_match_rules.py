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
DAYS, SWITCH = st.sampled_from([None, -31, -1, 0, 1]), st.sampled_from([True, True, True, False])  # days from today
USED, COUNTED = st.sampled_from([0, 1, 500_00, AMOUNT]), st.sampled_from([0, 1, 2])
MOST, MOST_COUNTED = (st.sampled_from([None, None, AMOUNT, AMOUNT + 1, 2 * AMOUNT, AMOUNT - 1]),
                      st.sampled_from([None, None, 1, 2, 3]))
WINDOWS = {"day_on": DAYS, "day_used_minor": USED, "day_count": COUNTED, "month_on": DAYS, "month_used_minor": USED,
           "day_max_minor": MOST, "day_count_max": MOST_COUNTED, "month_max_minor": MOST}
REQUISITE = st.fixed_dictionaries(WINDOWS | {
    "status": st.sampled_from(["active"] * 6 + ["paused", "blocked"]), "robot": st.sampled_from([False, False, True]),
    "payin": SWITCH, "payout": SWITCH, "max_minor": st.sampled_from([AMOUNT, LARGEST]),
    "open_orders": COUNTED, "open_orders_max": st.sampled_from([2, 3]),
    "cool_until": st.sampled_from([None, -1, 0, 1])})  # minutes from now
TRADER = st.fixed_dictionaries({"status": st.sampled_from(["active"] * 6 + ["suspended"]), "on_shift": SWITCH,
                                "payin": SWITCH, "payout": SWITCH, "open_orders": COUNTED,
                                "open_orders_max": st.sampled_from([2, 3])})
HOLDER = st.fixed_dictionaries(WINDOWS | {"currency": st.sampled_from([None, "RUB", "KZT"])})
# about others than the requisite: what is agreed with its trader, what he has, what lies on the amount, who asks
AROUND = st.fixed_dictionaries({
    "reward": st.sampled_from(["any", "any", "method", "other", "none"]),
    "short_by": st.sampled_from([None, None, 0, 1]), "resting": st.sampled_from([None, None, "open", "kept", "over"])})
ASKED = st.fixed_dictionaries({"bank": st.sampled_from([None, None, "alfa", "sber"]),
                               "above": st.sampled_from([0, 0, 1]),
                               "too_dear": st.sampled_from([False, False, True]),
                               "declined": st.sampled_from([False, False, True])})
PLAIN: dict[str, Any] = {"bank": None, "above": 0, "too_dear": False, "declined": False}


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
    if asked["declined"]:
        session.execute(text("UPDATE assignments SET order_id = :order, trader_id = :trader, state = 'ended',"
                             " end_reason = 'declined' WHERE id = :a"),
                        {"order": order.id, "trader": trader.id, "a": other.id})


@settings(max_examples=400)
@given(requisite=REQUISITE, trader=TRADER, holder=HOLDER, around=AROUND, asked=st.one_of(st.just(PLAIN), ASKED),
       direction=st.sampled_from(["payin", "payin", "payout"]))
def test_all_three_agree(worker_app, desk, requisite, trader, holder, around, asked, direction):
    _, its_trader, card, orders, _ = desk
    with worker_app.app_context():
        session = db.session()
        try:
            set_row(session, "requisites", card.id, requisite)
            set_row(session, "traders", its_trader.id, trader)
            set_row(session, "holders", card.holder_id, holder)
            session.execute(text("UPDATE traders SET on_shift = false WHERE id <> :id"), {"id": its_trader.id})
            arrange(session, desk, direction, around, asked)
            at, day, order = clock.now(), clock.today(), orders[direction].id
            needed = session.scalar(text("SELECT settlement_minor FROM orders WHERE id = :id"), {"id": order})
            hindered = dict(session.execute(text(
                "SELECT direction, rules FROM requisite_hindrances(ARRAY[:id]::uuid[], ARRAY[:needed]::bigint[],"
                " :at, :day)"), {"id": card.id, "needed": needed, "at": at, "day": day}).all())
            funnel = session.scalar(text("SELECT matching_funnel(:id, :at, :day)"), {"id": order, "at": at, "day": day})
            picked = session.execute(text("SELECT requisite_id FROM pick_requisites(ARRAY[:id]::uuid[],"
                                          " ARRAY[:new]::uuid[], :at, :day)"),
                                     {"id": order, "new": new_id(), "at": at, "day": day}).scalars().all()
        finally:
            session.rollback()
            db.session.remove()
    takes = picked == [card.id]
    assert (funnel[STAGES[-2]] == 1) == takes, (funnel, picked)
    if asked == PLAIN:
        told = hindered.get(direction, ["direction_off"])
        elsewhere_too = requisite["max_minor"] > AMOUNT and direction == "payin" and not requisite["robot"] and around[
            "resting"] in ("open", "kept")  # a range of amounts: another one than the smallest is free
        assert takes == (told == [] and not elsewhere_too), (told, funnel)


def test_a_rule_of_one_direction_names_it(app):
    """Without collateral payins stay away and payouts come."""
    cast = f.new_cast()
    card = cast.requisite(cast.trader(deposit="0.100000"), payout=True)
    with f.look() as session:
        trader, found = session.get_one(Trader, cast.traders[0].id), session.get_one(Requisite, card.id)
        [told] = hindrances.hindrances(session, trader, [found])[card.id]
    assert (told.because, told.direction) == ("collateral", "payin")
    assert told.needed is not None
