"""The page of proofs: what stands, who has looked, a whole proof asked for; and the banner on every staff page."""
import psycopg
import pytest
from flask import Flask

from portal.core import clock
from portal.core.db import reader, transaction
from portal.ledger import findings, proofs
from portal.ledger.verify import Report, Result
from tests import factories as f
from tests import people

BANNER = "No money leaves the desk"


def prove(*differences: str) -> None:
    reader().rollback()
    with transaction() as session:
        proofs.keep(session, Report([Result("a check", 1, differences)]), began_at=clock.now(), ended_at=clock.now(),
                    by="a test")


@pytest.fixture
def seat(fresh_app: Flask) -> people.Seat:
    return people.seat(fresh_app, people.person("admin"))


def test_what_stands_is_shown_noted_and_goes_by_itself(seat: people.Seat, fresh_app: Flask) -> None:
    cast = f.new_cast()
    cast.requisite(cast.trader())
    order = f.completed_payin(cast)
    assert BANNER not in seat.get("/admin/").get_data(as_text=True)
    prove(f"order {order.id}: no settle entry", "account 1 keeps 5 debits", f"trader {cast.traders[0].id} USDT: held",
          "books USDT-live: 1 debits, 2 credits")
    page = seat.get("/admin/proof").get_data(as_text=True)
    for shown in (f"/admin/orders/{order.public_id}", "/admin/ledger/accounts/1",
                  f"/admin/traders/{cast.traders[0].public_id}", "books USDT-live", BANNER):
        assert shown in page
    for other in ("/admin/", "/admin/orders", "/admin/ledger"):
        assert BANNER in seat.get(other).get_data(as_text=True)
    with f.look() as session:
        first = findings.standing(session)[0]
    assert seat.send("/admin/proof/observations", {"finding_id": str(first.id)}).status_code == 422
    assert seat.send("/admin/proof/observations", {"finding_id": str(first.id), "reason": "Ours"}).status_code == 303
    assert "Ours" in seat.get("/admin/proof").get_data(as_text=True)
    prove()
    page = seat.get("/admin/proof").get_data(as_text=True)
    assert "Nothing stands" in page
    assert "Found no more" in page
    assert BANNER not in page


def test_a_whole_proof_is_asked_for(seat: people.Seat) -> None:
    assert seat.send("/admin/proof/run", {}).status_code == 303
    f.work_off(proofs.WHOLE)
    f.work_off(proofs.AUDIT_JOB)
    with f.look() as session:
        assert [proof.scope for proof in proofs.newest(session)] == ["audit", "full"]
    assert "right" in seat.get("/admin/proof").get_data(as_text=True)


def test_support_is_not_told(seat: people.Seat, fresh_app: Flask) -> None:
    prove("account 1 keeps 5 debits")
    support = people.seat(fresh_app, people.person("support_orders"))
    assert support.get("/admin/proof").status_code == 403
    assert BANNER not in support.get("/admin/orders").get_data(as_text=True)


def test_the_hourly_proof_looks_at_what_changed_and_the_whole_once_a_day(fresh_app: Flask, fresh_database: str,
                                                                         url_of) -> None:
    from tasks import upkeep

    def hourly() -> str:
        reader().rollback()
        with transaction() as session:
            upkeep.prove_ledger(session, [])
        with f.look() as session:
            return proofs.newest(session)[0].scope

    cast = f.new_cast()
    cast.requisite(cast.trader())
    f.completed_payin(cast)
    assert [hourly() for _ in range(3)] == ["full", "changed", "changed"]
    with psycopg.connect(url_of(fresh_database, "owner")) as owner:
        owner.execute("ALTER TABLE balances DISABLE TRIGGER USER")
        owner.execute("UPDATE balances SET credits_minor = credits_minor + 5 WHERE account_id = 1")
    assert hourly() == "changed"
    with f.look() as session:
        assert findings.any_stands(session)
    with psycopg.connect(url_of(fresh_database, "owner")) as owner:
        owner.execute("UPDATE balances SET credits_minor = credits_minor - 5 WHERE account_id = 1")
    assert hourly() == "full", "while a finding stands: only the whole settles it"
    with f.look() as session:
        assert not findings.any_stands(session)
