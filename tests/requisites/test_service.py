"""From being offered to being archived: who may do what, and what nobody sees."""

import pytest
import sqlalchemy as sa

from portal import approvals, reference
from portal.core.access import SYSTEM, Actor, ActorKind, Role
from portal.core.audit import AuditRow
from portal.core.db import reader, transaction
from portal.core.errors import Denied, Invalid, NotFound
from portal.core.ids import new_id
from portal.core.lifecycle import InvalidTransition
from portal.parties.models import Holder
from portal.reference import service as reference_service
from portal.reference.commands import AddMethod, Switch
from portal.requisites import limits, numbers, queries, service
from portal.requisites.commands import MoveRequisite, SetLimits
from portal.requisites.models import Requisite
from tests.requisites.conftest import as_trader, decide, staff


def status(requisite) -> str:
    return reader().scalars(sa.select(Requisite.status).where(Requisite.id == requisite.id)).one()


def act(name: str, actor, requisite, reason: str | None = None):
    with transaction() as session:
        return getattr(service, name)(session, actor, MoveRequisite(requisite_id=requisite.public_id, reason=reason))


def test_a_requisite_waits_for_a_second_person(pending, trader):
    requisite = pending()
    assert status(requisite) == "pending"
    decide(requisite, "approve")
    assert status(requisite) == "active"


def test_who_asked_cannot_approve(trader, asked):
    one = staff()
    with transaction() as session:
        requisite = service.add(session, one, asked(trader_id=trader.id))
    with pytest.raises(approvals.OwnApproval):
        decide(requisite, "approve", by=one)
    assert status(requisite) == "pending"


def test_a_refused_number_may_be_offered_again(pending, trader, asked):
    requisite = pending(number="4242424242424242")
    decide(requisite, "reject")
    assert status(requisite) == "rejected"
    again = pending(number="4242 4242 4242 4242")
    decide(again, "reject")


def test_one_number_is_on_the_desk_once(active, pending, new_trader):
    first = active()
    number = numbers.reveal(reader(), first)
    with pytest.raises(service.NumberTaken):
        pending(new_trader(), number=number)


def test_the_number_is_sealed_and_shown_masked(pending):
    requisite = pending(number="5555555555554444")
    assert requisite.mask == "555555******4444"
    assert b"5555555555554444" not in requisite.number_sealed
    assert numbers.reveal(reader(), requisite) == "5555555555554444"
    decide(requisite, "reject")


def test_neither_audit_nor_approval_knows_number_or_name(pending):
    requisite = pending(number="4012888888881881", holder="Ada Lovelace")
    said = [str((row.before, row.after)) for row in reader().scalars(
        sa.select(AuditRow).where(AuditRow.target_id == str(requisite.id)))]
    said += [str((row.before, row.after)) for row in reader().scalars(
        sa.select(approvals.Approval).where(approvals.Approval.target_id == str(requisite.id)))]
    assert len(said) >= 2
    assert not [text for text in said if "4012888888881881" in text or "Lovelace" in text]
    decide(requisite, "reject")


def test_a_value_copied_to_another_row_does_not_open(active):
    from portal.core.crypto import CannotOpen

    one, other = active(), active()
    one.number_sealed = other.number_sealed
    with pytest.raises(CannotOpen):
        numbers.reveal(reader(), one)
    reader().rollback()


def test_a_holder_is_one_person_however_spelled(pending, new_trader):
    name = f"Пётр {new_id().hex}"
    one, other = pending(holder=name), pending(new_trader(), holder=f"  {name.upper().replace('Ё', 'Е')}  ")
    assert one.holder_id == other.holder_id
    assert numbers.holder_name(reader(), other) == name
    assert reader().scalar(sa.select(sa.func.count()).select_from(Holder).where(Holder.id == one.holder_id)) == 1


@pytest.mark.parametrize(("typed", "field", "code"), [
    ({"number": "4242424242424241"}, "/number", "bad_number"),
    ({"min_amount": "0.00"}, "/min_amount", "not_positive"),
    ({"min_amount": "100.001"}, "/min_amount", "invalid_amount"),
    ({"max_amount": "1.00"}, "/max_amount", "below_minimum"),
    ({"day_max": "1e9"}, "/day_max", "invalid_amount"),
    ({"currency": "USDT", "min_amount": "1.000000", "max_amount": "2.000000"}, "/currency", "not_fiat"),
    ({"currency": "XXX"}, "/currency", "unknown_currency"),
    ({"bank": "nobody"}, "/bank", "unknown_bank"),
    ({"method": "nothing"}, "/method", "unknown_method"),
    ({"payin": False, "payout": False}, "/payin", "no_direction"),
])
def test_what_is_wrong_is_said_on_its_field(pending, typed, field, code):
    with pytest.raises(Invalid) as refused:
        pending(**typed)
    assert (field, code) in [(wrong.field, wrong.code) for wrong in refused.value.fields]


def test_a_bank_keeps_the_accounts_of_its_own_country(app, pending):
    """A German IBAN at a bank in Kazakhstan: both fit euros, and the payer would look for it in vain."""
    method = rail("iban", "EUR")
    asked = {"method": method, "currency": "EUR", "number": "DE89370400440532013000"}
    with pytest.raises(Invalid) as refused:
        pending(bank="kaspi", **asked)
    assert [(wrong.field, wrong.code) for wrong in refused.value.fields] == [("/bank", "not_of_account")]
    decide(pending(bank="n26", **asked), "reject")


def rail(validator: str, currency: str) -> str:
    """A method of this test alone, and a currency with a German bank switched on for good: no test counts them."""
    code = f"m{new_id().hex[:12]}"
    with transaction() as session:
        reference_service.add_method(session, SYSTEM, AddMethod(
            code=code, name="Account", number_label="Account", validator=validator))
        for kind, named in (("currency", currency), ("bank", "n26")):
            reference_service.switch(session, SYSTEM, Switch(kind=kind, code=named, active=True))
    reference.forget()
    return code


def test_its_life(active, trader):
    requisite, owner = active(), as_trader(trader)
    act("pause", owner, requisite)
    assert status(requisite) == "paused"
    act("resume", owner, requisite)
    act("block", staff(), requisite, "complaints")
    with pytest.raises(InvalidTransition):
        act("resume", owner, requisite)
    act("unblock", staff(), requisite)
    assert status(requisite) == "paused"
    act("archive", owner, requisite)
    with pytest.raises(InvalidTransition):
        act("resume", owner, requisite)


def test_a_trader_cannot_block_and_a_stranger_sees_nothing(active, trader, new_trader):
    requisite = active()
    with pytest.raises(Denied):
        act("block", as_trader(trader), requisite)
    merchant = Actor(kind=ActorKind.USER, id=new_id(), role=Role.MERCHANT, merchant_id=new_id())
    customer = Actor(kind=ActorKind.CUSTOMER, order_id=new_id())
    for stranger in (as_trader(new_trader()), merchant, customer):
        with pytest.raises(NotFound):
            act("pause", stranger, requisite)
        with pytest.raises(NotFound):
            queries.find(reader(), stranger, requisite.public_id)
        assert queries.page(reader(), stranger).rows == []
    assert [row.id for row in queries.page(reader(), as_trader(trader)).rows] == [requisite.id]


def test_a_trader_adds_for_nobody_else(new_trader, trader, asked):
    somebody = asked(trader_id=new_trader().id)
    with pytest.raises(NotFound), transaction() as session:
        service.add(session, as_trader(trader), somebody)


def test_open_orders_keep_it_from_the_archive(active, trader):
    requisite = active()
    with transaction() as session:
        session.execute(sa.update(Requisite).where(Requisite.id == requisite.id).values(open_orders=1))
    with pytest.raises(service.HasOpenOrders):
        act("archive", as_trader(trader), requisite)


def set_limits(actor, requisite, **typed):
    wanted = {"min_amount": "100.00", "max_amount": "50000.00"} | typed
    with transaction() as session:
        return limits.set_limits(session, actor, SetLimits(requisite_id=requisite.public_id, **wanted))


def maximum(requisite) -> int:
    return reader().scalars(sa.select(Requisite.max_minor).where(Requisite.id == requisite.id)).one()


def test_tighter_limits_hold_at_once_and_wider_ones_wait(active, trader):
    requisite = active()
    assert set_limits(as_trader(trader), requisite, max_amount="40000.00") is None
    assert maximum(requisite) == 4_000_000
    assert set_limits(as_trader(trader), requisite, max_amount="60000.00").state == "pending"
    assert maximum(requisite) == 4_000_000
    decide(requisite, "approve")
    assert maximum(requisite) == 6_000_000


def test_wider_limits_that_were_overtaken_are_stale(active, trader):
    requisite = active()
    set_limits(as_trader(trader), requisite, max_amount="60000.00")
    set_limits(as_trader(trader), requisite, max_amount="10000.00")
    with pytest.raises(approvals.StaleApproval):
        decide(requisite, "approve")
    assert maximum(requisite) == 1_000_000


def test_a_pending_one_that_was_edited_is_approved_only_as_it_is_now(pending, trader):
    requisite = pending()
    first = reader().scalars(sa.select(approvals.Approval).where(
        approvals.Approval.target_id == str(requisite.id))).one()
    set_limits(as_trader(trader), requisite, max_amount="90000.00")
    with pytest.raises(approvals.StaleApproval), transaction() as session:
        approvals.decide(session, staff(), approvals.DecideApproval(approval_id=first.public_id, decision="approve"))
    with transaction() as session:
        approvals.decide(session, staff(), approvals.DecideApproval(approval_id=first.public_id, decision="reject"))
    assert status(requisite) == "pending"
    decide(requisite, "approve")
    assert (status(requisite), maximum(requisite)) == ("active", 9_000_000)


def test_counters_of_another_day_read_as_nothing(active):
    from datetime import date

    requisite = active()
    requisite.day_on, requisite.day_used_minor, requisite.day_count = date(2026, 11, 22), 500, 3
    requisite.month_on, requisite.month_used_minor = date(2026, 11, 1), 900
    same, next_day, next_month = (queries.used(requisite, date(2026, *day)) for day in ((11, 22), (11, 23), (12, 1)))
    assert (same.day.minor, same.day_count, same.month.minor) == (500, 3, 900)
    assert (next_day.day.minor, next_day.day_count, next_day.month.minor) == (0, 0, 900)
    assert next_month.month.minor == 0
    reader().rollback()
