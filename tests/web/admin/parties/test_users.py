"""Users and what they may do: nobody raises themselves, nobody gives what they have not, one manager is always left."""
import re

import pytest
from flask import Flask
from pydantic import SecretStr
from sqlalchemy import select, update

from portal.approvals import Approval
from portal.core.access import SYSTEM, TEMPLATES, Permission
from portal.core.audit import AuditRow
from portal.core.clock import now
from portal.core.db import transaction
from portal.core.ids import public
from portal.parties import permissions, users
from portal.parties.commands import DisableUser, SetPassword, SetPermissions
from portal.parties.models import User
from tests import factories, people
from tests.web.auth.test_login import log_in
from tests.web.inspect import faults

SHOWN = re.compile(r'class="id large">([a-z0-9-]+)<')


@pytest.fixture
def admin(app: Flask) -> people.Seat:
    seat = people.seat(app, person := people.person("super_admin"))
    seat.person = person  # type: ignore[attr-defined]
    return seat


def path_of(person: people.Person) -> str:
    return f"/admin/users/{public('usr', person.id)}"


def held(person_id: object) -> set[str]:
    with factories.look() as session:
        return permissions.held(session.get_one(User, person_id))


def asked_for(person_id: object) -> str:
    with factories.look() as session:
        return session.scalars(select(Approval).where(
            Approval.target_id == str(person_id), Approval.kind == "permissions",
            Approval.state == "pending")).one().public_id


def decide(seat: people.Seat, approval_id: str) -> int:
    return int(seat.send(f"/admin/approvals/{approval_id}/decision", {"decision": "approve"}).status_code)


def test_a_new_person_may_do_nothing_until_a_second_person_agrees(app: Flask, admin: people.Seat) -> None:
    form = {"email": f"new{public('x', people.merchant())}@example.test", "name": "Nina", "template": "support_orders",
            "reason": "Hired"}
    answer = admin.send("/admin/users", form)
    assert answer.status_code == 201
    assert "no-store" in answer.headers["Cache-Control"]
    html = answer.get_data(as_text=True)
    assert not faults(html, signed_in=True, language="en")
    password = SHOWN.search(html)[1]  # type: ignore[index]
    with factories.look() as session:
        user = session.scalars(select(User).where(User.email == form["email"].lower())).one()
    assert held(user.id) == set()
    assert admin.send("/admin/users", form).status_code == 409
    assert decide(admin, asked_for(user.id)) == 403
    assert decide(people.seat(app, people.person("admin")), asked_for(user.id)) == 303
    assert held(user.id) == {str(p) for p in TEMPLATES["support_orders"]}
    browser, answer = log_in(app, user.email, password)
    assert answer.status_code == 303  # type: ignore[attr-defined]
    assert browser.get("/admin/orders").location == "/profile", "first a password of one's own"
    assert log_in(app, user.email, password)[1].status_code == 422, "it works once"  # type: ignore[attr-defined]
    with transaction() as session:
        users.set_password(session, users.actor_of(session.get_one(User, user.id)), SetPassword(
            current=SecretStr(password), password=SecretStr("a sentence of my very own")))
    assert log_in(app, user.email, "a sentence of my very own")[1].status_code == 303  # type: ignore[attr-defined]


def test_people_of_a_merchant_are_made_from_its_page(app: Flask, admin: people.Seat) -> None:
    merchant = factories.new_cast().merchant
    html = admin.get(f"/admin/users/new?merchant={merchant.public_id}").get_data(as_text=True)
    assert "Owner" in html
    assert "Super administrator" not in html
    form = {"email": f"m{merchant.public_id}@example.test", "name": "Olga", "template": "merchant_owner",
            "reason": "Asked", "merchant": merchant.public_id}
    assert admin.send("/admin/users", form).status_code == 201
    assert admin.send("/admin/users", form | {"email": "x@example.test", "template": "super_admin"}).status_code == 422
    assert admin.send("/admin/users", form | {"merchant": "mrc_none"}).status_code == 404


@pytest.mark.parametrize("wrong", [
    {"email": "no address"}, {"name": ""}, {"template": "emperor"}, {"template": "trader"}, {"reason": ""},
    {"time_zone": "Nowhere"}, {"password": "chosen by me 123456"}])
def test_what_no_account_can_be_is_shown_again(app: Flask, admin: people.Seat, wrong: dict[str, str]) -> None:
    form = {"email": "some@example.test", "name": "N", "template": "support_orders", "reason": "Hired"} | wrong
    assert admin.send("/admin/users", form).status_code == 422


def test_less_counts_at_once_and_more_waits(app: Flask, admin: people.Seat) -> None:
    person = people.person("support_orders")
    path, before = path_of(person), sorted(held(person.id))
    assert not faults(admin.get(path).get_data(as_text=True), signed_in=True, language="en")
    less = [name for name in before if name != "order:cancel_any"]
    assert admin.send(f"{path}/permissions", {"permissions": less, "reason": "Too eager"}).status_code == 303
    assert held(person.id) == set(less)
    more = [*less, "job:read"]
    assert admin.send(f"{path}/permissions", {"permissions": more, "reason": "Helps out"}).status_code == 303
    assert held(person.id) == set(less)
    assert "Helps out" in admin.get(path).get_data(as_text=True)
    assert admin.send(f"{path}/permissions", {"permissions": more, "reason": "Again"}).status_code == 409
    assert decide(people.seat(app, people.person("admin")), asked_for(person.id)) == 303
    assert held(person.id) == set(more)


def test_nobody_raises_themselves_nor_agrees_to_their_own_raise(app: Flask, admin: people.Seat) -> None:
    me = admin.person  # type: ignore[attr-defined]
    assert admin.send(f"{path_of(me)}/permissions", {"permissions": ["job:read"], "reason": "x"}).status_code == 403
    other = people.person("admin")
    wanted = [*held(other.id), "user:manage"]
    assert admin.send(f"{path_of(other)}/permissions", {"permissions": wanted, "reason": "Deputy"}).status_code == 303
    assert decide(people.seat(app, other), asked_for(other.id)) == 403
    assert "user:manage" not in held(other.id)


def test_nobody_gives_what_they_do_not_hold_or_the_role_cannot_have(app: Flask) -> None:
    weak = people.person("support_readonly")
    with transaction() as session:
        user = session.get_one(User, weak.id)
        user.permissions.append(people.UserPermission(permission="user:manage"))
        user.permissions.append(people.UserPermission(permission="user:read"))
    seat = people.seat(app, weak)
    target = people.person("support_readonly")
    wanted = [*held(target.id), "job:manage"]
    assert seat.send(f"{path_of(target)}/permissions", {"permissions": wanted, "reason": "x"}).status_code == 422
    admin, merchant = people.seat(app, people.person("super_admin")), people.person("merchant_viewer")
    for beyond in ("admin:enter", "no:such"):
        answer = admin.send(f"{path_of(merchant)}/permissions", {
            "permissions": [*held(merchant.id), beyond], "reason": "x"})
        assert answer.status_code == 422, beyond
    boss = people.person("super_admin")
    for act in ("disabling", "password", "sessions-end"):
        assert seat.send(f"{path_of(boss)}/{act}", {"reason": "coup"}).status_code == 403, act
    assert seat.send(f"{path_of(boss)}/permissions", {"permissions": [], "reason": "coup"}).status_code == 403


def test_disabled_people_are_out_and_come_back(app: Flask, admin: people.Seat) -> None:
    person = people.person("support_readonly")
    theirs = people.seat(app, person)
    assert theirs.get("/admin/").status_code == 200
    assert admin.send(f"{path_of(person)}/disabling", {"reason": ""}).status_code == 422
    assert admin.send(f"{path_of(person)}/disabling", {"reason": "Left"}).status_code == 303
    assert theirs.get("/admin/").status_code == 303
    assert "Enable" in admin.get(path_of(person)).get_data(as_text=True)
    assert admin.send(f"{path_of(person)}/enabling", {"reason": "Back"}).status_code == 303
    with factories.look() as session:
        waits = session.scalars(select(Approval).where(Approval.target_id == str(person.id))).one().public_id
    assert admin.send(f"/admin/approvals/{waits}/decision", {"decision": "approve"}).status_code == 403
    second = people.seat(app, people.person("super_admin"))
    assert second.send(f"/admin/approvals/{waits}/decision", {"decision": "approve"}).status_code == 303
    assert people.seat(app, person).get("/admin/").status_code == 200
    me = admin.person  # type: ignore[attr-defined]
    assert admin.send(f"{path_of(me)}/disabling", {"reason": "x"}).status_code in (403, 422)


def test_a_given_password_ends_sessions_and_runs_out(app: Flask, admin: people.Seat) -> None:
    person = people.person("trader")
    theirs = people.seat(app, person)
    answer = admin.send(f"{path_of(person)}/password", {"reason": "Lost it"})
    password = SHOWN.search(answer.get_data(as_text=True))[1]  # type: ignore[index]
    assert theirs.get("/trader/orders").status_code == 303
    assert log_in(app, person.email)[1].status_code == 422, "the old one is gone"  # type: ignore[attr-defined]
    with transaction() as session:
        session.execute(update(User).where(User.id == person.id).values(one_time_until=now()))
    assert log_in(app, person.email, password)[1].status_code == 422  # type: ignore[attr-defined]
    with factories.look() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.target_id == str(person.id))).all()
    assert "user.password_given" in {row.action for row in rows}
    assert not any(password in str((row.before, row.after, row.reason)) for row in rows)


def test_sessions_are_ended_by_staff(app: Flask, admin: people.Seat) -> None:
    person = people.person("trader")
    theirs = people.seat(app, person)
    assert admin.send(f"{path_of(person)}/sessions-end", {"reason": "Stolen phone"}).status_code == 303
    assert theirs.get("/trader/orders").status_code == 303


def test_only_who_manages_users_does_any_of_it(app: Flask) -> None:
    reader = people.seat(app, people.person("admin"))  # sees users, manages none
    person = people.person("trader")
    assert reader.get(path_of(person)).status_code == 200
    assert reader.get("/admin/users/new").status_code == 403
    for act in ("permissions", "disabling", "enabling", "password", "sessions-end"):
        assert reader.send(f"{path_of(person)}/{act}", {"reason": "x"}).status_code == 403
    assert people.seat(app, people.person("support_orders")).get("/admin/users").status_code == 403


def test_two_who_put_each_other_out_leave_one(fresh_app: Flask) -> None:
    first, second = people.person("super_admin"), people.person("super_admin")

    def out(actor: people.Person, target: people.Person) -> str:
        with transaction() as session:
            users.disable(session, actor.actor, DisableUser(user_id=target.id, reason="coup"))
        return "done"

    outcomes = factories.at_the_same_time(fresh_app, [lambda: out(first, second), lambda: out(second, first)])
    assert [str(one) for one in outcomes].count("done") == 1, outcomes
    left = first if _active(first) else second
    for refused in (lambda s: users.disable(s, SYSTEM, DisableUser(user_id=left.id, reason="x")),
                    lambda s: permissions.set_permissions(s, SYSTEM, SetPermissions(
                        user_id=left.id, permissions=(str(Permission.PROFILE),), reason="x"))):
        with pytest.raises(permissions.LastSuperAdmin), transaction() as session:
            refused(session)


def _active(person: people.Person) -> bool:
    with factories.look() as session:
        return session.get_one(User, person.id).active
