"""The verdict as a table: the worst wins, an allow entry beats velocity and never a deny, a shadow decides nothing."""
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.risk.facts import WORST, By, Counted, Entry, Facts, History, Moment, Verdict, Window
from portal.risk.judging import REVIEW_SCORE, Rule, judge
from portal.risk.kinds import KINDS

STORE = uuid4()
HOUR = Window(By.CUSTOMER, 3600)
VERDICTS = st.sampled_from(list(Verdict))


def facts(**more) -> Facts:
    return Facts(**{"moment": Moment.INTAKE, "direction": "payin", "store_id": STORE, "currency": "RUB",
                    "amount_minor": 150_000} | more)


def rule(kind: str, verdict: str = "deny", *, score: int = 0, shadow: bool = False, direction: str | None = None,
         store=None, **terms) -> Rule:
    return Rule(uuid4(), kind, kind, Verdict(verdict), score, shadow, direction, store, terms)


velocity = st.builds(lambda most, verdict, shadow, score: rule(
    "velocity_count", verdict, by="customer", window_s=3600, most=most, shadow=shadow, score=score),
    st.integers(0, 5), VERDICTS, st.booleans(), st.integers(0, 100))
threshold = st.builds(lambda most, verdict, shadow, score: rule(
    "amount", verdict, currency="RUB", amount_minor=most, shadow=shadow, score=score),
    st.integers(0, 300_000), VERDICTS, st.booleans(), st.integers(0, 100))
entries = st.lists(st.builds(lambda verdict: Entry(uuid4(), verdict, "customer", "c"),
                             st.sampled_from([Verdict.ALLOW, Verdict.DENY])), max_size=3)


@given(st.lists(velocity | threshold, max_size=6), entries, st.integers(1, 7), st.integers(1, 400_000))
def test_the_worst_of_what_counts_wins(rules, listed, count, amount):
    """Written anew from the sentence of the specification, rule by rule, and compared."""
    judged = judge(rules, facts(amount_minor=amount, counted={HOUR: Counted(count, {"RUB": amount})},
                                entries=tuple(listed)))
    allowed = any(one.verdict is Verdict.ALLOW for one in listed)
    says, points = [one.verdict for one in listed], 0
    for one in rules:
        fires = count > one.terms["most"] if one.kind == "velocity_count" else amount > one.terms["amount_minor"]
        if fires and not one.shadow and not (allowed and one.kind == "velocity_count"):
            says.append(one.verdict)
            points += one.score
    worst = max(says, key=WORST.__getitem__, default=Verdict.ALLOW)
    if points >= REVIEW_SCORE and worst is Verdict.ALLOW:
        worst = Verdict.REVIEW
    assert (judged.verdict, judged.score) == (worst, points)
    if any(one.verdict is Verdict.DENY for one in listed):
        assert judged.verdict is Verdict.DENY


EACH = [
    (rule("velocity_count", by="ip", window_s=900, most=2), facts(counted={Window(By.IP, 900): Counted(2)}),
     facts(counted={Window(By.IP, 900): Counted(3)})),
    (rule("velocity_amount", by="store", window_s=86400, currency="RUB", amount_minor=500),
     facts(counted={Window(By.STORE, 86400): Counted(9, {"RUB": 500, "USD": 900})}),
     facts(counted={Window(By.STORE, 86400): Counted(1, {"RUB": 501})})),
    (rule("amount", currency="USD", amount_minor=100), facts(), facts(currency="USD", amount_minor=101)),
    (rule("first_orders", completed_min=2, currency="RUB", amount_minor=100_000),
     facts(history={By.CUSTOMER: History(5, completed=2)}), facts(history={By.CUSTOMER: History(5, completed=1)})),
    (rule("first_orders", completed_min=1, currency="RUB", amount_minor=100_000), facts(amount_minor=100_000), facts()),
    (rule("expired_share", by="customer", orders_min=4, share_percent=50),
     facts(history={By.CUSTOMER: History(4, expired=2)}), facts(history={By.CUSTOMER: History(4, expired=3)})),
    (rule("expired_share", by="ip", orders_min=4, share_percent=0), facts(history={By.IP: History(3, expired=3)}),
     facts(history={By.IP: History(4, expired=1)})),
    (rule("receipt_seen"), facts(moment=Moment.CLAIM), facts(moment=Moment.CLAIM, receipts_seen=1)),
    (rule("network_mismatch"), facts(moment=Moment.CLAIM), facts(moment=Moment.CLAIM, network_differs=True)),
    (rule("destination_is_requisite"), facts(), facts(destination_is_requisite=True)),
    (rule("destination_shared", most=1), facts(destination_customers=1), facts(destination_customers=2)),
]


@pytest.mark.parametrize(("asked", "quiet", "loud"), EACH)
def test_each_kind_fires_above_its_terms_and_not_at_them(asked, quiet, loud):
    assert judge([asked], quiet).verdict is Verdict.ALLOW
    assert judge([asked], loud).verdict is Verdict.DENY


def test_every_kind_is_in_the_table_above():
    shown = {asked.kind for asked, _, _ in EACH}
    assert shown == set(KINDS)


def test_a_rule_of_another_store_direction_or_moment_says_nothing():
    other = [rule("amount", currency="RUB", amount_minor=1, store=uuid4()),
             rule("amount", currency="RUB", amount_minor=1, direction="payout")]
    assert judge(other, facts()).fired == ()
    velocity = rule("velocity_count", by="customer", window_s=3600, most=0)
    counted = {HOUR: Counted(9)}
    assert judge([velocity], facts(counted=counted)).fired
    assert judge([velocity], facts(counted=counted, moment=Moment.CONFIRM)).fired == ()


def test_a_requisite_is_counted_when_money_is_said_to_be_sent():
    asked, window = rule("velocity_count", by="requisite", window_s=3600, most=1), Window(By.REQUISITE, 3600)
    assert judge([asked], facts(counted={window: Counted(2)})).fired == ()
    assert judge([asked], facts(counted={window: Counted(2)}, moment=Moment.CLAIM)).fired


def test_what_a_person_has_let_pass_is_not_held_up_again():
    on_list = Entry(uuid4(), Verdict.DENY, "customer", "c")
    held = facts(moment=Moment.CONFIRM, entries=(on_list,))
    assert judge([], held).verdict is Verdict.DENY
    assert judge([], held, pardoned={on_list.id}).verdict is Verdict.ALLOW
