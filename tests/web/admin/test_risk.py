"""Risk by pages alone: a rule is written, tried, switched on by one and off by two; lists; the queue of reviews."""
import re

import pytest
from flask import Flask
from sqlalchemy import select

from portal.core.audit import AuditRow
from portal.risk import rule_book, rules
from portal.risk.models import RiskEntry, RiskRule
from tests import factories as f
from tests import people
from tests.risk import rulebook as risk

BLANKS = dict.fromkeys(map(ord, "\u00a0\u202f\u2009"), " ")


@pytest.fixture
def cast(app: Flask) -> f.Cast:
    made = f.new_cast()
    made.requisite()
    return made


@pytest.fixture
def admin(app: Flask) -> people.Seat:
    return people.seat(app, people.person("admin"))


@pytest.fixture
def second(app: Flask) -> people.Seat:
    return people.seat(app, people.person("admin"))


def written(admin: people.Seat, cast: f.Cast, kind: str = "amount", **terms: str) -> str:
    """The address of a rule that the form has made."""
    form = {"kind": kind, "name": "Large ones", "verdict": "deny", "reason": "Fraud last week",
            "store_id": cast.store.public_id} | ({"currency": "RUB", "amount": "1 000,00"} if kind == "amount" else {})
    answer = admin.send("/admin/risk/rules", form | terms)
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def switched(seat: people.Seat, url: str, mode: str) -> int:
    done = seat.send(f"{url}/mode", {"mode": mode, "reason": "Looked at it"}).status_code
    rule_book.forget()
    return int(done)


def status(cast: f.Cast, amount: str, **asked: object) -> str:
    order = cast.order(amount, **asked)
    f.work_off()
    return str(f.fresh(order).status)


def test_the_menu_counts_what_waits_in_review(cast, admin):
    def count() -> int:
        entry = re.search(r'href="/admin/risk/reviews".*?</a>', admin.get("/admin/").text, re.S)
        number = re.search(r">\s*(\d+)\s*<", entry.group())
        return int(number.group(1)) if number else 0

    before = count()
    risk.rule(cast, verdict="review")
    assert status(cast, "1500.00") == "review"
    assert count() == before + 1


def test_a_rule_from_the_form_to_a_refusal_and_off_again_by_two(cast, admin, second):
    url = written(admin, cast)
    assert "More than 1 000.00 ₽" in admin.get(url).text.translate(BLANKS)
    assert status(cast, "1500.00") == "assigned"
    assert switched(admin, url, "shadow") == 303
    assert status(cast, "1501.00") == "assigned"
    assert "Shadow" in admin.get(url).text
    assert switched(admin, url, "on") == 303
    assert status(cast, "1502.00") == "failed"
    assert admin.send(url, {"name": "x", "verdict": "allow", "currency": "RUB", "amount": "1",
                            "reason": "r"}).status_code == 409
    assert switched(admin, url, "off") == 303
    page = admin.get(url).text
    assert "asked to switch it off" in page
    assert status(cast, "1503.00") == "failed"
    asked = re.search(r"/admin/approvals/apr_\w+", page)
    assert asked is not None
    assert admin.send(f"{asked[0]}/decision", {"decision": "approve"}).status_code == 403
    assert second.send(f"{asked[0]}/decision", {"decision": "approve"}).status_code == 303
    rule_book.forget()
    assert status(cast, "1504.00") == "assigned"
    with f.look() as session:
        rule = session.get_one(RiskRule, rules.one(session, url.rsplit("/", 1)[1]).id)
        acts = session.scalars(select(AuditRow.action).where(AuditRow.target_id == str(rule.id))
                               .order_by(AuditRow.id)).all()
    assert acts == ["risk_rule.added", "risk_rule.switched", "risk_rule.switched", "risk_rule.asked",
                    "risk_rule.switched", "risk_rule.approved"]


@pytest.mark.parametrize(("kind", "terms", "field"), [
    ("amount", {"amount": ""}, "amount"), ("amount", {"amount": "12.345"}, "amount"),
    ("velocity_count", {"by": "customer", "window_s": "3600"}, "most"),
    ("velocity_count", {"by": "moon", "window_s": "3600", "most": "1"}, "by"),
    ("expired_share", {"by": "store", "orders_min": "5", "share_percent": "50"}, "by"),
    ("first_orders", {"currency": "RUB", "amount": "5", "completed_min": "51"}, "completed_min")])
def test_what_is_wrong_is_said_at_its_field(cast, admin, kind, terms, field):
    answer = admin.send("/admin/risk/rules", {"kind": kind, "name": "x", "verdict": "deny", "reason": "r",
                                              **({"currency": "RUB"} if kind == "amount" else {})} | terms)
    assert answer.status_code == 422
    assert f'id="field-{field}"' in answer.text


def test_a_rule_is_put_right_by_its_form(cast, admin):
    url = written(admin, cast)
    changed = admin.send(url, {"name": "Larger ones", "verdict": "review", "reason": "Too many", "currency": "RUB",
                               "store_id": cast.store.public_id, "amount": "2 000,00", "direction": "payin"})
    assert changed.status_code == 303, changed.text
    assert "Larger ones" in admin.get(url).text


def test_replayed_it_says_what_would_have_changed(cast, admin):
    f.completed_payin(cast, "1500.00")
    f.completed_payin(cast, "900.00")
    f.expire(f.assigned_payin(cast, "1600.00"))
    url = written(admin, cast)
    assert admin.send(f"{url}/replays", {"days": "7"}).status_code == 303
    assert "Under way" in admin.get(url).text
    f.work_off(rules.REPLAY)
    page = admin.get(url).text.translate(BLANKS)
    facts = dict(re.findall(r"<dt>([^<]+)</dt>\s*<dd>\s*([^<]+?)\s*</dd>", page))
    assert facts["It would have fired on"] == "2"
    assert facts["of them completed since"] == "1"
    assert facts["of them ended without money"] == "1"
    assert facts["they came to"] == "1 500.00 ₽"
    assert status(cast, "1700.00") == "assigned"


def test_velocity_is_replayed_exactly(cast, admin):
    for n in range(5):
        f.assigned_payin(cast, f"150{n}.00", customer={"id": "c-1"})
    url = written(admin, cast, "velocity_count", by="customer", window_s="900", most="2")
    admin.send(f"{url}/replays", {"days": "1"})
    f.work_off(rules.REPLAY)
    with f.look() as session:
        [done] = rules.replays(session, rules.one(session, url.rsplit("/", 1)[1]))
    assert done.found["fired"] == 3


def test_lists_by_the_page(cast, admin, second):
    form = {"verdict": "deny", "kind": "destination", "value": "4276 3800 1234 5675", "reason": "Chargeback"}
    assert admin.send("/admin/risk/lists", form).status_code == 303
    page = admin.get("/admin/risk/lists?q=4276380012345675").text
    assert "•••• 5675" in page
    assert "427638" not in admin.get("/admin/risk/lists").text
    assert admin.send("/admin/risk/lists", form | {"kind": "network", "value": "10.0.0.0/4"}).status_code == 422
    assert admin.send("/admin/risk/lists", form | {"kind": "customer", "value": "c-1"}).status_code == 422
    with f.look() as session:
        entry = session.scalars(select(RiskEntry).where(RiskEntry.shown == "•••• 5675")
                                .order_by(RiskEntry.id.desc())).first()
    assert admin.send(f"/admin/risk/lists/{entry.public_id}/removal", {"reason": "Settled"}).status_code == 303
    assert f.fresh(entry).holds
    [asked] = re.findall(r"/admin/approvals/apr_\w+", second.get("/admin/approvals?kind=risk_entry").text)[:1]
    assert second.send(f"{asked}/decision", {"decision": "approve"}).status_code == 303
    assert not f.fresh(entry).holds


def test_an_allow_entry_that_is_rejected_never_held(cast, admin, second):
    admin.send("/admin/risk/lists", {"verdict": "allow", "kind": "holder", "value": "Petya Regular", "reason": "known"})
    with f.look() as session:
        entry = session.scalars(select(RiskEntry).where(RiskEntry.shown == "Petya Regular")).one()
    assert (entry.waits, entry.holds) == (True, False)
    [asked] = re.findall(r"/admin/approvals/apr_\w+", second.get("/admin/approvals?kind=risk_entry").text)[:1]
    assert second.send(f"{asked}/decision", {"decision": "reject", "reason": "who?"}).status_code == 303
    assert f.fresh(entry).removed_at is not None


def test_a_class_is_set_from_an_order_and_taken_back(app, cast, admin, second):
    """What loosens waits for a second person and goes at once; the class of a new customer the other way round."""
    risk.rule(cast, verdict="review")
    order = cast.order("1500.00", customer={"id": "c-class"})
    f.work_off()
    page, lists = f"/admin/orders/{order.public_id}", "/admin/risk/lists"
    assert "By the rules" in admin.get(page).text
    assert 'value="c-class"' in admin.get(f"{lists}?order={order.public_id}").text
    form = {"verdict": "class", "kind": "customer", "value": "c-class", "store_id": cast.store.public_id,
            "reason": "Known"}
    for wrong, field in (({}, "completed"), ({"completed": "51"}, "completed"),
                         ({"verdict": "deny", "completed": "1"}, "completed"),
                         ({"kind": "holder", "completed": "1"}, "kind")):
        refused = admin.send(lists, form | wrong)
        assert refused.status_code == 422, wrong
        assert re.search(rf'name="{field}"[^>]*aria-invalid="true"', refused.text), wrong
    assert admin.send(lists, form | {"completed": "7", "days": "3"}).status_code == 303
    [raised] = _classes(cast)
    assert (raised.waits, raised.holds, raised.completed) == (True, False, 7)
    shown = admin.get(page).text
    assert "At least 7 completed orders" in shown
    assert "Waits for a second person" in shown
    [asked] = re.findall(r"/admin/approvals/apr_\w+", second.get("/admin/approvals?kind=risk_entry").text)[:1]
    assert "Judged as with completed orders" in second.get(asked).text
    assert second.send(f"{asked}/decision", {"decision": "approve"}).status_code == 303
    for seen in (page, "/admin/risk/reviews"):
        assert "At least 7 completed orders" in admin.get(seen).text, seen
        assert "Waits for a second person" not in admin.get(seen).text, seen
    assert admin.send(f"{lists}/{raised.public_id}/removal", {"reason": "No more"}).status_code == 303
    assert f.fresh(raised).removed_at is not None
    assert admin.send(lists, form | {"completed": "0"}).status_code == 303
    [lowered] = [one for one in _classes(cast) if one.completed == 0]
    assert lowered.holds
    assert "New, whatever was completed" in admin.get(page).text
    assert admin.send(f"{lists}/{lowered.public_id}/removal", {"reason": "Enough"}).status_code == 303
    assert f.fresh(lowered).holds, "that loosens: two"
    support = people.seat(app, people.person("support_orders"))
    assert support.send(lists, form | {"completed": "0"}).status_code == 403
    with f.look() as session:
        written = session.scalars(select(AuditRow.action).where(AuditRow.target_id == str(raised.id))
                                  .order_by(AuditRow.id)).all()
    assert [action.partition(".")[2] for action in written] == ["added", "asked", "let_through", "approved", "removed"]


def _classes(cast: f.Cast) -> list[RiskEntry]:
    with f.look() as session:
        return list(session.scalars(select(RiskEntry).where(RiskEntry.store_id == cast.store.id,
                                                            RiskEntry.verdict == "class").order_by(RiskEntry.id)))


def test_the_queue_of_reviews_mine_and_everybodys(app, cast, admin):
    risk.rule(cast, verdict="review")
    order = cast.order("1500.00", customer={"id": "c-1"})
    f.work_off()
    support = people.seat(app, people.person("support_orders"))
    page = support.get("/admin/risk/reviews").text
    assert order.public_id in page
    assert "amount of a test" in page
    assert order.public_id not in support.get("/admin/risk/reviews?whose=mine").text
    support.send(f"/admin/cases/{order.public_id}", {})
    assert order.public_id in support.get("/admin/risk/reviews?whose=mine").text
    shown = support.get(f"/admin/orders/{order.public_id}").text
    assert "In review" in shown
    assert "amount of a test" in shown
    assert support.send(f"/admin/risk/reviews/{order.public_id}", {"decision": "release"}).status_code == 422
    done = support.send(f"/admin/risk/reviews/{order.public_id}", {"decision": "release", "reason": "A regular"})
    assert done.status_code == 303
    assert support.send(f"/admin/risk/reviews/{order.public_id}", {"decision": "refuse", "reason": "x"}
                        ).status_code == 409
    f.work_off()
    assert f.fresh(order).status == "assigned"
    assert "Released by" in support.get(f"/admin/orders/{order.public_id}").text


def test_nobody_but_staff_reads_what_fired(app, cast):
    risk.rule(cast, verdict="review", amount="1400")
    order = cast.order("1500.00")
    f.work_off()
    risk.decide(order, "release")
    f.work_off()
    merchant = people.seat(app, people.person("merchant_owner", merchant_id=cast.merchant.id))
    trader = people.seat(app, people.person("trader", trader_id=f.assignment_of(order).trader_id))
    for seat, url in ((merchant, f"/merchant/orders/{order.public_id}"), (trader, f"/trader/orders/{order.public_id}")):
        page = seat.get(url)
        assert page.status_code == 200
        assert "amount of a test" not in page.text
        for closed in ("/admin/risk", "/admin/risk/lists", "/admin/risk/reviews"):
            assert seat.get(closed).status_code == 403
