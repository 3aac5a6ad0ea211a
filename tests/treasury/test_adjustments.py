"""Adjustments and reversals: two people, the exact mirror, and a claim where the money is spent."""
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy.exc import DBAPIError

from portal import approvals, ledger
from portal.approvals import OwnApproval, StaleApproval, service
from portal.core import clock
from portal.core.db import give_back, reader
from portal.core.errors import Denied, Invalid, NotFound
from portal.ledger import InsufficientFunds, verify
from portal.ledger.models import JournalEntry
from portal.treasury import adjustments, book_proof, reversals
from portal.treasury.book_models import Adjustment
from portal.treasury.reversals import AlreadyReversed, NotReversible, PartlyClaimed
from tests import factories as f
from tests.treasury import acts, books


@pytest.fixture
def cast(app: Flask) -> f.Cast:
    made = f.new_cast()
    f.deposit_to(ledger.store_available(made.store.id, "USDT", True), "100.000000")
    made.trader(deposit="100.000000")
    return made


def of(cast: f.Cast, kind: str) -> UUID:
    return cast.store.id if kind == "store" else cast.traders[0].id


def has(kind: str, id: UUID) -> str:
    return f.balance(ledger.Account(kind, id, "available", "USDT", True)).text


def row(approval: approvals.Approval) -> Adjustment:
    with f.look() as session:
        return session.query(Adjustment).filter_by(approval_id=approval.id).one()


@pytest.mark.parametrize("kind", ["store", "trader"])
@pytest.mark.parametrize(("direction", "left"), [("credit", "110.000000"), ("debit", "90.000000")])
def test_asked_by_one_approved_by_another(cast: f.Cast, kind: str, direction: str, left: str) -> None:
    owner, before = of(cast, kind), books.suspense()
    approval = books.adjust(kind, owner, direction=direction)
    assert has(kind, owner) == "100.000000"
    assert row(approval).status == "asked"
    books.decide(approval)
    assert has(kind, owner) == left
    assert row(approval).status == "posted"
    assert books.suspense() - before == (-10_000000 if direction == "credit" else 10_000000)


def test_its_author_never_decides_it(cast: f.Cast) -> None:
    author = f.staff("super_admin")
    approval = books.adjust("store", cast.store.id, by=author)
    for decision in ("approve", "reject"):
        with pytest.raises(OwnApproval):
            books.decide(approval, decision, by=author)
    assert has("store", cast.store.id) == "100.000000"


def test_refused_moves_nothing(cast: f.Cast) -> None:
    approval = books.adjust("store", cast.store.id)
    books.decide(approval, "reject")
    assert row(approval).status == "refused"
    assert has("store", cast.store.id) == "100.000000"


@pytest.mark.parametrize("how", ["taken back", "expired"])
def test_what_nobody_decides_has_ended_too(cast: f.Cast, how: str) -> None:
    author = f.staff("admin")
    approval = books.adjust("store", cast.store.id, by=author)
    with clock.moved(timedelta(days=8) if how == "expired" else timedelta()), f.act() as session:
        if how == "expired":
            service.expire(session)
        else:
            service.take_back(session, author, approval.public_id)
    assert row(approval).status == "refused"
    assert has("store", cast.store.id) == "100.000000"


@pytest.mark.parametrize(("code", "direction", "earned"), [("goodwill", "credit", -10_000000),
                                                           ("penalty", "debit", 10_000000)])
def test_at_the_desks_own_cost(cast: f.Cast, code: str, direction: str, earned: int) -> None:
    fees, suspense = books.fees(), books.suspense()
    books.adjusted("store", cast.store.id, code=code, direction=direction)
    assert (books.fees() - fees, books.suspense() - suspense) == (earned, 0)


def test_unplaced_money_is_found_an_owner_or_kept(cast: f.Cast) -> None:
    """It came from outside; most of it is a trader's, the rest nobody claims."""
    outside, fees, suspense = books.outside(), books.fees(), books.suspense()
    books.adjusted("world", amount="30", direction="debit", code="unplaced")
    assert (books.outside() - outside, books.suspense() - suspense) == (-30_000000, 30_000000)
    books.adjusted("trader", cast.traders[0].id, "25", code="found")
    books.adjusted("platform", amount="5", code="written_off")
    assert (books.suspense() - suspense, books.fees() - fees) == (0, 5_000000)
    assert has("trader", cast.traders[0].id) == "125.000000"


@pytest.mark.parametrize(("changed", "field"), [
    ({"code": "written_off"}, "/code"), ({"code": "goodwill", "direction": "debit"}, "/direction"),
    ({"code": "penalty"}, "/direction"), ({"amount": "0"}, "/amount"), ({"amount": "1.0000001"}, "/amount"),
    ({"amount": "-5"}, "/amount"), ({"currency": "BTC"}, "/currency")])
def test_what_cannot_be_asked_for(cast: f.Cast, changed: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        books.adjust("store", cast.store.id, **{"amount": "10"} | changed)
    assert [error.field for error in refused.value.fields] == [field]


@pytest.mark.parametrize("who", ["support_orders", "support_traders", "support_readonly"])
def test_who_may_ask(cast: f.Cast, who: str) -> None:
    for actor in (f.staff(who), cast.owner, f.as_trader(cast.traders[0])):
        with pytest.raises(Denied):
            books.adjust("store", cast.store.id, by=actor)


def test_an_unknown_owner_is_not_found(cast: f.Cast) -> None:
    with pytest.raises(NotFound):
        books.adjust("store", cast.traders[0].id)


def test_what_an_owner_has_spent_is_claimed(cast: f.Cast) -> None:
    """140 are taken of 100: the rest suspense lays out, and new money pays it back first."""
    suspense = books.suspense()
    books.adjusted("store", cast.store.id, "140", direction="debit", code="taken_back")
    assert has("store", cast.store.id) == "0.000000"
    assert books.owed("store", cast.store.id) == "40.000000"
    assert books.suspense() - suspense == 100_000000
    books.adjusted("store", cast.store.id, "55")
    assert has("store", cast.store.id) == "15.000000"
    assert books.owed("store", cast.store.id) == "0.000000"


def test_where_nothing_is_there_it_is_refused_plainly(cast: f.Cast) -> None:
    """Suspense lays out nothing for itself; what the desk would take as its own it can claim whole."""
    books.adjusted("store", cast.store.id, "100", direction="debit")
    approval = books.adjust("store", cast.store.id, direction="debit")
    with pytest.raises(InsufficientFunds):
        books.decide(approval)
    assert row(approval).status == "asked"
    books.adjusted("store", cast.store.id, direction="debit", code="penalty")
    assert books.owed("store", cast.store.id) == "10.000000"


@pytest.mark.parametrize("direction", ["credit", "debit"])
def test_a_reversal_is_the_exact_mirror(cast: f.Cast, direction: str) -> None:
    suspense = books.suspense()
    approval = books.adjusted("store", cast.store.id, direction=direction)
    entry = books.entry_of(approval.id)
    reversal = books.reverse(entry)
    with f.look() as session:
        (line,) = reversals.drafts(session, reversal)[0].lines
    books.decide(reversal)
    assert has("store", cast.store.id) == "100.000000"
    assert books.suspense() == suspense
    with f.look() as session:
        made = session.query(JournalEntry).filter_by(reference=reversal.id).one()
        (posted,) = ledger.recorded(session, made.id).lines  # type: ignore[union-attr]
        assert (made.kind, made.reverses_id, posted) == ("reversal", entry, line)
        assert adjustments.reversed_of(session, [row(approval)]) == {approval.id}


def test_a_reversal_never_decided_by_its_author_and_done_once(cast: f.Cast) -> None:
    author = f.staff("admin")
    entry = books.entry_of(books.adjusted("store", cast.store.id).id)
    asked = books.reverse(entry, by=author)
    with pytest.raises(OwnApproval):
        books.decide(asked, by=author)
    with pytest.raises(approvals.AlreadyAsked):
        books.reverse(entry)
    books.decide(asked)
    with pytest.raises(AlreadyReversed):
        books.reverse(entry)
    with pytest.raises(NotReversible):
        books.reverse(books.entry_of(asked.id))


def test_two_reversals_asked_at_once_are_one(cast: f.Cast) -> None:
    """Nobody locks an entry of the journal: the second decision finds it done."""
    entry = books.entry_of(books.adjusted("store", cast.store.id).id)
    first = books.reverse(entry)
    with f.act() as session:
        second = approvals.ask(session, f.staff("admin"), kind="reversal", target_kind="entry", target_id=entry,
                               before=None, after=first.after, reason="The same moment")
    books.decide(first)
    with pytest.raises(StaleApproval):
        books.decide(second)
    assert has("store", cast.store.id) == "100.000000"


def test_a_deposit_that_was_spent_is_reversed_with_a_claim(cast: f.Cast) -> None:
    told = acts.tell(cast.owner, cast, "50")
    with f.look() as session:
        approval = approvals.find(session, f.staff("admin"), told.approval_public_id)
    books.decide(approval)
    at = acts.usable(cast.owner, cast)
    acts.ask(cast.owner, cast, "120", at)
    outside = books.outside()
    books.decide(books.reverse(books.entry_of(told.approval_id)))
    assert has("store", cast.store.id) == "0.000000"
    assert books.owed("store", cast.store.id) == "20.000000"
    assert books.outside() - outside == 50_000000


def test_what_an_order_posted_is_never_reversed(cast: f.Cast) -> None:
    cast.requisite()
    order = f.completed_payin(cast)
    for reference in (order.id, f.assignments_of(order)[0].id):
        with pytest.raises(NotReversible):
            books.reverse(books.entry_of(reference))


@pytest.mark.parametrize("code", ["mistake", "penalty"])
def test_what_made_a_claim_is_put_right_by_another_adjustment(cast: f.Cast, code: str) -> None:
    """The mirror of what was posted left the claim standing: the owner got less back than was taken."""
    taken = books.adjusted("store", cast.store.id, "140", direction="debit", code=code)
    with pytest.raises(PartlyClaimed):
        books.reverse(books.entry_of(taken.id))
    books.adjusted("store", cast.store.id, "140")
    assert (has("store", cast.store.id), books.owed("store", cast.store.id)) == ("100.000000", "0.000000")


@pytest.mark.parametrize("who", ["support_orders", "support_traders", "support_readonly"])
def test_who_may_reverse(cast: f.Cast, who: str) -> None:
    entry = books.entry_of(books.adjusted("store", cast.store.id).id)
    with pytest.raises(Denied):
        books.reverse(entry, by=f.staff(who))
    for unknown in (0, 2**63):
        with pytest.raises(NotFound):
            books.reverse(unknown)


def test_approving_shows_what_would_be_posted(cast: f.Cast) -> None:
    approval = books.adjust("store", cast.store.id, "140", direction="debit", code="penalty")
    with f.look() as session:
        found = ledger.preview(session, adjustments.drafts(session, approval))
    assert [(line.debit.purpose, line.credit.purpose, line.amount.text) for line in found.lines] == [
        ("available", "fees", "100.000000"), ("suspense", "fees", "40.000000")]


def test_every_rule_has_its_kind() -> None:
    assert set(ledger.entries.KINDS) > ledger.entries.REVERSIBLE


def test_the_database_keeps_what_was_decided(cast: f.Cast) -> None:
    approval = books.adjusted("store", cast.store.id)
    for change in ({"amount_minor": 1}, {"status": "asked", "ended_at": None}):
        with pytest.raises(DBAPIError), f.act() as session:
            session.query(Adjustment).filter_by(approval_id=approval.id).update(change)


def test_the_proof_holds(cast: f.Cast) -> None:
    books.adjusted("store", cast.store.id, "140", direction="debit", code="penalty")
    books.decide(books.reverse(books.entry_of(books.adjusted("trader", cast.traders[0].id).id)))
    books.decide(books.adjust("trader", cast.traders[0].id), "reject")
    give_back()
    assert verify.run(reader(), book_proof.CHECKS).differences == []
