"""Lists turn page by page: a cursor leads on, and what took a step since then is found."""
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


def test_a_cursor_is_a_place_in_time_and_shows_nobody_elses(shop, other_shop, made, payin):
    """What the schema allows is taken, whichever list gave it; what it does not allow is refused."""
    cursor = shop.get("/payins", limit=1).json["next_cursor"]
    assert ids_of(other_shop.get("/payins", cursor=cursor)) == []
    assert shop.get("/payouts", cursor=cursor).status_code == 200
    made_up = cursor_of(clock.now(), parse("pin", made[0]))
    assert ids_of(shop.get("/payins", cursor=made_up)) == ids_of(shop.get("/payins"))
    for nonsense in ("", "nonsense", f"{cursor}.", f"A.{cursor}"):
        answer = shop.get("/payins", cursor=nonsense)
        assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "/cursor")


@pytest.mark.parametrize("noun", ["payin", "payout"])
def test_what_took_a_step_since_then_is_found(funded, payin, payout, noun):
    shop, path = funded, f"/{noun}s"
    bodies = [payin() if noun == "payin" else payout(external_id=f"po-{n}", amount="100.00") for n in range(3)]
    made = [shop.post(path, body, key=f"k-{n}").json["id"] for n, body in enumerate(bodies)]
    prefix = made[0].partition("_")[0]
    with transaction() as session:  # all of them are of yesterday
        session.execute(text("UPDATE orders SET steps = jsonb_build_array("
                             "jsonb_build_array(CAST(:step AS text), CAST(:at AS text))) WHERE id = ANY (:ids)"), {
            "step": f"{noun}.new", "at": clock.rfc3339(clock.now() - timedelta(days=1)),
            "ids": [parse(prefix, id) for id in made]})
    since = clock.rfc3339(clock.now() - timedelta(hours=1))
    assert ids_of(shop.get(path, updated_from=since)) == []
    assert shop.post(f"{path}/{made[1]}/cancel").status_code == 200
    assert ids_of(shop.get(path, updated_from=since)) == [made[1]]
    assert ids_of(shop.get(path, updated_from=since, status="new")) == []
    assert ids_of(shop.get(path, updated_from=since, status="cancelled", ids=",".join(made))) == [made[1]]
    moment = shop.get(f"{path}/{made[1]}").json["events"][-1]["at"]
    assert ids_of(shop.get(path, updated_from=moment)) == [made[1]]
    assert ids_of(shop.get(path, updated_from=clock.rfc3339(clock.now() + timedelta(hours=1)))) == []
    assert shop.get(path, updated_from="yesterday").status_code == 422
