"""What staff do to merchants, stores, traders and requisites: four eyes where the spec wants them, a reason always."""
import pytest
from flask import Flask
from sqlalchemy import select

from portal.approvals import Approval
from portal.core import ids
from portal.core.access import SYSTEM
from portal.core.audit import AuditRow
from portal.core.db import reader
from portal.parties import queries as parties
from portal.parties.models import Merchant, Store, StoreCurrency, Trader
from portal.requisites import robots
from portal.requisites.models import Requisite
from portal.tariffs.models import Reward, Tariff
from tests import factories, people
from tests.web.inspect import faults


@pytest.fixture
def admin(app: Flask) -> people.Seat:
    return people.seat(app, people.person("super_admin"))


@pytest.fixture
def second(app: Flask) -> people.Seat:
    return people.seat(app, people.person("admin"))


@pytest.fixture
def support(app: Flask) -> people.Seat:
    return people.seat(app, people.person("support_readonly"))


def waiting(target: object, kind: str) -> str:
    """The public id of the one that waits for a decision."""
    with factories.look() as session:
        return session.scalars(select(Approval).where(
            Approval.target_id == str(target), Approval.kind == kind, Approval.state == "pending")).one().public_id


def decide(seat: people.Seat, approval_id: str, decision: str = "approve", **more: str) -> int:
    answer = seat.send(f"/admin/approvals/{approval_id}/decision", {"decision": decision, **more})
    return int(answer.status_code)


def acts_on(target: object) -> list[str]:
    with factories.look() as session:
        return list(session.scalars(select(AuditRow.action).where(AuditRow.target_id == str(target))
                                    .order_by(AuditRow.id)))


def whole(seat: people.Seat, path: str) -> str:
    """The page, which keeps the rules of a page."""
    answer = seat.get(path)
    assert answer.status_code == 200
    html = str(answer.get_data(as_text=True))
    assert not faults(html, signed_in=True, language="en"), path
    return html


def test_a_merchant_is_taken_on_and_set_going_by_two_people(
        app: Flask, admin: people.Seat, second: people.Seat) -> None:
    answer = admin.send("/admin/merchants", {"name": "A shop of ours"})
    assert answer.status_code == 303
    path = answer.location
    merchant_id = ids.parse("mrc", path.rpartition("/")[2])
    assert admin.send(f"{path}/resumption", {"reason": "go"}).status_code == 409, "one person does not set going"
    assert admin.send(f"{path}/onboarding", {}).status_code == 422
    assert admin.send(f"{path}/onboarding", {"reason": "Papers seen"}).status_code == 303
    assert admin.send(f"{path}/onboarding", {"reason": "Again"}).status_code == 409
    assert "Papers seen" in whole(admin, path)
    asked = waiting(merchant_id, "merchant_onboarding")
    assert "somebody else decides" in whole(admin, f"/admin/approvals/{asked}")
    assert decide(admin, asked) == 403
    assert decide(second, asked) == 303
    assert decide(second, asked) == 409
    with factories.look() as session:
        assert session.get_one(Merchant, merchant_id).status == "active"
    assert "merchant.moved" in acts_on(merchant_id)


def test_a_merchant_is_suspended_and_resumed_with_a_reason(app: Flask, admin: people.Seat) -> None:
    cast = factories.new_cast()
    path = f"/admin/merchants/{cast.merchant.public_id}"
    assert admin.send(f"{path}/suspension", {"reason": " "}).status_code == 422
    for _ in range(2):
        assert admin.send(f"{path}/suspension", {"reason": "Fraud"}).status_code == 303
    assert factories.fresh(cast.merchant).status == "suspended"
    assert acts_on(cast.merchant.id).count("merchant.moved") == 2  # once going, once suspended: the second did nothing
    whole(admin, path)
    assert admin.send(f"{path}/resumption", {"reason": "Cleared"}).status_code == 303
    assert factories.fresh(cast.merchant).status == "active"


def test_a_store_is_opened_and_gets_its_limits_by_two_people(
        app: Flask, admin: people.Seat, second: people.Seat) -> None:
    cast = factories.new_cast()
    home = f"/admin/merchants/{cast.merchant.public_id}"
    whole(admin, f"{home}/stores/new")
    assert admin.send(f"{home}/stores", {"name": "Second", "slug": cast.store.slug,
                                             "settlement_currency": "USDT"}).status_code == 409
    answer = admin.send(f"{home}/stores", {"name": "Second", "slug": f"x{cast.store.slug}", "brand_color": "#0f766e",
                                              "settlement_currency": "BTC"})
    assert answer.status_code == 303
    path, store_id = answer.location, ids.parse("str", answer.location.rpartition("/")[2])
    form = {"currency": "RUB", "min_amount": "100.00", "max_amount": "5000.00", "methods": [cast.method],
            "payin": "yes", "reason": "Agreed"}
    assert admin.send(f"{path}/terms", form).status_code == 303
    assert "100.00" in whole(second, f"/admin/approvals/{waiting(store_id, 'store_terms')}")
    assert decide(second, waiting(store_id, "store_terms")) == 303
    with factories.look() as session:
        row = session.get_one(StoreCurrency, (store_id, "RUB"))
        assert (row.min_minor, row.max_minor, row.methods, row.payin, row.payout) == (
            100_00, 5000_00, [cast.method], True, False)
    whole(admin, path)


@pytest.mark.parametrize("wrong", [
    {"min_amount": "0.00"}, {"min_amount": "9000.00"}, {"max_amount": "1e9"}, {"max_amount": "9" * 30 + ".00"},
    {"currency": "USDT"}, {"currency": "XXX"}, {"methods": ["nothing"]}, {"methods": []}, {"reason": ""},
    {"min_amount": "100.005"}, {"extra": "1"}])
def test_limits_that_cannot_be_are_refused(app: Flask, admin: people.Seat, wrong: dict[str, object]) -> None:
    cast = factories.new_cast()
    form = {"currency": "RUB", "min_amount": "100.00", "max_amount": "5000.00", "methods": [cast.method],
            "payin": "yes", "reason": "Agreed"} | wrong
    assert admin.send(f"/admin/stores/{cast.store.public_id}/terms", form).status_code == 422


def test_a_fee_changes_by_two_people_and_the_old_version_is_kept(
        app: Flask, admin: people.Seat, second: people.Seat) -> None:
    cast = factories.new_cast(fee_bps=250)
    path = f"/admin/stores/{cast.store.public_id}"
    form = {"direction": "payin", "fee_percent": "1.75", "fee_fixed": "0.100000", "reason": "Volume"}
    assert admin.send(f"{path}/fees", form).status_code == 303
    assert admin.send(f"{path}/fees", {**form, "fee_percent": "1.5"}).status_code == 303
    with factories.look() as session:
        first, later = session.scalars(select(Approval).where(Approval.target_id == str(cast.store.id))
                                       .order_by(Approval.id)).all()
    html = whole(second, f"/admin/approvals/{first.public_id}")
    assert "2.5" in html
    assert "1.75" in html
    assert decide(second, first.public_id) == 303
    assert decide(second, later.public_id) == 409, "asked for when another fee stood"
    with factories.look() as session:
        rows = session.scalars(select(Tariff).where(
            Tariff.store_id == cast.store.id, Tariff.direction == "payin").order_by(Tariff.id)).all()
        assert [(row.fee_bps, row.fee_fixed_minor, row.retired_at is None) for row in rows] == [
            (250, 0, False), (175, 100_000, True)]
    assert "1.75" in whole(admin, path)
    assert "fee.set" in acts_on(cast.store.id)


@pytest.mark.parametrize("wrong", [
    {"fee_percent": "-1"}, {"fee_percent": "100.01"}, {"fee_percent": "1.234"}, {"fee_percent": "1e1"},
    {"fee_percent": ""}, {"fee_fixed": "1.0000005"}, {"fee_fixed": "-1.000000"}, {"direction": "sideways"},
    {"method": "nothing"}, {"from_amount": "5.00"}, {"reason": ""}, {"store_id": "x", "tier": "1"}])
def test_fees_that_cannot_be_are_refused(app: Flask, admin: people.Seat, wrong: dict[str, str]) -> None:
    cast = factories.new_cast()
    form = {"direction": "payin", "fee_percent": "2", "reason": "Agreed"} | wrong
    assert admin.send(f"/admin/stores/{cast.store.public_id}/fees", form).status_code == 422


def test_a_stores_clocks_and_hosts(app: Flask, admin: people.Seat) -> None:
    cast = factories.new_cast()
    path = f"/admin/stores/{cast.store.public_id}/setup"
    form = {"name": "Books and more", "match_for_s": "120", "pay_for_s": "600", "grace_s": "300",
            "confirm_for_s": "900", "late_for_s": "3600",
            "return_hosts": "Shop.example\r\npay.shop.example:8443, shop.example"}
    assert admin.send(path, form).status_code == 303
    store = factories.fresh(cast.store)
    assert (store.name, store.pay_for_s, store.return_hosts) == (
        "Books and more", 600, ["pay.shop.example:8443", "shop.example"])
    for wrong in ({"pay_for_s": "5"}, {"grace_s": "-1"}, {"return_hosts": "https://x"}, {"name": ""},
                  {"return_hosts": "x.example:70000"}, {"status": "x"}):
        assert admin.send(path, form | wrong).status_code == 422, wrong


def test_a_trader_is_paid_otherwise_and_gets_a_deposit_by_two_people(
        app: Flask, admin: people.Seat, second: people.Seat) -> None:
    trader = factories.new_trader(deposit=None)
    path = f"/admin/traders/{trader.public_id}"
    reward = {"direction": "payin", "reward_percent": "0.9", "reason": "Agreed"}
    assert admin.send(f"{path}/rewards", reward).status_code == 303
    assert admin.send(f"{path}/deposits", {"amount": "250.500000", "reason": "Transfer 17"}).status_code == 303
    assert admin.send(f"{path}/deposits", {"amount": "250,500", "reason": "Transfer 17"}).status_code == 422
    assert factories.trader_available(trader).minor == 0
    for kind in ("reward", "deposit"):
        assert decide(admin, waiting(trader.id, kind)) == 403
        assert decide(second, waiting(trader.id, kind)) == 303
    assert factories.trader_available(trader).text == "250.500000"
    with factories.look() as session:
        assert session.scalars(select(Reward.reward_bps).where(
            Reward.trader_id == trader.id, Reward.direction == "payin", Reward.retired_at.is_(None))).all() == [90]
    html = whole(admin, path)
    assert "250.50" in html
    assert "0.9" in html


def test_staff_end_a_shift_and_suspend_with_a_reason(app: Flask, admin: people.Seat, support: people.Seat) -> None:
    trader = factories.new_trader()
    path = f"/admin/traders/{trader.public_id}"
    assert support.send(f"{path}/shift-end", {"reason": "Late"}).status_code == 403
    assert support.send(f"{path}/suspension", {"reason": "Late"}).status_code == 403
    assert admin.send(f"{path}/shift-end", {"reason": "Asleep"}).status_code == 303
    assert not factories.fresh(trader).on_shift
    assert admin.send(f"{path}/suspension", {"reason": "Fraud"}).status_code == 303
    assert factories.fresh(trader).status == "suspended"
    assert {"shift.ended", "trader.moved"} <= set(acts_on(trader.id))
    whole(admin, path)


def test_a_new_trader_waits_for_two_people(app: Flask, admin: people.Seat, second: people.Seat) -> None:
    assert admin.send("/admin/traders", {"name": "New", "tier": "0"}).status_code == 422
    path = admin.send("/admin/traders", {"name": "New", "tier": "2", "settlement_currency": "USDC"}).location
    trader_id = ids.parse("trd", path.rpartition("/")[2])
    assert admin.send(f"{path}/resumption", {"reason": "go"}).status_code == 409
    admin.send(f"{path}/onboarding", {"reason": "Papers seen"})
    assert decide(second, waiting(trader_id, "trader_onboarding")) == 303
    with factories.look() as session:
        assert session.get_one(Trader, trader_id).status == "active"


def test_a_requisite_is_blocked_and_given_back(app: Flask, admin: people.Seat, support: people.Seat) -> None:
    requisite = factories.new_cast().requisite(day_max="60000.00", month_max="900000.00", day_count_max=50)
    path = f"/admin/requisites/{requisite.public_id}"
    html = whole(support, path)
    assert requisite.mask in html
    assert "60 000.00" in html.replace("\N{NO-BREAK SPACE}", " ")
    assert support.send(f"{path}/blocking", {"reason": "x"}).status_code == 403
    assert admin.send(f"{path}/blocking", {"reason": "Complaint"}).status_code == 303
    assert admin.send(f"{path}/blocking", {"reason": "Complaint"}).status_code == 409
    assert factories.fresh(requisite).status == "blocked"
    assert admin.send(f"{path}/unblocking", {"reason": "Cleared"}).status_code == 303
    assert factories.fresh(requisite).status == "paused"
    assert acts_on(requisite.id)[-2:] == ["requisite.blocked", "requisite.unblocked"], "not as if it were switched off"


def test_a_pending_requisite_is_decided_on_from_its_page(app: Flask, admin: people.Seat) -> None:
    cast, trader = factories.new_cast(), factories.new_trader()
    with factories.act() as session:
        from portal.requisites import service
        from portal.requisites.commands import AddRequisite

        made = service.add(session, factories.as_trader(trader), AddRequisite(
            method=cast.method, bank="alfa", currency="RUB", holder="Nina N", min_amount="1.00", max_amount="2.00",
            number=robots.test_number("luhn16", str(trader.id))))
    asked = waiting(made.id, "requisite")
    assert asked in whole(admin, f"/admin/requisites/{made.public_id}")
    assert decide(admin, asked, "reject") == 422, "a refusal says why"
    assert decide(admin, asked, "reject", reason="Not theirs") == 303
    with factories.look() as session:
        assert session.get_one(Requisite, made.id).status == "rejected"
    assert "Not theirs" in whole(admin, f"/admin/approvals/{asked}")


def test_two_deciders_at_once_decide_once(app: Flask, admin: people.Seat) -> None:
    trader = factories.new_trader(deposit=None)
    admin.send(f"/admin/traders/{trader.public_id}/deposits", {"amount": "10.000000", "reason": "Transfer"})
    asked = waiting(trader.id, "deposit")
    seats = [people.seat(app, people.person("admin")) for _ in range(4)]
    outcomes = factories.at_the_same_time(app, [lambda seat=seat: decide(seat, asked) for seat in seats])
    assert sorted(outcomes) == [303, 409, 409, 409]  # type: ignore[type-var]
    assert factories.trader_available(trader).text == "10.000000"


def test_the_loser_of_a_race_sees_the_fresh_record(app: Flask, admin: people.Seat, second: people.Seat) -> None:
    trader = factories.new_trader(deposit=None)
    admin.send(f"/admin/traders/{trader.public_id}/deposits", {"amount": "10.000000", "reason": "Transfer"})
    asked = waiting(trader.id, "deposit")
    assert decide(second, asked, "reject", reason="Never came") == 303
    other = people.seat(app, people.person("admin"))
    answer = other.send(f"/admin/approvals/{asked}/decision", {"decision": "approve"})
    assert answer.status_code == 409
    html = answer.get_data(as_text=True)
    assert "Never came" in html
    assert "Somebody has decided this already." in html


def test_who_may_not_look_into_the_audit_sees_none_of_it(app: Flask, admin: people.Seat, support: people.Seat) -> None:
    cast = factories.new_cast()
    path = f"/admin/merchants/{cast.merchant.public_id}"
    assert "Changed where a merchant stands" in whole(admin, path)
    html = whole(support, path)
    assert "Changed where a merchant stands" not in html
    assert "/suspension" not in html


def test_records_are_found_by_ids_of_their_own_kind_only(app: Flask, admin: people.Seat) -> None:
    cast = factories.new_cast()
    assert parties.merchant(reader(), SYSTEM, cast.merchant.public_id).id == cast.merchant.id
    for path in (f"merchants/{cast.store.public_id}", f"stores/{cast.merchant.public_id}", "traders/trd_x",
                 f"traders/{ids.public('trd', ids.new_id())}", "requisites/rqs_1", "users/usr_1", "approvals/apr_1"):
        assert admin.get(f"/admin/{path}").status_code == 404, path
    assert isinstance(cast.store, Store)


def test_a_number_is_shown_to_staff_behind_their_password_and_kept(
        app: Flask, admin: people.Seat, support: people.Seat) -> None:
    typed = robots.test_number("luhn16", ids.new_id().hex)
    requisite = factories.new_cast().requisite(number=typed)
    path = f"/admin/requisites/{requisite.public_id}/number"
    grouped = " ".join(typed[at:at + 4] for at in range(0, 16, 4))
    form = {"reason": "The bank asks", "proof_password": people.PASSWORD}
    assert support.send(path, form).status_code == 403
    for wrong, status in (({"proof_password": ""}, 428), ({"proof_password": "not mine"}, 422), ({"reason": ""}, 422)):
        answer = admin.send(path, form | wrong)
        assert answer.status_code == status, wrong
        assert grouped not in answer.get_data(as_text=True).replace("\N{NO-BREAK SPACE}", " ")
    assert "requisite.number_shown" not in acts_on(requisite.id)
    answer = admin.send(path, form)
    html = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    assert not faults(html, signed_in=True, language="en")
    assert grouped in html.replace("\N{NO-BREAK SPACE}", " ")
    assert acts_on(requisite.id)[-1] == "requisite.number_shown"
    assert typed not in admin.get(f"/admin/requisites/{requisite.public_id}").get_data(as_text=True)


def test_guessing_the_password_of_who_sits_there_is_slowed(app: Flask, admin: people.Seat) -> None:
    path = f"/admin/requisites/{factories.new_cast().requisite().public_id}/number"
    answers = [admin.send(path, {"reason": "x", "proof_password": "wrong"},
                          environ_overrides={"REMOTE_ADDR": "10.77.1.9"}) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [422] * 5 + [429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 63  # up to 3 s more: who was refused together comes apart
    assert "Too many failed attempts" in answers[-1].get_data(as_text=True)
