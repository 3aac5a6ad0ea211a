"""Keys in the portal: made, shown once, renamed, revoked; each for its own merchant only."""
import html

import pytest
from flask import Flask
from sqlalchemy import text

from portal.core import ids
from portal.core.access import SCOPE_WORDS, SCOPES, SYSTEM
from portal.core.db import db, reader, transaction
from portal.parties import keys, stores
from portal.parties.commands import MoveStore
from portal.parties.models import ApiKey
from tests.factories import at_the_same_time
from tests.people import Browser
from tests.web.developers.conftest import PAGES, Desk, desk_of, shown
from tests.web.inspect import faults


def made(desk: Desk) -> list[ApiKey]:
    reader().rollback()
    return list(db.session.query(ApiKey).filter_by(store_id=desk.store.id).populate_existing())


def test_a_key_is_made_and_opens_the_gateway(desk: Desk) -> None:
    _, token = desk.make_key()
    assert token.startswith("qk_test_")
    answer = Browser(desk.app).get("/gateway/v1/payins", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    key = made(desk)[0]
    assert (key.name, key.live, sorted(key.scopes)) == ("The shop's server", False, ["orders:read", "orders:write"])


def test_the_key_stands_on_one_page_and_nowhere_else(desk: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    form = desk.key_form()
    answer = desk.send("/keys", form)
    token = shown(answer)
    secret = token.rpartition("_")[2]
    html = answer.get_data(as_text=True)
    assert answer.headers["Cache-Control"] == "no-store"
    assert html.count(token) <= 2, "what is read, and what the button copies"
    assert "Set-Cookie" not in answer.headers or secret not in answer.headers["Set-Cookie"]
    later = [desk.page(path) for path in ("", "/keys/new", f"/keys/{_id(desk)}", f"/keys/{_id(desk)}/revocation")]
    later.append(desk.send("/keys", form).get_data(as_text=True))
    for page in later:
        assert secret not in page
    kept = db.session.execute(text(
        "SELECT (SELECT string_agg(k::text, '') FROM api_keys k) || (SELECT string_agg(a::text, '') FROM audit_rows a)"
        " || coalesce((SELECT string_agg(s::text, '') FROM user_sessions s), '')")).scalar_one()
    logged = capfd.readouterr()
    for place in (kept, logged.out, logged.err):
        assert secret not in place


def _id(desk: Desk) -> str:
    return ids.public("key", made(desk)[0].id)


def test_each_scope_has_words_and_they_are_the_documents(desk: Desk) -> None:
    page = html.unescape(desk.page("/keys/new"))
    token = desk.app.extensions["openapi"]()["components"]["securitySchemes"]["token"]
    assert list(SCOPE_WORDS) == list(SCOPES) == list(token["flows"]["clientCredentials"]["scopes"])
    for name, words in token["flows"]["clientCredentials"]["scopes"].items():
        assert f"{name} · {words}" in page


def test_the_same_form_twice_makes_one_key(desk: Desk) -> None:
    form = desk.key_form()
    assert desk.send("/keys", form).status_code == 201
    again = desk.send("/keys", form)
    assert again.status_code == 409
    assert "sent already" in again.get_data(as_text=True)
    assert len(made(desk)) == 1


def test_the_same_form_at_once_makes_one_key(desk: Desk) -> None:
    form = desk.key_form()
    outcomes = at_the_same_time(desk.app, [lambda: desk.send("/keys", form).status_code] * 4)
    assert sorted(outcomes) == [201, 409, 409, 409]
    assert len(made(desk)) == 1


@pytest.mark.parametrize(("changed", "words"), [
    ({"name": ""}, "name"), ({"scopes": []}, "scopes"), ({"scopes": ["admin"]}, "scopes"),
    ({"networks": "nonsense"}, "networks"), ({"networks": "203.0.113.1/24"}, "networks"), ({"live": "perhaps"}, "live"),
    ({"name": "x" * 121}, "name"), ({"digest": "x"}, "")])
def test_what_is_wrong_is_said_beside_its_field(desk: Desk, changed: dict[str, object], words: str) -> None:
    answer = desk.send("/keys", desk.key_form(**changed))
    assert answer.status_code == 422
    html = answer.get_data(as_text=True)
    assert not words or f'id="field-{words}-error"' in html
    assert not faults(html, signed_in=True, language="en")
    assert made(desk) == []


def test_a_live_key_only_where_the_store_may(desk: Desk) -> None:
    assert "A shop" in desk.page("/keys/new")
    assert desk.send("/keys", desk.key_form(live="yes")).status_code == 201
    with transaction() as session:
        stores.move(session, SYSTEM, MoveStore(store_id=desk.store.id, status="suspended", reason="test"))
    refused = desk.send("/keys", desk.key_form(live="yes"))
    assert refused.status_code == 409
    assert "takes no live orders" in refused.get_data(as_text=True)
    assert desk.send("/keys", desk.key_form()).status_code == 201
    assert len(made(desk)) == 2


def test_not_for_a_strangers_store(desk: Desk, stranger: Desk) -> None:
    assert desk.send("/keys", desk.key_form(store_id=stranger.store.public_id)).status_code == 404
    assert made(stranger) == []


def test_networks_are_kept_and_shown(desk: Desk) -> None:
    key_id, token = desk.make_key(networks="203.0.113.0/24\n 2001:db8::/32 ")
    assert "203.0.113.0/24" in desk.page(f"/keys/{key_id}")
    answer = Browser(desk.app).get("/gateway/v1/payins", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json["code"]) == (403, "ip_not_allowed")


def test_the_list_says_who_made_it_and_how_it_begins(desk: Desk, stranger: Desk) -> None:
    key_id, token = desk.make_key(name="<b>Server</b>")
    html = desk.page()
    assert token.rpartition("_")[0] in html
    assert desk.person.email in html
    assert "&lt;b&gt;Server&lt;/b&gt;" in html
    assert key_id not in stranger.page()


def test_renamed(desk: Desk) -> None:
    key_id, _ = desk.make_key()
    for _ in range(2):
        assert desk.send(f"/keys/{key_id}/name", {"name": "Another"}).status_code == 303
    assert "Another" in desk.page(f"/keys/{key_id}")
    assert desk.send(f"/keys/{key_id}/name", {"name": ""}).status_code == 422
    acts = db.session.execute(text("SELECT count(*) FROM audit_rows WHERE action = 'key.renamed' AND target_id = :id"),
                              {"id": str(made(desk)[0].id)}).scalar_one()
    assert acts == 1


def test_revoked_at_once_and_harmless_twice(desk: Desk) -> None:
    key_id, token = desk.make_key()
    assert "Revoke The shop&#39;s server?" in desk.page(f"/keys/{key_id}/revocation")
    fragment = desk.page(f"/keys/{key_id}/revocation", headers={"HX-Request": "true"})
    assert fragment.lstrip().startswith('<div id="key-revocation"')
    outcomes = at_the_same_time(desk.app, [lambda: desk.send(f"/keys/{key_id}/revocation").status_code] * 4)
    assert outcomes == [303] * 4
    assert keys.find(token) is None
    assert "Revoked" in desk.page()
    acts = db.session.execute(text("SELECT count(*) FROM audit_rows WHERE action = 'key.revoked' AND target_id = :id"),
                              {"id": str(made(desk)[0].id)}).scalar_one()
    assert acts == 1


def test_a_strangers_key_does_not_exist(desk: Desk, stranger: Desk) -> None:
    key_id, token = desk.make_key()
    for path in ("", "/revocation"):
        stranger.page(f"/keys/{key_id}{path}", status=404)
    for path, form in (("/name", {"name": "Mine"}), ("/revocation", {})):
        assert stranger.send(f"/keys/{key_id}{path}", form).status_code == 404
    assert keys.find(token) is not None


def test_who_only_looks_changes_nothing(app: Flask) -> None:
    viewer = desk_of(app, "merchant_viewer")
    viewer.page(status=403)
    assert viewer.send("/keys", {}).status_code == 403


def test_an_empty_list_says_what_to_do(desk: Desk) -> None:
    html = desk.page()
    assert "No keys yet" in html
    assert f'href="{PAGES}/keys/new"' in html


def test_the_sample_begins_with_their_own_key(desk: Desk) -> None:
    assert "qk_test_…" in desk.page()
    _, token = desk.make_key()
    assert f"{token.rpartition('_')[0]}_…" in desk.page()
