"""A sum cut in pieces below a limit of people counts as one: by who asked and by whose money it is, for 24 hours."""
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal import approvals
from portal.approvals import limits, small_moves
from portal.approvals.models import Approval, SmallMove
from portal.core import clock
from portal.core.access import Actor
from portal.parties.models import Trader
from tests import factories as f
from tests import people
from tests.approvals.test_grown import _no_limits as _no_limits
from tests.approvals.test_grown import asked, decide, fresh, limit
from tests.statements import statements
from tests.treasury import acts, books

HELD = f.usdt(f.PLENTY)


@pytest.fixture
def trader(app: Flask) -> Trader:
    return f.new_cast().trader()


@pytest.fixture
def other_trader(app: Flask) -> Trader:
    return f.new_cast().trader()


def alone(trader: Trader, by: Actor, amount: str) -> Approval:
    return decide(asked(trader, by, amount), by)


def counted(by: Actor) -> int:
    with f.look() as session:
        return session.scalar(select(func.count()).select_from(SmallMove).where(SmallMove.asked_by == by.id)) or 0


def test_what_one_decides_alone_adds_up_over_a_day(trader: Trader, other_trader: Trader) -> None:
    limit("100")
    by = f.staff("super_admin")
    assert alone(trader, by, "60").state == "approved"
    with pytest.raises(approvals.AloneUsedUp):
        alone(other_trader, by, "40.000001")
    assert alone(other_trader, by, "40").state == "approved", "to the last unit"
    with pytest.raises(approvals.AloneUsedUp):
        alone(other_trader, by, "0.000001")
    with pytest.raises(approvals.OwnApproval):
        alone(trader, by, "100.000001")
    assert f.trader_available(trader) == HELD + f.usdt("60.000000")


def test_two_people_alone_on_one_account_add_up_too(trader: Trader, other_trader: Trader) -> None:
    limit("100")
    one, another = f.staff("super_admin"), f.staff("super_admin")
    alone(trader, one, "60")
    with pytest.raises(approvals.AloneUsedUp):
        alone(trader, another, "50")
    assert alone(other_trader, another, "100").state == "approved", "another account, and nothing of theirs before"


def test_a_day_later_it_counts_no_more_and_is_forgotten(trader: Trader) -> None:
    limit("100")
    by = f.staff("super_admin")
    alone(trader, by, "100")
    with clock.moved(timedelta(hours=23, minutes=59)):
        with pytest.raises(approvals.AloneUsedUp):
            alone(trader, by, "1")
        with f.act() as session:
            small_moves.forget(session)
        assert counted(by) == 1
    with clock.moved(timedelta(hours=24, seconds=1)):
        assert alone(trader, by, "100").state == "approved"
        with f.act() as session:
            small_moves.forget(session)
    assert counted(by) == 1, "the new one"


def test_pieces_below_where_two_agree_are_agreed_to_by_two(trader: Trader, other_trader: Trader) -> None:
    limit("0", "500")
    by, first, second = f.staff("admin"), f.staff("super_admin"), f.staff("super_admin")
    assert decide(asked(trader, by, "300"), first).state == "approved"
    piece = asked(other_trader, by, "200")
    agreed = decide(piece, first)
    assert (agreed.state, agreed.first_by) == ("pending", first.id), "the same asker, in pieces"
    assert decide(piece, second).state == "approved"
    assert decide(asked(trader, f.staff("admin"), "199.999999"), first).state == "approved", "what two saw counts not"
    assert decide(asked(trader, f.staff("admin"), "1"), first).state == "pending", "the same account, by another"


def test_what_was_decided_alone_counts_where_two_agree(trader: Trader) -> None:
    limit("200", "500")
    by, other = f.staff("super_admin"), f.staff("super_admin")
    alone(trader, by, "200")
    assert decide(asked(trader, by, "250"), other).state == "approved"
    small = asked(trader, by, "60")
    with pytest.raises(approvals.OwnApproval):
        decide(small, by)
    assert decide(small, other).state == "pending", "200 + 250 + 60"


def test_one_decider_of_many_askers_is_joined_by_another(trader: Trader, other_trader: Trader) -> None:
    """Puppets ask, each for another account: what one person agrees to in a day is a sum too."""
    limit("0", "500")
    decider, other = f.staff("super_admin"), f.staff("super_admin")
    assert decide(asked(trader, f.staff("admin"), "300"), decider).state == "approved"
    piece = asked(other_trader, f.staff("admin"), "200")
    with f.look() as session:
        told = {who.id: limits.needing_two(session, [piece], who) for who in (decider, other)}
    assert told[decider.id][piece.id].among_two.because == "decider"
    assert not told[other.id]
    assert decide(piece, decider).state == "pending"
    assert decide(piece, other).state == "approved"
    assert decide(asked(other_trader, f.staff("admin"), "199.999999"), decider).state == "approved", "300 of his alone"


def test_a_credit_counts_whatever_it_is_called(trader: Trader, other_trader: Trader) -> None:
    limit("0", "500")
    limit("0", "500", kind="adjustment")
    by, decider = f.staff("admin"), f.staff("super_admin")
    assert decide(asked(trader, by, "300"), decider).state == "approved"
    adjustment = books.adjust("trader", other_trader.id, "200", by=by)
    assert decide(adjustment, decider).state == "pending", "with the deposit it is 500"


def test_a_page_of_requests_is_judged_at_once(trader: Trader, other_trader: Trader) -> None:
    limit("0", "500")
    by, decider = f.staff("admin"), f.staff("super_admin")
    decide(asked(trader, by, "300"), decider)
    page = [asked(trader, by, "200"), asked(other_trader, f.staff("admin"), "150"),
            *(asked(other_trader, f.staff("admin"), "100") for _ in range(6)), asked(other_trader, by, "600")]
    with f.look() as session, statements() as said:
        found = limits.needing_two(session, page, f.staff("super_admin"))
    assert (set(found), len(said)) == ({page[0].id, page[-1].id}, 4)


def test_what_is_refused_or_wants_no_limit_does_not_count(trader: Trader) -> None:
    limit("100")
    by = f.staff("super_admin")
    decide(asked(trader, by, "90"), f.staff("super_admin"), "reject")
    assert counted(by) == 0
    assert alone(trader, by, "100").state == "approved"


def test_two_pieces_at_once_are_judged_one_after_the_other(app: Flask, trader: Trader) -> None:
    limit("100")
    by = f.staff("super_admin")
    pieces = [asked(trader, by, "60") for _ in range(8)]
    outcomes = f.at_the_same_time(app, [lambda piece=piece: decide(piece, by).state for piece in pieces])
    assert outcomes.count("approved") == 1, outcomes
    assert sum(isinstance(one, approvals.AloneUsedUp) for one in outcomes) == 7, outcomes
    assert f.trader_available(trader) == HELD + f.usdt("60.000000")


def test_two_deciders_at_once_do_not_let_two_pieces_through(app: Flask, trader: Trader) -> None:
    limit("0", "500")
    by = f.staff("admin")
    pieces = [asked(trader, by, "300") for _ in range(6)]
    outcomes = f.at_the_same_time(app, [
        lambda piece=piece, other=f.staff("super_admin"): decide(piece, other).state for piece in pieces])
    assert sorted(map(str, outcomes)) == ["approved"] + ["pending"] * 5
    assert f.trader_available(trader) == HELD + f.usdt("300.000000")


def test_a_withdrawal_cut_in_pieces_is_agreed_to_by_two(app: Flask) -> None:
    """Each piece is a withdrawal of its own; whose money leaves is what counts, whoever of theirs asks."""
    limit("0", "50", kind="withdrawal")
    cast = f.new_cast()
    trader = cast.trader()
    asker, colleague = (people.person("trader", trader_id=trader.id).actor for _ in range(2))
    at = acts.usable(asker, cast)
    first, second = acts.ask(asker, cast, "30", at), acts.ask(colleague, cast, "20", at)
    decider = acts.decide(first.id, "withdrawal")
    acts.decide(second.id, "withdrawal", by=decider)
    assert (f.fresh(first).status, f.fresh(second).status) == ("approved", "requested")
    acts.decide(second.id, "withdrawal")
    assert f.fresh(second).status == "approved"


def test_the_page_says_why_somebody_else_is_needed(app: Flask, trader: Trader) -> None:
    limit("100", "500")
    person = people.person("super_admin")
    seat, by = people.seat(app, person), person.actor
    first = asked(trader, by, "60")
    page = seat.get(f"/admin/approvals/{first.public_id}").text
    assert "You may decide this alone" in page
    assert seat.send(f"/admin/approvals/{first.public_id}/decision", {"decision": "approve"}).status_code == 303
    assert fresh(first).alone_max_minor == 100_000_000
    second = asked(trader, by, "50")
    page = seat.get(f"/admin/approvals/{second.public_id}").text
    assert "You decided" in page
    assert "so somebody else decides" in page
    answer = seat.send(f"/admin/approvals/{second.public_id}/decision", {"decision": "approve"})
    assert answer.status_code == 403
    assert "as much as they may in 24 hours" in answer.text
    large = asked(trader, by, "450")
    page = people.seat(app, people.person("super_admin")).get(f"/admin/approvals/{large.public_id}").text
    assert "Two others have to agree to this." in page
    assert "Asked for by the same person in 24 hours" in page
