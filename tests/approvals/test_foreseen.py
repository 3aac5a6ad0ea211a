"""What moves money by approval shows the very postings first, and its amount is what limits of people go by."""
from datetime import timedelta
from secrets import token_hex
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from portal import imports, ledger
from portal.approvals import kinds, limits
from portal.approvals.foreseeing import foresee
from portal.approvals.models import Approval
from portal.approvals.service import StaleApproval
from portal.core import clock
from portal.core.access import Actor
from portal.ledger.models import JournalEntry
from portal.orders import cancel_paid
from portal.orders.cancel_paid import AskCallOff
from portal.parties.models import Trader
from tests import factories as f
from tests import people
from tests.approvals.test_grown import _no_limits as _no_limits
from tests.approvals.test_grown import asked, decide, fresh, limit
from tests.imports.test_import import take_in

OVERDUE = timedelta(days=2)


def foreseen(approval: Approval) -> list[ledger.Draft]:
    with f.look() as session:
        return list(kinds.of(approval.kind).drafts(session, approval))


def posted(draft: ledger.Draft) -> tuple[ledger.Line, ...]:
    """The lines of the entry that a draft said."""
    with f.look() as session:
        entry = session.scalars(select(JournalEntry.id).where(
            JournalEntry.kind == draft.kind, JournalEntry.reference == draft.reference)).one()
        return ledger.recorded(session, entry).lines


def overdue(cast: f.Cast, direction: str, amount: str = "1500.00") -> tuple[object, Approval]:
    order = f.paid_payin(cast, amount) if direction == "payin" else f.paid_payout(cast, amount)
    with clock.moved(OVERDUE), f.act() as session:
        return order, cancel_paid.ask(session, f.staff(), AskCallOff(order_id=order.public_id, reason="Nothing came"))


@pytest.fixture
def cast(app: Flask) -> f.Cast:
    cast = f.new_cast()
    cast.requisite(payout=True)
    return cast


@pytest.mark.parametrize("direction", ["payin", "payout"])
def test_what_calling_off_shows_is_what_it_posts(app: Flask, cast: f.Cast, direction: str) -> None:
    order, approval = overdue(cast, direction)
    [draft] = foreseen(approval)
    assert draft.kind == f"{direction}_release"
    page = people.seat(app, people.person("admin")).get(f"/admin/approvals/{approval.public_id}").text
    assert "What would be posted" in page
    with clock.moved(OVERDUE):
        decide(approval, f.staff("admin"))
    assert posted(draft) == draft.lines
    assert foreseen(fresh(approval)) == [], "nothing is left to post"
    assert f.fresh(order).status == "cancelled"


def test_what_went_elsewhere_since_is_foreseen_as_stale(app: Flask, cast: f.Cast) -> None:
    order, approval = overdue(cast, "payin")
    f.confirm(f.its_trader(order), order)
    with f.look() as session:
        [told] = foresee(session, f.staff("admin"), [fresh(approval)])
    assert (told.takes_effect, list(told.drafts)) == (False, [])
    assert isinstance(told.error, StaleApproval)
    page = people.seat(app, people.person("admin")).get(f"/admin/approvals/chosen?id={approval.public_id}").text
    assert "Takes effect" not in page
    assert "Approve 1" not in page


def test_a_large_one_wants_two_and_pieces_are_one_sum(cast: f.Cast) -> None:
    limit(two="2000", kind=cancel_paid.KIND, currency="RUB")
    (first, one), (second, another) = overdue(cast, "payin"), overdue(cast, "payin", "1700.00")
    with clock.moved(OVERDUE):
        decide(one, f.staff("admin"))
        decide(another, f.staff("admin"))
        assert (f.fresh(first).status, f.fresh(second).status) == ("cancelled", "paid"), "1500 and 1700, of one trader"
        decide(another, f.staff("admin"))
    assert f.fresh(second).status == "cancelled"


def opening(app: Flask, *traders: Trader, amount: str = "10.5", by: Actor | None = None) -> Approval:
    seat = people.seat(app, people.person("super_admin"))
    rows = "".join(f"trader,{one.name},{amount}\n" for one in traders)
    id = take_in(seat, "balances", f"whose,name,amount\n{rows}").rpartition("/")[2]
    with f.act() as session:
        return imports.service.ask(session, by or f.staff("super_admin"), imports.service.AskImport(
            import_id=id, reason="We begin"))


def newcomer(**facts: str) -> Trader:
    return f.fresh(f.new_cast().trader(name=f"T {token_hex(4)}", deposit=None, reward_bps=None, **facts))


def test_opening_balances_show_the_postings_they_make(app: Flask) -> None:
    approval = opening(app, newcomer(), newcomer())
    assert approval.amount == f.usdt("21.000000")
    [draft] = foreseen(approval)
    assert (draft.kind, draft.reference, len(draft.lines)) == ("opening_balance", UUID(approval.target_id), 2)
    page = people.seat(app, people.person("admin")).get(f"/admin/approvals/{approval.public_id}").text
    assert "What would be posted" in page
    decide(approval, f.staff("super_admin"))
    assert posted(draft) == draft.lines
    assert foreseen(fresh(approval)) == []


def test_opening_balances_of_a_large_sum_want_two(app: Flask) -> None:
    limit(two="20", kind="import")
    trader = newcomer()
    approval = opening(app, trader, newcomer())
    decide(approval, f.staff("super_admin"))
    assert fresh(approval).state == "pending"
    decide(approval, f.staff("super_admin"))
    assert f.trader_available(trader) == f.usdt("10.500000")


def test_what_a_file_opens_counts_for_each_owner(app: Flask) -> None:
    """A file used to be a subject of its own: what it opened and what was deposited after it were no sum."""
    limit(two="100", kind="import")
    limit(two="100")
    small, large = newcomer(), newcomer()
    file = opening(app, small, large, amount="45")
    with f.look() as session:
        shares = imports.service.shares(session, file)
        assert shares == {f"trader:{one.id}": 45_000_000 for one in (small, large)}
        assert decide(file, f.staff("super_admin")).state == "approved", "90 of them all"
    assert decide(asked(small, f.staff("admin"), "55"), f.staff("super_admin")).state == "pending", "45 + 55"
    assert decide(asked(large, f.staff("admin"), "54.999999"), f.staff("super_admin")).state == "approved"
    assert decide(asked(newcomer(), f.staff("admin"), "99"), f.staff("super_admin")).state == "approved", "another"


def test_a_sum_split_into_files_is_one_persons_sum(app: Flask) -> None:
    limit(two="100", kind="import")
    asker = f.staff("super_admin")
    files = [opening(app, newcomer(), amount=amount, by=asker) for amount in ("40", "40", "20")]
    states = [decide(file, f.staff("super_admin")).state for file in files]
    assert states == ["approved", "approved", "pending"], "three files of one person, three who agree"
    assert decide(opening(app, newcomer(), amount="99.999999"), f.staff("super_admin")).state == "approved"


def test_many_files_that_wait_are_judged_each_with_what_went_before(app: Flask) -> None:
    limit(two="100", kind="import")
    decider = f.staff("super_admin")
    files = [opening(app, newcomer(), amount="60"), opening(app, newcomer(), amount="60")]
    assert decide(files[0], decider).state == "approved"
    with f.look() as session:
        told = limits.needing_two(session, [fresh(one) for one in files], decider)
    assert {id: one.among_two.because for id, one in told.items()} == {files[1].id: "decider"}


def test_another_file_moves_no_money_and_shows_none(app: Flask) -> None:
    seat = people.seat(app, people.person("super_admin"))
    id = take_in(seat, "merchants", f"name\nA {token_hex(4)}\n").rpartition("/")[2]
    with f.act() as session:
        approval = imports.service.ask(session, f.staff("super_admin"), imports.service.AskImport(
            import_id=id, reason="We begin"))
    assert (approval.amount, foreseen(approval)) == (None, [])
    page = people.seat(app, people.person("admin")).get(f"/admin/approvals/{approval.public_id}").text
    assert "What would be posted" not in page


def test_a_file_of_balances_is_of_one_currency(app: Flask) -> None:
    """Limits go by currency: a sum in two would be two amounts, and a request has one."""
    seat = people.seat(app, people.person("super_admin"))
    one, other = newcomer(), newcomer(settlement_currency="RUB")
    path = take_in(seat, "balances", f"whose,name,amount\ntrader,{one.name},1\ntrader,{other.name},1\n")
    assert "balances of each currency are a file of their own" in seat.get(path).text
    assert seat.send(f"{path}/request", {"reason": "x"}).status_code == 409
