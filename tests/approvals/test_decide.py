"""Four eyes: one asks, another decides, once; what is stale is refused; the database wants two people too."""
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from portal import approvals
from portal.approvals import AlreadyDecided, DecideApproval, OwnApproval, StaleApproval, kinds
from portal.core.access import SYSTEM, TEMPLATES, Actor, ActorKind, Role
from portal.core.audit import AuditRow
from portal.core.errors import Denied, NotFound
from portal.core.ids import new_id, public
from tests.ledger.world import at_the_same_time

applied: list[object] = []


def staff(template: str = "admin") -> Actor:
    return Actor(kind=ActorKind.USER, id=new_id(), role=Role.ADMIN, name=f"{template}@desk.test",
                 permissions=TEMPLATES[template])


@pytest.fixture(autouse=True)
def kind(monkeypatch):
    """A kind whose effect is to be seen, and which is stale when asked for something stale."""
    monkeypatch.setattr(kinds, "_kinds", {})
    applied.clear()

    def apply(session, actor, approval):
        if approval.after.get("stale"):
            raise StaleApproval(now="changed")
        applied.append(("applied", actor.id, approval.target_id))

    def reject(session, actor, approval):
        applied.append(("rejected", actor.id, approval.target_id))

    approvals.register("limit_change", apply=apply, reject=reject, title="Limit change")


def ask(books, actor, **after):
    with books.transaction() as session:
        return approvals.ask(session, actor, kind="limit_change", target_kind="trader", target_id=new_id(),
                             before={"max": 1}, after={"max": 2} | after, reason="grew")


def decide(books, actor, approval, decision="approve"):
    with books.transaction() as session:
        return approvals.decide(session, actor, DecideApproval(approval_id=approval.public_id, decision=decision,
                                                               reason="seen"))


def test_another_person_approves_and_it_happens(books):
    asker, other = staff(), staff()
    approval = ask(books, asker)
    decided = decide(books, other, approval)
    assert applied == [("applied", other.id, approval.target_id)]
    assert (decided.state, decided.decided_by, decided.asked_by) == ("approved", other.id, asker.id)
    assert decided.title == "Limit change"
    with books.transaction() as session:
        rows = session.query(AuditRow).filter_by(target_id=approval.target_id).order_by(AuditRow.id).all()
    assert [(row.action, row.actor_id) for row in rows] == [
        ("limit_change.asked", asker.id), ("limit_change.approved", other.id)]
    assert rows[1].before == {"max": 1}
    assert rows[1].after == {"max": 2}


def test_a_rejected_change_never_happens(books):
    approval = ask(books, staff())
    other = staff()
    assert decide(books, other, approval, "reject").state == "rejected"
    assert applied == [("rejected", other.id, approval.target_id)]


def test_nobody_decides_their_own(books):
    asker = staff("super_admin")
    approval = ask(books, asker)
    for decision in ("approve", "reject"):
        with pytest.raises(OwnApproval):
            decide(books, asker, approval, decision)
    assert applied == []


def test_the_database_wants_two_people_too(books):
    asker = staff()
    approval = ask(books, asker)
    with pytest.raises(IntegrityError, match="four_eyes"), books.transaction() as session:
        session.execute(text("UPDATE approvals SET state = 'approved', decided_by = asked_by, decided_at = created_at"
                             " WHERE id = :id"), {"id": approval.id})


@pytest.mark.parametrize("change", [
    "UPDATE approvals SET after = '{}' WHERE id = :id", "UPDATE approvals SET asked_by = NULL WHERE id = :id",
    "DELETE FROM approvals WHERE id = :id"])
def test_what_was_asked_for_never_changes(books, change):
    approval = ask(books, staff())
    with pytest.raises(DBAPIError), books.transaction() as session:
        session.execute(text(change), {"id": approval.id})


def test_a_decision_is_final_in_the_database(books):
    approval = ask(books, staff())
    decide(books, staff(), approval, "reject")
    with pytest.raises(DBAPIError, match="decided once"), books.transaction() as session:
        session.execute(text("UPDATE approvals SET state = 'approved' WHERE id = :id"), {"id": approval.id})


def test_decided_twice_is_refused(books):
    approval = ask(books, staff())
    decide(books, staff(), approval)
    with pytest.raises(AlreadyDecided):
        decide(books, staff(), approval, "reject")
    assert len(applied) == 1


def test_sixteen_deciding_at_once_decide_once(books):
    approval = ask(books, staff())

    def act(number: int) -> str:
        try:
            return decide(books, staff(), approval, "approve" if number % 2 else "reject").state
        except AlreadyDecided:
            return "already"

    outcomes = at_the_same_time(16, act)
    assert outcomes.count("already") == 15
    assert len(applied) == 1


def test_what_is_stale_is_refused_and_can_only_be_rejected(books):
    approval = ask(books, staff(), stale=True)
    with pytest.raises(StaleApproval):
        decide(books, staff(), approval)
    assert decide(books, staff(), approval, "reject").state == "rejected"


def test_only_a_person_with_the_permission_decides(books):
    approval = ask(books, staff())
    for actor in (staff("support_readonly"), SYSTEM, Actor(kind=ActorKind.KEY, id=new_id())):
        with pytest.raises(Denied):
            decide(books, actor, approval)
    assert applied == []


def test_there_is_no_such_approval(books):
    for shown in (public("apr", new_id()), "apr_nonsense", public("pin", new_id())):
        with pytest.raises(NotFound), books.transaction() as session:
            approvals.decide(session, staff(), DecideApproval(approval_id=shown, decision="approve"))


def test_staff_see_all_and_others_what_they_asked_for(books):
    trader = Actor(kind=ActorKind.USER, id=new_id(), role=Role.TRADER, permissions=TEMPLATES["trader"])
    mine, other = ask(books, trader), ask(books, staff())
    with books.transaction() as session:
        assert [row.id for row in approvals.page(session, trader, state="pending").rows] == [mine.id]
        seen = [row.id for row in approvals.page(session, staff(), state="pending").rows]
        assert seen.index(other.id) < seen.index(mine.id)
        assert approvals.pending_count(session, trader) == 1
