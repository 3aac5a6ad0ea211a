"""What a proof finds stands until a later one does not find it; while it stands no money leaves and payins go on."""
from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest

from portal import ledger
from portal.core import clock
from portal.core.access import TEMPLATES
from portal.core.audit import AuditRow
from portal.core.db import reader, transaction
from portal.core.errors import Denied, NotFound
from portal.ledger import findings, proofs, verify
from portal.ledger.findings import Finding, FindingSettled, LookAtFinding
from portal.ledger.stops import MoneyOutStopped
from tests import factories as f
from tests.risk import rulebook as risk
from tests.treasury import acts

CHECK = "every balance is the sum of its postings"


@pytest.fixture
def bend(fresh_app, fresh_database, url_of) -> Callable[[int], None]:
    """The owner of the database adds to what the desk's fees say, past every trigger."""
    def do(minor: int) -> None:
        with psycopg.connect(url_of(fresh_database, "owner")) as owner:
            owner.execute("ALTER TABLE balances DISABLE TRIGGER USER")
            assert owner.execute("UPDATE balances SET credits_minor = credits_minor + %s WHERE account_id ="
                                 " (SELECT max(id) FROM accounts WHERE owner_kind = 'world')", [minor]).rowcount == 1
            owner.execute("ALTER TABLE balances ENABLE TRIGGER USER")
    return do


@pytest.fixture
def cast(fresh_app):
    made = f.new_cast()
    made.requisite(made.trader(), payout=True)
    f.deposit_to(ledger.store_available(made.store.id, "USDT", True), "1000.000000")
    return made


def prove() -> list[str]:
    """A whole proof, kept; what stands after it."""
    session = reader()
    session.rollback()
    began_at, report = clock.now(), verify.run(session)
    with transaction() as session:
        proofs.keep(session, report, began_at=began_at, ended_at=clock.now(), by="test")
    with f.look() as session:
        return [finding.check_name for finding in findings.standing(session)]


def one() -> Finding:
    with f.look() as session:
        (found,) = [each for each in findings.standing(session) if each.check_name == CHECK]
        return found


def test_a_finding_stops_money_out_until_a_proof_finds_it_no_more(cast, bend):
    waiting = f.create_payout(cast, "100.00").order
    offered = f.assigned_payout(cast, "300.00")
    assert prove() == []
    bend(5)
    assert CHECK in prove()

    with pytest.raises(MoneyOutStopped):
        f.create_payout(cast, "200.00")
    with pytest.raises(MoneyOutStopped):
        f.accept(f.its_trader(offered), offered)
    with pytest.raises(MoneyOutStopped):
        acts.ask(cast.owner, cast)
    assert f.completed_payin(cast, "1500.00").status == "completed"

    bend(-5)
    assert prove() == []
    f.create_payout(cast, "200.00")
    f.accept(f.its_trader(offered), offered)
    assert waiting.id


def test_a_retry_has_its_first_answer_while_money_is_stopped(cast, bend):
    asked = {"idempotency_key": "once", "external_id": "po-once", "destination": {
        "method": cast.method, "number": "4242424242424242", "holder": "I PETROV"}}
    first = f.create_payout(cast, "100.00", **asked)
    bend(5)
    prove()
    again = f.create_payout(cast, "100.00", **asked)
    assert (again.replayed, again.answer) == (True, first.answer)
    with pytest.raises(MoneyOutStopped):
        f.create_payout(cast, "100.00")


def test_what_waits_for_the_books_is_judged_by_no_rule_meanwhile(cast, bend):
    payout, payin = f.create_payout(cast, "1500.00").order, cast.order("1500.00")
    bend(5)
    prove()
    for direction in ("payout", "payin"):
        risk.rule(cast, direction=direction)
    f.work_off()
    assert (f.fresh(payout).status, f.fresh(payout).tries) == ("new", 0)
    assert f.fresh(payin).failure_code == "refused", "money that comes in is nobody's risk here"

    bend(-5)
    prove()
    with clock.moved(timedelta(seconds=31)):
        f.work_off()
        assert f.fresh(payout).failure_code == "refused"


def test_what_was_kept_back_as_rules_were_asked_is_not_matched_unjudged(fresh_app, fresh_database, url_of, cast, bend):
    """The books are right again between the two: it got a requisite that no rule had been asked about."""
    payout, payin = f.create_payout(cast, "1500.00").order, cast.order("1500.00")
    bend(5)
    prove()
    for direction in ("payout", "payin"):
        risk.rule(cast, direction=direction)
    owner = url_of(fresh_database, "owner")
    with risk.judged_and_not_picked_yet(fresh_app, owner), psycopg.connect(owner) as proof:
        proof.execute("UPDATE findings SET settled_at = now(), settled_in = found_in WHERE settled_at IS NULL")
    assert f.fresh(payin).failure_code == "refused"
    with clock.moved(timedelta(seconds=31)):
        f.work_off()
        assert f.fresh(payout).failure_code == "refused"


def test_payouts_taken_in_before_wait_and_lose_nothing(cast, bend):
    payout = f.create_payout(cast, "100.00").order
    bend(5)
    prove()
    f.work_off()
    assert f.fresh(payout).status == "new"
    with clock.moved(timedelta(hours=2)):  # past its window: that it waited is no fault of its own
        f.work_off()
        assert f.fresh(payout).status == "new"
    assert f.store_held(cast.store) > f.usdt("0.000000")
    bend(-5)
    prove()
    with clock.moved(timedelta(hours=2, minutes=1)):
        f.work_off()
    assert f.fresh(payout).status == "assigned"


def test_test_money_stops_for_nobody(cast, bend):
    f.deposit_to(ledger.store_available(cast.store.id, "USDT", False), "1000.000000")
    bend(5)
    prove()
    assert f.create_payout(cast, "100.00", actor=cast.test_key).order.status == "new"


def test_found_again_it_is_the_same_finding_with_todays_words(cast, bend):
    bend(5)
    prove()
    first = one()
    bend(5)
    prove()
    again = one()
    assert (again.id, again.found_at, again.subject) == (first.id, first.found_at, first.subject)
    assert again.difference != first.difference
    assert again.found_again_at > first.found_again_at
    assert again.subject.startswith("account ")


def test_somebody_looks_at_it_and_it_goes_on_standing(cast, bend):
    bend(5)
    prove()
    finding = one()
    with f.act() as session:
        findings.look_at(session, f.staff("admin"), LookAtFinding(finding_id=finding.id, reason="Ours: a drill"))
    assert one().looked_reason == "Ours: a drill"
    with f.look() as session:
        assert ledger.stops.money_out_stopped(session)
        row = session.query(AuditRow).filter_by(action="finding.looked_at").one()
        assert (row.reason, row.after["subject"]) == ("Ours: a drill", finding.subject)
    bend(-5)
    assert prove() == []
    with pytest.raises(FindingSettled), f.act() as session:
        findings.look_at(session, f.staff("admin"), LookAtFinding(finding_id=finding.id, reason="Late"))


def test_only_staff_who_read_the_ledger_look_at_findings(cast, bend):
    bend(5)
    prove()
    finding = one()
    without = f.staff("support_orders")
    assert "ledger:read" not in {str(each) for each in TEMPLATES["support_orders"]}
    for actor in (cast.owner, f.as_trader(cast.traders[0]), without):
        with pytest.raises(Denied), f.act() as session:
            findings.look_at(session, actor, LookAtFinding(finding_id=finding.id, reason="Hm"))
    with pytest.raises(NotFound), f.act() as session:
        findings.look_at(session, f.staff("admin"), LookAtFinding(finding_id=10**9, reason="Hm"))


def test_a_difference_alerts(cast, bend, caplog):
    bend(5)
    prove()
    assert [record for record in caplog.records if "ledger_differs" in record.getMessage()]


@pytest.mark.parametrize("statement", [
    "UPDATE findings SET check_name = 'x'", "UPDATE findings SET subject = 'x'", "UPDATE findings SET found_at = now()",
    "DELETE FROM findings", "TRUNCATE findings", "UPDATE ledger_proofs SET differences = '{}'",
    "DELETE FROM ledger_proofs"])
def test_the_application_makes_no_finding_go_away(database, url_of, statement):
    with psycopg.connect(url_of(database, "app")) as app, pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute(statement)
