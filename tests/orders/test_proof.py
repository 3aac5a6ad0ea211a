"""The books know orders: they hold after a mixed day, and each planted corruption is found by name."""
import pytest
from sqlalchemy import create_engine, text

from portal.core.db import reader
from portal.ledger import verify
from tests import factories as f
from tests.factories import Cast, new_cast


@pytest.fixture
def day(fresh_app) -> Cast:
    """One order in each state."""
    cast = new_cast()
    for _ in range(2):
        cast.requisite(cast.trader())
    f.expire(f.assigned_payin(cast, "1007.00"))  # first: the clock runs for all
    f.completed_payin(cast, "1000.00")
    f.completed_payin(cast, "1001.00")
    f.confirmed_payin(cast, "1002.00")
    f.paid_payin(cast, "1003.00")
    f.assigned_payin(cast, "1004.00")
    f.cancel(cast.key, f.assigned_payin(cast, "1005.00"))
    declined = f.assigned_payin(cast, "1006.00")
    f.decline(f.its_trader(declined), declined)
    f.work_off()
    cast.order("60000.00")
    f.work_off()
    return cast


@pytest.fixture
def corrupt(fresh_database, url_of):
    """As the owner of the tables, past every trigger: what no program of ours may do."""
    engine = create_engine(url_of(fresh_database, "owner").replace("postgresql://", "postgresql+psycopg://"))

    def do(statement: str) -> None:
        with engine.begin() as connection:
            assert connection.execute(text(statement)).rowcount > 0

    yield do
    engine.dispose()


def proof() -> verify.Report:
    session = reader()
    session.rollback()
    return verify.run(session)


def test_the_books_hold_after_a_mixed_day(day):
    report = proof()
    assert report.differences == []
    examined = {result.name: result.examined for result in report.results}
    assert examined["every completed order is settled once, and what was posted comes to its final amounts"] == 2
    assert examined["only completed orders are settled"] == 2
    assert examined["held collateral equals the holds of assignments not ended"] == 4


ONE_COMPLETED = "(SELECT min(id::text)::uuid FROM orders WHERE status = 'completed')"


@pytest.mark.parametrize(("statement", "check"), [
    ("UPDATE orders SET status = 'completed' WHERE status = 'paid'", "every completed order is settled once"),
    (f"UPDATE orders SET fee_minor = fee_minor + 1 WHERE id = {ONE_COMPLETED}", "what was paid exactly"),
    (f"UPDATE orders SET final_fee_minor = final_fee_minor + 1 WHERE id = {ONE_COMPLETED}",
     "every completed order is settled once"),
    (f"UPDATE orders SET status = 'cancelled' WHERE id = {ONE_COMPLETED}", "only completed orders are settled"),
    (f"UPDATE assignments SET reward_minor = reward_minor + 1 WHERE order_id = {ONE_COMPLETED}",
     "what was paid exactly"),
    ("UPDATE assignments SET settlement_minor = settlement_minor + 1 WHERE state = 'chosen'", "held collateral"),
    ("UPDATE assignments SET state = 'ended' WHERE state = 'chosen'", "held collateral"),
    ("UPDATE requisites SET open_orders = open_orders + 1", "places, slots and counters"),
    ("UPDATE traders SET open_orders = open_orders + 1", "traders' open orders"),
    ("DELETE FROM open_places", "places, slots and counters"),
    ("UPDATE orders SET status = 'cancelled' WHERE status = 'paid'", "orders and their assignments"),
])
def test_each_planted_corruption_is_found(day, corrupt, statement, check):
    corrupt(statement)
    assert any(difference.startswith(check) for difference in proof().differences)
