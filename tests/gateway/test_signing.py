"""Signed calls: who has the key alone, or a call that was made, cannot make another; on both roads of a create."""
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from redis import Redis
from werkzeug.test import TestResponse

from portal.core import clock, redis_breaker
from portal.core.access import SYSTEM
from portal.core.db import db, transaction
from portal.core.errors import PortalError
from portal.core.ids import new_id
from portal.gateway import seen_signatures
from portal.parties import key_invalidation, key_signing, keys
from portal.parties.commands import MakeSigningSecret, RequireSignedPayouts, RequireSigning, RevokeKey
from portal.web.docs import callers
from tests.gateway.conftest import BASE, Shop
from tests.gateway.crowd import at_the_same_time
from tests.gateway.signatures import signature
from tests.gateway.street import Street
from tests.running import wait_for
from tests.statements import statements


@dataclass(frozen=True)
class Signer:
    """A shop's system that signs: each part of a call can be signed otherwise than it is sent."""

    shop: Shop
    secret: str

    def call(self, method: str, target: str, body: bytes = b"", key: str | None = None, *, at: str | None = None,
             signed: dict[str, Any] | None = None) -> TestResponse:
        headers = self.headers(method, target, body, key, at=at, signed=signed)
        return self.send(method, target, body, headers)

    def headers(self, method: str, target: str, body: bytes, key: str | None, *, at: str | None = None,
                signed: dict[str, Any] | None = None) -> dict[str, str]:
        at = at or f"{clock.now().timestamp():.6f}"
        parts = {"secret": self.secret, "timestamp": at, "method": method, "target": BASE + target, "key": key or "",
                 "body": body} | (signed or {})
        headers = {"Quittance-Timestamp": at, "Quittance-Signature": signature(**parts)}
        return headers | ({"Idempotency-Key": key} if key is not None else {})

    def send(self, method: str, target: str, body: bytes, headers: dict[str, str]) -> TestResponse:
        if self.shop.fast and (method, target) == ("POST", "/payins"):
            return self.shop._by_the_fast_road(headers, body, "application/json")
        client = self.shop.app.test_client(use_cookies=False)
        sent = {"data": body, "content_type": "application/json"} if body else {}
        return client.open(BASE + target, method=method, **sent,
                           headers={"Authorization": f"Bearer {self.shop.token}", **headers})


def with_secret(shop: Shop, *, required: bool = False) -> Signer:
    with transaction() as session:
        _, secret = key_signing.make_secret(session, SYSTEM, MakeSigningSecret(key_id=shop.key_id, seen=0))
        if required:
            key_signing.require(session, SYSTEM, RequireSigning(key_id=shop.key_id, required=True))
    return Signer(shop, secret)


def signs_payouts(shop: Shop, required: bool = True) -> None:
    with transaction() as session:
        key_signing.require_for_payouts(session, SYSTEM, RequireSignedPayouts(
            store_id=shop.store.id, required=required))


@pytest.fixture
def body(payin: Callable[..., dict[str, Any]]) -> Callable[..., bytes]:
    return lambda **changed: json.dumps(payin(**changed)).encode()


@pytest.fixture
def signer(either_road: Shop) -> Signer:
    """With a key whose every call is signed, on either road."""
    return with_secret(either_road, required=True)


@pytest.fixture
def street(app: Flask) -> Iterator[Street]:
    with closing(Street(app)) as street:
        yield street


def code(answer: Any) -> tuple[int, str]:
    status = getattr(answer, "status_code", None) or answer.status
    return status, answer.json.get("code", "")


def test_a_signed_create_is_taken(signer, body):
    made = signer.call("POST", "/payins", body(description="Пётр"), "one")
    assert made.status_code == 201, made.json
    assert signer.call("GET", f"/payins/{made.json['id']}").status_code == 200


def test_a_read_is_signed_with_its_query(signer):
    assert signer.call("GET", "/payins?limit=5&status=new").status_code == 200
    assert code(signer.call("GET", "/payins?limit=5",
                            signed={"target": f"{BASE}/payins"})) == (401, "signature_invalid")
    assert code(signer.call("GET", "/payins",
                            signed={"target": f"{BASE}/payins?limit=5"})) == (401, "signature_invalid")


def test_what_is_not_signed_is_refused_where_it_must_be(signer, body):
    sent = body()
    signed = signer.headers("POST", "/payins", sent, "one")
    for missing in ("Quittance-Timestamp", "Quittance-Signature"):
        rest = {name: value for name, value in signed.items() if name != missing}
        assert code(signer.send("POST", "/payins", sent, rest)) == (401, "signature_missing")
    assert code(signer.send("POST", "/payins", sent, {"Idempotency-Key": "one"})) == (401, "signature_missing")
    assert code(signer.shop.get("/balance")) == (401, "signature_missing")


@pytest.mark.parametrize("other", [
    {"secret": "qsign_x"}, {"method": "PUT"}, {"target": f"{BASE}/payouts"}, {"key": "two"}, {"body": b"{}"},
    {"timestamp": "1700000000"}, {"target": f"http://127.0.0.1{BASE}/payins"}])
def test_each_part_of_the_call_is_signed(signer, body, other):
    sent = body()
    assert code(signer.call("POST", "/payins", sent, "one", signed=other)) == (401, "signature_invalid")
    assert signer.call("POST", "/payins", sent, "one").status_code == 201


@pytest.mark.parametrize("spelled", ["", "v1=", "v1=zz", "v2=", "{hex}", "v1={hex}00", "v1={HEX}", " v1={hex} x",
                                     "v1={hex},v1={hex}"])
def test_a_signature_is_spelled_one_way(signer, body, spelled):
    sent = body()
    headers = signer.headers("POST", "/payins", sent, "one")
    hexed = headers["Quittance-Signature"][3:]
    headers["Quittance-Signature"] = spelled.format(hex=hexed, HEX=hexed.upper() + "A")
    answer = signer.send("POST", "/payins", sent, headers)
    assert code(answer) in ((401, "signature_invalid"), (401, "signature_missing"))


@pytest.mark.parametrize(("off_s", "status"), [(-299, 201), (299, 201), (-302, 401), (302, 401)])
def test_clocks_may_differ_by_five_minutes(signer, body, off_s, status):
    at = f"{clock.now().timestamp() + off_s:.3f}"
    answer = signer.call("POST", "/payins", body(), "one", at=at)
    assert answer.status_code == status
    if status == 401:
        assert answer.json["code"] == "timestamp_out_of_range"
        assert abs(answer.json["server_time"] - clock.now().timestamp()) < 5


@pytest.mark.parametrize("at", ["now", "1e9", "-5", "NaN", "99999999999999999999", "1764243502,5", "0x10", "١"])
def test_an_odd_timestamp_is_out_of_range(signer, body, at):
    headers = signer.headers("POST", "/payins", body(), "one", at="1764243502") | {
        "Quittance-Timestamp": at.encode().decode("latin-1")}
    assert code(signer.send("POST", "/payins", body(), headers)) == (401, "timestamp_out_of_range")


def test_a_replayed_signature_is_refused_and_does_nothing(signer, body):
    sent = body()
    headers = signer.headers("POST", "/payins", sent, "one")
    first = signer.send("POST", "/payins", sent, headers)
    again = signer.send("POST", "/payins", sent, headers)
    assert (first.status_code, code(again)) == (201, (401, "signature_replayed"))
    retried = signer.call("POST", "/payins", sent, "one")  # signed anew: an honest retry
    assert (retried.status_code, retried.get_data()) == (201, first.get_data())
    assert retried.headers["Idempotent-Replayed"] == "true"


def test_a_replay_across_the_roads_is_refused(signer, body):
    """Whichever road saw it first; the lane's own claim does not stand in its way when Flask takes over."""
    other, sent = replace(signer, shop=replace(signer.shop, fast=not signer.shop.fast)), body()
    headers = signer.headers("POST", "/payins", sent, "one")
    assert signer.send("POST", "/payins", sent, headers).status_code == 201
    assert code(other.send("POST", "/payins", sent, headers)) == (401, "signature_replayed")
    taken = signer.call("POST", "/payins", sent, "two")  # the external id is in use: the lane hands it to Flask
    assert code(taken) == (409, "external_id_taken")


def test_a_replay_at_the_same_moment_counts_once(shop, street, body):
    signer, sent = with_secret(shop, required=True), body()
    headers = signer.headers("POST", "/payins", sent, "one")
    answers = at_the_same_time(8, lambda _: signer.send("POST", "/payins", sent, headers).status_code)
    assert sorted(answers) == [201] + [401] * 7
    sent = body()
    headers = {name.lower().replace("-", "_"): value for name, value in
               signer.headers("POST", "/payins", sent, "two").items()}
    answers = [answer.status for answer in street.post(shop, *[sent] * 8, keys=["two"] * 8, **headers)]
    assert sorted(answers) == [201] + [401] * 7


def test_without_redis_a_replay_gets_the_first_answer(app, signer, body, monkeypatch):
    monkeypatch.setattr(redis_breaker, "_silent_until", 0)  # and as it was, for the tests after this one
    monkeypatch.setitem(app.extensions, seen_signatures.EXTENSION, seen_signatures.Seen("redis://127.0.0.1:1/0"))
    sent = body()
    headers = signer.headers("POST", "/payins", sent, "one")
    first, again = (signer.send("POST", "/payins", sent, headers) for _ in range(2))
    assert (first.status_code, again.status_code, again.get_data()) == (201, 201, first.get_data())
    assert again.headers["Idempotent-Replayed"] == "true"


def test_a_signed_write_carries_an_idempotency_key(signer, body):
    """Without one its replay would be a second act as soon as nobody remembers the signature."""
    made = signer.call("POST", "/payins", body(), "one")
    cancel = f"/payins/{made.json['id']}/cancel"
    assert code(signer.call("POST", cancel)) == (400, "idempotency_key_required")
    assert signer.call("POST", cancel, b"", "cancel").status_code == 200


def test_reads_may_be_repeated(signer):
    headers = signer.headers("GET", "/balance", b"", None)
    assert {signer.send("GET", "/balance", b"", headers).status_code for _ in range(3)} == {200}


def test_a_signature_that_nobody_asked_for_is_verified_all_the_same(either_road, body):
    signer = with_secret(either_road)
    assert either_road.post("/payins", None).status_code == 422
    assert signer.send("POST", "/payins", body(), {"Idempotency-Key": "one"}).status_code == 201
    assert signer.call("POST", "/payins", body(), "two").status_code == 201
    assert code(signer.call("POST", "/payins", body(), "three", signed={"secret": "x"})) == (401, "signature_invalid")


def test_a_key_without_a_secret_signs_nothing(either_road, body):
    signer = Signer(either_road, "qsign_anything")
    assert code(signer.call("POST", "/payins", body(), "one")) == (401, "signature_invalid")


def test_a_token_is_signed_as_its_key(signer, body):
    answer = signer.shop.app.test_client(use_cookies=False).post(f"{BASE}/token", data={
        "grant_type": "client_credentials", "client_id": signer.shop.token.split("_")[2],
        "client_secret": signer.shop.token})
    by_token = replace(signer, shop=signer.shop.as_key(answer.json["access_token"], signer.shop.key_id))
    assert code(by_token.shop.get("/balance")) == (401, "signature_missing")
    assert by_token.call("GET", "/balance").status_code == 200
    assert by_token.call("POST", "/payins", body(), "one").status_code == 201


def test_a_store_may_want_all_payouts_signed(shop, body):
    signer = with_secret(shop)
    signs_payouts(shop)
    sent = b'{"external_id": "po-1"}'  # judged after its signature
    key = {"Idempotency-Key": "one"}
    wait_for(lambda: code(signer.send("POST", "/payouts", sent, key)) == (401, "signature_missing"),
             "payouts are signed", within_s=1)
    for act in ("cancel", "confirm", "receipts"):
        path = "/payouts/pout_01JD9W6M0Q8Z6T1V5R2X7Y3KAB/" + act
        assert code(signer.send("POST", path, b"{}", key)) == (401, "signature_missing")
    assert signer.call("POST", "/payouts", sent, "one").status_code == 422
    assert shop.send("/payins", body()).status_code == 201  # payins as before
    assert shop.get("/payouts").status_code == 200
    other = shop.with_scopes("payouts:write")  # no secret, no payouts
    assert code(other.send("/payouts", sent)) == (401, "signature_missing")
    signs_payouts(shop, False)
    wait_for(lambda: signer.send("POST", "/payouts", sent, key).status_code == 422, "not any more", within_s=1)


def test_files_are_signed_by_their_bytes(shop):
    signer = with_secret(shop, required=True)
    path = "/payins/pin_01JD9W4M0Q8Z6T1V5R2X7Y3KAB/receipts"
    form = (b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
            b"png\r\n--x--\r\n")
    headers = signer.headers("POST", path, form, "one")
    client = shop.app.test_client(use_cookies=False)
    answer = client.post(BASE + path, data=form, content_type="multipart/form-data; boundary=x",
                         headers={"Authorization": f"Bearer {shop.token}", **headers})
    assert answer.status_code == 404  # read after the signature: there is no such order
    headers = signer.headers("POST", path, form, "two", signed={"body": form + b"\n"})
    answer = client.post(BASE + path, data=form, content_type="multipart/form-data; boundary=x",
                         headers={"Authorization": f"Bearer {shop.token}", **headers})
    assert code(answer) == (401, "signature_invalid")


def test_signed_creates_take_the_fast_road(street, shop, body, payin):
    signer = with_secret(shop, required=True)
    signer.call("GET", "/currencies")
    wait_for(lambda: key_invalidation.of(db.engine).is_listening, "somebody listens for revoked keys", 5)
    for number in range(2):
        sent = body()
        headers = {name.lower(): value for name, value in signer.headers("POST", "/payins", sent, new_id().hex).items()}
        street.by_road = 0
        with statements() as seen:
            answer = street.send(sent, headers | {"authorization": f"Bearer {shop.token}",
                                                  "content-type": "application/json"})
        assert answer.status == 201, answer.body
        if number:  # warm
            assert street.by_road == 0
            assert not [one for one in seen if "api_keys" in one]
    again = street.send(sent, headers | {"authorization": f"Bearer {shop.token}", "content-type": "application/json"})
    assert code(again) == (401, "signature_replayed")


def test_the_address_is_signed_as_it_was_sent(street, shop, body):
    """`/%70ayins` is the same call; a signature over the tidy spelling is of another text."""
    signer = with_secret(shop, required=True)
    assert signer.call("GET", "/payins?external_id=%D0%9F%20x").status_code == 200
    assert code(signer.call("GET", "/payins?external_id=%D0%9F%20x",
                            signed={"target": f"{BASE}/payins?external_id=%d0%9f%20x"})) == (401, "signature_invalid")


def test_a_new_secret_leaves_the_old_one_a_day(signer, body):
    with transaction() as session:
        _, secret = key_signing.make_secret(session, SYSTEM, MakeSigningSecret(key_id=signer.shop.key_id, seen=1))
    both = (signer, replace(signer, secret=secret))
    wait_for(lambda: both[1].call("GET", "/balance").status_code == 200, "the new one counts", within_s=1)
    assert [one.call("POST", "/payins", body(), new_id().hex).status_code for one in both] == [201, 201]
    with clock.moved(timedelta(hours=25)):
        assert [one.call("GET", "/balance").status_code for one in both] == [401, 200]


def test_a_form_sent_twice_makes_one_secret(shop):
    with_secret(shop)
    with pytest.raises(key_signing.SigningSecretChanged), transaction() as session:
        key_signing.make_secret(session, SYSTEM, MakeSigningSecret(key_id=shop.key_id, seen=0))


def test_sixteen_at_once_make_one_secret(app, shop):
    def make(_: int) -> str:
        with app.app_context():
            try:
                with transaction() as session:
                    key_signing.make_secret(session, SYSTEM, MakeSigningSecret(key_id=shop.key_id, seen=0))
            except PortalError as error:
                return error.code
        return "made"

    outcomes = at_the_same_time(16, make)
    assert outcomes.count("made") == 1
    assert set(outcomes) <= {"made", "signing_secret_changed", "busy"}


def test_a_key_signs_all_only_with_a_secret_and_while_it_stands(shop):
    with pytest.raises(key_signing.NoSigningSecret), transaction() as session:
        key_signing.require(session, SYSTEM, RequireSigning(key_id=shop.key_id, required=True))
    with transaction() as session:
        keys.revoke(session, SYSTEM, RevokeKey(key_id=shop.key_id))
    with pytest.raises(key_signing.KeyEnded), transaction() as session:
        key_signing.make_secret(session, SYSTEM, MakeSigningSecret(key_id=shop.key_id, seen=0))


def test_signatures_are_kept_as_long_as_they_could_count(app, signer, body, redis_url):
    headers = signer.headers("POST", "/payins", sent := body(), "one")
    assert signer.send("POST", "/payins", sent, headers).status_code == 201
    name = f"quittance:gateway:signature:{headers['Quittance-Signature'][3:]}"
    with Redis.from_url(redis_url) as redis:
        assert 590 < redis.ttl(name) <= 601


def test_the_samples_of_the_documentation_sign(shop, body):
    """What integrators copy: Python, and the shell's with openssl."""
    signer, scope = with_secret(shop, required=True), dict[str, Any]()
    exec(callers.SIGNING, scope)
    sent = body(description="Пётр")
    headers = scope["signed"](signer.secret, "POST", f"{BASE}/payins", sent, "one")
    assert signer.send("POST", "/payins", sent, headers).status_code == 201
    assert signer.send("GET", "/payins?limit=5", b"", scope["signed"](
        signer.secret, "GET", f"{BASE}/payins?limit=5")).status_code == 200
    script, _ = callers.SHELL.split("\ncurl ")
    told = subprocess.run(["sh", "-c", script + '; printf "%s %s %s" "$AT" "$TRY" "$SIGNATURE"'], check=True, text=True,
                          capture_output=True, env={**os.environ, "SECRET": signer.secret}).stdout.split()
    at, tried, made = told
    asked = json.dumps({"external_id": "po-7", "amount": "1500.00"}).encode()
    assert f"v1={made}" == signature(signer.secret, at, "POST", f"{BASE}/payouts", tried, asked)
