"""Where to pay: in full to who reads that one order while it can be paid, masked or absent everywhere else."""
import re

import pytest

from portal.core import jobs
from portal.core.db import transaction
from portal.requisites import robots


@pytest.fixture
def assigned(test_shop, payin, method):
    """A test order with the robot's requisite."""
    import tasks.registry  # noqa: F401

    with transaction() as session:
        robots.ensure(session, "USDT", methods=[method])
    order = test_shop.post("/payins", payin()).json
    jobs.run("match_order")
    found = test_shop.get(f"/payins/{order['id']}").json
    assert found["status"] == "assigned", found
    return found


def test_the_number_is_shown_in_full_in_its_own_get_and_masked_in_lists(test_shop, assigned):
    number = assigned["requisite"]["number"]
    assert re.fullmatch(r"\d{16}", number)
    assert assigned["expires_at"]
    assert assigned["requisite"]["holder"]
    listed, = test_shop.get("/payins").json["data"]
    assert listed["requisite"]["number"] == f"{number[:6]}******{number[-4:]}"
    assert listed == assigned | {"requisite": listed["requisite"]}


def test_mark_paid_answers_masked_and_the_get_still_in_full_then_absent_after_the_end(test_shop, assigned, payin):
    number = assigned["requisite"]["number"]
    answer = test_shop.post(f"/payins/{assigned['id']}/mark-paid", key="paid")
    assert (answer.status_code, answer.json["status"]) == (200, "paid")
    assert number not in answer.text
    assert answer.json["requisite"]["number"].startswith(number[:6])
    assert test_shop.post(f"/payins/{assigned['id']}/mark-paid", key="paid").get_data() == answer.get_data()
    assert test_shop.get(f"/payins/{assigned['id']}").json["requisite"]["number"] == number
    assert test_shop.post(f"/payins/{assigned['id']}/cancel").json["code"] == "invalid_transition"


def test_a_cancelled_order_shows_no_requisite(test_shop, assigned):
    answer = test_shop.post(f"/payins/{assigned['id']}/cancel")
    assert (answer.json["status"], answer.json["requisite"]) == ("cancelled", None)
    assert test_shop.get(f"/payins/{assigned['id']}").json["requisite"] is None


def test_the_replayed_creation_shows_no_requisite(test_shop, payin, assigned):
    body = payin()
    first = test_shop.post("/payins", body, key="k")
    jobs.run("match_order")
    again = test_shop.post("/payins", body, key="k")
    assert again.get_data() == first.get_data()
    assert again.json["requisite"] is None


def test_a_live_key_never_sees_the_robot(shop, assigned):
    assert shop.get(f"/payins/{assigned['id']}").status_code == 404
    assert shop.get("/payins").json["data"] == []
