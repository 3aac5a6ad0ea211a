"""`flask users` and `flask keys`: what the first administrator and a store's first program start with."""
import secrets

from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import select

from portal.approvals import admissions
from portal.core.audit import AuditRow
from portal.core.db import reader
from portal.parties import keys, passwords
from portal.parties.models import ApiKey, User
from tests import people


def run(app: Flask, *arguments: str, **environment: str) -> tuple[int, str]:
    answer = FlaskCliRunner(app).invoke(args=list(arguments), env=environment)
    return answer.exit_code, answer.output


def test_the_token_is_the_last_line(app: Flask) -> None:
    store = people.store(people.merchant())
    status, said = run(app, "keys", "create", "--store", store.slug, "--mode", "test", "--scopes", "orders:read")
    assert status == 0
    found = keys.find(said.splitlines()[-1])
    assert found is not None
    assert (found.store_id, found.live, found.scopes) == (store.id, False, {"orders:read"})


def test_a_key_is_revoked_by_the_id_in_its_token(app: Flask) -> None:
    store = people.store(people.merchant())
    token = run(app, "keys", "create", "--store", store.slug, "--mode", "live")[1].splitlines()[-1]
    assert run(app, "keys", "revoke", token.split("_")[2])[0] == 0
    reader().rollback()
    assert reader().scalars(select(ApiKey.revoked_at).where(ApiKey.store_id == store.id)).one() is not None


def test_what_cannot_be_is_said_in_a_sentence(app: Flask) -> None:
    store = people.store(people.merchant())
    for arguments in (("--store", "no-such-store"), ("--store", store.slug, "--scopes", "everything"),
                      ("--store", store.slug, "--networks", "everywhere")):
        status, said = run(app, "keys", "create", "--mode", "live", *arguments)
        assert status == 1
        assert said.startswith("Error: ")
        assert "Traceback" not in said


def test_a_password_from_the_shell_opens_once_and_leaves_its_trace(app: Flask) -> None:
    """The last administrator who lost theirs: nobody else could agree, so the shell does, and says so."""
    person = people.person("super_admin")
    status, said = run(app, "users", "password", person.email, "--reason", "lost it")
    password = said.splitlines()[-1]
    reader().rollback()
    user = reader().scalars(select(User).where(User.id == person.id)).one()
    assert status == 0
    assert passwords.matches(user.password_hash, password)
    assert user.one_time_until is not None
    audited = reader().scalars(select(AuditRow).where(AuditRow.target_id == str(person.id))).one()
    assert (audited.action, audited.actor_kind, audited.reason) == ("user.password_given", "system", "lost it")
    told = admissions.of_user(reader(), person.id)[0]
    assert (told.how, told.by_id, told.by_name) == ("password", None, "system")
    assert run(app, "users", "password", "nobody@example.test", "--reason", "x")[0] == 1


def test_the_first_administrator_is_made_and_disabled(app: Flask) -> None:
    email = f"boss-{secrets.token_hex(4)}@example.test"
    status, said = run(app, "users", "create", "--email", email, "--template", "super_admin",
                       NEW_PASSWORD=people.PASSWORD)
    assert (status, people.PASSWORD in said) == (0, False)
    assert run(app, "users", "create", "--email", email, "--template", "admin", NEW_PASSWORD="short")[0] == 1
    people.person("super_admin")  # the last one cannot be disabled
    assert run(app, "users", "disable", email, "--reason", "test")[0] == 0
    reader().rollback()
    assert reader().scalars(select(User.active).where(User.email == email)).one() is False
