"""What a decision of an opened dispute posts is what its preview showed, entry by entry; else it is stale."""
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal import approvals
from portal.approvals import StaleApproval
from portal.disputes import decisions
from portal.ledger import Draft, claims
from portal.ledger.models import AccountRow, JournalEntry, Posting
from portal.orders.models import Order
from tests import factories as f
from tests.disputes import acts


@pytest.fixture
def cast(app: Flask) -> f.Cast:
    made = f.new_cast()
    made.requisite(made.trader(), payout=True)
    return made


@pytest.mark.parametrize(("outcome", "amount", "kinds"), [
    ("complete", None, ["payin_settle"]), ("cancel", None, ["payin_release"]),
    ("complete", "750.00", ["payin_settle"]), ("complete", "1800.00", ["payin_settle", "payin_topup"])])
def test_a_decision_posts_what_it_previewed(cast: f.Cast, outcome: str, amount: str | None, kinds: list[str]) -> None:
    order = f.paid_payin(cast)
    acts.open_by(cast.customer(order), order, "not_confirmed")
    previewed = _posts_what_it_previewed(order, outcome, amount)
    assert sorted(kind for kind, _ in previewed) == kinds


@pytest.mark.parametrize(("outcome", "amount", "kinds"), [
    ("complete", None, ["payout_settle"]), ("cancel", None, ["payout_release"]),
    ("complete", "750.00", ["payout_settle"])])
def test_a_decision_of_a_payout_posts_what_it_previewed(
        cast: f.Cast, outcome: str, amount: str | None, kinds: list[str]) -> None:
    order = f.paid_payout(cast)
    acts.open_by(cast.owner, order, "less_arrived")
    previewed = _posts_what_it_previewed(order, outcome, amount)
    assert sorted(kind for kind, _ in previewed) == kinds


def test_a_cancelled_payout_is_taken_up_again_as_previewed(cast: f.Cast) -> None:
    order = f.paid_payout(cast)
    acts.open_by(cast.owner, order, "not_arrived")
    acts.decided(order, "cancel")
    acts.open_by(f.staff(), order, "sent_after_all")
    previewed = _posts_what_it_previewed(order, "complete", None)
    assert sorted(kind for kind, _ in previewed) == ["payout_settle", "reversal"]


def test_what_the_desk_foresees_is_what_both_choices_post(cast: f.Cast) -> None:
    """The two previews that stand on the page before anybody asks."""
    for at, outcome in (("1500.00", "complete"), ("1600.00", "cancel")):
        order = f.paid_payin(cast, at)
        acts.open_by(cast.customer(order), order, "not_confirmed")
        with f.look() as session:
            shown = _lines(decisions.foreseen(session, session.get_one(Order, order.id))[outcome])
        assert shown == _posts_what_it_previewed(order, outcome, None)


@pytest.mark.parametrize("amount", [None, "750.00", "1800.00"])
def test_a_decision_is_stale_when_what_is_claimed_of_its_store_changed_meanwhile(
        cast: f.Cast, amount: str | None) -> None:
    """Its credit would pay a claim now: something else than was shown."""
    done = f.completed_payin(cast, "1600.00")
    f.work_off("settle_order")
    order = f.paid_payin(cast)
    acts.open_by(cast.customer(order), order, "not_confirmed")
    approval = acts.ask(order, "complete", amount)
    f.spend(cast.store, f.store_available(cast.store))
    acts.open_by(f.as_trader(cast.traders[0]), done, "taken_back")
    acts.decided(done, "correct", "0")
    with pytest.raises(StaleApproval):
        acts.agree(approval)
    assert f.fresh(order).status == "disputed"
    with f.act() as session:
        approvals.decide(session, f.staff("admin"), approvals.DecideApproval(
            approval_id=approval.public_id, decision="reject", reason="Out of date"))
    previewed = _posts_what_it_previewed(order, "complete", amount)
    assert "claim_payment" in {kind for kind, _ in previewed}


def _posts_what_it_previewed(order: Order, outcome: str, amount: str | None) -> list[tuple[str, list[Any]]]:
    """Asked for, agreed and settled: the journal's new entries are those of the preview, line by line."""
    approval = acts.ask(order, outcome, amount)
    with f.look() as session:
        drafts = decisions.drafts(session, approval)
        previewed = _lines([*drafts, *claims.foreseen(session, drafts)])
        before = session.scalar(select(func.max(JournalEntry.id))) or 0
    acts.agree(approval)
    f.work_off("settle_order")
    with f.look() as session:
        accounts = {one.id: (one.owner_kind, one.owner_id, one.purpose, one.currency, one.live)
                    for one in session.scalars(select(AccountRow))}
        posted = [(entry.kind, sorted((accounts[line.debit_id], accounts[line.credit_id], line.amount_minor)
                                      for line in session.scalars(select(Posting).where(Posting.entry_id == entry.id))))
                  for entry in session.scalars(select(JournalEntry).where(JournalEntry.id > before))]
    assert sorted(posted) == previewed
    return previewed


def _lines(drafts: list[Draft]) -> list[tuple[str, list[Any]]]:
    return sorted((draft.kind, sorted((line.debit.key, line.credit.key, line.amount.minor)
                                      for line in draft.lines)) for draft in drafts)
