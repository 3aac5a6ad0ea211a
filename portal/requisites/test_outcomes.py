"""What becomes of a test order: the last two digits of its amount choose it. The one table of it, for the robots who
play it (`portal/test_mode`), for matching, and for the page that tells developers.

The last two digits are those of the amount in minor units, as the gateway writes it out: 1500.02 RUB, 1502 JPY and
1500.002 KWD all end in 02.
"""
from dataclasses import dataclass
from enum import StrEnum

N_ = str  # marks a sentence for translation
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
    Row(0, Outcome.EXACT, N_("assigned, paid, confirmed exactly, completed"),
        N_("assigned, accepted, sent with a receipt, confirmed as your store chose, completed")),
    Row(1, Outcome.WAITS, N_("assigned, and nobody pays: it waits for mark-paid or the page, then it is completed"),
        N_("assigned, and its trader lets the time to accept pass: cancel it meanwhile, or the next one completes it")),
    Row(2, Outcome.LESS, N_("nine tenths of it arrive: as your store's policy says"),
        N_("nine tenths of it arrive: disputed, then settled on what arrived")),
    Row(3, Outcome.MORE, N_("a tenth more arrives: disputed, then settled on what arrived"),
        N_("its trader says he sent too much: disputed, then completed as ordered")),
    Row(4, Outcome.EXPIRES, N_("assigned, and nobody pays: expired, in its own time or by advance"),
        N_("nobody accepts it, whoever's turn it is: expired, in its own time or by advance")),
    Row(5, Outcome.LATE, N_("expired, then the money comes: a late claim, accepted, completed with late: true"),
        N_("accepted and not sent in time: the next trader completes it")),
    Row(6, Outcome.NOBODY, N_("nobody can take it: failed, no_requisite"),
        N_("nobody can take it: failed, no_requisite")),
    Row(7, Outcome.DECLINED, N_("the first trader refuses, the second completes it"),
        N_("the first trader refuses, the second completes it")),
    Row(8, Outcome.WON, N_("disputed, decided for the store: completed"),
        N_("disputed as not arrived, decided for the store: cancelled, your money is back")),
    Row(9, Outcome.LOST, N_("disputed, decided against the store: cancelled"),
        N_("disputed as not arrived, decided against the store: completed")),
    Row(10, Outcome.REVIEW, N_("the risk rules want a person: review, released, completed"),
        N_("the risk rules want a person: review, released, completed")),
    Row(11, Outcome.REFUSED, N_("refused by the risk rules: failed, refused"),
        N_("refused by the risk rules: failed, refused")),
)
"""Every other ending is as the first."""
_BY_DIGITS = {row.digits: row.outcome for row in ROWS}
DIGITS_OF = {row.outcome: row.digits for row in ROWS}
JUDGED = (DIGITS_OF[Outcome.REVIEW], DIGITS_OF[Outcome.REFUSED])
"""Endings of those that the robots judge before anybody matches them."""


def of_amount(minor: int) -> Outcome:
    return _BY_DIGITS.get(minor % DIGITS, Outcome.EXACT)
