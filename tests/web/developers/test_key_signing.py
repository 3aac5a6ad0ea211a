"""In the portal: a key is rolled, has a signing secret, and a store wants its payouts signed."""
import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from portal.core import clock, ids
from portal.core.db import db, reader, transaction
from portal.parties import ending_keys, key_rolling, keys
from portal.parties.commands import RollKey
from portal.parties.models import ApiKey, Store
from tests.factories import at_the_same_time
from tests.people import Browser
from tests.waiting import until
from tests.web.developers.conftest import PAGES, Desk, shown


def kept(key_id: str) -> ApiKey:
    reader().rollback()
    key = db.session.get(ApiKey, ids.parse("key", key_id), populate_existing=True)
    assert key is not None
    return key


def form_of(desk: Desk, path: str, **changed: Any) -> dict[str, Any]:
    """What the page's own form sends."""
    html = desk.page(path)
    hidden = dict(re.findall(r'<input type="hidden" name="(idempotency_key|seen|required)" value="([^"]*)"', html))
    return hidden | changed


def calls(desk: Desk, token: str) -> int:
    answer = Browser(desk.app).get("/gateway/v1/payins", headers={"Authorization": f"Bearer {token}"})
    return int(answer.status_code)


def test_a_rolled_key_ends_when_it_was_told_to(desk: Desk) -> None:
    key_id, token = desk.make_key(networks="127.0.0.0/8")
    answer = desk.send(f"/keys/{key_id}/rolling", form_of(desk, f"/keys/{key_id}/rolling", overlap_hours="24"))
    assert answer.status_code == 201
    new = shown(answer)
    old, young = kept(key_id), db.session.query(ApiKey).filter_by(replaces_id=kept(key_id).id).one()
    for one in ("store_id", "live", "name", "scopes", "networks"):
        assert getattr(old, one) == getattr(young, one)
    assert (calls(desk, token), calls(desk, new)) == (200, 200)
    assert "the key in its place" in desk.page(f"/keys/{key_id}")
    assert "the key before it" in desk.page(f"/keys/{young.shown_id}")
    with clock.moved(timedelta(hours=25)):
        assert keys.find(token) is None
        assert keys.find(new) is not None


def test_a_key_that_leaked_is_rolled_at_once(desk: Desk) -> None:
    key_id, token = desk.make_key()
    assert calls(desk, token) == 200
    assert desk.send(f"/keys/{key_id}/rolling", {"overlap_hours": "0"}).status_code == 201
    assert until(lambda: calls(desk, token) == 401, 1.0)


def test_a_key_is_rolled_once(desk: Desk) -> None:
    key_id, _ = desk.make_key()
    form = form_of(desk, f"/keys/{key_id}/rolling", overlap_hours="1")
    outcomes = at_the_same_time(desk.app, [lambda: desk.send(f"/keys/{key_id}/rolling", form).status_code] * 4)
    assert sorted(outcomes) == [201, 409, 409, 409]
    refused = desk.send(f"/keys/{key_id}/rolling", {"overlap_hours": "1"})
    assert (refused.status_code, "rolled already" in refused.get_data(as_text=True)) == (409, True)
    assert "/rolling" not in desk.page(f"/keys/{key_id}")


@pytest.mark.parametrize("hours", ["-1", "169", "x", "1.5"])
def test_an_odd_overlap_is_refused(desk: Desk, hours: str) -> None:
    key_id, _ = desk.make_key()
    assert desk.send(f"/keys/{key_id}/rolling", {"overlap_hours": hours}).status_code == 422


def test_a_rolled_key_lives_as_long_as_the_one_before_it(desk: Desk) -> None:
    key_id, _ = desk.make_key(lives_days="30")
    assert kept(key_id).expires_at is not None
    with clock.moved(timedelta(days=20)):
        with transaction() as session:
            young, _ = key_rolling.roll(session, desk.person.actor, RollKey(key_id=kept(key_id).id, overlap_hours=1))
        assert young.expires_at is not None
        assert abs(young.expires_at - clock.now() - timedelta(days=30)) < timedelta(minutes=1)


def test_people_are_told_before_a_key_ends_but_not_of_one_that_was_rolled(desk: Desk) -> None:
    ending, _ = desk.make_key(lives_days="30", name="ending")
    rolled, _ = desk.make_key(lives_days="30", name="rolled")
    assert desk.send(f"/keys/{rolled}/rolling", {"overlap_hours": "168"}).status_code == 201
    with clock.moved(timedelta(days=4)), transaction() as session:
        ending_keys.watch(session)  # three days before the rolled one ends
        assert rolled not in _told_of(session)
    with clock.moved(timedelta(days=20)), transaction() as session:
        ending_keys.watch(session)
        told = _told_of(session)
        assert ending in told
        assert rolled not in told


def _told_of(session: Any) -> list[str]:
    found = session.execute(text("SELECT facts::text FROM happenings WHERE event = 'key.ends'")).scalars()
    return [key for row in found for key in re.findall(r"key_\w{26}", row)]


def test_a_signing_secret_is_shown_once_and_counts(desk: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    key_id, _ = desk.make_key()
    answer = desk.send(f"/keys/{key_id}/signing-secret", form_of(desk, f"/keys/{key_id}/signing-secret"))
    secret = shown(answer)
    assert secret.startswith("qsign_")
    assert answer.headers["Cache-Control"] == "no-store"
    again = desk.send(f"/keys/{key_id}/signing-secret", {"seen": "0"})
    assert again.status_code == 409
    pages = [desk.page(f"/keys/{key_id}"), desk.page("/signing"), again.get_data(as_text=True)]
    audit = db.session.execute(text("SELECT string_agg(a::text, '') FROM audit_rows a")).scalar_one()
    logged = capfd.readouterr()
    for place in (*pages, audit, logged.out, logged.err, str(kept(key_id).signing_sealed)):
        assert secret not in place
    assert "where they carry a signature" in pages[0]


def test_calls_without_a_signature_are_refused_when_it_was_said(desk: Desk) -> None:
    key_id, token = desk.make_key()
    refused = desk.send(f"/keys/{key_id}/signing", {"required": "yes"})
    assert (refused.status_code, "no signing secret" in refused.get_data(as_text=True)) == (409, True)
    desk.send(f"/keys/{key_id}/signing-secret", {"seen": "0"})
    assert calls(desk, token) == 200
    assert desk.send(f"/keys/{key_id}/signing", form_of(desk, f"/keys/{key_id}")).status_code == 303
    assert until(lambda: calls(desk, token) == 401, 1.0)
    assert desk.send(f"/keys/{key_id}/signing", {"required": "no"}).status_code == 303
    assert until(lambda: calls(desk, token) == 200, 1.0)


def test_a_rolled_key_is_signed_with_the_secret_it_had(desk: Desk) -> None:
    key_id, _ = desk.make_key()
    desk.send(f"/keys/{key_id}/signing-secret", {"seen": "0"})
    desk.send(f"/keys/{key_id}/signing", {"required": "yes"})
    token = shown(desk.send(f"/keys/{key_id}/rolling", {"overlap_hours": "24"}))
    assert calls(desk, token) == 401
    young = db.session.query(ApiKey).filter_by(replaces_id=kept(key_id).id).one()
    assert young.signing_required


def test_a_store_wants_its_payouts_signed(desk: Desk, stranger: Desk) -> None:
    desk.make_key(name="Pays", scopes=["payouts:write"])
    assert "it would make no payouts then" in desk.page("/signing")
    path = f"/stores/{desk.store.public_id}/signed-payouts"
    assert stranger.send(path, {"required": "yes"}).status_code == 404
    for _ in range(2):
        assert desk.send(path, {"required": "yes"}).status_code == 303
    assert "makes no payouts" in desk.page("/signing")
    reader().rollback()
    store = db.session.get(Store, desk.store.id, populate_existing=True)
    assert store is not None
    assert store.signed_payouts
    acts = db.session.execute(text("SELECT count(*) FROM audit_rows WHERE action = 'store.signed_payouts_set'"
                                   " AND target_id = :id"), {"id": str(desk.store.id)}).scalar_one()
    assert acts == 1


def test_a_strangers_key_does_not_exist(desk: Desk, stranger: Desk) -> None:
    key_id, _ = desk.make_key()
    for path in ("/rolling", "/signing-secret"):
        stranger.page(f"/keys/{key_id}{path}", status=404)
    for path, form in (("/rolling", {"overlap_hours": "1"}), ("/signing-secret", {"seen": "0"}),
                       ("/signing", {"required": "yes"})):
        assert stranger.send(f"/keys/{key_id}{path}", form).status_code == 404


def test_an_ended_key_is_not_rolled(desk: Desk) -> None:
    key_id, _ = desk.make_key()
    desk.send(f"/keys/{key_id}/revocation")
    for path, form in (("/rolling", {"overlap_hours": "1"}), ("/signing-secret", {"seen": "0"})):
        assert desk.send(f"/keys/{key_id}{path}", form).status_code == 409


def test_each_asks_who_sits_there(desk: Desk) -> None:
    """A session that was left open makes no key and no secret."""
    key_id, _ = desk.make_key()
    for path, form in ((f"/keys/{key_id}/rolling", {"overlap_hours": "1"}),
                       (f"/keys/{key_id}/signing-secret", {"seen": "0"}),
                       (f"/keys/{key_id}/signing", {"required": "no"}),
                       (f"/stores/{desk.store.public_id}/signed-payouts", {"required": "no"})):
        answer = desk.seat.post(PAGES + path, data={"csrf_token": desk.seat.token, **form})
        assert answer.status_code == 428, path
