"""The table of outcomes is one: the documents say what the robots play, and digits are read alike in every currency."""
import re
from html import unescape
from pathlib import Path

import pytest

from portal.core.money import Money
from portal.requisites.test_outcomes import ROWS, Outcome, of_amount
from portal.test_mode.choices import OFFERED
from portal.web.checkout import trials

GUIDE = Path(__file__).parents[2] / "docs" / "gateway.md"


def test_the_guide_has_its_rows_and_no_others():
    written = re.findall(r"^\| `(\d\d)` \| (.*) \| (.*) \|$", GUIDE.read_text("utf-8"), re.M)
    assert written == [(row.ends_in, row.payin, row.payout) for row in ROWS]


def test_the_page_for_developers_has_its_rows_and_no_others(client):
    html = client.get("/docs/testing").get_data(as_text=True)
    found = [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", row)).strip()
             for row in re.findall(r'<tr[^>]*id="ends-in-.*?</tr>', html, re.S)]
    assert [unescape(row) for row in found] == [f"{row.ends_in} {row.payin} {row.payout}" for row in ROWS]


def test_every_outcome_has_digits_of_its_own():
    assert [row.outcome for row in ROWS] == list(Outcome)
    assert len({row.digits for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize(("amount", "currency"), [("1500.02", "RUB"), ("1502", "JPY"), ("1500.002", "KWD"),
                                                  ("102", "JPY"), ("1.500002", "USDT"), ("2", "JPY")])
def test_digits_are_those_that_the_gateway_writes(amount, currency):
    assert of_amount(Money.parse(amount, currency).minor) is Outcome.LESS


@pytest.mark.parametrize("amount", ["1500.00", "1500.12", "1500.99", "1500.20"])
def test_every_other_ending_pays_exactly(amount):
    assert of_amount(Money.parse(amount, "RUB").minor) is Outcome.EXACT


def test_every_button_has_words():
    assert {one for offered in OFFERED.values() for one in offered} == set(trials.LABELS)
