"""What rules matching is set from pages: by one person where it tightens, by two where it is money or an account."""
import pytest
from flask import Flask

from portal.core import ids
from portal.parties.models import Holder, Store, Trader, User
from portal.requisites import holders
from tests import factories, people
from tests.web.admin.parties.test_acts import acts_on, decide, waiting, whole


@pytest.fixture
def admin(app: Flask) -> people.Seat:
    return people.seat(app, people.person("super_admin"))


@pytest.fixture
def second(app: Flask) -> people.Seat:
    return people.seat(app, people.person("super_admin"))


def trader_form(**other: str) -> dict[str, str]:
    return {"tier": "1", "open_orders_max": "50", "payin": "yes", "payout": "yes", "reason": "Agreed", **other}


def test_tier_and_directions_hold_at_once_more_open_orders_wait(
        app: Flask, admin: people.Seat, second: people.Seat) -> None:
    cast = factories.new_cast()
    trader = cast.trader(open_orders_max=50)
    path = f"/admin/traders/{trader.public_id}"
    form = trader_form(tier="3", open_orders_max="80")
    del form["payout"]
    assert admin.send(f"{path}/setup", form).status_code == 303
    now = factories.fresh(trader)
    assert (now.tier, now.payin, now.payout, now.open_orders_max) == (3, True, False, 50)
    assert admin.send(f"{path}/setup", form).status_code == 409, "one such request at a time"
    assert "80" in whole(second, f"/admin/approvals/{waiting(trader.id, 'trader_limit')}")
    assert decide(admin, waiting(trader.id, "trader_limit")) == 403
    assert decide(second, waiting(trader.id, "trader_limit")) == 303
    assert factories.fresh(trader).open_orders_max == 80
    assert admin.send(f"{path}/setup", trader_form(open_orders_max="5")).status_code == 303
    assert factories.fresh(trader).open_orders_max == 5, "fewer need nobody else"
    assert acts_on(trader.id).count("trader.set_up") == 3
    assert "Set what matching asks of a trader" in whole(admin, path)


def test_matching_follows_the_tier_and_the_switch_of_a_trader(app: Flask, admin: people.Seat) -> None:
    cast = factories.new_cast()
    first, other = cast.trader(), cast.trader()
    for one in (first, other):
        cast.requisite(one)
    admin.send(f"/admin/traders/{first.public_id}/setup", trader_form(tier="2"))
    factories.work_off("rebuild_lanes")
    assert factories.assignment_of(factories.assigned_payin(cast)).trader_id == other.id, "tier 1 is served first"
    form = trader_form()
    del form["payin"]
    admin.send(f"/admin/traders/{other.public_id}/setup", form)
    factories.work_off("rebuild_lanes")
    assert factories.assignment_of(factories.assigned_payin(cast, "1700.00")).trader_id == first.id


def test_a_form_that_showed_other_figures_is_refused(app: Flask, admin: people.Seat) -> None:
    trader = factories.new_cast().trader()
    answer = admin.send(f"/admin/traders/{trader.public_id}/setup", trader_form(tier="4", seen="0" * 16))
    assert answer.status_code == 409
    assert factories.fresh(trader).tier == 1


def test_a_robot_is_not_set_up(app: Flask, admin: people.Seat) -> None:
    with factories.look() as session:
        robot = session.query(Trader).filter(Trader.robot).first()
    if robot is not None:
        assert admin.send(f"/admin/traders/{robot.public_id}/setup", trader_form(tier="4")).status_code == 404


def test_limits_of_a_person_tighter_at_once_wider_by_two(app: Flask, admin: people.Seat, second: people.Seat) -> None:
    cast = factories.new_cast()
    requisite = cast.requisite(cast.trader())
    holder = ids.public("hld", requisite.holder_id)
    path = f"/admin/holders/{holder}"
    form = {"currency": "RUB", "day_max": "9000.00", "day_count_max": "5", "reason": "A new card"}
    assert admin.send(f"{path}/limits", form).status_code == 303
    assert limits_of(requisite.holder_id) == ("RUB", 900_000, 5, None), "where there was none, any limit is tighter"
    assert admin.send(f"{path}/limits", form | {"day_max": "9000.01"}).status_code == 303
    assert limits_of(requisite.holder_id)[1] == 900_000
    assert decide(second, waiting(requisite.holder_id, "holder_limits")) == 303
    assert limits_of(requisite.holder_id)[1] == 900_001
    assert admin.send(f"{path}/limits", {"reason": "No limit any more"}).status_code == 303
    told = whole(second, f"/admin/approvals/{waiting(requisite.holder_id, 'holder_limits')}")
    assert "9 000.01 ₽" in told.replace("\N{NO-BREAK SPACE}", " "), "what they were, in their own currency"
    assert decide(second, waiting(requisite.holder_id, "holder_limits"), "reject", reason="No") == 303
    for wrong in ({"currency": ""}, {"day_max": "-1"}, {"currency": "USDT"}, {"reason": ""}, {"day_count_max": "0"}):
        assert admin.send(f"{path}/limits", form | wrong).status_code == 422, wrong
    assert holder in whole(admin, path)
    assert path in whole(admin, f"/admin/requisites/{requisite.public_id}")
    assert "holder.limits_set" in acts_on(requisite.holder_id)


def test_limits_set_in_the_middle_of_a_day_count_what_the_day_has_taken(app: Flask, admin: people.Seat) -> None:
    """Orders before a person's first limit were counted for nobody: given back, the counter fell below nothing."""
    cast = factories.new_cast()
    requisite = cast.requisite(cast.trader())
    kept = factories.assigned_payin(cast, "3000.00")
    leaving = factories.assigned_payin(cast, "2000.00")
    factories.cancel(cast.key, factories.assigned_payin(cast, "1000.00"))
    path = f"/admin/holders/{ids.public('hld', requisite.holder_id)}"
    assert admin.send(f"{path}/limits", {"currency": "RUB", "day_max": "6000.00", "reason": "x"}).status_code == 303
    assert used_of(requisite.holder_id) == (500_000, 2, 500_000)
    waits = cast.order("1500.00")
    factories.work_off()
    assert factories.fresh(waits).status == "retrying", "5,000 of 6,000 are taken"
    factories.cancel(cast.key, leaving)
    assert used_of(requisite.holder_id) == (300_000, 1, 300_000)
    assert factories.fresh(kept).status == "assigned"


def test_rewards_above_the_fee_are_allowed_by_two_and_forbidden_by_one(
        app: Flask, admin: people.Seat, second: people.Seat) -> None:
    cast = factories.new_cast()
    path = f"/admin/stores/{cast.store.public_id}"
    assert admin.send(f"{path}/reward-above-fee", {"on": "yes", "reason": "A launch"}).status_code == 303
    assert not factories.fresh(cast.store).reward_may_exceed_fee
    assert admin.send(f"{path}/reward-above-fee", {"on": "yes", "reason": "A launch"}).status_code == 409
    whole(admin, path)
    assert decide(second, waiting(cast.store.id, "reward_above_fee")) == 303
    assert factories.fresh(cast.store).reward_may_exceed_fee
    assert "Allowed or forbade rewards above the fee" in whole(admin, path)
    assert admin.send(f"{path}/reward-above-fee", {"on": "no", "reason": "Over"}).status_code == 303
    assert not factories.fresh(cast.store).reward_may_exceed_fee


def test_the_colour_of_a_store_is_changed_after_it_was_made(app: Flask, admin: people.Seat) -> None:
    cast = factories.new_cast()
    form = {"name": "Shop", "match_for_s": "180", "pay_for_s": "900", "grace_s": "900", "confirm_for_s": "1800",
            "late_for_s": "86400"}
    path = f"/admin/stores/{cast.store.public_id}/setup"
    assert admin.send(path, form | {"brand_color": "#0F766E"}).status_code == 303
    assert factories.fresh(cast.store).brand_color == "#0f766e"
    assert admin.send(path, form | {"brand_color": "red"}).status_code == 422
    assert isinstance(factories.fresh(cast.store), Store)


def test_what_becomes_of_less_is_set_by_the_form_and_read_by_the_merchant(app: Flask, admin: people.Seat) -> None:
    cast = factories.new_cast()
    owner = people.seat(app, people.person("merchant_owner", merchant_id=cast.merchant.id))
    form = {"name": "Shop", "match_for_s": "180", "pay_for_s": "900", "grace_s": "900", "confirm_for_s": "1800",
            "late_for_s": "86400"}
    path = f"/admin/stores/{cast.store.public_id}"
    for policy, words in (("accept", "Settle what arrived"), ("return", "Support has it given back"),
                          ("ask", "Ask the store")):
        assert admin.send(f"{path}/setup", form | {"under_policy": policy}).status_code == 303
        assert factories.fresh(cast.store).under_policy == policy
        assert f'<option value="{policy}" selected' in admin.get(path).text
        assert f"Less arrived than was ordered: <b>{words}</b>" in owner.get("/merchant/balance").text
    assert admin.send(f"{path}/setup", form | {"under_policy": "keep"}).status_code == 422
    assert factories.fresh(cast.store).under_policy == "ask"


def test_a_name_holds_at_once_another_address_is_for_two(app: Flask, admin: people.Seat, second: people.Seat) -> None:
    """Who sets the address somebody signs in with has the account as soon as a password can be asked by mail."""
    somebody = people.person("support_orders")
    theirs = people.seat(app, somebody)
    user_id = somebody.id
    path = f"/admin/users/{ids.public('usr', user_id)}"
    other = f"new-{user_id.hex[-12:]}@example.test"
    assert admin.send(f"{path}/person", {"name": "Nina", "email": other, "reason": "Married"}).status_code == 303
    assert person(user_id) == ("Nina", somebody.email)
    asked = waiting(user_id, "user_email")
    assert decide(admin, asked) == 403
    assert theirs.get("/admin/").status_code == 200
    assert decide(second, asked) == 303
    assert person(user_id) == ("Nina", other)
    assert theirs.get("/admin/").status_code == 303, "they sign in anew, with the new address"
    assert {"user.named", "user.email_set"} <= set(acts_on(user_id))
    whole(admin, path)


def test_an_address_that_is_taken_or_of_somebody_greater_is_refused(
        app: Flask, admin: people.Seat, second: people.Seat) -> None:
    somebody, another = people.person("support_orders"), people.person("merchant_viewer")
    path = f"/admin/users/{ids.public('usr', somebody.id)}/person"
    form = {"name": "Nina", "email": another.email, "reason": "x"}
    assert admin.send(path, form).status_code == 422
    assert admin.send(path, form | {"email": "no address"}).status_code == 422
    lesser = people.person("admin")
    own = ids.public("usr", lesser.id)
    assert people.seat(app, lesser).send(f"/admin/users/{own}/person", form).status_code == 403


def limits_of(holder_id: object) -> tuple[object, ...]:
    with factories.look() as session:
        return tuple(getattr(session.get_one(Holder, holder_id), name) for name in holders.NAMES)


def used_of(holder_id: object) -> tuple[int, int, int]:
    with factories.look() as session:
        row = session.get_one(Holder, holder_id)
        return row.day_used_minor, row.day_count, row.month_used_minor


def person(user_id: object) -> tuple[str, str]:
    with factories.look() as session:
        user = session.get_one(User, user_id)
        return user.name, user.email
