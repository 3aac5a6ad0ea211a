"""What people paste into a search, as they have it before them."""
import pytest

from portal.core import ids
from portal.core.signs import SIGNS
from portal.orders.reading import pasted

ID = ids.parse("pin", "pin_01J9ZK3M5N7P9Q1R3S5T7VQRVD")
SHOWN = ids.text(ID)


@pytest.mark.parametrize("text", [
    f"pin_{SHOWN}", f"  pin_{SHOWN}\n", f"pin_{SHOWN.lower()}", SHOWN, f"https://desk.example/admin/orders/pin_{SHOWN}?x=1",
    f"http://127.0.0.1:8000/pay/{SHOWN}{'a' * 32}", f"/pay/{SHOWN}", f"order pin_{SHOWN}."])
def test_a_whole_id_is_found_in_any_wrapping(text):
    assert pasted.order_id(pasted.clean(text)) == ID


@pytest.mark.parametrize("text", ["", "pin_", f"pin_{SHOWN}0", f"pin_{SHOWN[:20]}", f"pin_{'Z' * 26}", "3990",
                                  f"rqs_{SHOWN}", "Maxim"])
def test_what_is_no_order(text):
    assert pasted.order_id(text) is None


@pytest.mark.parametrize("text", [f"…{SHOWN[-6:]}", SHOWN[-6:], SHOWN[-6:].lower(), f"...{SHOWN[-6:]}"])
def test_the_end_of_an_id_as_lists_show_it(text):
    assert ID.hex[-8:] in pasted.tails(text)
    assert len(pasted.tails(text)) == 4


def test_what_is_no_end_of_an_id():
    assert not pasted.tails("Maxim T.")
    assert not pasted.tails("12345")
    assert not pasted.tails("ILOUIL")  # letters that ids have not


@pytest.mark.parametrize(("text", "digits"), [
    ("4821", "4821"), ("•••• 4821", "4821"), ("••••\N{NO-BREAK SPACE}4821", "4821"), ("220000******4821", "4821"),
    ("*4821", None), ("**4821", "4821"), ("2200 **** **** 4821", "4821"), ("48215", None), ("x4821", None)])
def test_masks(text, digits):
    assert pasted.last_four(text) == digits


@pytest.mark.parametrize("text", ["3990", "3 990,00 ₽", "3\N{NO-BREAK SPACE}990.00\N{NO-BREAK SPACE}₽", "₽3,990.00",
                                  "3.990,00", "3990 RUB", "RUB 3990.00", "3990р.", "3'990.00",
                                  *(f"3990.00 {sign}" for signs in SIGNS.values() for sign in signs)])
def test_an_amount_with_sign_and_grouping(text):
    assert 399_000 in {minor for codes, minor in pasted.amounts(text) if "RUB" in codes}


@pytest.mark.parametrize("text", ["", "₽", "Maxim", "39 90", "3990.00.00", "-3990", "1e5", "٣"])
def test_what_is_no_amount(text):
    assert not list(pasted.amounts(text))


def test_addresses():
    assert pasted.address("203.0.113.32") == "203.0.113.32"
    assert pasted.address("2001:DB8::1") == "2001:db8::1"
    assert pasted.address("3990") is None
    assert pasted.address("fe80::1%eth0") == "fe80::1"
    assert pasted.address("[2001:db8::7]:443") == "2001:db8::7"
    assert pasted.address("203.0.113.7:51824") == "203.0.113.7"
