"""`flask ledger verify` as an operator runs it."""
from datetime import timedelta

import psycopg

from portal.core import clock
from portal.core.access import SYSTEM
from portal.core.db import reader, transaction
from portal.ledger import post, proofs
from tests.ledger.world import Cast


def test_the_books_are_proved_from_the_command_line(fresh_app):
    deposit(Cast())
    said = fresh_app.test_cli_runner().invoke(args=["ledger", "verify"])
    assert said.exit_code == 0, said.output
    assert "every balance is the sum of its postings (" in said.output
    assert said.output.strip().endswith("0 differences")


def test_a_difference_is_told_and_fails_the_command(fresh_app, fresh_database, url_of):
    deposit(Cast())
    with psycopg.connect(url_of(fresh_database, "owner")) as owner:
        owner.execute("UPDATE balances SET credits_minor = credits_minor + 5 WHERE credits_minor = 1000")
    said = fresh_app.test_cli_runner().invoke(args=["ledger", "verify"])
    assert said.exit_code == 1
    assert "differs every balance is the sum of its postings" in said.output
    assert "its postings come to 0 and 1000" in said.output


def test_holds_that_no_order_explains_are_told(fresh_app):
    """The checks that orders registered are part of the command."""
    one = Cast()
    deposit(one)
    with transaction() as session:
        post(session, SYSTEM, [one.hold(600)])
    said = fresh_app.test_cli_runner().invoke(args=["ledger", "verify"])
    assert said.exit_code == 1
    assert "differs held collateral equals the holds of assignments not ended" in said.output


def test_only_what_has_changed_since_the_proof_before(fresh_app):
    verify = fresh_app.test_cli_runner().invoke
    deposit(Cast())
    first = verify(args=["ledger", "verify", "--since-last"])
    assert "that changed" not in first.output, "there was none before: the whole"
    deposit(Cast())
    again = verify(args=["ledger", "verify", "--since-last"])
    assert again.exit_code == 0, again.output
    assert "that changed)" in again.output
    assert [proof.scope for proof in proofs.newest(reader())] == ["changed", "full"]


def deposit(one: Cast) -> None:
    with transaction() as session:
        post(session, SYSTEM, [one.deposit(1_000)])


def test_days_are_added_up_anew_from_the_command_line(fresh_app):
    deposit(Cast())
    today = clock.today()
    said = fresh_app.test_cli_runner().invoke(args=["ledger", "result", str(today - timedelta(days=1)), str(today)])
    assert said.exit_code == 0, said.output
    assert said.output.split() == [word for day in (today - timedelta(days=1), today)
                                   for word in (str(day), "added", "up")]
    assert fresh_app.test_cli_runner().invoke(args=["ledger", "result", "soon"]).exit_code == 2
