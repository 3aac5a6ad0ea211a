"""The networks' spans and lengths, held against what is published of them."""
import pytest

from portal.core.logging import luhn
from portal.reference.cards import NETWORKS, card

# First digits at both ends of every span that is published for a network, and its lengths of 16 digits and more.
PUBLISHED = {
    "visa": ("4 400000 499999", (16, 19)),
    "mastercard": ("51 55 2221 2229 223 229 23 26 270 271 2720", (16,)),
    "mir": ("2200 2201 2202 2203 2204", (16, 17, 18, 19)),
    "maestro": ("500000 504174 504176 506698 506779 508999 56 57 58 59 63 6304 67 6759 6763", (16, 17, 18, 19)),
    "unionpay": ("620 62100 62182 62184 622126 622925 623 626 6270 6282 6289 6291 810 8110 8171", (16, 17, 18, 19)),
    "jcb": ("3528 3550 3589", (16, 17, 18, 19)),
    "discover": ("6011 644 649 65", (16, 19)),
    "uzcard": ("8600 5614", (16,)),
    "humo": ("9860", (16,)),
    "rupay": ("508500 508999 606985 607984 608001 608500 652150 653149 817200 820199", (16,)),
    "elo": ("401178 401179 431274 438935 451416 457393 457631 457632 504175 506699 506778 509000 509999 627780 636297"
            " 636368 650031 650051 650405 650598 650700 650978 651652 651679 655000 655058", (16,)),
    "verve": ("506099 506127 506129 506150 506166 506197 507865 507888 507900 507941", (16, 18, 19)),
    "troy": ("9792", (16,)),
}
OUTSIDE = {
    "visa": "3 5", "mastercard": "50 56 2220 2721", "mir": "2199 2205", "maestro": "49 51 55 64 68", "jcb": "3527 3590",
    "unionpay": "61 63 80", "discover": "6010 6012 643", "uzcard": "8601 5613 5615", "humo": "9859 9861",
    "rupay": "507 509 654", "elo": "401177 401180 508 510 627779 636367", "verve": "5059 5062 5077",
    "troy": "9791 9793"}


def number(first: str, length: int) -> str:
    """Beginning so, with its check digit."""
    body = first.ljust(length - 1, "1")
    return next(body + last for last in "0123456789" if luhn(body + last))


def test_every_network_is_held_against_a_list():
    assert PUBLISHED.keys() == OUTSIDE.keys() == NETWORKS.keys()


@pytest.mark.parametrize("network", NETWORKS)
def test_what_a_network_publishes_is_its_own_card(network):
    spans, lengths = PUBLISHED[network]
    for first in spans.split():
        for length in lengths:
            assert card(number(first, length), (network,)) == number(first, length)


@pytest.mark.parametrize("network", NETWORKS)
def test_what_lies_beside_its_spans_is_none_of_its_cards(network):
    for first in OUTSIDE[network].split():
        with pytest.raises(ValueError, match="No card network on offer"):
            card(number(first, 16), (network,))


@pytest.mark.parametrize("network", NETWORKS)
def test_a_wrong_check_digit_and_a_wrong_length_are_said(network):
    good = number(PUBLISHED[network][0].split()[0], 16)
    with pytest.raises(ValueError, match="typing mistake"):
        card(good[:-1] + str((int(good[-1]) + 1) % 10), (network,))
    for length in (12, 14, 15, 20):
        with pytest.raises(ValueError, match="13 or 16 to 19 digits"):
            card(number(good[:6], length), (network,))
