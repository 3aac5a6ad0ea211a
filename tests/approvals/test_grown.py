"""Requests end by themselves, are taken back, decided alone up to a limit and by two from one on; many at once."""
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, text

from portal import approvals, treasury
from portal.approvals import limit_changes, limits
from portal.approvals.models import Approval, ApprovalLimit
from portal.core import clock
from portal.core.access import Actor
from portal.core.db import transaction
from portal.core.errors import Denied, Invalid, NotFound
from portal.core.ids import new_id
from portal.parties.models import Trader
from tests import factories as f
from tests import people


@pytest.fixture
def trader(app: Flask) -> Trader:
    return f.new_cast().trader()


@pytest.fixture(autouse=True)
def _no_limits(app: Flask) -> Iterator[None]:
    """Before, and none is left to other tests afterwards."""
    no_limits()
    yield
    no_limits()


def no_limits() -> None:
    with transaction() as session:
        for found in session.scalars(select(ApprovalLimit)).all():
            found.alone_max_minor, found.two_from_minor = 0, None


def asked(trader: Trader, by: Actor, amount: str = "100") -> Approval:
    with f.act() as session:
        return treasury.ask(session, by, treasury.AskDeposit(
            owner_kind="trader", owner_id=trader.id, amount=amount, currency="USDT", reason="wire"))


def decide(approval: Approval, by: Actor, decision: str = "approve") -> Approval:
    with f.act() as session:
        return approvals.decide(session, by, approvals.DecideApproval(
            approval_id=approval.public_id, decision=decision, reason="seen"))


def fresh(approval: Approval) -> Approval:
    with f.look() as session:
        return session.get_one(Approval, approval.id)


def limit(alone: str = "0", two: str | None = None, kind: str = "deposit", currency: str = "USDT") -> None:
    by, other = f.staff("super_admin"), f.staff("super_admin")
    with f.act() as session:
        change = limit_changes.ask(session, by, limits.AskLimit(
            kind=kind, currency=currency, alone_max=alone, two_from=two, reason="grew"))
    decide(change, other)


def test_a_days_request_expires_and_what_hangs_on_it_is_undone(trader: Trader) -> None:
    approval = asked(trader, f.staff("admin"))
    with clock.moved(timedelta(hours=23)), f.act() as session:
        approvals.expire(session)
    assert fresh(approval).state == "pending"
    with clock.moved(timedelta(hours=25)), f.act() as session:
        approvals.expire(session)
    found = fresh(approval)
    assert (found.state, found.decided_by, found.decided_name) == ("expired", None, "system")
    with pytest.raises(approvals.AlreadyDecided):
        decide(approval, f.staff("super_admin"))


def test_what_an_owner_asks_lives_over_a_weekend(app: Flask) -> None:
    cast = f.new_cast()
    with f.act() as session:
        approval = approvals.ask(session, cast.owner, kind="store_terms", target_kind="store", target_id=cast.store.id,
                                 before={}, after={"currency": "RUB", "payin": True}, reason="please")
    with clock.moved(timedelta(days=6)), f.act() as session:
        approvals.expire(session)
    assert fresh(approval).state == "pending"


def test_only_who_asked_takes_it_back_and_only_while_it_waits(trader: Trader) -> None:
    by = f.staff("admin")
    approval = asked(trader, by)
    with pytest.raises(NotFound), f.act() as session:
        approvals.take_back(session, f.staff("admin"), approval.public_id)
    with f.act() as session:
        assert approvals.take_back(session, by, approval.public_id).state == "withdrawn"
    with pytest.raises(approvals.AlreadyDecided), f.act() as session:
        approvals.take_back(session, by, approval.public_id)
    assert f.trader_available(trader) == f.usdt(f.PLENTY)


def test_nothing_is_decided_alone_until_a_limit_says_so(trader: Trader) -> None:
    by = f.staff("super_admin")
    approval, large = asked(trader, by), asked(trader, by, "100.000001")
    with pytest.raises(approvals.OwnApproval):
        decide(approval, by)
    limit("100")
    with pytest.raises(approvals.OwnApproval):
        decide(approval, by, "reject")
    assert decide(approval, by).alone_max_minor == 100_000_000
    with pytest.raises(approvals.OwnApproval):
        decide(large, by)


def test_two_others_agree_to_what_is_large(trader: Trader) -> None:
    limit("0", "500")
    before, approval, small = f.trader_available(trader), asked(trader, f.staff("admin"), "500"), asked(
        trader, f.staff("admin"), "499.999999")
    first, second = f.staff("super_admin"), f.staff("super_admin")
    agreed = decide(approval, first)
    assert (agreed.state, agreed.first_by) == ("pending", first.id)
    assert f.trader_available(trader) == before
    with pytest.raises(approvals.AgreedAlready):
        decide(approval, first)
    assert decide(approval, second).state == "approved"
    assert f.trader_available(trader) == before + f.usdt("500.000000")
    assert decide(small, first).state == "approved"


def test_one_may_refuse_what_two_would_have_to_agree_to(trader: Trader) -> None:
    limit("0", "500")
    approval, first = asked(trader, f.staff("admin"), "900"), f.staff("super_admin")
    decide(approval, first)
    assert decide(approval, first, "reject").state == "rejected", "who agreed may think again"


@pytest.mark.parametrize("change", [
    "decided_by = asked_by", "decided_by = :first, first_by = :first", "decided_by = :first, first_by = asked_by"])
def test_the_database_wants_the_people_too(trader: Trader, change: str) -> None:
    approval = asked(trader, f.staff("super_admin"), "900")
    with pytest.raises((approvals.OwnApproval, approvals.AgreedAlready)), transaction() as session:
        session.execute(text(f"UPDATE approvals SET state = 'approved', decided_at = now(), {change} WHERE id = :id"),
                        {"id": approval.id} | ({"first": new_id()} if ":first" in change else {}))
    assert fresh(approval).state == "pending"


def test_a_limit_needs_two_whatever_the_limits_say(app: Flask) -> None:
    by = f.staff("super_admin")
    limit("1000000")
    with f.act() as session:
        change = limit_changes.ask(session, by, limits.AskLimit(kind="deposit", currency="USDT", alone_max="5",
                                                                reason="less"))
    with pytest.raises(approvals.OwnApproval):
        decide(change, by)
    decide(change, f.staff("super_admin"), "reject")


@pytest.mark.parametrize("wrong", [
    {"kind": "fee"}, {"kind": "nothing"}, {"alone_max": "-1"}, {"alone_max": "10", "two_from": "10"}])
def test_limits_that_cannot_be(app: Flask, wrong: dict[str, str]) -> None:
    with pytest.raises(Invalid), f.act() as session:
        limit_changes.ask(session, f.staff("super_admin"), limits.AskLimit(
            **({"kind": "deposit", "currency": "USDT", "alone_max": "1", "reason": "r"} | wrong)))
    with pytest.raises(Denied), f.act() as session:
        limit_changes.ask(session, f.staff("support_orders"), limits.AskLimit(
            kind="deposit", currency="USDT", reason="r"))


def test_many_at_once_each_by_itself(app: Flask, trader: Trader) -> None:
    admin = people.person("super_admin")
    seat = people.seat(app, admin)
    good, other = asked(trader, f.staff("admin")), asked(trader, f.staff("admin"))
    decide(other, f.staff("super_admin"), "reject")
    answer = seat.send("/admin/approvals/decisions", {
        "approval_id": [good.public_id, other.public_id], "decision": "approve"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "1 of 2 are decided" in page
    assert "Somebody has decided this already" in page
    assert fresh(good).state == "approved"
    assert seat.send("/admin/approvals/decisions", {"decision": "approve"}).status_code == 303


def test_the_chosen_are_seen_with_their_sums_before_they_are_decided(app: Flask, trader: Trader) -> None:
    seat = people.seat(app, people.person("super_admin"))
    good, more, gone = (asked(trader, f.staff("admin"), amount) for amount in ("100", "20.5", "7"))
    decide(gone, f.staff("super_admin"), "reject")
    assert "Decide the chosen" in seat.get("/admin/approvals").text
    page = seat.get("/admin/approvals/chosen?" + "&".join(f"approval_id={one.public_id}" for one in (good, more, gone))
                    ).text
    assert "Deposit × 2 · 120.50" in page, "what is decided already is in no sum"
    assert page.count('name="approval_id"') == 2
    assert "Nothing that is chosen waits" in seat.get("/admin/approvals/chosen").text
    assert seat.get("/admin/approvals/chosen?approval_id=apr_nobody").status_code == 404
    viewer = people.seat(app, people.person("support_readonly"))
    assert viewer.get(f"/admin/approvals/chosen?approval_id={good.public_id}").status_code == 403


def test_ones_own_requests_and_the_pages_of_limits(app: Flask, trader: Trader) -> None:
    seat = people.seat(app, people.person("super_admin"))
    assert seat.send("/admin/approvals/limits", {"kind": "deposit", "currency": "USDT", "alone_max": "5",
                                                 "reason": "small ones"}).status_code == 303
    assert "small ones" in seat.get("/admin/approvals/limits").get_data(as_text=True)
    mine = seat.get("/admin/approvals?mine=1").get_data(as_text=True)
    assert "small ones" in mine
    with f.look() as session:
        waiting = session.scalars(select(Approval).where(Approval.kind == limits.KIND,
                                                         Approval.state == "pending")).one()
    page = seat.get(f"/admin/approvals/{waiting.public_id}").get_data(as_text=True)
    assert "One alone up to" in page
    assert seat.send(f"/admin/approvals/{waiting.public_id}/withdrawal", {}).status_code == 303
    assert fresh(waiting).state == "withdrawn"
    assert "Expired" in seat.get("/admin/approvals?state=expired").get_data(as_text=True)

