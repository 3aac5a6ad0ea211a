"""What becomes of a test order: the last two digits of its amount choose it. The one table of it, for the robots who
play it (`portal/test_mode`), for matching, and for the page that tells developers.

The last two digits are those of the amount in minor units, as the gateway writes it out: 1500.02 RUB, 1502 JPY and
1500.002 KWD all end in 02.
"""
from dataclasses import dataclass
from enum import StrEnum

PLAY = "play_test_order"  # the robots' job
DIGITS = 100


class Outcome(StrEnum):
    EXACT = "exact"
    WAITS = "waits"
    LESS = "less"
    MORE = "more"
    EXPIRES = "expires"
    LATE = "late"
    NOBODY = "nobody"
    DECLINED = "declined"
    WON = "won"
    LOST = "lost"
    REVIEW = "review"
    REFUSED = "refused"


@dataclass(frozen=True)
class Row:
    """`digits` of the amount, and what happens then to a payin and to a payout."""

    digits: int
    outcome: Outcome
    payin: str
    payout: str

    @property
    def ends_in(self) -> str:
        return f"{self.digits:02}"


ROWS = (
    Row(0, Outcome.EXACT, "assigned, paid, confirmed exactly, completed",
        "assigned, accepted, sent with a receipt, confirmed as your store chose, completed"),
    Row(1, Outcome.WAITS, "assigned, and nobody pays: it waits for mark-paid or the page, then it is completed",
        "assigned, and its trader lets the time to accept pass: cancel it meanwhile, or the next one completes it"),
    Row(2, Outcome.LESS, "nine tenths of it arrive: as your store's policy says",
        "nine tenths of it arrive: disputed, then settled on what arrived"),
    Row(3, Outcome.MORE, "a tenth more arrives: disputed, then settled on what arrived",
        "its trader says he sent too much: disputed, then completed as ordered"),
    Row(4, Outcome.EXPIRES, "assigned, and nobody pays: expired, in its own time or by advance",
        "nobody accepts it, whoever's turn it is: expired, in its own time or by advance"),
    Row(5, Outcome.LATE, "expired, then the money comes: a late claim, accepted, completed with late: true",
        "accepted and not sent in time: the next trader completes it"),
    Row(6, Outcome.NOBODY, "nobody can take it: failed, no_requisite",
        "nobody can take it: failed, no_requisite"),
    Row(7, Outcome.DECLINED, "the first trader refuses, the second completes it",
        "the first trader refuses, the second completes it"),
    Row(8, Outcome.WON, "disputed, decided for the store: completed",
        "disputed as not arrived, decided for the store: cancelled, your money is back"),
    Row(9, Outcome.LOST, "disputed, decided against the store: cancelled",
        "disputed as not arrived, decided against the store: completed"),
    Row(10, Outcome.REVIEW, "the risk rules want a person: review, released, completed",
        "the risk rules want a person: review, released, completed"),
    Row(11, Outcome.REFUSED, "refused by the risk rules: failed, refused",
        "refused by the risk rules: failed, refused"),
)
"""Every other ending is as the first."""
_BY_DIGITS = {row.digits: row.outcome for row in ROWS}
DIGITS_OF = {row.outcome: row.digits for row in ROWS}
JUDGED = (DIGITS_OF[Outcome.REVIEW], DIGITS_OF[Outcome.REFUSED])
"""Endings of those that the robots judge before anybody matches them."""


def of_amount(minor: int) -> Outcome:
    return _BY_DIGITS.get(minor % DIGITS, Outcome.EXACT)
