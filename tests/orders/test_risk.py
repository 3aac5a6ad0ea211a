"""Orders judged by rules and lists: refused for good, held for a person, called to staff once money is on its way."""
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import func, select

from portal import ledger
from portal.core import clock
from portal.core.access import TEMPLATES
from portal.core.errors import Denied, NotFound, PortalError
from portal.core.lifecycle import InvalidTransition
from portal.ledger import verify
from portal.notices.models import Happening, Notice
from portal.orders import receipts
from portal.orders.models import Order, OrderEvent
from portal.orders.reading import desk_queues
from portal.requisites import robots
from portal.risk import counters, journal
from portal.risk.models import RiskCounter, RiskHit
from tests import factories as f
from tests import people
from tests.orders.test_other_amount import asked, decide
from tests.risk import rulebook as risk

CARD = robots.test_number("luhn16", "a card of tests of risk")


def judged(order: Order) -> Order:
    f.work_off()
    return f.fresh(order)


def hits(order: Order) -> list[RiskHit]:
    with f.look() as session:
        return list(journal.of(session, order.id))


def test_a_denied_order_has_failed_for_good_with_a_code_that_says_no_more(ready):
    risk.rule(ready)
    order = judged(ready.order("1500.00"))
    assert (order.status, order.failure_code, order.next_attempt_at) == ("failed", "refused", None)
    with f.look() as session:
        step = session.scalars(select(OrderEvent).where(OrderEvent.order_id == order.id,
                                                        OrderEvent.action == "refuse")).one()
    assert step.details == {"risk": "deny", "score": 0, "rules": ["amount of a test"]}
    assert "risk" not in str(step.payload)
    assert "amount of a test" not in str(step.payload)
    for act in (f.cancel, f.mark_paid, lambda actor, order: risk.decide(order, "release")):
        with pytest.raises(PortalError):
            act(ready.key, order)
    assert f.work_off() == 0
    assert judged(ready.order("900.00")).status == "assigned"


def test_an_order_that_was_held_while_its_batch_was_judged_is_judged_before_it_is_matched(app, database, url_of, ready):
    """Held as rules were asked and free a moment later, it got a requisite that no rule had been asked about."""
    risk.rule(ready)
    held, other = ready.order("1500.00"), ready.order("1500.00")
    with psycopg.connect(url_of(database, "owner")) as somebody:
        somebody.execute("SELECT FROM orders WHERE id = %s FOR NO KEY UPDATE", [held.id])
        with risk.judged_and_not_picked_yet(app, url_of(database, "owner")):
            somebody.rollback()
    assert f.fresh(other).failure_code == "refused"
    with clock.moved(timedelta(seconds=1)):
        assert judged(held).failure_code == "refused"


def test_a_denied_payout_gives_its_money_back(alone):
    alone.requisite(alone.traders[0], payout=True)
    f.deposit_to(ledger.store_available(alone.store.id, "USDT", True), "100.000000")
    risk.rule(alone, direction="payout")
    made = f.create_payout(alone, "1500.00").order
    assert f.store_held(alone.store) > f.usdt("0.000000")
    assert judged(made).status == "failed"
    assert (f.store_held(alone.store), f.store_available(alone.store)) == (f.usdt("0.000000"), f.usdt("100.000000"))
    with f.look() as session:
        assert verify.run(session).differences == []


def test_review_waits_for_a_person_however_long(ready):
    risk.rule(ready, verdict="review")
    order = judged(ready.order("1500.00"))
    assert order.status == "review"
    with clock.moved(timedelta(days=3)):
        for kind in ("match_order", "expire_order", "flag_unconfirmed"):
            f.work_off(kind)
        assert f.fresh(order).status == "review"
        assert risk.decide(order, "release").status == "new"
        found = judged(order)
    assert found.status == "assigned"
    assert found.match_by > order.match_by + timedelta(days=2)


def test_the_desk_counts_who_waits_in_review_and_since_when(ready):
    def review() -> desk_queues.Waiting:
        with f.look() as session:
            return next(queue for queue in desk_queues.look(session, f.staff("admin")).queues if queue.name == "review")

    before = review()
    risk.rule(ready, verdict="review")
    order = judged(ready.order("1500.00"))
    found = review()
    assert (found.count, found.late) == (before.count + 1, before.late)
    with clock.moved(timedelta(minutes=16)):
        assert review().late == found.count
    risk.decide(order, "refuse")
    assert review().count == before.count


def test_staff_who_may_decide_are_told_of_a_review(ready):
    """Nobody was told: it stood in a queue that somebody had to think of opening."""
    decides, reads = people.person("support_orders"), people.person("support_readonly")
    risk.rule(ready, verdict="review")
    order = judged(ready.order("1500.00"))
    f.work_off("tell_people")
    with f.look() as session:
        told = set(session.scalars(select(Notice.user_id).join(Happening, Happening.id == Notice.happening_id).where(
            Happening.event == "review.waits", Happening.facts["order"].astext == order.public_id)))
    assert decides.actor.id in told
    assert reads.actor.id not in told


def test_a_released_order_is_not_judged_again_before_matching(ready):
    risk.rule(ready, verdict="review")
    order = judged(ready.order("1500.00"))
    risk.decide(order, "release")
    found = judged(order)
    f.decline(f.its_trader(found), found)
    ready.requisite()
    assert judged(order).status == "assigned"
    assert len(hits(order)) == 1


def test_refused_in_review_it_is_final_and_a_second_decision_is_too_late(ready):
    risk.rule(ready, verdict="review")
    order = judged(ready.order("1500.00"))
    done = risk.decide(order, "refuse")
    assert (done.status, done.failure_code) == ("failed", "refused")
    with pytest.raises(InvalidTransition):
        risk.decide(order, "release")


def test_only_staff_with_the_right_decide(ready, stranger):
    risk.rule(ready, verdict="review")
    order = judged(ready.order("1500.00"))
    for actor, refusal in ((f.staff("support_readonly"), Denied), (f.staff("support_traders"), Denied),
                           (ready.owner, Denied), (ready.key, Denied), (stranger.owner, NotFound)):
        with pytest.raises(refusal):
            risk.decide(order, "release", actor)
    assert "risk:decide" in TEMPLATES["support_orders"]


def test_a_store_may_call_off_what_is_in_review_and_the_queue_forgets_it(ready):
    risk.rule(ready, verdict="review")
    order = judged(ready.order("1500.00"))
    f.cancel(ready.key, order)
    with f.look() as session:
        review = journal.review_of(session, order.id)
    assert (review.decision, review.decided_name) == ("ended", "key")


def test_sixteen_at_once_by_two_workers_let_through_as_many_as_the_rule_says(app, ready):
    risk.rule(ready, "velocity_count", by="customer", window_s=3600, most=3)
    orders = [ready.order(f"{1000 + n}.00", customer={"id": "c-1"}) for n in range(16)]
    f.at_the_same_time(app, [f.work_off, f.work_off])
    f.work_off()
    found = [f.fresh(one) for one in orders]
    assert [one.status for one in found] == ["assigned"] * 3 + ["failed"] * 13


def test_each_order_sees_those_before_it_and_none_after(ready):
    risk.rule(ready, "velocity_amount", by="ip", window_s=900, currency="RUB", amount="2500")
    orders = [ready.order("1000.00", customer={"ip": "203.0.113.77"}) for _ in range(3)]
    ready.requisite()
    ready.requisite()
    f.work_off()
    assert [f.fresh(one).status for one in orders] == ["assigned", "assigned", "failed"]
    with clock.moved(timedelta(seconds=1000)):  # the window has passed
        assert judged(ready.order("1000.00", customer={"ip": "203.0.113.77"})).status == "assigned"


def test_neighbours_are_counted_by_network(ready):
    risk.rule(ready, "velocity_count", by="network", window_s=900, most=1)
    assert judged(ready.order("1000.00", customer={"ip": "198.51.100.7"})).status == "assigned"
    assert judged(ready.order("1001.00", customer={"ip": "198.51.100.200"})).status == "failed"
    assert judged(ready.order("1002.00", customer={"ip": "198.51.101.7"})).status == "assigned"
    assert judged(ready.order("1003.00", customer={"ip": "2001:db8:1:2::1"})).status == "assigned"
    assert judged(ready.order("1004.00", customer={"ip": "2001:db8:1:2:ffff::9"})).status == "failed"


def test_a_shadow_is_noted_and_decides_nothing(ready):
    made = risk.rule(ready, mode="shadow")
    order = judged(ready.order("1500.00"))
    assert order.status == "assigned"
    [hit] = hits(order)
    assert (hit.source_id, hit.shadow, hit.verdict) == (made.id, True, "deny")
    with f.look() as session:
        assert journal.lately(session, [made.id])[made.id] == journal.Lately(fired=1, shadow=1, day=1)


def test_an_allow_entry_wins_over_velocity_and_not_over_a_deny_entry(ready):
    risk.rule(ready, "velocity_count", by="customer", window_s=3600, most=0)
    risk.entry(ready, "customer", "regular", verdict="allow")
    assert judged(ready.order("1000.00", customer={"id": "regular"})).status == "assigned"
    assert judged(ready.order("1001.00", customer={"id": "other"})).status == "failed"
    risk.entry(ready, "holder", "Ivan  PETROV")
    order = judged(ready.order("1002.00", customer={"id": "regular", "name": "ivan petrov"}))
    assert (order.status, order.failure_code) == ("failed", "refused")


@pytest.mark.parametrize(("kind", "value", "customer"), [
    ("customer", "c-9", {"id": "c-9"}), ("customer", "bob  7", {"id": "bob  7"}),
    ("network", "203.0.113.0/28", {"ip": "203.0.113.9"}),
    ("network", "2001:db8:9::/48", {"ip": "2001:db8:9:1::7"}), ("holder", "Анна Ёлкина", {"name": "анна  елкина"})])
def test_whoever_stands_on_the_deny_list_is_refused_until_it_ends(ready, kind, value, customer):
    risk.entry(ready, kind, value, days=2)
    assert judged(ready.order("1000.00", customer=customer)).status == "failed"
    assert judged(ready.order("1001.00", customer={"id": "somebody else"})).status == "assigned"
    with clock.moved(timedelta(days=2, seconds=1)):
        assert judged(ready.order("1002.00", customer=customer)).status == "assigned"


def test_a_destination_is_known_in_any_spelling(ready):
    ready.requisite(ready.traders[0], payout=True)
    risk.entry(ready, "destination", " ".join(CARD[n:n + 4] for n in range(0, 16, 4)))
    f.deposit_to(ledger.store_available(ready.store.id, "USDT", True), "100.000000")
    denied = f.create_payout(ready, destination={"method": ready.method, "number": CARD}).order
    other = f.create_payout(ready).order
    f.work_off()
    assert (f.fresh(denied).status, f.fresh(other).status) == ("failed", "assigned")


def test_a_payout_to_a_traders_own_card_is_stopped(ready):
    own = ready.requisite(ready.traders[0], payout=True, number=CARD)
    assert own
    f.deposit_to(ledger.store_available(ready.store.id, "USDT", True), "100.000000")
    risk.rule(ready, "destination_is_requisite", verdict="review")
    order = f.create_payout(ready, destination={"method": ready.method, "number": CARD}).order
    assert judged(order).status == "review"


def test_first_orders_and_a_bad_past_are_judged_by_what_came_before(ready):
    risk.rule(ready, "first_orders", completed_min=1, currency="RUB", amount="2000")
    risk.rule(ready, "expired_share", by="customer", orders_min=2, share_percent=50, verdict="review")
    who = {"customer": {"id": "c-7"}}
    assert judged(ready.order("2500.00", **who)).status == "failed"
    f.completed_payin(ready, "1500.00", **who)
    assert judged(ready.order("2500.00", **who)).status == "assigned"
    for amount in ("1601.00", "1602.00"):
        f.expire(f.assigned_payin(ready, amount, **who))
    assert judged(ready.order("1700.00", **who)).status == "review"


def test_a_deny_at_the_claim_calls_staff_and_the_money_waits(alone):
    order = f.assigned_payin(alone, customer={"id": "c-1"})
    risk.entry(alone, "customer", "c-1")
    paid = f.fresh(f.mark_paid(alone.customer(order), order))
    assert (paid.status, paid.waits_for) == ("paid", "staff")
    assert paid.needs_attention_at is not None
    held = f.trader_held(alone.traders[0])
    stopped = f.fresh(f.confirm(f.its_trader(paid), paid))
    assert (stopped.status, stopped.waits_for, stopped.exactness) == ("disputed", "staff", "exact")
    assert f.trader_held(alone.traders[0]) == held
    decide(asked(stopped, "complete", "1500.00"))
    f.work_off("settle_order")
    assert f.fresh(order).status == "completed"
    with f.look() as session:
        assert verify.run(session).differences == []


@pytest.mark.parametrize(("told", "seen", "differs"), [
    ("203.0.113.7", "203.0.113.99", False), ("203.0.113.7", "198.51.100.7", True),
    ("203.0.113.7", "::ffff:203.0.113.8", False), ("2001:db8:1:2::7", "2001:db8:1:2:ffff::1", False),
    ("2001:db8:1:2::7", "2001:db8:1:3::7", True), ("203.0.113.7", "2001:db8::7", False),
    ("203.0.113.7", None, False), (None, "203.0.113.7", False)])
def test_who_says_that_he_paid_sits_where_the_store_said(ready, told, seen, differs):
    risk.rule(ready, "network_mismatch", verdict="review")
    order = f.assigned_payin(ready, customer={"id": "c-1", "ip": told})
    paid = f.fresh(f.mark_paid(replace(ready.customer(order), address=seen), order))
    assert (paid.status, paid.waits_for) == ("paid", "staff" if differs else None)
    assert [(hit.kind, hit.moment, hit.what) for hit in hits(order)] == (
        [("network_mismatch", "claim", {})] if differs else []), "networks are not kept with what fired"


def test_what_a_stores_server_says_is_no_payers_network(ready):
    risk.rule(ready, "network_mismatch", verdict="review")
    order = f.assigned_payin(ready, customer={"ip": "203.0.113.7"})
    assert f.fresh(f.mark_paid(replace(ready.key, address="198.51.100.7"), order)).waits_for is None


def test_classes_of_customers_have_limits_of_their_own_by_what_they_completed(ready):
    risk.rule(ready, "first_orders", completed_min=1, currency="RUB", amount="1000")
    risk.rule(ready, "first_orders", completed_min=2, currency="RUB", amount="2000", verdict="review")
    who = {"customer": {"id": "c-8"}}
    assert judged(ready.order("1001.00", **who)).status == "failed"
    f.completed_payin(ready, "900.00", **who)
    assert judged(ready.order("1999.00", **who)).status == "assigned"
    assert judged(ready.order("2001.00", **who)).status == "review"
    f.completed_payin(ready, "901.00", **who)
    assert judged(ready.order("2002.00", **who)).status == "assigned"


def test_a_class_that_staff_set_is_judged_instead_of_what_was_completed(ready):
    """Decision 0238: at least so many completed orders, or new whatever was completed; the tighter of two holds."""
    risk.rule(ready, "first_orders", completed_min=1, currency="RUB", amount="1000")
    risk.rule(ready, "first_orders", completed_min=5, currency="RUB", amount="2000", verdict="review")
    who = {"customer": {"id": "c-9"}}
    assert judged(ready.order("1001.00", **who)).status == "failed"
    raised = risk.entry(ready, "customer", "c-9", verdict="class", completed=1)
    assert judged(ready.order("1002.00", **who)).status == "assigned"
    assert judged(ready.order("1003.00", customer={"id": "c-10"})).status == "failed", "another customer"
    assert judged(ready.order("2003.00", **who)).status == "review"
    risk.entry(ready, "customer", "c-9", verdict="class", completed=5)
    assert judged(ready.order("2004.00", **who)).status == "assigned", "the higher of two"
    lowered = risk.entry(ready, "customer", "c-9", verdict="class", completed=0, days=1)
    stopped = judged(ready.order("1004.00", **who))
    assert stopped.status == "failed"
    assert hits(stopped)[0].what["class"] == 0
    f.completed_payin(ready, "900.00", **who)
    assert judged(ready.order("1005.00", **who)).status == "failed", "new whatever was completed"
    with f.act() as session:
        session.get_one(type(lowered), lowered.id).expires_at = clock.now() - timedelta(minutes=1)
    assert judged(ready.order("1006.00", **who)).status == "assigned", "by the rules again, and the classes before"
    assert f.fresh(raised).holds


def test_staff_confirm_in_spite_of_it(ready):
    order = f.paid_payin(ready, customer={"id": "c-1"})
    risk.entry(ready, "customer", "c-1")
    assert f.fresh(f.confirm(f.staff("support_orders"), order)).status == "confirmed"


def test_what_was_released_is_not_stopped_again_by_the_same_entry(ready):
    """A person has let it pass: only what is new since then calls staff."""
    risk.rule(ready, "destination_is_requisite", verdict="review")
    risk.rule(ready, "amount", verdict="review")
    order = judged(ready.order("1500.00", customer={"id": "c-1"}))
    risk.decide(order, "release")
    found = judged(order)
    f.mark_paid(ready.customer(order), found)
    assert f.fresh(f.confirm(f.its_trader(found), found)).status == "confirmed"


def test_a_receipt_seen_before_keeps_a_payout_from_being_agreed_by_itself(ready):
    ready.requisite(ready.traders[0], payout=True)
    f.change(ready.store, payout_confirm="at_once")
    risk.rule(ready, "receipt_seen", verdict="review")
    picture = f.picture()
    first, second = f.accepted_payout(ready, "1500.00"), f.accepted_payout(ready, "1501.00")
    for order in (first, second):
        f.pay(f.its_trader(order), order, receipts=[f.upload(f.its_trader(order), picture).public_id])
    assert f.fresh(first).status == "confirmed"
    held = f.fresh(second)
    assert (held.status, held.waits_for) == ("paid", "staff")
    with clock.moved(timedelta(days=3)):
        f.work_off("confirm_payout")
    assert f.fresh(second).status == "paid"
    assert f.fresh(f.agree(ready.key, second)).status == "paid"
    assert f.fresh(f.agree(f.staff("support_orders"), second)).status == "confirmed"


def test_a_payers_receipt_seen_before_waits_for_a_person(ready):
    """The rule looked at the receipts of payouts alone."""
    risk.rule(ready, "receipt_seen", verdict="review")
    picture = f.picture()
    first, second = f.assigned_payin(ready, "1500.00"), f.assigned_payin(ready, "1501.00")
    for order in (first, second):
        payer = ready.customer(order)
        shown = tuple(f.upload(payer, picture).public_id for _ in range(2))  # twice on one order is no matter
        with f.act() as session:
            receipts.add(session, payer, receipts.AddReceipts(order_id=order.public_id, files=shown))
        f.mark_paid(payer, order)
    assert (f.fresh(first).waits_for, f.fresh(second).waits_for) == (None, "staff")


def test_claims_on_one_requisite_are_counted(ready):
    risk.rule(ready, "velocity_count", by="requisite", window_s=3600, most=1, verdict="review")
    first, second = f.paid_payin(ready, "1500.00"), f.paid_payin(ready, "1501.00")
    assert (first.waits_for, second.waits_for) == (None, "staff")


def test_test_orders_are_nobodys_risk(ready):
    risk.rule(ready)
    order = f.create_payin(ready, "1500.00", actor=ready.test_key).order
    assert judged(order).status != "failed"
    assert hits(order) == []


def test_counters_end_by_themselves(ready):
    risk.rule(ready, "velocity_count", by="store", window_s=900, most=1000)
    judged(ready.order())
    with f.look() as session:
        before = session.scalar(select(func.count()).select_from(RiskCounter))
    assert before
    with clock.moved(timedelta(hours=2)), f.act() as session:
        counters.sweep(session)
    with f.look() as session:
        left = session.scalar(select(func.count()).select_from(RiskCounter)
                              .where(RiskCounter.until < clock.now() + timedelta(hours=2)))
    assert left == 0
