"""Several decided in one go: their postings summed, every balance before and after, are shown first and then posted."""
import re
from html import unescape

from flask import Flask

from portal import ledger
from portal.approvals import admissions
from portal.approvals.foreseeing import foresee
from portal.approvals.models import Approval
from portal.core import clock
from portal.core.access import Actor
from portal.core.db import reader
from portal.core.errors import PortalError
from portal.core.money import Money
from portal.treasury import postings_preview
from tests import factories as f
from tests import people
from tests.approvals.test_grown import _no_limits as _no_limits
from tests.approvals.test_grown import asked, decide, fresh, limit
from tests.statements import statements
from tests.treasury import books


def chosen(seat: people.Seat, *wanted: Approval) -> str:
    return seat.get("/admin/approvals/chosen?" + "&".join(f"approval_id={one.public_id}" for one in wanted)).text


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)).replace("\xa0", " ")


def question(seat: people.Seat, *wanted: Approval) -> str:
    """What the button asks before it sends."""
    [found] = re.findall(r'value="approve"[^>]*data-ask="([^"]*)"|data-ask="([^"]*)"[^>]*value="approve"',
                         chosen(seat, *wanted))
    return unescape("".join(found)).replace("\xa0", " ")


def test_what_is_shown_of_several_is_what_they_post(app: Flask) -> None:
    cast, by = f.new_cast(), f.staff("admin")
    trader, other = cast.trader(), cast.trader()
    asks = [asked(trader, by, "100"), asked(trader, by, "20.5"), asked(other, by, "7"),
            books.adjust("trader", trader.id, amount="50", direction="debit")]
    person = people.person("super_admin")
    seat = people.seat(app, person)
    with f.look() as session:
        preview = postings_preview.of_several(session, person.actor, foresee(session, person.actor, asks))
    assert preview is not None
    assert [amount for *_, amount in preview.lines] == [f.usdt("120.500000"), f.usdt("7.000000"), f.usdt("50.000000")]
    assert preview.totals == [f.usdt("177.500000")]
    page = text_of(chosen(seat, *asks))
    assert "What would be posted" in page
    assert "Moved in all: 177.50" in page
    answer = seat.send("/admin/approvals/decisions", {
        "approval_id": [one.public_id for one in asks], "decision": "approve"})
    assert answer.status_code == 200
    with f.look() as session:
        for named, before, after, short in preview.moved:
            assert not short
            if named.account.owner_id in (trader.id, other.id):
                assert ledger.balance(session, named.account) == after != before
    assert "What would be posted" not in chosen(seat, *asks), "they are decided"


def test_what_two_agree_to_is_not_among_the_postings(app: Flask) -> None:
    trader, by = f.new_cast().trader(), f.staff("admin")
    limit("0", "1000")
    small, large = asked(trader, by, "10"), asked(trader, by, "2000")
    page = text_of(chosen(people.seat(app, people.person("super_admin")), small, large))
    assert "1 of them wants two people" in page
    assert "Moved in all: 10.00" in page


def test_pieces_that_want_two_only_together_are_not_among_the_postings(app: Flask) -> None:
    """Each by itself is below the limit: the page used to sum all three, and deciding agreed to the second only."""
    cast, by = f.new_cast(), f.staff("admin")
    limit("0", "500")
    pieces = [asked(cast.trader(), by, amount) for amount in ("300", "250", "100")]
    seat = people.seat(app, people.person("super_admin"))
    page = text_of(chosen(seat, *pieces))
    assert "1 of them wants two people" in page
    assert "Moved in all: 400.00" in page
    assert "Approve: Deposit × 2 · 400.00 USDT?" in question(seat, *pieces)
    seat.send("/admin/approvals/decisions", {"approval_id": [one.public_id for one in pieces], "decision": "approve"})
    assert [fresh(one).state for one in pieces] == ["approved", "pending", "approved"]
    page = text_of(chosen(seat, pieces[1]))
    assert "Moved in all" not in page
    assert "You agreed to this already" in page


def test_one_that_is_not_there_stops_all_before_any_is_decided(app: Flask) -> None:
    approval = asked(f.new_cast().trader(), f.staff("admin"), "50")
    seat = people.seat(app, people.person("super_admin"))
    answer = seat.send("/admin/approvals/decisions", {
        "approval_id": [approval.public_id, "apr_01ARZ3NDEKTSV4RRFFQ69G5FAV"], "decision": "approve"})
    assert answer.status_code == 404
    assert fresh(approval).state == "pending"


def test_what_is_foreseen_is_what_deciding_does(app: Flask) -> None:
    """His own and others', too large alone and only together, agreed to before by him or another, out of one hand."""
    cast, decider, other = f.new_cast(), people.person("super_admin").actor, f.staff("super_admin")
    limit("100", "500")
    limit("100", "500", kind="adjustment")
    by, puppet, theirs = f.staff("admin"), people.person("admin").actor, asked(cast.trader(), f.staff("admin"), "900")
    mine_before = asked(cast.trader(), f.staff("admin"), "800")
    decide(mine_before, decider)
    decide(theirs, other)
    with f.act() as session:
        admissions.record(session, puppet.id, "password", by=decider)
    one, two = cast.trader(), cast.trader()
    asks = [asked(one, by, "200"), asked(one, decider, "60"), asked(two, decider, "60"), asked(two, decider, "150"),
            mine_before, theirs, asked(two, puppet, "5"), asked(two, by, "240"), books.adjust("trader", two.id, "90"),
            asked(one, f.staff("admin"), "20"), asked(two, f.staff("admin"), "700")]
    with f.look() as session:
        told = [said(one.takes_effect, one.error) for one in foresee(session, decider, [fresh(one) for one in asks])]
    assert told == ["approved", "approved", "alone_used_up", "own_approval", "agreed_already", "approved", "one_hand",
                    "agreed", "approved", "approved", "agreed"]
    assert [became(one, decider) for one in asks] == told


def said(takes_effect: bool, error: PortalError | None) -> str:
    return error.code if error else "approved" if takes_effect else "agreed"


def became(approval: Approval, by: Actor) -> str:
    try:
        return said(decide(approval, by).state == "approved", None)
    except PortalError as error:
        return said(False, error)


def test_what_is_not_covered_together_is_said(app: Flask) -> None:
    trader = f.new_cast().trader(deposit="60.000000")
    asks = [books.adjust("trader", trader.id, amount="50", direction="debit") for _ in range(2)]
    page = text_of(chosen(people.seat(app, people.person("super_admin")), *asks))
    assert "Not covered" in page
    assert "decided one after the other" in page


def test_fifty_are_summed_and_each_has_its_line_above(app: Flask) -> None:
    cast, by = f.new_cast(), f.staff("admin")
    traders = [cast.trader() for _ in range(5)]
    asks = [asked(traders[number % 5], by, "1") for number in range(50)]
    actor = people.person("super_admin").actor
    with f.look() as session:
        told = foresee(session, actor, asks)
        preview = postings_preview.of_several(session, actor, told)
    assert preview is not None
    assert [amount for *_, amount in preview.lines] == [Money(10_000_000, "USDT")] * 5
    with statements() as sent:
        postings_preview.of_several(reader(), actor, told)
    assert len(sent) <= 12, sent


def test_the_list_shows_money_before_it_is_approved(app: Flask) -> None:
    """The button of the list used to approve a deposit whose postings nobody had seen."""
    approval = asked(f.new_cast().trader(), f.staff("admin"), "11")
    page = people.seat(app, people.person("super_admin")).get("/admin/approvals?kind=deposit").text
    assert f"/admin/approvals/{approval.public_id}" in page
    assert f"/admin/approvals/{approval.public_id}/decision" not in page


def test_only_what_others_asked_for_can_be_chosen(app: Flask) -> None:
    """One's own had a box too, and what one had agreed to as the first of two: both were refused among the rest."""
    person = people.person("super_admin")
    trader, seat = f.new_cast().trader(), people.seat(app, person)
    own = asked(trader, person.actor, "10")
    others = [asked(trader, f.staff("admin"), amount) for amount in ("20", "30")]
    agreed = asked(trader, f.staff("admin"), "40")
    with f.act() as session:
        found = session.get_one(Approval, agreed.id)
        found.first_by, found.first_name, found.first_at = person.actor.id, person.actor.name, clock.now()
    page = seat.get("/admin/approvals").text
    boxes = re.findall(r'name="approval_id" value="([^"]*)"', page)
    assert own.public_id in page
    assert agreed.public_id in page
    assert not {own.public_id, agreed.public_id} & set(boxes)
    assert {one.public_id for one in others} <= set(boxes)
