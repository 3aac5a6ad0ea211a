"""What a passkey's answer must be to count: for this site, this browser, once, by a counter that goes up."""
import hashlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from flask import Flask
from sqlalchemy import select
from webauthn.helpers import bytes_to_base64url as words

from portal import mail
from portal.core import clock, site
from portal.core.audit import AuditRow
from portal.core.db import reader, transaction
from portal.parties import passkeys, second_factor
from portal.parties.factor_models import Passkey
from tests import factories as f
from tests import people
from tests.web.auth.test_second_factor import at_the_second_door

SITE = "http://localhost"
PRESENT, VERIFIED = 1, 4


@dataclass
class Authenticator:
    """One key in software, which signs whatever it is told to."""

    id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    count: int = 1

    def public(self) -> bytes:
        point = self.key.public_key().public_numbers()
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")})

    def sign(self, challenge: str, *, origin: str = SITE, rp_id: str = "localhost", flags: int = PRESENT | VERIFIED,
             count: int | None = None) -> str:
        self.count += 1
        said = json.dumps({"type": "webauthn.get", "challenge": challenge, "origin": origin}).encode()
        known = (hashlib.sha256(rp_id.encode()).digest() + bytes([flags])
                 + (self.count if count is None else count).to_bytes(4, "big"))
        signature = self.key.sign(known + hashlib.sha256(said).digest(), ec.ECDSA(SHA256()))
        return json.dumps({"id": words(self.id), "rawId": words(self.id), "type": "public-key",
                           "clientExtensionResults": {}, "response": {
                               "clientDataJSON": words(said), "authenticatorData": words(known),
                               "signature": words(signature)}})


@pytest.fixture(autouse=True)
def _site(app: Flask) -> Iterator[None]:
    site.use(SITE)
    yield
    site.use(app.extensions["settings"].public_url)


def owner_of_a_key() -> tuple[people.Person, Authenticator]:
    me, phone = people.person("trader"), Authenticator()
    people.with_factor(me)
    with transaction() as session:
        session.add(Passkey(user_id=me.id, name="Phone", credential_id=phone.id, public_key=phone.public(),
                            sign_count=phone.count))
    return me, phone


def challenge(browser: people.Seat, purpose: str = "sign-in") -> str:
    answer = browser.post(f"/passkeys/{purpose}/challenge", headers={"X-CSRFToken": browser.token})
    assert answer.status_code == 200
    asked: dict[str, Any] = json.loads(answer.data)
    return str(asked["challenge"])


def sign_in(browser: people.Seat, answer: str) -> int:
    return int(browser.send("/passkeys/sign-in", {"passkey": answer}).status_code)


def test_the_right_answer_signs_in_with_both_factors(app: Flask) -> None:
    _, phone = owner_of_a_key()
    browser = people.stranger(app)
    answer = browser.send("/passkeys/sign-in", {"passkey": phone.sign(challenge(browser))})
    assert (answer.status_code, answer.location) == (303, "/trader/orders")
    assert browser.get("/trader/orders").status_code == 200


@pytest.mark.parametrize("wrong", [
    {"origin": "https://evil.example"}, {"origin": "http://localhost:8001"}, {"rp_id": "evil.example"}, {"count": 1},
    {"count": 0}, {"flags": PRESENT}, {"flags": VERIFIED}], ids=str)
def test_another_site_a_counter_gone_back_and_nobody_looked_at_are_refused(app: Flask, wrong: dict[str, Any]) -> None:
    _, phone = owner_of_a_key()
    browser = people.stranger(app)
    assert sign_in(browser, phone.sign(challenge(browser), **wrong)) == 422
    assert browser.get("/trader/orders").location.startswith("/login")
    assert sign_in(browser, phone.sign(challenge(browser))) == 303


def test_a_counter_gone_back_stands_in_the_audit_and_its_owner_is_told(app: Flask) -> None:
    me, phone = owner_of_a_key()
    browser = people.stranger(app)
    assert sign_in(browser, phone.sign(challenge(browser), count=0)) == 422
    half = at_the_second_door(app, me)
    assert half.send("/second-factor", {"passkey": phone.sign(challenge(half, "prove"), count=1)}).status_code == 422
    noted = reader().scalars(select(AuditRow).where(
        AuditRow.action == "user.passkey_copied", AuditRow.target_id == str(me.id)).order_by(AuditRow.id)).all()
    assert [(row.before, row.after) for row in noted] == [
        ({"count": 1}, {"name": "Phone", "count": 0}), ({"count": 1}, {"name": "Phone", "count": 1})]
    letters = [one.text for one in mail.latest(reader()) if one.to == me.email]
    assert sum("its counter went back" in text for text in letters) == 2
    copy = Authenticator(id=phone.id, count=0)
    assert sign_in(browser, copy.sign(challenge(browser), count=0)) == 422, "another key's signature is no copy"
    assert len(reader().scalars(select(AuditRow.id).where(
        AuditRow.action == "user.passkey_copied", AuditRow.target_id == str(me.id))).all()) == 2


def test_an_answer_counts_once_at_its_own_browser_and_in_time(app: Flask) -> None:
    _, phone = owner_of_a_key()
    mine, theirs = people.stranger(app), people.stranger(app)
    asked = challenge(mine)
    assert sign_in(theirs, phone.sign(asked)) == 422, "another browser's challenge"
    answer = phone.sign(asked)
    assert sign_in(mine, answer) == 303
    late = people.stranger(app)
    assert sign_in(late, answer) == 422, "a replay"
    waiting = challenge(late)
    with clock.moved(timedelta(minutes=5, seconds=1)):
        assert sign_in(late, phone.sign(waiting)) == 422
    for nonsense in ("", "{}", "[]", "null", '{"response": {"clientDataJSON": "AA"}}', "\x00"):
        assert sign_in(people.stranger(app), nonsense) == 422


def test_another_persons_key_and_another_keys_signature_are_no_second_factor(app: Flask) -> None:
    me, phone = owner_of_a_key()
    _, theirs = owner_of_a_key()
    browser = at_the_second_door(app, me)

    def prove(answer: str) -> int:
        return int(browser.send("/second-factor", {"passkey": answer}).status_code)

    assert prove(theirs.sign(challenge(browser, "prove"))) == 422
    copy = Authenticator(id=phone.id, count=50)
    assert prove(copy.sign(challenge(browser, "prove"))) == 422
    stranger = people.stranger(app)
    assert prove(phone.sign(challenge(stranger))) == 422, "a challenge for signing in"
    assert prove(phone.sign(challenge(browser, "prove"), flags=PRESENT)) == 303, "the password has looked at them"


def test_a_challenge_for_adding_is_given_behind_a_step_up_only(app: Flask) -> None:
    me, _ = owner_of_a_key()
    half = at_the_second_door(app, me)
    assert half.post("/passkeys/add/challenge", headers={"X-CSRFToken": half.token}).status_code == 403
    other = people.seat(app, people.person("trader"))
    assert other.post("/passkeys/add/challenge", headers={"X-CSRFToken": other.token}).status_code == 403
    other.send("/step-up", {"reading": "/profile/second-factor/passkeys/new"})
    assert challenge(other, "add")


def test_a_key_is_taken_away_by_its_form(app: Flask) -> None:
    me, phone = owner_of_a_key()
    with transaction() as session:
        at = f"/profile/second-factor/passkeys/{passkeys.of_user(session, me.id)[0].public_id}/removal"
    with transaction() as session:
        second_factor.remove_app(session, me.actor, needed=True)
    browser = people.stranger(app)
    assert sign_in(browser, phone.sign(challenge(browser))) == 303
    browser.token = people.csrf_of(browser.get("/profile"))
    proof = phone.sign(challenge(browser, "prove"))
    assert browser.send(at, {"proof_passkey": proof, "proof_password": ""}).status_code == 303
    with f.look() as session:
        assert passkeys.of_user(session, me.id) == []


def test_the_last_factor_stays_where_one_is_needed(app: Flask) -> None:
    me, _ = owner_of_a_key()
    with transaction() as session:
        second_factor.remove_app(session, me.actor, needed=True)
    with transaction() as session:
        key = passkeys.of_user(session, me.id)[0]
        with pytest.raises(second_factor.FactorNeeded):
            passkeys.remove(session, me.actor, key.public_id, needed=True)
        session.rollback()
    with transaction() as session:
        passkeys.remove(session, me.actor, key.public_id, needed=False)
