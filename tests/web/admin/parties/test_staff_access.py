"""What staff may do: for a time, looked through each quarter, from certain networks; and the account behind glass."""
import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from portal import mail
from portal.core import clock, ids
from portal.core.audit import AuditRow
from portal.core.db import reader
from portal.parties import permissions
from portal.parties.models import User, UserPermission, UserSession
from tests import factories as f
from tests import people
from tests.web.auth.test_login import log_in


@pytest.fixture
def app(fresh_app: Flask) -> Flask:
    """A desk of its own: what other tests left to be told would be told here."""
    return fresh_app


def acts_on(person: people.Person) -> list[str]:
    reader().rollback()
    return list(reader().scalars(select(AuditRow.action).where(AuditRow.target_id == str(person.id))
                                 .order_by(AuditRow.id)))


def test_rights_for_a_time_go_by_themselves(app: Flask) -> None:
    admin, second = (people.seat(app, people.person("super_admin")) for _ in range(2))
    me = people.person("support_readonly")
    mine = people.seat(app, me)
    page = f"/admin/users/{ids.public('usr', me.id)}"
    asked = sorted({str(one) for one in me.actor.permissions} | {"job:read"})
    assert mine.get("/admin/jobs").status_code == 403
    assert admin.send(f"{page}/permissions", {"permissions": asked, "days": "0", "reason": "x"}).status_code == 422
    assert admin.send(f"{page}/permissions", {
        "permissions": asked, "days": "7", "reason": "On duty"}).status_code == 303
    waits = re.search(r"/admin/approvals/(apr_\w+)", admin.get(page).text)
    assert waits
    assert mine.get("/admin/jobs").status_code == 403
    assert "For days" in second.get(waits[0]).text
    assert second.send(f"{waits[0]}/decision", {"decision": "approve"}).status_code == 303
    assert mine.get("/admin/jobs").status_code == 200
    assert "until" in admin.get(page).text
    with clock.moved(timedelta(days=7, seconds=1)):
        late, looks = people.seat(app, me), people.seat(app, people.person("super_admin"))
        assert late.get("/admin/jobs").status_code == 403, "at once, before upkeep"
        assert late.get("/admin/orders").status_code == 200
        assert not re.search(r'value="job:read"[^>]*checked', looks.get(page).text)
        with f.act() as session:
            assert permissions.expire(session) >= 1
        with f.look() as session:
            assert session.get(UserPermission, (me.id, "job:read")) is None
            assert permissions.held(session.get_one(User, me.id)) == {str(one) for one in me.actor.permissions}
    assert acts_on(me)[-1] == "user.permissions_expired"


def test_the_last_who_manages_users_does_not_expire_into_nobody(fresh_app: Flask) -> None:
    """Whoever manages users for a time only is nobody to rely on."""
    one, other = people.person("super_admin"), people.person("super_admin")
    with f.act() as session:
        session.get_one(UserPermission, (other.id, "user:manage")).expires_at = clock.now() + timedelta(days=1)
    path = f"/admin/users/{ids.public('usr', one.id)}/disabling"
    assert people.seat(fresh_app, other).send(path, {"reason": "gone"}).status_code == 409


def test_a_quarters_review_names_who_is_due(app: Flask) -> None:
    me, boss = people.person("support_orders"), people.person("super_admin")
    admin = people.seat(app, boss)
    row = f'id="review-{ids.public("usr", me.id)}"'

    def due(seat: people.Seat) -> bool:
        page = seat.get("/admin/users/reviews").text
        assert me.email in page
        return "Due" in page.split(row)[1].partition('id="review-')[0]

    assert due(admin)
    path = f"/admin/users/{ids.public('usr', me.id)}/review"
    assert admin.send(path, {"reason": ""}).status_code == 422
    own = f"/admin/users/{ids.public('usr', boss.id)}/review"
    assert admin.send(own, {"reason": "I am good"}).status_code == 403, "somebody else looks"
    assert admin.send(path, {"reason": "Answers customers"}).status_code == 303
    assert not due(admin)
    assert acts_on(me) == ["user.access_reviewed"]
    with clock.moved(timedelta(days=92)):
        assert due(people.seat(app, people.person("super_admin")))


@pytest.fixture
def office(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = app.extensions["settings"].model_copy(update={"staff_networks": ["203.0.113.0/24", "2001:db8::/32"]})
    monkeypatch.setitem(app.extensions, "settings", settings)


def test_staff_work_from_their_networks_only(app: Flask, office: None) -> None:
    staff, trader = people.seat(app, people.person("super_admin")), people.seat(app, people.person("trader"))

    def opens(seat: people.Seat, path: str, address: str) -> int:
        return int(seat.get(path, environ_overrides={"REMOTE_ADDR": address}).status_code)

    assert opens(staff, "/admin/orders", "203.0.113.9") == 200
    assert opens(staff, "/admin/orders", "2001:db8::7") == 200
    for path in ("/admin/orders", "/profile", "/admin/approvals"):
        refused = staff.get(path, environ_overrides={"REMOTE_ADDR": "198.51.100.1"})
        assert refused.status_code == 403
        assert "this is none of them" in refused.text
    assert staff.send("/admin/users", {}, environ_overrides={"REMOTE_ADDR": "198.51.100.1"}).status_code == 403
    assert opens(trader, "/trader/orders", "198.51.100.1") == 200
    assert staff.send("/logout", environ_overrides={"REMOTE_ADDR": "198.51.100.1"}).status_code == 303


def test_the_account_behind_glass_is_let_in_and_everybody_hears_of_it(app: Flask, office: None) -> None:
    glass, boss = people.person("super_admin"), people.person("super_admin")
    runner = app.test_cli_runner()
    trader = people.person("trader")
    assert runner.invoke(args=["users", "break-glass", trader.email, "--reason", "no"]).exit_code == 1
    said = runner.invoke(args=["users", "break-glass", glass.email, "--reason", "In the safe"])
    assert (said.exit_code, said.output.strip()) == (0, f"{glass.email} is behind glass now")
    reader().rollback()
    browser, answer = log_in(app, glass.email)
    assert answer.location == "/admin/"  # type: ignore[attr-defined]
    assert browser.get("/admin/orders").status_code == 200, "from anywhere"
    reader().rollback()
    letters = [one.text for one in mail.latest(reader()) if one.to == boss.email]
    assert any(glass.email in text and "for the day nobody gets in" in text for text in letters)
    assert {"user.break_glass_set", "user.break_glass_used"} <= set(acts_on(glass))
    lasts = reader().scalars(select(UserSession).where(UserSession.user_id == glass.id)).one()
    assert lasts.ends_at - lasts.created_at == timedelta(hours=1)
    other, _ = log_in(app, boss.email)
    assert other.get("/admin/orders").status_code == 403, "an account like any other is not"
    assert "user.break_glass_used" not in acts_on(boss)
