"""Two people would answer the same order: who is on it stands on the order, in the lists and on the approval."""
import pytest
from flask import Flask
from sqlalchemy import select

from portal import treasury
from portal.core.access import SYSTEM
from portal.core.audit import AuditRow
from portal.core.ids import public
from portal.orders import attention_cases
from portal.orders.models import Order
from portal.parties import cases
from portal.parties.cases import Case, CaseTaken, TakeCase
from tests import factories, people
from tests.factories import Cast
from tests.web import attention
from tests.web.inspect import faults


@pytest.fixture
def staff(app: Flask) -> tuple[people.Person, people.Seat]:
    person = people.person("support_orders")
    return person, people.seat(app, person)


@pytest.fixture
def colleague(app: Flask) -> tuple[people.Person, people.Seat]:
    person = people.person("admin")
    return person, people.seat(app, person)


def read(seat: people.Seat, path: str) -> str:
    answer = seat.get(path)
    assert answer.status_code == 200, path
    html = str(answer.get_data(as_text=True))
    assert not faults(html, signed_in=True, language="en"), path
    return html


def whose(subject_id: object) -> list[str]:
    with factories.look() as session:
        return [case.taken_name for case in session.scalars(
            select(Case).where(Case.subject_id == subject_id, Case.ended_at.is_(None)))]


def test_an_order_is_taken_handed_over_and_released(app: Flask, cast: Cast, staff, colleague) -> None:
    (me, mine), (she, hers) = staff, colleague
    order = factories.paid_payin(cast)
    page, case = f"/admin/orders/{order.public_id}", f"/admin/cases/{order.public_id}"
    assert "Nobody is on it." in read(mine, page)
    for _ in range(2):
        assert mine.send(case).status_code == 303, "harmless twice"
    assert whose(order.id) == [me.email]
    assert "You are on it" in read(mine, page)
    assert f"{me.email} is on it" in read(hers, page)
    assert order.public_id in read(mine, "/admin/cases")
    assert order.public_id not in read(hers, "/admin/cases")
    assert order.public_id in read(hers, "/admin/cases?whose=all")
    assert hers.send(f"{case}/release").status_code == 409, "it is not hers to release"
    assert mine.send(f"{case}/release", {"to": str(she.id)}).status_code == 303
    assert whose(order.id) == [she.email]
    assert hers.send(f"{case}/release").status_code == 303
    assert whose(order.id) == []
    with factories.look() as session:
        acts = session.scalars(select(AuditRow.action).where(AuditRow.target_id == str(order.id))
                               .order_by(AuditRow.id)).all()
    assert [act for act in acts if act.startswith("case.")] == ["case.taken", "case.handed_over", "case.released"]


def test_a_colleague_was_faster(app: Flask, cast: Cast, staff, colleague) -> None:
    """Both saw that nobody was on it: the second one is told who, calmly, and may take it over knowing it."""
    (me, mine), (_, hers) = staff, colleague
    order = factories.paid_payin(cast)
    case = f"/admin/cases/{order.public_id}"
    assert mine.send(case).status_code == 303
    answer = hers.send(case)
    assert answer.status_code == 409
    assert "A colleague has taken this already" in answer.get_data(as_text=True)
    with factories.look() as session:
        present = session.scalars(select(Case).where(Case.subject_id == order.id, Case.ended_at.is_(None))).one()
    assert hers.send(case, {"over": present.public_id}).status_code == 303
    assert mine.send(case, {"over": present.public_id}).status_code == 409, "that one is over"
    assert whose(order.id) != [me.email]


def test_sixteen_take_it_and_one_has_it(app: Flask, cast: Cast) -> None:
    order = factories.paid_payin(cast)
    takers = [people.person("support_orders").actor for _ in range(16)]

    def take(actor) -> object:
        with factories.transaction() as session:
            return cases.take(session, actor, TakeCase(subject_kind="order", subject_id=order.id)).taken_name

    came_to = factories.at_the_same_time(app, [lambda actor=actor: take(actor) for actor in takers], threads=8)
    assert sum(isinstance(one, CaseTaken) for one in came_to) == 15, came_to
    assert len(whose(order.id)) == 1


def test_deciding_stays_possible_and_says_who_is_on_it(app: Flask, cast: Cast, staff, colleague) -> None:
    (me, mine), (_, hers) = staff, colleague
    with factories.act() as session:
        asked = treasury.ask(session, SYSTEM, treasury.AskDeposit(
            owner_kind="store", owner_id=cast.store.id, amount="10.000000", currency="USDT", reason="Came in"))
    assert mine.send(f"/admin/cases/{asked.public_id}").status_code == 303
    page = f"/admin/approvals/{asked.public_id}"
    assert f"{me.email} is on it" in read(hers, page)
    assert f"{me.email} is on it" in read(hers, "/admin/approvals")
    assert hers.send(f"{page}/decision", {"decision": "approve"}).status_code == 303
    assert "is on it" not in read(hers, page)
    assert asked.public_id not in read(mine, "/admin/cases"), "it waits no longer"


def test_the_desk_says_who_is_on_what_needs_attention(app: Flask, cast: Cast, staff, colleague) -> None:
    (me, mine), (_, hers) = staff, colleague
    attention.nothing_waits()
    order = factories.paid_payin(cast)
    with factories.act() as session:
        attention_cases.call(session, session.get_one(Order, order.id), attention_cases.UNCONFIRMED)
    mine.send(f"/admin/cases/{order.public_id}")
    assert f"{me.email} is on it" in read(hers, "/admin/")


def test_the_line_of_an_open_page_is_asked_for_alone(app: Flask, cast: Cast, staff) -> None:
    _, mine = staff
    order = factories.paid_payin(cast)
    case = f"/admin/cases/{order.public_id}"
    assert mine.get(case).location.endswith(f"/admin/orders/{order.public_id}")
    html = mine.get(case, headers={"HX-Request": "true"}).get_data(as_text=True)
    assert f'id="case-{order.public_id}"' in html
    assert "<html" not in html
    assert mine.get(f"/admin/cases/{public('pin', factories.new_id())}").status_code == 404
    assert mine.send(case, {"over": "x" * 99}).status_code == 422
    assert mine.send(f"{case}/release", {"to": "nobody"}).status_code == 422
