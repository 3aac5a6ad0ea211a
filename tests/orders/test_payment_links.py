"""Payment links: each opens one order, and nobody makes one without the key."""
import pytest

from portal.core import ids
from portal.core.errors import NotFound
from portal.orders import payment_links
from portal.orders.reading import checkout_page
from tests import factories as f

pytestmark = pytest.mark.usefixtures("app")  # which has the key


def test_a_link_leads_to_its_order_and_back():
    order_id = ids.new_id()
    token = payment_links.token_of(order_id)
    assert len(token) == 26 + 32
    assert payment_links.order_id_of(token) == order_id
    assert payment_links.path_of(order_id) == f"/pay/{token}"


def test_two_orders_have_two_secrets():
    one, other = payment_links.token_of(ids.new_id()), payment_links.token_of(ids.new_id())
    assert one[26:] != other[26:]
    with pytest.raises(NotFound):
        payment_links.order_id_of(one[:26] + other[26:])


@pytest.mark.parametrize("spoil", [
    lambda t: "", lambda t: t[:26], lambda t: t[:-1], lambda t: t + "A", lambda t: t[:26] + "A" * 32,
    lambda t: t.lower(), lambda t: " " + t, lambda t: t + "\n", lambda t: "é" + t[1:], lambda t: t[:40] + "é" * 18,
    lambda t: t[:-1] + ("A" if t[-1] != "A" else "B"), lambda t: "8" + t[1:], lambda t: t[26:] + t[:26],
    lambda t: "\x00" * 58, lambda t: "x" * 100_000], ids=range(15))
def test_nothing_else_opens_anything(spoil):
    with pytest.raises(NotFound):
        payment_links.order_id_of(spoil(payment_links.token_of(ids.new_id())))


def test_the_page_shows_the_number_in_full_while_it_can_be_paid_and_never_else(ready):
    order = ready.order()

    def shown():
        with f.look() as session:
            return checkout_page.open_checkout(session, ready.customer(order))

    assert (shown().state, shown().where) == ("looking", None)
    f.work_off()
    assert shown().state == "pay"
    number = shown().where.number
    assert len(number) == 16
    f.mark_paid(ready.customer(order), order)
    assert (shown().state, shown().where.number) == ("checking", number)
    f.confirm(f.its_trader(order), order)
    assert (shown().state, shown().where) == ("received", None)
