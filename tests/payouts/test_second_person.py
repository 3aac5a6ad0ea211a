"""Above the store's limit a second person lets payouts go; nothing is held before, and two at once let go once."""
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from portal.approvals.models import SmallMove
from portal.core import clock
from portal.core.audit import AuditRow
from portal.core.errors import Invalid
from portal.core.ids import parse
from portal.orders.models import Order
from portal.payouts import service
from portal.payouts import typed as typed_cells
from portal.payouts.models import PayoutImport
from portal.requisites import robots
from tests import factories as f
from tests import people
from tests.payouts.conftest import csv_of, make_all, row, take_in
from tests.treasury import books
from tests.treasury.test_transfers import another

ZERO, TOTAL = f.usdt("0.000000"), f.usdt("16.711957")


@pytest.fixture
def limited(cast):
    """One person alone may send 20 USDT."""
    f.change(cast.store, payout_alone_max_minor=20_000_000)
    return cast


def typed(seat, cast, **changes):
    return seat.send("/merchant/payouts", {
        "store_id": cast.store.public_id, "amount": "1500", "currency": "RUB", "method": cast.method,
        "number": robots.test_number("luhn16", cast.method), "external_id": "big"} | changes)


def count_of(cast):
    with f.look() as session:
        return session.scalar(select(func.count()).select_from(Order).where(Order.store_id == cast.store.id))


def state(path):
    with f.look() as session:
        return session.get_one(PayoutImport, parse("pim", path.rpartition("/")[2])).state


def test_below_the_limit_one_person_is_enough(limited, owner, second):
    assert "/imports/" not in typed(owner, limited).headers["Location"]
    assert f.store_held(limited.store) == TOTAL
    path = take_in(second, limited, csv_of([row(limited)]))
    second.send(f"{path}/sending")
    assert state(path) == "making"


def test_payouts_cut_in_pieces_count_as_one(app, limited, second):
    """16.71 of 20 USDT are sent alone: the next piece of the same person waits, whomever it is for."""
    person = people.person("merchant_owner", merchant_id=limited.merchant.id)
    owner = people.seat(app, person)
    assert "/imports/" not in typed(owner, limited, external_id="").headers["Location"]
    page = typed(owner, limited, external_id="", amount="600", number=robots.test_number("luhn16", "other"))
    path = page.headers["Location"]
    assert "/imports/" in path
    told = owner.get(path).text
    assert "in the 24 hours before: with these" in told
    assert "16.711957" in told
    assert (state(path), f.store_held(limited.store)) == ("waiting", TOTAL)
    assert "/imports/" not in typed(owner, limited, external_id="", amount="200").headers["Location"], "it still fits"
    quote = f"/merchant/payouts/quote?store_id={limited.store.public_id}&amount=600&currency=RUB"
    assert "You sent" in owner.get(f"{quote}&method={limited.method}").text
    assert second.send(f"{path}/release").status_code == 303
    with clock.moved(timedelta(hours=24, seconds=30)):
        assert "/imports/" not in typed(people.seat(app, person), limited, external_id="").headers["Location"]


def test_two_people_who_pay_one_recipient_in_pieces_count_as_one(app, limited, owner, second):
    assert "/imports/" not in typed(owner, limited, external_id="").headers["Location"]
    path = typed(second, limited, external_id="").headers["Location"]
    assert "had been sent" in second.get(path).text
    assert state(path) == "waiting"
    to = robots.test_number("luhn16", "somebody-else")
    assert "/imports/" not in typed(second, limited, external_id="", number=to).headers["Location"]
    third = people.seat(app, people.person("merchant_finance", merchant_id=limited.merchant.id))
    file = take_in(third, limited, csv_of([row(limited, number=to, amount="500"), row(limited, amount="500")]))
    third.send(f"{file}/sending")
    assert state(file) == "waiting", "one row of the file goes to him who was paid by another"


def test_files_in_pieces_count_too_and_one_taken_back_at_once_does_not(limited, owner):
    first, again = (take_in(owner, limited, csv_of([row(limited)])) for _ in range(2))
    owner.send(f"{first}/sending")
    owner.send(f"{first}/withdrawal")
    owner.send(f"{again}/sending")
    assert (state(first), state(again)) == ("withdrawn", "making")
    make_all()
    owner.send(f"{again}/withdrawal")
    third = take_in(owner, limited, csv_of([row(limited)]))
    assert "You sent" in owner.get(third).text
    owner.send(f"{third}/sending")
    assert state(third) == "waiting"


def test_pieces_sent_at_once_are_judged_one_after_the_other(app, limited, owner):
    files = [take_in(owner, limited, csv_of([row(limited)])) for _ in range(3)]
    acts = [lambda n=n: typed(owner, limited, external_id=f"at-once-{n}").headers["Location"] for n in range(3)]
    f.at_the_same_time(app, [*acts, *(lambda path=path: owner.send(f"{path}/sending").status_code for path in files)])
    make_all()
    assert f.store_held(limited.store) == TOTAL, "one of them; the others wait"
    with f.look() as session:
        alone = session.scalars(select(SmallMove).where(
            SmallMove.scope == f"payout/{limited.store.id}")).all()
    assert [one.amount_minor for one in alone] == [TOTAL.minor]


def test_a_transfer_to_another_store_is_no_way_past_the_limit(app, limited, second):
    """From a store without a limit it would be paid out at once: what is moved there counts as what is sent."""
    other = another(limited)
    finance = people.person("merchant_finance", merchant_id=limited.merchant.id)
    seat = people.seat(app, finance)

    def move(amount, by=finance.actor):
        return books.move(by, limited.store, other, amount)

    with pytest.raises(Invalid) as refused:
        move("1000")
    assert [error.code for error in refused.value.fields] == ["alone_max"]
    assert "payouts and transfers together" in str(refused.value.fields[0].message)
    move("15")
    path = typed(seat, limited, external_id="").headers["Location"]
    assert state(path) == "waiting", "15 moved and 16.71 sent are more than 20"
    with pytest.raises(Invalid):
        move("5.000001", limited.owner)
    page = seat.send("/merchant/transfers", {"from_store": limited.store.public_id, "to_store": other.public_id,
                                             "amount": "6"})
    assert page.status_code == 422
    assert "ask the desk to raise the limit" in page.text
    move("5")
    with clock.moved(timedelta(hours=24, seconds=30)):
        move("20")


def test_a_payout_counts_against_a_transfer_and_pieces_at_once_do_too(app, limited):
    other = another(limited)
    person = people.person("merchant_owner", merchant_id=limited.merchant.id)
    assert "/imports/" not in typed(people.seat(app, person), limited, external_id="").headers["Location"]
    with pytest.raises(Invalid):
        books.move(person.actor, limited.store, other, "4")
    colleague = people.person("merchant_finance", merchant_id=limited.merchant.id).actor
    outcomes = f.at_the_same_time(app, [lambda: books.move(colleague, limited.store, other, "15")] * 6)
    assert sum(isinstance(one, Invalid) for one in outcomes) == 5
    assert f.store_available(other).text == "15.000000"


def test_the_same_form_twice_is_one_payout_and_counts_once(limited):
    person = people.person("merchant_owner", merchant_id=limited.merchant.id).actor
    cells = {"external_id": "once", "amount": "1500", "currency": "RUB", "method": limited.method,
             "number": robots.test_number("luhn16", limited.method)}
    made = []
    for _ in range(2):
        with f.act() as session:
            made.append(service.ask(session, person, limited.store.id, typed_cells.payout(cells), cells,
                                    idempotency_key="form-once").public_id)
    assert made[0] == made[1]
    assert f.store_held(limited.store) == TOTAL


def test_a_payout_above_waits_for_another_person_and_is_then_made(limited, owner, second):
    path = typed(owner, limited, amount="3000").headers["Location"]
    assert "/imports/" in path
    assert f.store_held(limited.store) == ZERO
    assert "above what one person may send alone" in owner.get(path).text
    assert f"{path}/release" not in owner.get(path).text
    assert owner.send(f"{path}/release").status_code == 403, "nobody lets their own go"
    assert "1 request waits" in second.get("/merchant/payouts").text
    assert second.send(f"{path}/release").status_code == 303
    make_all()
    assert state(path) == "done"
    assert f.store_held(limited.store) == f.usdt("33.423913")
    with f.look() as session:
        order = session.scalars(select(Order).where(Order.store_id == limited.store.id)).one()
        told = session.scalars(select(AuditRow.action).where(
            AuditRow.target_id == str(parse("pim", path.rpartition("/")[2]))).order_by(AuditRow.id)).all()
    assert order.external_id == "big"
    assert told == ["payout_import.taken_in", "payout_import.sent", "payout_import.released"]
    assert second.send(f"{path}/release").status_code == 409, "harmless twice"
    make_all()
    assert count_of(limited) == 1


def test_a_file_whose_total_is_above_waits_too(limited, owner, second):
    path = take_in(owner, limited, csv_of([row(limited), row(limited)]))
    assert "a second person of yours lets it go" in owner.get(path).text
    owner.send(f"{path}/sending")
    assert state(path) == "waiting"
    make_all()
    assert count_of(limited) == 0
    assert second.send(f"{path}/release").status_code == 303
    make_all()
    assert count_of(limited) == 2


def test_the_second_person_says_no_with_a_reason(limited, owner, second):
    path = typed(owner, limited, amount="3000").headers["Location"]
    assert second.send(f"{path}/refusal").status_code == 422
    assert second.send(f"{path}/refusal", {"reason": "Who is that?"}).status_code == 303
    assert "Who is that?" in owner.get(path).text
    assert second.send(f"{path}/release").status_code == 409
    make_all()
    assert count_of(limited) == 0


def test_who_asked_withdraws_and_nobody_else(limited, owner, second):
    path = typed(owner, limited, amount="3000").headers["Location"]
    assert second.send(f"{path}/withdrawal").status_code == 403
    assert owner.send(f"{path}/withdrawal").status_code == 303
    assert owner.send(f"{path}/withdrawal").status_code == 303, "harmless twice"
    assert second.send(f"{path}/release").status_code == 409
    assert (state(path), count_of(limited)) == ("withdrawn", 0)


def test_nobody_for_a_day_and_it_expires(limited, owner, second):
    path = typed(owner, limited, amount="3000").headers["Location"]
    with clock.moved(timedelta(hours=23)):
        f.work_off("expire_payout_import")
        assert state(path) == "waiting"
    with clock.moved(timedelta(hours=24, seconds=1)):
        f.work_off("expire_payout_import")
    assert state(path) == "expired"
    assert second.send(f"{path}/release").status_code == 409


def test_two_people_race_and_one_lets_it_go(app, limited, owner, second):
    path = take_in(owner, limited, csv_of([row(limited), row(limited)]))
    owner.send(f"{path}/sending")
    others = [people.person("merchant_finance", merchant_id=limited.merchant.id).actor for _ in range(8)]

    def let_go(actor):
        with f.act() as session:
            return service.release(session, actor, path.rpartition("/")[2]).state

    outcomes = f.at_the_same_time(app, [lambda actor=actor: let_go(actor) for actor in others])
    assert outcomes.count("making") == 1, outcomes
    make_all()
    assert count_of(limited) == 2
    with f.look() as session:
        taken = session.get_one(PayoutImport, parse("pim", path.rpartition("/")[2]))
    assert taken.decided_by in {actor.id for actor in others}


def test_release_and_withdrawal_at_once_are_one_of_both(app, limited, owner, second):
    for _ in range(5):
        path = typed(owner, limited, amount="3000", external_id="").headers["Location"]
        answers = f.at_the_same_time(app, [lambda path=path: second.send(f"{path}/release").status_code,
                                           lambda path=path: owner.send(f"{path}/withdrawal").status_code])
        assert 303 in answers
        assert state(path) in ("making", "withdrawn")
        if state(path) == "withdrawn":
            continue
        before = count_of(limited)
        make_all()
        assert count_of(limited) == before + 1


def test_one_who_let_the_other_in_is_no_second_person(app, limited, owner):
    """Two accounts, one hand: whoever gave out a password may sit at both desks."""
    from portal.approvals import admissions

    asker = people.person("merchant_owner", merchant_id=limited.merchant.id)
    made = people.person("merchant_finance", merchant_id=limited.merchant.id)
    with f.act() as session:
        admissions.record(session, made.id, "password", by=asker.actor)
    path = typed(people.seat(app, asker), limited, amount="3000").headers["Location"]
    assert people.seat(app, made).send(f"{path}/release").status_code == 403
    assert state(path) == "waiting"


def test_the_money_must_be_there_when_it_is_let_go(limited, owner, second):
    path = typed(owner, limited, amount="80000").headers["Location"]
    f.create_payout(limited, "40000.00")
    answer = second.send(f"{path}/release")
    assert answer.status_code == 409
    assert "are missing" in answer.text
    assert state(path) == "waiting"


def test_a_call_by_key_is_not_held_up(limited):
    assert f.create_payout(limited, "30000.00").order.status == "new"


def test_a_person_without_the_right_is_no_second_one(app, limited, owner):
    path = typed(owner, limited, amount="3000").headers["Location"]
    viewer = people.seat(app, people.person("merchant_viewer", merchant_id=limited.merchant.id))
    assert viewer.send(f"{path}/release").status_code == 403
    assert state(path) == "waiting"
