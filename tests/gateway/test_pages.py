"""Lists turn page by page: a cursor is good for its own list alone, and what took a step since then is found."""
from datetime import timedelta

import pytest
from sqlalchemy import text

from portal.core import clock
from portal.core.db import transaction
from portal.core.ids import parse
from portal.core.paging import cursor_of


@pytest.fixture
def made(shop, payin):
    return [shop.post("/payins", payin(customer={"id": f"c-{number % 2}"})).json["id"] for number in range(5)]


def ids_of(answer) -> list[str]:
    assert answer.status_code == 200, answer.json
    return [order["id"] for order in answer.json["data"]]


@pytest.mark.parametrize("filters", [{}, {"status": "new"}, {"customer_id": "c-0"},
                                     {"updated_from": "2026-01-01T00:00:00Z"}])
def test_a_cursor_leads_on_with_any_limit(shop, made, filters):
    whole = ids_of(shop.get("/payins", **filters))
    first = shop.get("/payins", limit=1, **filters)
    rest = shop.get("/payins", limit=50, cursor=first.json["next_cursor"], **filters)
    assert ids_of(first) + ids_of(rest) == whole
    assert len(whole) >= 3


def test_a_cursor_of_another_list_or_other_filters_is_refused(shop, other_shop, made, payin):
    cursor = shop.get("/payins", limit=1, customer_id="c-0").json["next_cursor"]
    assert shop.get("/payins", limit=1, customer_id="c-0", cursor=cursor).status_code == 200
    bare = cursor_of(clock.now(), parse("pin", made[0]))
    elsewhere = [
        shop.get("/payins", cursor=cursor), shop.get("/payins", customer_id="c-1", cursor=cursor),
        shop.get("/payins", customer_id="c-0", status="new", cursor=cursor),
        shop.get("/payouts", customer_id="c-0", cursor=cursor), shop.get("/events", cursor=cursor),
        shop.get("/balance/entries", cursor=cursor), shop.get("/webhook-endpoints", cursor=cursor),
        shop.get("/webhook-deliveries", cursor=cursor), shop.get("/payins", cursor=bare),
        shop.get("/payins", customer_id="c-0", cursor=cursor.partition(".")[0] + "."),
        shop.get("/payins", customer_id="c-0", cursor=cursor.partition(".")[0] + ".nonsense"),
        shop.in_test_mode().get("/payins", customer_id="c-0", cursor=cursor),
        other_shop.get("/payins", customer_id="c-0", cursor=cursor)]
    assert {(answer.status_code, answer.json["errors"][0]["field"]) for answer in elsewhere} == {(422, "/cursor")}


def test_what_took_a_step_since_then_is_found(shop, made):
    with transaction() as session:  # all of them are of yesterday
        session.execute(text("UPDATE orders SET steps = jsonb_build_array(jsonb_build_array('payin.new',"
                             " CAST(:at AS text))) WHERE id = ANY (:ids)"), {
            "at": clock.rfc3339(clock.now() - timedelta(days=1)), "ids": [parse("pin", id) for id in made]})
    since = clock.rfc3339(clock.now() - timedelta(hours=1))
    assert ids_of(shop.get("/payins", updated_from=since)) == []
    shop.post(f"/payins/{made[1]}/cancel")
    assert ids_of(shop.get("/payins", updated_from=since)) == [made[1]]
    assert ids_of(shop.get("/payins", updated_from=since, status="new")) == []
    assert ids_of(shop.get("/payins", updated_from=since, status="cancelled", ids=",".join(made))) == [made[1]]
    moment = shop.get(f"/payins/{made[1]}").json["events"][-1]["at"]
    assert ids_of(shop.get("/payins", updated_from=moment)) == [made[1]]
    assert ids_of(shop.get("/payins", updated_from=clock.rfc3339(clock.now() + timedelta(hours=1)))) == []
    assert shop.get("/payins", updated_from="yesterday").status_code == 422
