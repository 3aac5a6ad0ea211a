"""The web killed once an order is made and before anybody hears of it (faults 5): who asks again has that one order."""
import json
from functools import partial
from secrets import token_hex
from typing import Any
from uuid import UUID

import pytest

from portal.core.access import SCOPES, SYSTEM
from portal.core.db import transaction
from portal.parties import keys
from portal.parties.commands import CreateKey
from portal.requisites import robots
from tests import factories as f
from tests.killed.stage import ENTRY, STEP, Answer, Stage, ask
from tests.killed.wire import Stop

KILLS = 30  # of each road
PLAIN, ODD = "application/json", "application/json;charset=utf-8"  # the second is judged by Flask

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.mark.parametrize(("what", "media_type", "stop"), [
    pytest.param("payins", PLAIN, Stop("loop", STEP, "committed"), id="a payin on the event loop"),
    pytest.param("payins", ODD, Stop("web", STEP, "committed"), id="a payin by Flask"),
    pytest.param("payouts", PLAIN, Stop("web", ENTRY, "committed"), id="a payout with its hold"),
    pytest.param("payouts", PLAIN, Stop("web", ENTRY, "commit"), id="a payout with its hold, all written")])
def test_an_order_without_an_answer_is_one(stage: Stage, cast: f.Cast, what: str, media_type: str, stop: Stop) -> None:
    """The same key, the same body, the same answer, at once and when the order has long gone on."""
    token = _key(cast)
    stage.desk.start("web", "worker", "dispatcher")
    told: dict[UUID, Answer] = {}
    sent = []
    for number in range(KILLS):
        body = json.dumps(_payin(cast, number) if what == "payins" else _payout(cast, number))
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": token_hex(12), "Content-Type": media_type}
        sent.append(partial(ask, stage.desk.port, "POST", f"/gateway/v1/{what}", body.encode(), headers))
        stage.web_killed(stop, sent[-1])
        first = sent[-1]()
        assert first.status == 201, first.text
        assert _replayed(first) == (stop.at == "committed"), "what was committed is shown again, what was not is made"
        told[f.found(json.loads(first.text)["id"]).id] = first
    orders = list(told)
    stage.all_are(orders, "assigned")
    for send, first in zip(sent, told.values(), strict=True):
        again = send()
        assert (again.status, again.text, _replayed(again)) == (201, first.text, True)
    assert stage.record.one("SELECT array_agg(id ORDER BY external_id) FROM orders") == orders, "one for each key"
    stage.told_once(orders, "new", "assigned")
    if what == "payins":
        stage.booked("payin_hold", stage.record.one("SELECT array_agg(id) FROM assignments"))
        assert stage.record.one("SELECT array_agg(order_id ORDER BY order_id) FROM assignments") == sorted(orders)
    else:
        stage.booked("payout_hold", orders)
    stage.whole()


def _key(cast: f.Cast) -> str:
    with transaction() as session:
        return keys.create(session, SYSTEM, CreateKey(store_id=cast.store.id, live=True, name="key",
                                                      scopes=tuple(SCOPES)))[1]


def _payin(cast: f.Cast, number: int) -> dict[str, Any]:
    return {"external_id": f"{number:03}", "amount": f"{1500 + number}.00", "currency": "RUB", "method": cast.method}


def _payout(cast: f.Cast, number: int) -> dict[str, Any]:
    return {"external_id": f"{number:03}", "amount": "1500.00", "currency": "RUB", "destination": {
        "method": cast.method, "number": robots.test_number("luhn16", token_hex(8)), "holder": "I PETROV"}}


def _replayed(answer: Answer) -> bool:
    return {name.lower(): value for name, value in answer.headers.items()}.get("idempotent-replayed") == "true"
