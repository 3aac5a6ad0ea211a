"""Endpoints in the portal: named, tried, paused, changed; secrets shown once."""
import re
from collections.abc import Callable

import pytest
from sqlalchemy import text
from standardwebhooks import Webhook

from portal.core.db import db, reader
from portal.core.outbound import addresses
from portal.webhooks.models import Endpoint
from portal.webhooks.service import ENDPOINTS_MAX
from tests.factories import at_the_same_time
from tests.web.developers.conftest import Desk, newest, shown
from tests.web.inspect import faults
from tests.webhooks.receiver import listening

URL = "http://127.0.0.1:9/hook"


def made(desk: Desk) -> list[Endpoint]:
    reader().rollback()
    return list(db.session.query(Endpoint).filter_by(store_id=desk.store.id).populate_existing())


def test_the_secret_stands_on_one_page_and_nowhere_else(desk: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    form = desk.endpoint_form(URL)
    answer = desk.send("/endpoints", form)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store")
    secret = shown(answer)
    assert secret.startswith("whsec_")
    Webhook(secret)
    endpoint_id = newest("whk", desk.page("/endpoints"))
    later = [desk.page(path) for path in ("/endpoints", f"/endpoints/{endpoint_id}", f"/endpoints/{endpoint_id}/secret",
                                          f"/endpoints/{endpoint_id}/deletion", "/deliveries")]
    later.append(desk.send("/endpoints", form).get_data(as_text=True))
    audited = db.session.execute(text("SELECT string_agg(a::text, '') FROM audit_rows a")).scalar_one()
    logged = capfd.readouterr()
    for place in (*later, audited, logged.out, logged.err):
        assert secret.removeprefix("whsec_") not in place


def test_the_same_form_makes_one_endpoint_twice_or_at_once(desk: Desk) -> None:
    form = desk.endpoint_form(URL)
    outcomes = at_the_same_time(desk.app, [lambda: desk.send("/endpoints", form).status_code] * 3)
    assert sorted(map(str, outcomes)) == ["201", "409", "409"]
    again = desk.send("/endpoints", form)
    assert again.status_code == 409
    assert "sent already" in again.get_data(as_text=True)
    assert len(made(desk)) == 1


@pytest.mark.parametrize(("changed", "field"), [
    ({"url": "ftp://x"}, "url"), ({"url": "http://169.254.169.254/"}, "url"), ({"url": ""}, "url"),
    ({"events": []}, "events"), ({"events": ["payin.nonsense"]}, "events"),
    ({"description": "x" * 201}, "description")])
def test_what_is_wrong_is_said_beside_its_field(desk: Desk, changed: dict[str, object], field: str) -> None:
    answer = desk.send("/endpoints", desk.endpoint_form(**{"url": URL, **changed}))
    assert answer.status_code == 422
    html = answer.get_data(as_text=True)
    assert f'id="field-{field}-error"' in html
    assert not faults(html, signed_in=True, language="en")
    assert made(desk) == []


def test_sixteen_and_no_more(desk: Desk) -> None:
    for at in range(ENDPOINTS_MAX):
        desk.make_endpoint(f"{URL}/{at}")
    refused = desk.send("/endpoints", desk.endpoint_form(URL))
    assert refused.status_code == 409
    assert "sixteen endpoints" in refused.get_data(as_text=True)


def test_not_for_a_strangers_store(desk: Desk, stranger: Desk) -> None:
    form = desk.endpoint_form(URL, store_id=stranger.store.public_id)
    assert desk.send("/endpoints", form).status_code == 404
    assert made(stranger) == []


def test_changed(desk: Desk) -> None:
    endpoint_id, _ = desk.make_endpoint(URL, description="first")
    form = {"url": f"{URL}/new", "description": "", "events": ["payin.completed", "payin.expired"]}
    assert desk.send(f"/endpoints/{endpoint_id}/settings", form).status_code == 303
    endpoint = made(desk)[0]
    assert (endpoint.url, endpoint.description) == (f"{URL}/new", None)
    assert endpoint.types == ["payin.completed", "payin.expired"]
    wrong = desk.send(f"/endpoints/{endpoint_id}/settings", {**form, "url": "ftp://x"})
    assert wrong.status_code == 422
    html = wrong.get_data(as_text=True)
    assert 'value="ftp://x"' in html, "what was typed is there to be mended"
    assert 'id="field-url-error"' in html
    everything = {**form, "events": ["*", "payin.completed"]}
    assert desk.send(f"/endpoints/{endpoint_id}/settings", everything).status_code == 303
    assert made(desk)[0].types == ["*"]


def test_paused_and_on_again(desk: Desk) -> None:
    endpoint_id, _ = desk.make_endpoint(URL)
    for on, word in (("no", "Switched off"), ("no", "Switched off"), ("yes", "Active")):
        assert desk.send(f"/endpoints/{endpoint_id}/state", {"on": on}).status_code == 303
        assert word in desk.page(f"/endpoints/{endpoint_id}")
    desk.send(f"/endpoints/{endpoint_id}/state", {"on": "no"})
    refused = desk.send(f"/endpoints/{endpoint_id}/test")
    assert refused.status_code == 409
    assert "switched off" in refused.get_data(as_text=True)


def test_a_test_is_a_real_delivery_and_its_answer_is_shown(desk: Desk, send: Callable[[], int]) -> None:
    with listening(lambda one: (200, {}, b"thank <you>")) as receiver:
        endpoint_id, secret = desk.make_endpoint(receiver.url, events=["payin.expired"])
        answer = desk.send(f"/endpoints/{endpoint_id}/test")
        assert answer.status_code == 303
        path = answer.headers["Location"].removeprefix("/merchant/developers")
        waiting = desk.page(path)
        assert "every 2s" in waiting
        send()
    assert Webhook(secret).verify(receiver.received[0].body, receiver.received[0].headers)["type"] == "test.ping"
    html = desk.page(path)
    assert "every 2s" not in html
    assert "thank &lt;you&gt;" in html
    assert "Delivered" in html


def test_an_endpoint_that_does_not_take_what_it_is_told_is_failing(desk: Desk, send: Callable[[], int]) -> None:
    with listening(lambda one: (500, {}, b"no")) as receiver:
        endpoint_id, _ = desk.make_endpoint(receiver.url)
        assert "Failing" not in desk.page("/endpoints")
        desk.tell()
        send()
    for path in ("/endpoints", f"/endpoints/{endpoint_id}"):
        assert "Failing" in desk.page(path)


@pytest.mark.parametrize("url", [URL, "http://inside.example/", "http://nowhere.example/", "http://hangs.example/"])
def test_an_address_that_is_not_reached_reads_the_same_whatever_it_was(desk: Desk, send: Callable[[], int],
                                                                       url: str) -> None:
    """A merchant read apart timeout, refused, unknown name and not public: the desk scanned its own network for him."""
    endpoint_id, _ = desk.make_endpoint(url)
    desk.tell()
    with addresses.guarded_by(addresses.Guard(http=True, resolve=_world)):
        send()
    for path in ("/endpoints", f"/endpoints/{endpoint_id}", "/deliveries", f"/deliveries/{desk.delivery()}"):
        html = desk.page(path)
        assert "No answer" in html, path
        assert not re.search(r"Connect failed|Name not found|Address not public|[0-9]\s*ms\b", html), path
    kept = db.session.execute(text("SELECT response_error FROM webhook_deliveries WHERE store_id = :id"),
                              {"id": desk.store.id}).scalar_one()
    assert kept != "no_answer", "staff read why"


def _world(host: str) -> list[str]:
    if host == "inside.example":
        return ["10.0.0.5"]
    raise TimeoutError if host == "hangs.example" else OSError("no such name")


def test_a_new_secret_is_shown_once_and_the_old_one_signs_along(desk: Desk, send: Callable[[], int]) -> None:
    with listening() as receiver:
        endpoint_id, old = desk.make_endpoint(receiver.url)
        question = desk.page(f"/endpoints/{endpoint_id}/secret", headers={"HX-Request": "true"})
        seen = question.partition('name="seen" value="')[2].partition('"')[0]
        answer = desk.send(f"/endpoints/{endpoint_id}/secret", {"seen": seen})
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
        new = shown(answer)
        desk.tell()
        send()
    assert new != old
    for secret in (old, new):
        Webhook(secret).verify(receiver.received[0].body, receiver.received[0].headers)
    again = desk.send(f"/endpoints/{endpoint_id}/secret", {"seen": seen})
    assert again.status_code == 409, "the same form again would end the secret that the shop uses"
    assert new not in again.get_data(as_text=True)
    assert new not in desk.page(f"/endpoints/{endpoint_id}")


def test_two_new_secrets_at_once_are_one(desk: Desk) -> None:
    endpoint_id, _ = desk.make_endpoint(URL)
    outcomes = at_the_same_time(desk.app, [
        lambda: desk.send(f"/endpoints/{endpoint_id}/secret", {"seen": "first"}).status_code] * 4)
    assert sorted(map(str, outcomes)) == ["200", "409", "409", "409"]


def test_deleted(desk: Desk) -> None:
    endpoint_id, _ = desk.make_endpoint(URL)
    assert "Delete this endpoint?" in desk.page(f"/endpoints/{endpoint_id}/deletion")
    outcomes = at_the_same_time(desk.app, [
        lambda: desk.send(f"/endpoints/{endpoint_id}/deletion").status_code] * 3)
    assert sorted(map(str, outcomes)) == ["303", "404", "404"]
    assert "No endpoints yet" in desk.page("/endpoints")
    desk.page(f"/endpoints/{endpoint_id}", status=404)


def test_deleted_by_one_who_presses_once(desk: Desk) -> None:
    endpoint_id, _ = desk.make_endpoint(URL)
    assert desk.send(f"/endpoints/{endpoint_id}/deletion").status_code == 303
    assert "No endpoints yet" in desk.page("/endpoints")


def test_a_strangers_endpoint_does_not_exist(desk: Desk, stranger: Desk) -> None:
    endpoint_id, _ = desk.make_endpoint(URL)
    for path in ("", "/secret", "/deletion"):
        stranger.page(f"/endpoints/{endpoint_id}{path}", status=404)
    for act in ("settings", "state", "test", "secret", "deletion"):
        answer = stranger.send(f"/endpoints/{endpoint_id}/{act}", {"url": URL, "events": ["*"]})
        assert answer.status_code == 404, act
    assert endpoint_id not in stranger.page("/endpoints")
    assert made(desk)[0].active
