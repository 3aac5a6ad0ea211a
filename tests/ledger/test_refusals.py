"""Fault 15: what the database itself refuses, to the application's role and to a careless owner."""
import psycopg
import pytest
from psycopg import errors

from portal.core.ids import new_id
from portal.ledger.accounts import NIL
from tests.ledger.world import Cast

SOMEBODY = new_id()
IDENTITY = "SELECT id FROM accounts WHERE owner_id = %s AND purpose = %s"


@pytest.fixture
def app_role(database, url_of):
    with psycopg.connect(url_of(database, "app")) as connection:
        yield connection


@pytest.fixture
def owner_role(database, url_of):
    with psycopg.connect(url_of(database, "owner")) as connection:
        yield connection


CHANGES = [
    "UPDATE postings SET amount_minor = amount_minor + 1", "DELETE FROM postings", "TRUNCATE postings CASCADE",
    "UPDATE journal_entries SET memo = 'never happened'", "DELETE FROM journal_entries",
    "TRUNCATE journal_entries CASCADE", "UPDATE accounts SET purpose = 'held'", "DELETE FROM accounts",
    "TRUNCATE accounts CASCADE", "DELETE FROM balances", "TRUNCATE balances",
    "UPDATE balances SET may_overdraw = true", "UPDATE balances SET account_id = -account_id",
]


@pytest.mark.parametrize("change", CHANGES)
def test_the_application_may_not_rewrite_the_books(books, cast, app_role, change):
    books.post(cast.deposit(100))
    with pytest.raises(errors.InsufficientPrivilege):
        app_role.execute(change)


@pytest.mark.parametrize("change", CHANGES)
def test_nor_may_a_careless_owner(books, cast, owner_role, change):
    books.post(cast.deposit(100))
    with pytest.raises(errors.RestrictViolation):
        owner_role.execute(change)


def test_the_application_may_not_make_a_balance(app_role):
    with pytest.raises(errors.InsufficientPrivilege):
        app_role.execute("INSERT INTO balances (account_id, may_overdraw) VALUES (1, true)")


def test_not_even_the_owner_lets_a_trader_overdraw(books, cast, owner_role):
    books.post(cast.deposit(100))
    (account,) = owner_role.execute(IDENTITY, [cast.trader_id, "available"]).fetchone()
    with pytest.raises(errors.CheckViolation, match="overdraw"):
        owner_role.execute("INSERT INTO balances (account_id, may_overdraw) VALUES (%s, true)", [account])


def test_an_overdraft_is_refused(books, cast, app_role):
    books.post(cast.deposit(100))
    (account,) = app_role.execute(IDENTITY, [cast.trader_id, "available"]).fetchone()
    with pytest.raises(errors.CheckViolation) as refused:
        app_role.execute("UPDATE balances SET debits_minor = 101 WHERE account_id = %s", [account])
    assert refused.value.diag.constraint_name == "ck_balances_covered"


def test_sums_only_grow(books, cast, app_role):
    books.post(cast.deposit(100))
    (account,) = app_role.execute(IDENTITY, [cast.trader_id, "available"]).fetchone()
    with pytest.raises(errors.RestrictViolation):
        app_role.execute("UPDATE balances SET credits_minor = credits_minor - 1 WHERE account_id = %s", [account])


def test_a_second_settle_entry_is_refused(books, cast, app_role):
    order_id = new_id()
    books.post(cast.deposit(100), cast.hold(100), cast.settle(50, 5, 2, order_id))
    with pytest.raises(errors.UniqueViolation) as refused:
        enter(app_role, "payin_settle", order_id)
    assert refused.value.diag.constraint_name == "uq_journal_entries_kind_reference"


@pytest.mark.parametrize("stranger", [Cast("USDC"), Cast(live=False)], ids=["cross-currency", "live to test"])
@pytest.mark.parametrize("named", ["ours", "theirs"])
def test_a_posting_across_currencies_or_modes_is_refused(books, cast, app_role, stranger, named):
    books.post(cast.deposit(100))
    books.post(stranger.deposit(100))
    (ours,) = app_role.execute(IDENTITY, [cast.trader_id, "available"]).fetchone()
    (theirs,) = app_role.execute(IDENTITY, [stranger.trader_id, "available"]).fetchone()
    entry = enter(app_role, "adjustment", new_id())
    one = cast if named == "ours" else stranger
    with pytest.raises(errors.ForeignKeyViolation):
        app_role.execute(
            "INSERT INTO postings (entry_id, debit_id, credit_id, currency, live, amount_minor, debit_after_minor,"
            " credit_after_minor) VALUES (%s, %s, %s, %s, %s, 1, 99, 101)",
            [entry, ours, theirs, one.currency, one.live])


@pytest.mark.parametrize("minor", [0, -5])
def test_a_posting_is_positive(books, cast, app_role, minor):
    books.post(cast.deposit(100), cast.hold(10))
    (ours,) = app_role.execute(IDENTITY, [cast.trader_id, "available"]).fetchone()
    (held,) = app_role.execute(IDENTITY, [cast.trader_id, "held"]).fetchone()
    entry = enter(app_role, "adjustment", new_id())
    with pytest.raises(errors.CheckViolation) as refused:
        app_role.execute(
            "INSERT INTO postings (entry_id, debit_id, credit_id, currency, live, amount_minor, debit_after_minor,"
            " credit_after_minor) VALUES (%s, %s, %s, 'USDT', true, %s, 0, 0)", [entry, ours, held, minor])
    assert refused.value.diag.constraint_name == "ck_postings_amount"


@pytest.mark.parametrize(("kind", "owner", "purpose"), [
    ("trader", SOMEBODY, "fees"), ("platform", SOMEBODY, "fees"), ("store", NIL, "available"),
    ("pirate", SOMEBODY, "held"),
])
def test_an_account_nobody_knows_is_refused(app_role, kind, owner, purpose):
    with pytest.raises(errors.CheckViolation):
        app_role.execute("INSERT INTO accounts (owner_kind, owner_id, purpose, currency, live)"
                         " VALUES (%s, %s, %s, 'USDT', true)", [kind, owner, purpose])


def enter(connection, kind, reference) -> int:
    return connection.execute(
        "INSERT INTO journal_entries (kind, reference, actor_kind, actor_name, posted_at)"
        " VALUES (%s, %s, 'user', 'mallory', now()) RETURNING id", [kind, reference]).fetchone()[0]
