"""The page of a test payment offers what may happen as buttons; that of a real one never does."""
import pytest

from portal.orders import payment_links
from portal.requisites import robots
from tests import factories as f

CAME_TO = {"exact": "completed", "less": "disputed", "more": "completed", "expires": "expired", "late": "completed",
           "declined": "completed", "won": "completed", "lost": "cancelled"}
CLICK = "Test mode: what is to happen?"


@pytest.fixture
def cast(app) -> f.Cast:
    cast = f.new_cast()
    cast.requisite()
    with f.act() as session:
        robots.ensure(session, "USDT", methods=[cast.method])
    return cast


def assigned(cast, amount="1500.01"):
    order = cast.order(amount, actor=cast.test_key)
    f.work_off()
    return f.fresh(order)


def choose(client, order, outcome):
    return client.post(f"{payment_links.path_of(order.id)}/outcome", data={
        "csrf_token": payment_links.form_token_of(order.id), "outcome": outcome})


def page(client, order):
    return client.get(payment_links.path_of(order.id)).get_data(as_text=True)


@pytest.mark.parametrize("outcome", CAME_TO)
def test_what_is_chosen_has_happened_when_the_page_is_there_again(client, cast, outcome):
    order = assigned(cast)
    assert f'value="{outcome}"' in page(client, order)
    assert choose(client, order, outcome).status_code == 303
    found = f.found(order.public_id)
    assert found.status == CAME_TO[outcome]
    assert found.late == (outcome == "late")


def test_what_is_said_to_be_paid_may_still_come_to_less(client, cast):
    order = assigned(cast)
    f.mark_paid(cast.customer(order), order)
    assert 'value="expires"' not in page(client, order)
    choose(client, order, "less")
    assert f.found(order.public_id).amount_received == f.rub("1350.00")


def test_after_the_end_the_money_may_come_too_late(client, cast):
    order = assigned(cast)
    choose(client, order, "expires")
    shown = page(client, order)
    assert 'value="late"' in shown
    assert 'value="exact"' not in shown
    choose(client, order, "late")
    assert f.found(order.public_id).status == "completed"
    assert CLICK not in page(client, order)


def test_what_can_no_longer_happen_is_said_on_the_page(client, cast):
    order = assigned(cast)
    choose(client, order, "exact")
    answer = choose(client, order, "expires")
    assert answer.status_code == 409
    assert "that can no longer happen to it" in answer.get_data(as_text=True)
    assert choose(client, order, "nobody").status_code == 422


def test_a_real_payment_has_no_such_buttons_and_takes_no_such_wish(client, cast):
    order = f.assigned_payin(cast)
    assert "trials" not in page(client, order)
    assert choose(client, order, "exact").status_code == 404
    assert f.fresh(order).status == "assigned"


def test_it_speaks_russian(client, cast):
    order = assigned(cast)
    shown = client.get(payment_links.path_of(order.id) + "?lang=ru").get_data(as_text=True)
    assert "Тестовый режим: что должно случиться?" in shown
    assert "Деньги пришли слишком поздно" in shown
