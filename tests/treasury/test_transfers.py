"""Between stores of one merchant: at once, whole, and never past what keeps money where it is."""
import pytest
from flask import Flask

from portal import ledger
from portal.core.access import TEMPLATES, Actor, ActorKind, Role
from portal.core.db import give_back, reader
from portal.core.errors import Denied, Invalid, NotFound
from portal.core.ids import new_id
from portal.ledger import InsufficientFunds, verify
from portal.ledger.claims import ClaimOpen
from portal.parties import stores
from portal.parties.commands import CreateStore, MoveStore
from portal.parties.models import Store
from portal.treasury import book_proof
from portal.treasury.owners import OwnerSuspended
from tests import factories as f
from tests.treasury import books


def another(cast: f.Cast, *, settlement: str = "USDT") -> Store:
    with f.act() as session:
        made = stores.create(session, f.SYSTEM, CreateStore(
            merchant_id=cast.merchant.id, slug=f"second-{new_id().hex[-8:]}", name="Second",
            settlement_currency=settlement))
        stores.move(session, f.SYSTEM, MoveStore(store_id=made.id, status="active", reason="Ready"))
        return made


@pytest.fixture
def cast(app: Flask) -> f.Cast:
    made = f.new_cast()
    f.deposit_to(ledger.store_available(made.store.id, "USDT", True), "100.000000")
    return made


@pytest.fixture
def target(cast: f.Cast) -> Store:
    return another(cast)


def has(store: Store) -> str:
    return f.store_available(store).text


def test_moved_at_once(cast: f.Cast, target: Store) -> None:
    made = books.move(cast.owner, cast.store, target)
    assert (has(cast.store), has(target), made.amount.text) == ("60.000000", "40.000000", "40.000000")
    books.move(cast.owner, target, cast.store, "40")
    assert (has(cast.store), has(target)) == ("100.000000", "0.000000")


def test_no_more_than_is_available(cast: f.Cast, target: Store) -> None:
    with pytest.raises(InsufficientFunds):
        books.move(cast.owner, cast.store, target, "100.000001")
    assert (has(cast.store), has(target)) == ("100.000000", "0.000000")


def test_sixteen_at_once_move_what_is_there(app: Flask, cast: f.Cast, target: Store) -> None:
    outcomes = f.at_the_same_time(app, [lambda: books.move(cast.owner, cast.store, target, "30")] * 16)
    assert sum(isinstance(one, InsufficientFunds) for one in outcomes) == 13
    assert (has(cast.store), has(target)) == ("10.000000", "90.000000")


def test_back_and_forth_at_once_never_wait_in_a_circle(app: Flask, cast: f.Cast, target: Store) -> None:
    f.deposit_to(ledger.store_available(target.id, "USDT", True), "100.000000")
    outcomes = f.at_the_same_time(app, [lambda: books.move(cast.owner, cast.store, target, "1"),
                                        lambda: books.move(cast.owner, target, cast.store, "1")] * 8)
    assert not [one for one in outcomes if isinstance(one, Exception)]
    assert (has(cast.store), has(target)) == ("100.000000", "100.000000")


@pytest.mark.parametrize(("amount", "field"), [("0", "/amount"), ("1.0000001", "/amount"), ("x", "/amount")])
def test_odd_amounts(cast: f.Cast, target: Store, amount: str, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        books.move(cast.owner, cast.store, target, amount)
    assert [error.field for error in refused.value.fields] == [field]


def test_between_two_different_stores_of_one_currency(cast: f.Cast) -> None:
    for target in (cast.store, another(cast, settlement="USDC")):
        with pytest.raises(Invalid) as refused:
            books.move(cast.owner, cast.store, target)
        assert [error.field for error in refused.value.fields] == ["/to_store"]


def test_another_merchants_store_does_not_exist(cast: f.Cast) -> None:
    stranger = f.new_cast()
    for source, target in ((cast.store, stranger.store), (stranger.store, cast.store)):
        with pytest.raises(NotFound):
            books.move(cast.owner, source, target)


def test_who_may(cast: f.Cast, target: Store) -> None:
    developer = Actor(kind=ActorKind.USER, id=new_id(), role=Role.MERCHANT, name="dev", merchant_id=cast.merchant.id,
                      permissions=TEMPLATES["merchant_developer"])
    for actor in (developer, f.staff("super_admin"), cast.key):
        with pytest.raises(Denied):
            books.move(actor, cast.store, target)


@pytest.mark.parametrize("suspended", ["source", "target"])
def test_a_suspended_store_moves_nothing(cast: f.Cast, target: Store, suspended: str) -> None:
    with f.act() as session:
        stores.move(session, f.SYSTEM, MoveStore(store_id=cast.store.id if suspended == "source" else target.id,
                                                 status="suspended", reason="Looked at"))
    with pytest.raises(OwnerSuspended):
        books.move(cast.owner, cast.store, target, "1")


def test_who_owes_moves_nothing_and_who_gets_pays_first(cast: f.Cast, target: Store) -> None:
    books.adjusted("store", cast.store.id, "60", direction="debit")
    books.adjusted("store", target.id, "25", direction="debit", code="penalty")
    books.move(cast.owner, cast.store, target, "30")
    assert (has(target), books.owed("store", target.id)) == ("5.000000", "0.000000")
    books.adjusted("store", cast.store.id, "60", direction="debit")
    f.deposit_to(ledger.store_available(cast.store.id, "USDT", True), "5.000000")
    with pytest.raises(ClaimOpen):
        books.move(cast.owner, cast.store, target, "1")


def test_a_transfer_is_reversed_by_staff(cast: f.Cast, target: Store) -> None:
    made = books.move(cast.owner, cast.store, target)
    books.decide(books.reverse(books.entry_of(made.id)))
    assert (has(cast.store), has(target)) == ("100.000000", "0.000000")


@pytest.fixture
def day(fresh_app: Flask) -> f.Cast:
    """Of each kind something, on books of their own."""
    cast = f.new_cast()
    cast.trader(deposit="100.000000")
    f.deposit_to(ledger.store_available(cast.store.id, "USDT", True), "100.000000")
    books.move(cast.owner, cast.store, another(cast), "10")
    books.adjusted("store", cast.store.id, "140", direction="debit", code="penalty")
    books.adjusted("trader", cast.traders[0].id)
    books.decide(books.reverse(books.entry_of(books.adjusted("trader", cast.traders[0].id).id)))
    books.decide(books.adjust("trader", cast.traders[0].id), "reject")
    return cast


def proof() -> verify.Report:
    give_back()
    return verify.run(reader())


def test_the_books_know_them_all(day: f.Cast) -> None:
    report = proof()
    assert report.differences == []
    assert [one.examined for one in report.results if one.name in {check.name for check in book_proof.CHECKS}] == [
        4, 1, 1]


OF_ADJUSTMENT = "(SELECT id FROM journal_entries WHERE kind = '{}')"


@pytest.mark.parametrize(("statement", "check"), [
    ("UPDATE adjustments SET amount_minor = amount_minor + 1 WHERE code = 'penalty'", "every approved adjustment"),
    ("UPDATE adjustments SET status = 'posted' WHERE status = 'refused'", "every approved adjustment"),
    ("DELETE FROM adjustments WHERE status = 'posted'", "every approved adjustment"),
    ("UPDATE postings SET amount_minor = amount_minor + 1 WHERE entry_id IN "
     + OF_ADJUSTMENT.format("reversal"), "every reversal"),
    ("UPDATE transfers SET amount_minor = amount_minor + 1", "every transfer"),
    ("DELETE FROM transfers", "every transfer"),
])
def test_each_planted_corruption_is_found(day: f.Cast, corrupt, statement: str, check: str) -> None:
    corrupt(statement)
    assert any(difference.startswith(check) for difference in proof().differences)
