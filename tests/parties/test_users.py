"""Accounts: made from a template, disabled, given a new password."""
import secrets

import pytest
from flask import Flask
from pydantic import SecretStr

from portal.core.access import SYSTEM, TEMPLATES, Permission
from portal.core.db import reader, transaction
from portal.core.errors import Invalid, NotFound
from portal.parties import queries, users
from portal.parties.commands import CreateUser, DisableUser, SetPassword
from portal.parties.models import User
from tests import people

NEW = SecretStr("another sentence nobody guesses")


def wanted(**more: object) -> CreateUser:
    return CreateUser(**{  # type: ignore[arg-type]
        "email": f"New.{secrets.token_hex(4)}@Example.test", "name": "New", "password": NEW,
        "template": "support_readonly", **more})


def test_a_template_fills_in_what_they_may(app: Flask) -> None:
    with transaction() as session:
        user = users.create(session, SYSTEM, wanted())
    assert user.email == user.email.lower()
    assert user.role == "support"
    assert users.actor_of(user).permissions == TEMPLATES["support_readonly"]
    assert Permission.USER_MANAGE not in users.actor_of(user).permissions


def test_an_address_has_one_account(app: Flask) -> None:
    command = wanted()
    with transaction() as session:
        users.create(session, SYSTEM, command)
    with pytest.raises(users.EmailTaken), transaction() as session:
        users.create(session, SYSTEM, command)


@pytest.mark.parametrize("wrong", [
    {"template": "emperor"}, {"password": SecretStr("short")}, {"template": "trader"}, {"template": "merchant_owner"},
    {"time_zone": "Nowhere/At_All"},
])
def test_what_no_account_can_be_is_refused(app: Flask, wrong: dict[str, object]) -> None:
    with pytest.raises(Invalid), transaction() as session:
        users.create(session, SYSTEM, wanted(**wrong))


def test_a_merchant_cannot_make_people_of_another(app: Flask) -> None:
    stranger, other = people.person("merchant_owner"), people.merchant()
    with pytest.raises(NotFound), transaction() as session:
        users.create(session, stranger.actor, wanted(template="merchant_viewer", merchant_id=other))


def test_nobody_disables_themselves(app: Flask) -> None:
    me = people.person("super_admin")
    with pytest.raises(Invalid), transaction() as session:
        users.disable(session, me.actor, DisableUser(user_id=me.id, reason="test"))


def test_a_new_password_needs_the_present_one(app: Flask) -> None:
    me = people.person("trader")
    with pytest.raises(Invalid), transaction() as session:
        users.set_password(session, me.actor, SetPassword(current=NEW, password=NEW))
    with transaction() as session:
        users.set_password(session, me.actor, SetPassword(current=SecretStr(people.PASSWORD), password=NEW))


def test_who_sees_whom(app: Flask) -> None:
    mine = people.merchant()
    owner, colleague = (people.person(kind, merchant_id=mine) for kind in ("merchant_owner", "merchant_viewer"))
    other, trader, admin = people.person("merchant_owner"), people.person("trader"), people.person("admin")

    def seen(who: people.Person) -> set[object]:
        return {user.id for user in reader().scalars(queries.users_visible_to(who.actor).where(
            User.id.in_([owner.id, colleague.id, other.id, trader.id])))}

    assert seen(owner) == {owner.id, colleague.id}
    assert seen(trader) == {trader.id}
    assert seen(admin) == {owner.id, colleague.id, other.id, trader.id}
    assert seen(people.person("support_readonly")) == set()
