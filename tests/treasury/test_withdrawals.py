"""Withdrawals: held at once, approved by one of the staff, sent by another, once; or given back whole."""
from datetime import timedelta
from secrets import token_hex

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from portal import approvals, ledger
from portal.approvals import AlreadyDecided, DecideApproval, StaleApproval
from portal.approvals.models import ApprovalLimit
from portal.core import clock
from portal.core.access import SYSTEM, Actor
from portal.core.db import reader
from portal.core.errors import Denied, Invalid, NotFound
from portal.core.ids import new_id
from portal.core.lifecycle import InvalidTransition
from portal.ledger import InsufficientFunds, verify
from portal.parties import traders
from portal.parties.commands import MoveTrader
from portal.treasury import addresses, minimums, withdrawals
from portal.treasury.commands import (
    AskWithdrawal,
    NameAddress,
    SetMinimum,
    ShowAddress,
)
from portal.treasury.models import Withdrawal
from portal.treasury.owners import OwnerSuspended
from tests import factories as f
from tests.treasury.acts import (
    add,
    ask,
    ask_release,
    balances,
    cancel,
    decide,
    owner_of,
    send,
    take,
    tell,
    tron,
    usable,
)


@pytest.fixture
def cast(app: Flask) -> f.Cast:
    made = f.new_cast()
    f.deposit_to(ledger.store_available(made.store.id, "USDT", True), "100.000000")
    made.trader(deposit="100.000000")
    return made


@pytest.fixture(params=["trader", "store"])
def owner(request: pytest.FixtureRequest, cast: f.Cast) -> Actor:
    return cast.owner if request.param == "store" else f.as_trader(cast.traders[0])


def test_asked_held_approved_sent(cast: f.Cast, owner: Actor) -> None:
    asked = ask(owner, cast)
    assert balances(owner, cast) == ("60.000000", "40.000000")
    decide(asked.id, "withdrawal")
    assert f.fresh(asked).status == "approved"
    assert balances(owner, cast) == ("60.000000", "40.000000")
    sender = f.staff("admin")
    take(sender, asked)
    reference = f"0xABC {token_hex(8)}"
    sent = send(sender, asked, reference)
    assert (sent.status, sent.reference) == ("sent", reference)
    assert balances(owner, cast) == ("60.000000", "0.000000")
    with f.look() as session:
        kinds = [line.kind for line in ledger.lines_of(session, [asked.id])]
    assert kinds == ["withdrawal_hold", "withdrawal_settle"]


def test_refused_and_cancelled_are_whole_again(cast: f.Cast, owner: Actor) -> None:
    at = usable(owner, cast)
    refused = ask(owner, cast, at=at)
    decide(refused.id, "withdrawal", "reject")
    cancelled = ask(owner, cast, at=at)
    cancel(owner, cancelled)
    assert (f.fresh(refused).status, f.fresh(cancelled).status) == ("refused", "cancelled")
    assert balances(owner, cast) == ("100.000000", "0.000000")
    with f.look() as session:
        assert approvals.waiting_for(session, "withdrawal", cancelled.id) == []
    for again in (lambda: cancel(owner, cancelled), lambda: cancel(owner, refused)):
        with pytest.raises(InvalidTransition):
            again()


def test_what_nobody_decides_is_whole_again(cast: f.Cast, owner: Actor) -> None:
    """Approvals end by themselves: the amount does not stay held, and neither address nor deposit waits for ever."""
    at, told = usable(owner, cast), tell(owner, cast)
    asked, added = ask(owner, cast, at=at), add(owner, cast)
    with clock.moved(timedelta(days=8)):
        while True:
            with f.act() as session:
                approvals.expire(session)
            with f.look() as session:
                if not approvals.waiting_for(session, "withdrawal", asked.id):
                    break
        with f.act() as session:
            approvals.expire(session)
    assert f.fresh(asked).overdue
    assert (f.fresh(added).status, f.fresh(told).status) == ("refused", "refused")
    assert balances(owner, cast) == ("100.000000", "0.000000")


def test_what_is_not_there_cannot_be_asked_for(cast: f.Cast, owner: Actor) -> None:
    at = usable(owner, cast)
    with pytest.raises(InsufficientFunds):
        ask(owner, cast, "100.000001", at)
    for amount in ("0", "-1", "1,2,3", "one"):
        with pytest.raises(Invalid):
            ask(owner, cast, amount, at)
    assert balances(owner, cast) == ("100.000000", "0.000000")
    with f.look() as session:
        assert session.scalar(text("SELECT count(*) FROM withdrawals WHERE owner_id = :id"),
                              {"id": owner_of(owner, cast)["owner_id"]}) == 0


def test_sixteen_asks_at_once_take_no_more_than_there_is(app: Flask, cast: f.Cast, owner: Actor) -> None:
    at = usable(owner, cast)
    outcomes = f.at_the_same_time(app, [lambda: ask(owner, cast, "30", at)] * 16)
    assert sum(isinstance(one, Withdrawal) for one in outcomes) == 3
    assert sum(isinstance(one, InsufficientFunds) for one in outcomes) == 13
    assert balances(owner, cast) == ("10.000000", "90.000000")


def test_two_who_send_at_once_send_once(app: Flask, cast: f.Cast, owner: Actor) -> None:
    asked = ask(owner, cast)
    decide(asked.id, "withdrawal")
    senders = [f.staff("admin") for _ in range(8)]
    outcomes = f.at_the_same_time(app, [lambda by=by: take(by, asked) for by in senders])
    (first,) = [by for by, outcome in zip(senders, outcomes, strict=True) if outcome is None]
    assert sum(isinstance(one, withdrawals.InOtherHands) for one in outcomes) == 7
    outcomes = f.at_the_same_time(app, [lambda by=by: send(by, asked) for by in (first, *senders)])
    assert sum(isinstance(one, Withdrawal) for one in outcomes) == 1
    assert balances(owner, cast) == ("60.000000", "0.000000")


def test_a_cancellation_and_an_approval_at_once(app: Flask, cast: f.Cast) -> None:
    """Whoever locks the approval first wins; the money is either held or free, never both."""
    owner = f.as_trader(cast.traders[0])
    at = usable(owner, cast)
    for _ in range(8):
        asked = ask(owner, cast, at=at)
        f.at_the_same_time(app, [lambda it=asked: cancel(owner, it),
                                 lambda it=asked: decide(it.id, "withdrawal")])
        status = f.fresh(asked).status
        assert balances(owner, cast) == (("60.000000", "40.000000") if status == "approved" else
                                         ("100.000000", "0.000000")), status
        if status == "approved":
            ask_release(asked)
            decide(asked.id, "withdrawal_release")
    assert balances(owner, cast) == ("100.000000", "0.000000")


def test_a_transfer_pays_one_withdrawal(cast: f.Cast, owner: Actor) -> None:
    at, sender = usable(owner, cast), f.staff("admin")
    first, second = ask(owner, cast, "10", at), ask(owner, cast, "11", at)
    for one in (first, second):
        decide(one.id, "withdrawal")
        take(sender, one)
    reference = token_hex(16)
    send(sender, first, reference)
    with pytest.raises(withdrawals.ReferenceKnown):
        send(sender, second, f" {reference.upper()} ")
    assert f.fresh(second).status == "approved"
    assert balances(owner, cast) == ("79.000000", "11.000000")


def test_who_approved_it_does_not_send_it(cast: f.Cast) -> None:
    asked = ask(f.as_trader(cast.traders[0]), cast)
    approver = decide(asked.id, "withdrawal")
    with pytest.raises(withdrawals.SameHand):
        take(approver, asked)
    with pytest.raises(withdrawals.NotTaken):
        send(f.staff("admin"), asked)


def test_neither_of_two_who_agreed_sends_it(fresh_app: Flask) -> None:
    made = f.new_cast()
    with f.act() as session:
        session.add(ApprovalLimit(kind="withdrawal", currency="USDT", alone_max_minor=0, two_from_minor=1))
    asked = ask(f.as_trader(made.trader()), made)
    first, second = decide(asked.id, "withdrawal"), decide(asked.id, "withdrawal")
    assert f.fresh(asked).status == "approved"
    for one in (first, second):
        with pytest.raises(withdrawals.SameHand):
            take(one, asked)
    sender = f.staff("admin")
    take(sender, asked)
    assert send(sender, asked).status == "sent"


def test_a_colleague_takes_it_over_only_on_purpose(cast: f.Cast) -> None:
    asked = ask(f.as_trader(cast.traders[0]), cast)
    decide(asked.id, "withdrawal")
    one, other = f.staff("admin"), f.staff("admin")
    take(one, asked)
    take(one, asked)
    with pytest.raises(withdrawals.InOtherHands):
        take(other, asked)
    take(other, asked, over=one)
    with pytest.raises(withdrawals.InOtherHands):
        send(one, asked)
    assert send(other, asked).status == "sent"


def test_never_sent_goes_back_by_two_people(cast: f.Cast, owner: Actor) -> None:
    asked = ask(owner, cast)
    decide(asked.id, "withdrawal")
    ask_release(asked)
    with pytest.raises(withdrawals.ReleaseWaits):
        take(f.staff("admin"), asked)
    decide(asked.id, "withdrawal_release")
    assert f.fresh(asked).status == "released"
    assert balances(owner, cast) == ("100.000000", "0.000000")


def test_what_was_sent_meanwhile_is_not_given_back(cast: f.Cast) -> None:
    owner, sender = f.as_trader(cast.traders[0]), f.staff("admin")
    asked = ask(owner, cast)
    decide(asked.id, "withdrawal")
    take(sender, asked)
    ask_release(asked)
    send(sender, asked)
    with pytest.raises(StaleApproval):
        decide(asked.id, "withdrawal_release")
    assert balances(owner, cast) == ("60.000000", "0.000000")
    decide(asked.id, "withdrawal_release", "reject")


def test_an_address_rests_a_day_and_goes_at_once(cast: f.Cast, owner: Actor) -> None:
    made = add(owner, cast)
    with pytest.raises(withdrawals.AddressGone):
        ask(owner, cast, at=made)
    decide(made.id, "withdrawal_address")
    with pytest.raises(withdrawals.AddressRests):
        ask(owner, cast, at=made)
    with clock.moved(timedelta(hours=24, seconds=1)):
        asked = ask(owner, cast, "5", made)
        with f.act() as session:
            addresses.remove(session, owner, NameAddress(address_id=made.public_id))
        with pytest.raises(withdrawals.AddressGone):
            ask(owner, cast, "5", made)
        with pytest.raises(StaleApproval):
            decide(asked.id, "withdrawal")
        decide(asked.id, "withdrawal", "reject")
    assert balances(owner, cast) == ("100.000000", "0.000000")


def test_an_address_removed_after_the_approval_is_not_shown_to_who_would_send(cast: f.Cast) -> None:
    owner = f.as_trader(cast.traders[0])
    at = usable(owner, cast)
    asked = ask(owner, cast, at=at)
    decide(asked.id, "withdrawal")
    with f.act() as session:
        addresses.remove(session, owner, NameAddress(address_id=at.public_id))
        addresses.remove(session, owner, NameAddress(address_id=at.public_id))
    with pytest.raises(withdrawals.AddressGone):
        take(f.staff("admin"), asked)


def test_an_address_is_checked_sealed_and_stands_there_once(cast: f.Cast, owner: Actor) -> None:
    address = tron()
    made = add(owner, cast, address=address)
    assert made.mask == f"{address[:4]}…{address[-4:]}"
    assert address.encode() not in made.address_sealed
    with pytest.raises(addresses.AddressKnown):
        add(owner, cast, address=address)
    wrong = address[:-1] + ("2" if address[-1] != "2" else "3")
    for network, typed in (("trc20", wrong), ("erc20", address), ("bitcoin", address), ("bank", "IBAN 12345")):
        with pytest.raises(Invalid):
            add(owner, cast, address=typed, network=network)
    with f.act() as session:
        looked = addresses.show(session, f.staff("admin"), ShowAddress(
            address_id=made.public_id, reason="Asked by phone"))
    assert looked == address
    with f.look() as session:
        assert session.scalar(text("SELECT count(*) FROM audit_rows WHERE action = 'withdrawal_address.shown'"
                                   " AND target_id = :id AND reason = 'Asked by phone'"), {"id": str(made.id)}) == 1
        assert session.scalar(text("SELECT count(*) FROM audit_rows WHERE after::text LIKE :it"),
                              {"it": f"%{address}%"}) == 0
    for stranger in (f.staff("support_traders"), owner):
        with pytest.raises(Denied), f.act() as session:
            addresses.show(session, stranger, ShowAddress(address_id=made.public_id, reason="x"))


def test_removed_it_may_be_asked_for_anew(cast: f.Cast, owner: Actor) -> None:
    address = tron()
    made = add(owner, cast, address=address)
    with f.act() as session:
        addresses.remove(session, owner, NameAddress(address_id=made.public_id))
        assert approvals.waiting_for(session, "withdrawal_address", made.id) == []
    assert add(owner, cast, address=address).status == "pending"


def test_a_suspended_owner_cannot_ask(cast: f.Cast) -> None:
    owner = f.as_trader(cast.traders[0])
    at = usable(owner, cast)
    with f.act() as session:
        traders.move(session, SYSTEM, MoveTrader(trader_id=cast.traders[0].id, status="suspended", reason="test"))
    with pytest.raises(OwnerSuspended):
        ask(owner, cast, at=at)


def test_who_owes_the_desk_gets_nothing_out(cast: f.Cast, owner: Actor) -> None:
    """Nothing is asked, approved or taken; what was sent is written down; what comes back pays the claim first."""
    at, sender = usable(owner, cast), f.staff("admin")
    waiting, ready, gone = (ask(owner, cast, "10", at) for _ in range(3))
    for one in (ready, gone):
        decide(one.id, "withdrawal")
    take(sender, gone)
    kind, id = owner_of(owner, cast).values()
    with f.act() as session:
        ledger.claims.add(session, ledger.Account(kind, id, "available", "USDT", True), f.usdt("4.000000"),
                          reference=new_id())
    for act in (lambda: ask(owner, cast, "1", at), lambda: decide(waiting.id, "withdrawal"),
                lambda: take(sender, ready)):
        with pytest.raises(ledger.claims.ClaimOpen):
            act()
    assert send(sender, gone).status == "sent"
    decide(waiting.id, "withdrawal", "reject")
    assert balances(owner, cast) == ("76.000000", "10.000000")
    assert ask(owner, cast, "1", at).status == "requested"


def test_a_minimum_holds_for_new_ones(cast: f.Cast) -> None:
    owner = f.as_trader(cast.traders[0])
    at = usable(owner, cast)
    try:
        with f.act() as session:
            minimums.put(session, f.staff("admin"), SetMinimum(currency="USDT", amount="20"))
        with pytest.raises(Invalid) as refused:
            ask(owner, cast, "19.999999", at)
        assert "20.000000" in refused.value.fields[0].message
        assert ask(owner, cast, "20", at).status == "requested"
        with pytest.raises(Denied), f.act() as session:
            minimums.put(session, owner, SetMinimum(currency="USDT", amount=None))
    finally:
        with f.act() as session:
            minimums.put(session, f.staff("admin"), SetMinimum(currency="USDT"))
    assert ask(owner, cast, "1", at).status == "requested"


def test_a_stranger_sees_and_does_nothing(cast: f.Cast, owner: Actor) -> None:
    other = f.new_cast()
    strangers = [other.owner, f.as_trader(other.trader())]
    at = usable(owner, cast)
    asked = ask(owner, cast, at=at)
    for stranger in strangers:
        for act in (lambda it=stranger: cancel(it, asked), lambda it=stranger: ask(it, other, "1", at)):
            with pytest.raises(NotFound):
                act()
        with pytest.raises(NotFound), f.act() as session:
            addresses.remove(session, stranger, NameAddress(address_id=at.public_id))
        with pytest.raises(NotFound), f.act() as session:
            withdrawals.ask(session, stranger, AskWithdrawal(
                address_id=at.public_id, amount="1", **owner_of(owner, cast)))
    for helper in ("support_orders", "support_traders", "support_readonly"):
        with pytest.raises(Denied):
            take(f.staff(helper), asked)


def test_the_database_keeps_what_was_approved(app: Flask, cast: f.Cast) -> None:
    owner, sender = f.as_trader(cast.traders[0]), f.staff("admin")
    asked = ask(owner, cast)
    approver = decide(asked.id, "withdrawal")
    for change in ("amount_minor = amount_minor + 1", "address_id = gen_random_uuid()", "owner_id = gen_random_uuid()",
                   f"taken_by = '{approver.id}'", "status = 'sent', ended_at = now()"):
        with pytest.raises((DBAPIError, withdrawals.SameHand)), f.act() as session:
            session.execute(text(f"UPDATE withdrawals SET {change} WHERE id = :id"), {"id": asked.id})
    take(sender, asked)
    send(sender, asked)
    for statement in ("UPDATE withdrawals SET reference = 'other' WHERE id = :id",
                      "DELETE FROM withdrawals WHERE id = :id"):
        with pytest.raises(DBAPIError), f.act() as session:
            session.execute(text(statement), {"id": asked.id})
    with pytest.raises(DBAPIError), f.act() as session:
        session.execute(text("UPDATE withdrawal_addresses SET usable_at = now() - interval '1 day' WHERE id = :id"),
                        {"id": asked.address_id})


def test_two_decide_at_once(app: Flask, cast: f.Cast) -> None:
    asked = ask(f.as_trader(cast.traders[0]), cast)

    def act(decision: str) -> object:
        with f.act() as session:
            return approvals.decide(session, f.staff("admin"), DecideApproval(
                approval_id=f"apr_{approval}", decision=decision, reason="x")).state

    with f.look() as session:
        approval = approvals.waiting_for(session, "withdrawal", asked.id)[0].public_id.removeprefix("apr_")
    outcomes = f.at_the_same_time(app, [lambda d=d: act(d) for d in ("approve", "reject") * 4])
    assert sum(isinstance(one, str) for one in outcomes) == 1
    assert sum(isinstance(one, AlreadyDecided) for one in outcomes) == 7


@pytest.fixture
def day(fresh_app: Flask) -> f.Cast:
    """A withdrawal of every state beside an order that holds, on books of their own."""
    cast = f.new_cast()
    owner = f.as_trader(cast.trader(deposit="1000.000000"))
    cast.requisite(cast.traders[0])
    f.assigned_payin(cast, "1004.00")
    at, sender = usable(owner, cast), f.staff("admin")
    made = [ask(owner, cast, str(10 + n), at) for n in range(6)]
    for one in made[1:4]:
        decide(one.id, "withdrawal")
    take(sender, made[2])
    send(sender, made[2])
    ask_release(made[3])
    decide(made[3].id, "withdrawal_release")
    decide(made[4].id, "withdrawal", "reject")
    cancel(owner, made[5])
    return cast


def proof() -> verify.Report:
    session = reader()
    session.rollback()
    return verify.run(session)


def test_the_books_know_every_withdrawal(day: f.Cast) -> None:
    report = proof()
    assert report.differences == []
    assert {one.name: one.examined for one in report.results}[
        "every withdrawal is held, and leaves or returns once, as it ended"] == 6


@pytest.mark.parametrize(("statement", "check"), [
    ("UPDATE withdrawals SET amount_minor = amount_minor + 1 WHERE status = 'requested'", "held collateral"),
    ("UPDATE withdrawals SET amount_minor = amount_minor + 1 WHERE status = 'sent'", "every withdrawal"),
    ("UPDATE withdrawals SET status = 'refused', ended_at = now() WHERE status = 'requested'", "held collateral"),
    ("UPDATE withdrawals SET status = 'cancelled', reference = NULL, reference_key = NULL, sent_by = NULL"
     " WHERE status = 'sent'", "every withdrawal"),
    ("DELETE FROM withdrawals WHERE status = 'sent'", "only withdrawals"),
])
def test_each_planted_corruption_is_found(day: f.Cast, corrupt, statement: str, check: str) -> None:
    corrupt(statement)
    assert any(difference.startswith(check) for difference in proof().differences)
