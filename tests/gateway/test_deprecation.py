"""A call that will go says so: in every answer of it, on either road, and in the document."""
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from portal.gateway import openapi
from portal.gateway.endpoint import Ending

ENDING = Ending(since=datetime(2027, 1, 1, tzinfo=UTC), sunset=datetime(2027, 7, 1, tzinfo=UTC),
                instead="gateway_availability")
HEADERS = {"Deprecation": "@1798761600", "Sunset": "Thu, 01 Jul 2027 00:00:00 GMT",
           "Link": '</docs/compatibility>; rel="deprecation"; type="text/html"'}


@pytest.fixture
def ending(app, monkeypatch):
    """Makes a call one that goes."""
    def end(name: str) -> None:
        view = app.view_functions[f"gateway.{name}"]
        monkeypatch.setattr(view, "call", replace(view.call, deprecated=ENDING))

    return end


def shown(answer) -> dict[str, str]:
    return {name: answer.headers[name] for name in HEADERS if name in answer.headers}


def test_every_answer_says_it_refusals_too(shop, ending):
    assert shown(shop.get("/balance")) == {}
    ending("balance")
    for answer in (shop.get("/balance"), shop.get("/balance", nonsense=1), shop.as_key("qk_live_x").get("/balance"),
                   shop.with_scopes("orders:read").get("/balance")):
        assert shown(answer) == HEADERS, answer.status_code
    assert shown(shop.get("/currencies")) == {}


def test_on_either_road(either_road, ending, payin):
    ending("create_payin")
    made = either_road.post("/payins", payin())
    assert (made.status_code, shown(made)) == (201, HEADERS)


def test_the_document_marks_it(app, ending):
    ending("balance")
    told = openapi.document.__wrapped__(app)["paths"]["/gateway/v1/balance"]["get"]
    assert (told["deprecated"], told["x-sunset"], told["x-use-instead"]) == (True, "2027-07-01", "gateway_availability")
    assert {"Deprecation", "Sunset"} <= set(told["responses"]["200"]["headers"])
    assert "deprecated" not in openapi.document(app)["paths"]["/gateway/v1/currencies"]["get"]
