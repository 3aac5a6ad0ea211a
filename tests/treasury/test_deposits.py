"""Deposits: two people, one entry; stale, wrong and doubled ones refused."""
import pytest

from portal import approvals, ledger, treasury
from portal.approvals import AlreadyDecided, DecideApproval, OwnApproval, StaleApproval
from portal.core.access import Permission
from portal.core.errors import Denied, Invalid, NotFound
from portal.core.ids import new_id
from portal.parties.models import Merchant, Store, Trader
from portal.treasury import AskDeposit
from tests.approvals.test_decide import staff
from tests.ledger.world import at_the_same_time


@pytest.fixture
def trader(books):
    with books.transaction() as session:
        made = Trader(id=new_id(), name="Nina", status="active", settlement_currency="USDT", data_key=b"sealed")
        session.add(made)
    return made


def asking(owner, **changed) -> AskDeposit:
    return AskDeposit.model_validate({
        "owner_kind": "store" if isinstance(owner, Store) else "trader", "owner_id": owner.id, "amount": "250.500000",
        "currency": "USDT", "reason": "transfer 17"} | changed)


def ask(books, actor, command):
    with books.transaction() as session:
        return treasury.ask(session, actor, command)


def decide(books, actor, approval, decision="approve"):
    with books.transaction() as session:
        return approvals.decide(session, actor, DecideApproval(approval_id=approval.public_id, decision=decision))


def available(books, owner) -> str:
    kind = "store" if isinstance(owner, Store) else "trader"
    return books_balance(books, ledger.Account(kind, owner.id, "available", "USDT", True))


def books_balance(books, account) -> str:
    with books.transaction() as session:
        return str(ledger.balance(session, account))


def test_a_deposit_counts_once_a_second_person_agrees(books, trader):
    approval = ask(books, staff(), asking(trader))
    assert available(books, trader) == "0.000000 USDT"
    other = staff()
    decide(books, other, approval)
    assert available(books, trader) == "250.500000 USDT"
    with books.transaction() as session:
        [line] = ledger.lines_of(session, [approval.id])
        statement = ledger.statement(session, ledger.trader_available(trader.id, "USDT", True))
    assert (line.kind, line.debit, line.credit) == ("deposit", "world external", "trader available")
    assert statement.lines[0].by == other.name


def test_a_store_has_deposits_too(books):
    with books.transaction() as session:
        merchant = Merchant(id=new_id(), name="Lavka", status="active")
        session.add(merchant)
        session.flush()
        store = Store(id=new_id(), merchant_id=merchant.id, slug=str(new_id()), name="Lavka", data_key=b"sealed",
                      settlement_currency="USDT")
        session.add(store)
    decide(books, staff(), ask(books, staff(), asking(store)))
    assert available(books, store) == "250.500000 USDT"


def test_a_rejected_deposit_moves_nothing(books, trader):
    decide(books, staff(), ask(books, staff(), asking(trader)), "reject")
    assert available(books, trader) == "0.000000 USDT"


def test_who_asked_cannot_approve(books, trader):
    asker = staff("super_admin")
    approval = ask(books, asker, asking(trader))
    with pytest.raises(OwnApproval):
        decide(books, asker, approval)
    assert available(books, trader) == "0.000000 USDT"


def test_sixteen_approvals_at_once_deposit_once(books, trader):
    approval = ask(books, staff(), asking(trader))

    def approve(_: int) -> str:
        try:
            return decide(books, staff(), approval).state
        except AlreadyDecided:
            return "already"

    assert at_the_same_time(16, approve).count("approved") == 1
    assert available(books, trader) == "250.500000 USDT"


@pytest.mark.parametrize("changed", [{"status": "suspended"}, {"name": "Somebody else"},
                                     {"settlement_currency": "USDC"}])
def test_a_deposit_for_an_owner_who_changed_is_stale(books, trader, changed):
    approval = ask(books, staff(), asking(trader))
    with books.transaction() as session:
        owner = session.get_one(Trader, trader.id)
        for name, value in changed.items():
            setattr(owner, name, value)
    with pytest.raises(StaleApproval):
        decide(books, staff(), approval)
    assert available(books, trader) == "0.000000 USDT"
    assert decide(books, staff(), approval, "reject").state == "rejected"


@pytest.mark.parametrize("changed", [
    {"amount": "0.000000"}, {"amount": "-1.000000"}, {"amount": "1e6"}, {"amount": "1.0000000"},
    {"amount": "99999999999999999.000000"}, {"currency": "RUB", "amount": "1.00"}, {"currency": "XXX"}])
def test_what_is_no_amount_of_the_owners_currency_is_refused(books, trader, changed):
    with pytest.raises(Invalid):
        ask(books, staff(), asking(trader, **changed))


def test_a_deposit_asked_before_its_owner_is_set_going_holds(books, trader):
    """Both approved in one sitting: the onboarding made the deposit stale."""
    with books.transaction() as session:
        session.get_one(Trader, trader.id).status = "pending"
    approval = ask(books, staff(), asking(trader))
    with books.transaction() as session:
        session.get_one(Trader, trader.id).status = "active"
    decide(books, staff(), approval)
    assert available(books, trader) == "250.500000 USDT"


def test_nobody_deposits_for_nobody(books, trader):
    with pytest.raises(NotFound):
        ask(books, staff(), asking(trader, owner_id=new_id()))
    with pytest.raises(NotFound):
        ask(books, staff(), asking(trader, owner_kind="store"))


def test_only_who_may_ask_asks(books, trader):
    stranger = staff("support_orders")
    assert not stranger.may(Permission.DEPOSIT_REQUEST)
    with pytest.raises(Denied):
        ask(books, stranger, asking(trader))
