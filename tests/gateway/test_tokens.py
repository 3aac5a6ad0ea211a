"""Access tokens: a key is shown once for fifteen minutes, and everything about the key still counts at every call."""
import base64
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask
from sqlalchemy import delete, func, select, text
from werkzeug.test import TestResponse

from portal.core import clock, crypto
from portal.core.access import SCOPES, SYSTEM
from portal.core.db import db, reader, transaction
from portal.gateway import rate_limits
from portal.parties import access_tokens, key_invalidation, token_keys
from portal.parties.models import ApiKey
from portal.parties.token_keys import TokenKey
from tests.gateway.conftest import Shop
from tests.gateway.crowd import at_the_same_time
from tests.gateway.street import Street
from tests.running import wait_for
from tests.statements import statements

PATH = "/gateway/v1/token"
SITE = "http://127.0.0.1:8000"


def key_id_of(shop: Shop) -> str:
    return shop.token.split("_")[2]


def ask(shop: Shop, headers: dict[str, str] | None = None, **changed: str | None) -> TestResponse:
    """As an OAuth 2 library would, id and secret in the body; `changed` None leaves a field out."""
    sent = {"grant_type": "client_credentials", "client_id": key_id_of(shop), "client_secret": shop.token} | changed
    client = shop.app.test_client(use_cookies=False)
    return client.post(PATH, data={name: value for name, value in sent.items() if value is not None}, headers=headers)


def with_token(shop: Shop, **asked: str) -> Shop:
    answer = ask(shop, **asked)
    assert answer.status_code == 200, answer.json
    return shop.as_key(answer.json["access_token"], shop.key_id)


def listening() -> None:
    wait_for(lambda: key_invalidation.of(db.engine).is_listening, "somebody listens for revoked keys", 5)


@pytest.fixture
def street(app: Flask, shop: Shop, payin: Callable[..., dict[str, Any]]) -> Iterator[Street]:
    """Warm: key, terms, tariff and rates are remembered."""
    with closing(Street(app)) as street:
        shop.get("/currencies")
        listening()
        street.post(shop, payin())
        street.by_road = 0
        yield street


def basic(id: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{id}:{secret}".encode()).decode()}


def test_a_key_gets_a_token_that_opens_what_the_key_opens(shop):
    answer = ask(shop)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json | {"access_token": ""} == {
        "access_token": "", "token_type": "Bearer", "expires_in": 900, "scope": " ".join(sorted(SCOPES))}
    by_token = shop.as_key(answer.json["access_token"])
    for path in ("/payins", "/balance", "/webhook-endpoints", "/currencies"):
        assert by_token.get(path).json == shop.get(path).json
        assert by_token.get(path).status_code == 200


@pytest.mark.parametrize("way", ["basic", "body", "json"])
def test_id_and_secret_are_sent_as_oauth_has_it(shop, way):
    client = shop.app.test_client(use_cookies=False)
    match way:
        case "basic":
            answer = ask(shop, basic(key_id_of(shop), shop.token), client_id=None, client_secret=None)
        case "body":
            answer = ask(shop, unknown_parameter="is not looked at")
        case _:
            answer = client.post(PATH, json={"grant_type": "client_credentials", "client_id": key_id_of(shop),
                                             "client_secret": shop.token})
    assert answer.status_code == 200, answer.json
    assert shop.as_key(answer.json["access_token"]).get("/balance").status_code == 200


@pytest.mark.parametrize(("changed", "status", "code", "error"), [
    ({"client_secret": "qk_live_x"}, 401, "invalid_client", "invalid_client"),
    ({"client_secret": "ключ"}, 401, "invalid_client", "invalid_client"),
    ({"client_id": "000000000000"}, 401, "invalid_client", "invalid_client"),
    ({"client_secret": None}, 400, "token_request_invalid", "invalid_request"),
    ({"client_id": None, "client_secret": None}, 400, "token_request_invalid", "invalid_request"),
    ({"grant_type": None}, 400, "token_request_invalid", "invalid_request"),
    ({"grant_type": "password"}, 400, "unsupported_grant_type", "unsupported_grant_type"),
    ({"scope": "orders:read everything"}, 400, "invalid_scope", "invalid_scope"),
    ({"scope": "orders:read  orders:write"}, 400, "invalid_scope", "invalid_scope"),
])
def test_a_refusal_is_oauths_and_ours(shop, changed, status, code, error):
    answer = ask(shop, **changed)
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert (answer.json["code"], answer.json["error"]) == (code, error)
    assert answer.json["error_description"] == answer.json["detail"]
    assert (status == 401) == (answer.headers.get("WWW-Authenticate") == 'Basic realm="quittance"')


def test_what_is_no_form_is_refused(shop):
    client = shop.app.test_client(use_cookies=False)
    good = f"grant_type=client_credentials&client_id={key_id_of(shop)}&client_secret={shop.token}"
    form = "application/x-www-form-urlencoded"
    for body, content_type, code in [
            (good, "text/plain", "not_a_form"), (good, "", "not_a_form"), ("a", form, "token_request_invalid"),
            (f"{good}&scope=a&scope=b", form, "token_request_invalid"), (b"\xff=1", form, "token_request_invalid"),
            ("&".join(["a=1"] * 50), form, "token_request_invalid"), ("{", "application/json", "malformed_json")]:
        answer = client.post(PATH, data=body, content_type=content_type)
        assert (answer.json["code"], answer.json["error"]) == (code, "invalid_request"), body
    both = ask(shop, basic(key_id_of(shop), shop.token))
    assert (both.status_code, both.json["code"]) == (400, "token_request_invalid")
    assert client.post(f"{PATH}?{good}").json["code"] in ("invalid", "not_a_form")
    for header in ("Basic !", "Basic ", f"Bearer {shop.token}", "Basic " + base64.b64encode(b"\xff").decode()):
        answer = ask(shop, {"Authorization": header}, client_id=None, client_secret=None)
        assert answer.status_code in (400, 401), header


def test_scopes_only_shrink(shop):
    reading = with_token(shop.with_scopes("orders:read", "balance:read"), scope="orders:read")
    assert reading.get("/payins").status_code == 200
    refused = reading.get("/balance")
    assert (refused.status_code, refused.json["code"]) == (403, "scope_missing")
    answer = ask(shop.with_scopes("orders:read"), scope="orders:read orders:write")
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_scope")


def test_a_token_buys_no_other_token(shop):
    token = ask(shop).json["access_token"]
    answer = ask(shop, client_secret=token)
    assert (answer.status_code, answer.json["code"]) == (401, "invalid_client")


def test_a_test_keys_token_stays_test(test_shop, payin):
    by_token = with_token(test_shop)
    made = by_token.post("/payins", payin())
    assert (made.status_code, made.json["live"]) == (201, False)
    assert test_shop.get(f"/payins/{made.json['id']}").status_code == 200


@pytest.mark.parametrize("fast", [False, True])
def test_creates_go_either_road_and_count_with_the_key(limited_shop, payin, fast):
    """The token's calls and the key's are one: one limit, one idempotency, one name in the log."""
    shop, asked = replace(limited_shop, fast=fast), payin()
    by_token = with_token(shop)
    first = by_token.post("/payins", asked, key="same")
    again = shop.post("/payins", asked, key="same")
    assert (first.status_code, again.status_code, again.get_data()) == (201, 201, first.get_data())
    assert again.headers["Idempotent-Replayed"] == "true"
    if first.headers["RateLimit-Reset"] == again.headers["RateLimit-Reset"]:
        assert int(again.headers["RateLimit-Remaining"]) < int(first.headers["RateLimit-Remaining"])


def test_a_create_with_a_token_takes_the_fast_road(street, shop, payin):
    by_token = with_token(shop)
    street.post(by_token, payin())  # the key is looked up by its token once
    street.by_road = 0
    with statements() as seen:
        answers = street.post(by_token, payin(), payin(), payin())
    assert ([answer.status for answer in answers], street.by_road) == ([201] * 3, 0)
    assert not [one for one in seen if "api_keys" in one or "token_keys" in one]


def test_no_query_per_call(shop):
    by_token = with_token(shop)
    by_token.get("/currencies")
    listening()
    by_token.get("/currencies")
    with statements() as seen:
        assert by_token.get("/currencies").status_code == 200
    assert not [one for one in seen if "api_keys" in one or "token_keys" in one]


def test_a_revoked_keys_tokens_die_within_a_second(street, shop, payin):
    by_token = with_token(shop)
    assert by_token.get("/balance").status_code == 200
    assert street.post(by_token, payin())[0].status == 201
    listening()
    shop.revoke()
    wait_for(lambda: by_token.get("/balance").status_code == 401, "its token is refused", within_s=1)
    assert street.post(by_token, payin())[0].status == 401
    assert ask(shop).json["error"] == "invalid_client"


def test_a_token_ends_with_its_key_and_by_itself(shop):
    by_token = with_token(shop)
    with clock.moved(timedelta(minutes=14)):
        assert by_token.get("/balance").status_code == 200
    with clock.moved(timedelta(minutes=16)):
        assert by_token.get("/balance").json["code"] == "unauthorized"
    ending = shop.expiring(clock.now() + timedelta(minutes=5))
    by_token = with_token(ending)
    assert by_token.get("/balance").status_code == 200
    with clock.moved(timedelta(minutes=6)):
        assert by_token.get("/balance").status_code == 401
        assert ask(ending).status_code == 401


def test_the_keys_networks_and_its_store_count_for_its_tokens(shop):
    elsewhere = shop.with_networks("203.0.113.0/24")
    answer = ask(elsewhere)
    assert (answer.status_code, answer.json["code"], answer.json["error"]) == (
        403, "ip_not_allowed", "unauthorized_client")
    forwarded = access_tokens.issue(key_id_of(elsewhere), ["orders:read"])
    assert elsewhere.as_key(forwarded).get("/payins").json["code"] == "ip_not_allowed"
    by_token = with_token(shop)
    shop.suspend("store")
    wait_for(lambda: by_token.get("/payins").status_code == 403, "a suspended store is refused", within_s=1)
    assert by_token.get("/payins").json["code"] == "store_suspended"
    assert (ask(shop).json["code"], ask(shop).json["error"]) == ("store_suspended", "unauthorized_client")


def forged(shop: Shop) -> dict[str, str]:
    """Tokens that somebody else made, or that were changed on the way."""
    with transaction() as session:
        token_keys.ensure(session)
    pair = next(iter(token_keys.standing(reader())))
    ours, theirs = token_keys.private_key(pair.id, pair.private_sealed), Ed25519PrivateKey.generate()
    now = int(clock.now().timestamp())
    claims = {"iss": SITE, "aud": f"{SITE}/gateway/v1", "sub": key_id_of(shop), "scope": "balance:read", "iat": now,
              "exp": now + 900}
    head = {"kid": pair.kid, "typ": "at+jwt"}

    def made(key: Any = ours, algorithm: str = "EdDSA", head: dict[str, Any] = head, **changed: Any) -> str:
        return jwt.encode({**claims, **changed}, key, algorithm, head)

    public = ours.public_key().public_bytes_raw()
    good = made()
    header, payload, signature = good.split(".")
    more = base64.urlsafe_b64encode(json.dumps(claims | {"scope": " ".join(SCOPES)}).encode()).rstrip(b"=").decode()
    return {
        "good": good, "expired": made(exp=now - 1), "no end": jwt.encode(
            {name: value for name, value in claims.items() if name != "exp"}, ours, "EdDSA", head),
        "foreign": made(theirs), "none": made(None, "none"), "public key as secret": made(public, "HS256"),
        "other kid": made(head=head | {"kid": "tky_01JD9W4M0Q8Z6T1V5R2X7Y3KAB"}), "kid of another shape": made(
            theirs, head=head | {"kid": ""}), "no kid": made(head={"typ": "at+jwt"}),
        "other type": made(head=head | {"typ": "JWT"}), "other issuer": made(iss="https://evil.example"),
        "other audience": made(aud=SITE), "unknown key": made(sub="000000000000"),
        "scope changed": f"{header}.{more}.{signature}", "cut": good[:-3], "no signature": f"{header}.{payload}.",
        "odd scope": made(scope=5), "odd end": made(exp=10**30), "long": good + "A" * 3000}


def test_a_token_that_is_not_ours_opens_nothing(shop, street, payin):
    tokens = forged(shop)
    assert shop.as_key(tokens.pop("good")).get("/balance").status_code == 200
    for what, token in tokens.items():
        answer = shop.as_key(token).get("/balance")
        assert (answer.status_code, answer.json["code"]) == (401, "unauthorized"), what
        assert street.post(shop.as_key(token), payin())[0].status == 401, what


def test_guesses_are_counted_by_address(limited_shop):
    answers = [ask(limited_shop, client_secret="qk_live_guess") for _ in range(rate_limits.STRANGER_MAX + 5)]
    assert {answer.status_code for answer in answers} == {401, 429}
    assert answers[-1].json["code"] == "rate_limited"
    assert ask(limited_shop).status_code == 200


def test_keys_are_shown_before_they_sign_and_count_until_their_tokens_end(shop):
    """The month goes by: whoever keeps the list of keys for an hour always has the one he needs."""
    ask(shop)
    begun = _signing()
    with clock.moved(token_keys.SIGNS_FOR - token_keys.SHOWN_BEFORE + timedelta(hours=1)):
        _upkeep()
        _upkeep()  # once is enough
        assert len(_shown(shop)) == 2
        assert _signing() == begun
    with clock.moved(token_keys.SIGNS_FOR + timedelta(hours=1)):
        after = _signing()
        assert after != begun
        assert {begun, after} <= set(_shown(shop))
    with clock.moved(token_keys.SIGNS_FOR + timedelta(hours=3)):
        _upkeep()
        assert _shown(shop) == [after]
    with transaction() as session:  # as it was: the others' tests have today
        session.execute(delete(TokenKey))
        token_keys.rotate(session, SYSTEM)


def test_a_rotation_leaves_tokens_be_and_a_withdrawal_ends_them(shop):
    by_token = with_token(shop)
    shop.get("/balance")
    listening()
    with transaction() as session:
        token_keys.rotate(session, SYSTEM)
    assert by_token.get("/balance").status_code == 200
    assert with_token(shop).get("/balance").status_code == 200
    with transaction() as session:
        token_keys.withdraw_all(session, SYSTEM)
    wait_for(lambda: by_token.get("/balance").status_code == 401, "a withdrawn key's token is refused", within_s=1)
    assert with_token(shop).get("/balance").status_code == 200


def test_the_first_token_of_a_desk_makes_its_key_once(shop):
    with transaction() as session:
        session.execute(delete(TokenKey))
        session.execute(text("NOTIFY keys"))
    access_tokens._known.clear()
    answers = at_the_same_time(8, lambda _: ask(shop).status_code)
    assert answers == [200] * 8
    assert reader().scalar(select(func.count()).select_from(TokenKey)) == 1


def test_the_public_keys_verify_a_token(client, shop):
    """By another's library, from what the desk tells everybody."""
    token = ask(shop, scope="orders:read").json["access_token"]
    answer = client.get("/.well-known/jwks.json")
    assert (answer.status_code, answer.content_type) == (200, "application/jwk-set+json")
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert "Set-Cookie" not in answer.headers
    for key in answer.json["keys"]:
        assert set(key) == {"kty", "crv", "x", "kid", "alg", "use"}  # nothing of the private half
    keys = jwt.PyJWKSet.from_dict(answer.json)
    kid = jwt.get_unverified_header(token)["kid"]
    said = jwt.decode(token, keys[kid], ["EdDSA"], audience=f"{SITE}/gateway/v1", issuer=SITE)
    assert (said["sub"], said["scope"], said["exp"] - said["iat"]) == (key_id_of(shop), "orders:read", 900)


def test_the_private_half_lies_sealed(shop):
    ask(shop)
    key = reader().scalars(select(TokenKey).limit(1)).one()
    assert b"." in key.private_sealed
    with pytest.raises(crypto.CannotOpen):
        crypto.open_sealed(key.private_sealed, place="token_keys|private|elsewhere")


def test_a_token_marks_its_key_as_used(shop, monkeypatch):
    monkeypatch.setattr(key_invalidation, "WRITE_EVERY_S", 0.0)
    by_token = with_token(shop)
    by_token.get("/balance")
    listening()
    by_token.get("/balance")

    def used() -> bool:
        db.session.rollback()
        return db.session.scalar(select(ApiKey.last_used_at).where(ApiKey.id == shop.key_id)) is not None

    wait_for(used, "its key was used", 5)


def _upkeep() -> None:
    with transaction() as session:
        token_keys.ensure(session)
    access_tokens._known.clear()


def _shown(shop: Shop) -> list[str]:
    return [key["kid"] for key in shop.app.test_client().get("/.well-known/jwks.json").json["keys"]]


def _signing() -> str:
    access_tokens._known.clear()
    pair = access_tokens._signing()
    assert pair is not None
    return pair.kid
