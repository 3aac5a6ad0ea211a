"""Personal data: kept for its time, held where the law wants it, exported, erased by two; the books stay."""
import json
from datetime import timedelta
from secrets import token_hex

import pytest
from sqlalchemy import select, text

from portal import approvals
from portal.applications.models import Application
from portal.core import clock
from portal.core.audit import AuditRow
from portal.core.db import reader
from portal.disputes.models import Statement
from portal.files import File
from portal.orders import destinations
from portal.orders.facts import RECEIPTS_ON
from portal.orders.models import Order
from portal.privacy.models import LegalHold
from tests import factories as f
from tests import people
from tests.applications import joining
from tests.disputes import acts as disputes
from tests.privacy.erasing import erase

LATER = timedelta(days=1826)


def customer(**more):
    return {"customer": {"id": f"c-{token_hex(4)}", "name": "Canary Petrova", "ip": "203.0.113.77"},
            "description": "Three canaries", "metadata": {"note": "canary"}, **more}


def ended_with_a_dispute(cast, **asked):
    """Expired; its customer objected, and gave in again."""
    order = f.paid_payin(cast, **asked)
    dispute = disputes.open_by(cast.key, order, "not_confirmed", "My canary paid at noon")
    disputes.give_in(cast.key, dispute)
    return f.fresh(order), dispute


def test_what_a_customer_showed_in_a_dispute_goes_with_them(fresh_app):
    """Their words went, and the picture of their bank account, with their name, was there for whoever saw the dispute.
    What others showed is theirs, and goes with its time."""
    cast = f.new_cast()
    cast.requisite()
    order = f.expire(f.assigned_payin(cast, **customer()))
    payer = cast.customer(order)
    shown = f.upload(payer, f.picture())
    dispute = disputes.open_by(payer, order, "paid_late", "Paid at noon", files=(shown.public_id,))
    trader = f.as_trader(cast.traders[0])
    others = f.upload(trader, f.picture())
    disputes.say(trader, dispute, files=(others.public_id,))
    disputes.decided(order, "stands")
    seat = people.seat(fresh_app, people.person("support_orders"))
    assert seat.get(f"/files/{shown.public_id}").status_code == 200
    erase(cast, order.customer_id)
    assert seat.get(f"/files/{shown.public_id}").status_code == 404
    assert seat.get(f"/files/{others.public_id}").status_code == 200


def command(app, *args):
    said = app.test_cli_runner().invoke(args=["privacy", "purge", *args])
    reader().rollback()
    reader().expire_all()
    assert said.exit_code == 0, said.output
    return dict(line.split(": ", 1) for line in said.output.splitlines())


@pytest.fixture
def admin(fresh_app):
    return people.seat(fresh_app, people.person("admin"))


def test_what_was_kept_long_enough_goes_but_for_what_is_held(fresh_app, admin):
    cast = f.new_cast()
    cast.requisite(payout=True)
    payin, held, runs = (f.completed_payin(cast, f"{amount}.00", **customer()) for amount in (1500, 1501, 1502))
    payout = f.paid_payout(cast, "1700.00", **customer())
    f.agree(cast.key, payout)
    f.work_off("settle_order")
    running = f.assigned_payin(cast, "1503.00", **customer())
    objected, dispute = ended_with_a_dispute(cast, amount="1504.00", **customer())
    refused = joining.applied("trader", email="canary@example.test")
    joining.decide(joining.propose(f.staff("admin"), refused, "refuse", told="No"))
    books = f.store_available(cast.store)
    proof = f.fresh(payin).settlement_minor, f.fresh(payin).fee_minor
    assert admin.send("/admin/privacy/holds", {"kind": "order", "target": held.public_id, "reason": "Court"}
                      ).status_code == 303
    assert admin.send("/admin/privacy/holds", {
        "kind": "person", "target": runs.customer_id, "store_id": cast.store.public_id, "reason": "Bank asks"}
    ).status_code == 303
    assert admin.send("/admin/privacy/holds", {"kind": "dispute", "target": "dsp_nonsense", "reason": "x"}
                      ).status_code == 422

    assert command(fresh_app, "--dry-run")["customers"].startswith("0 would go")
    with clock.moved(LATER):
        told = command(fresh_app, "--dry-run")
        assert told["customers"].startswith("3 would go"), told
        assert told["applications"].startswith("1 would go")
        assert f.fresh(payin).customer_name == "Canary Petrova", "a dry run takes nothing"
        assert command(fresh_app)["customers"] == "3 gone"
        assert command(fresh_app)["customers"] == "0 gone"
    for order in map(f.fresh, (payin, payout, objected)):
        assert (order.customer_name, order.customer_ip, order.description, order.meta) == (None, None, None, {})
        assert order.customer_id.startswith("erased_")
    for order in map(f.fresh, (held, runs, running)):
        assert order.customer_name == "Canary Petrova"
    with f.look() as session:
        assert destinations.reveal(session, session.get_one(Order, payout.id)) == "erased"
        assert session.scalars(select(File).where(File.subject_kind == RECEIPTS_ON)).all() == []
        said = session.scalars(select(Statement).where(Statement.dispute_id == dispute.id))
        assert {one.text for one in said} == {"—"}
        assert session.get_one(Application, refused.id).email == "—"
        left = session.execute(text("SELECT count(*) FROM orders WHERE description LIKE '%canar%'")).scalar()
    assert left == 3
    assert (f.fresh(payin).settlement_minor, f.fresh(payin).fee_minor) == proof
    assert f.store_available(cast.store) == books
    page = admin.get(f"/admin/orders/{payout.public_id}").text
    assert "Canary" not in page
    said = fresh_app.test_cli_runner().invoke(args=["ledger", "verify"])
    assert said.output.strip().endswith("0 differences"), said.output

    with f.look() as session:
        hold = session.scalars(select(LegalHold).where(LegalHold.kind == "order")).one()
    assert admin.send(f"/admin/privacy/holds/{hold.public_id}/lifting", {"reason": "It is over"}).status_code == 303
    with clock.moved(LATER):
        assert command(fresh_app)["customers"] == "1 gone"
    assert f.fresh(held).customer_name is None


def test_one_customer_is_exported_and_erased_by_two(fresh_app, admin):
    cast = f.new_cast()
    asked = customer()
    name = asked["customer"]["id"]
    order, _ = ended_with_a_dispute(cast, **asked)
    other = f.completed_payin(cast, "1600.00", **asked)
    stays = f.completed_payin(cast, "1601.00", **customer())
    at = f"store_id={cast.store.public_id}&customer_id={name}"
    page = admin.get(f"/admin/privacy?{at}").text
    assert "2 orders" in page
    assert admin.get(f"/admin/privacy?store_id={cast.store.public_id}&customer_id=nobody").status_code == 200
    path = f"/admin/privacy/customer.json?{at}"
    assert admin.get(path).status_code == 428
    file = json.loads(admin.take(path).text)
    assert [one["customer"]["name"] for one in file["orders"]] == ["Canary Petrova"] * 2
    assert file["orders"][0]["customer"]["ip"] == "203.0.113.77"
    looked = people.seat(fresh_app, people.person("super_admin")).get("/admin/privacy/reveals").text
    assert "Took what is known of a customer as a file" in looked

    form = {"store_id": cast.store.public_id, "customer_id": name, "reason": "They asked us"}
    assert admin.post("/admin/privacy/erasures", data={"csrf_token": admin.token, **form}).status_code == 428
    waits = admin.send("/admin/privacy/erasures", form)
    assert waits.status_code == 303
    assert admin.send("/admin/privacy/erasures", form).status_code == 409, "asked already"
    assert admin.send(f"{waits.location}/decision", {"decision": "approve"}).status_code == 403
    second = people.seat(fresh_app, people.person("super_admin"))
    running = f.assigned_payin(cast, "1602.00", **asked)
    assert second.send(f"{waits.location}/decision", {"decision": "approve"}).status_code == 409, "one runs"
    f.expire(running)
    assert second.send(f"{waits.location}/decision", {"decision": "approve"}).status_code == 303
    tokens = {f.fresh(one).customer_id for one in (order, other, running)}
    assert len(tokens) == 1
    assert tokens.pop().startswith("erased_")
    assert f.fresh(stays).customer_name == "Canary Petrova"
    assert "This store has no order of such a customer." in admin.get(f"/admin/privacy?{at}").text
    with f.look() as session:
        audited = session.scalars(select(AuditRow.action).where(AuditRow.action.like("customer%"))).all()
        assert set(audited) == {"customer.exported", "customer_erasure.asked", "customer_erasure.approved",
                                "customer.erased"}
        assert not approvals.waiting_for(session, "store", cast.store.id, kind="customer_erasure")
    for seat in (people.seat(fresh_app, people.person("support_orders")),
                 people.seat(fresh_app, people.person("merchant_owner"))):
        assert seat.get("/admin/privacy").status_code == 403
