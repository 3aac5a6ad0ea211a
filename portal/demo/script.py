"""What happened on the demo day: orders, and what became of each. The same every time."""
from dataclasses import dataclass
from random import Random

STEPS = {
    # outcome: (minutes after the order was made, what happens)
    "completed": ((2, "mark_paid"), (5, "confirm")),
    "unclaimed": ((7, "confirm"),),  # the trader saw the money before the customer said so
    "declined": ((1, "decline"), (4, "mark_paid"), (9, "confirm")),
    "cancelled": ((3, "cancel"),),
    "withdrawn": ((2, "cancel_by_customer"),),
    "expired": ((31, "expire"),),
    "failed": ((1, "match"), (4, "match")),
    "confirmed": ((1, "mark_paid"), (3, "confirm_only")),
    "paid": ((3, "mark_paid"),),
    "assigned": (),
    "retrying": (),
    "new": (),
    "paid_out": ((1, "accept"), (6, "pay"), (20, "agree")),
    "called_back": ((2, "cancel_payout"),),
    "sent": ((2, "accept"), (7, "pay")),
}
"""Nothing happens by itself on that day: an order without steps stays as it is."""
PAST = {"completed": 12, "unclaimed": 2, "declined": 1, "cancelled": 1, "withdrawn": 1, "expired": 2}
CUSTOMERS = ("Alexei M.", "Daria K.", "Egor S.", "Irina P.", "Kirill V.", "Lidia R.", "Maxim T.", "Polina Z.")
GOODS = {"bookshop": "Books", "games": "Game credits", "travel": "Tour booking"}


@dataclass(frozen=True)
class Scripted:
    """`minutes_ago` the store asked for it. `amount` is decimal text of `currency`."""

    number: int
    store: str
    minutes_ago: int
    method: str
    currency: str
    amount: str
    outcome: str
    customer: str
    bank: str | None = None
    payout: bool = False

    @property
    def external_id(self) -> str:
        return f"{self.store[0].upper()}-{10_400 + self.number}"

    @property
    def unmatched(self) -> bool:
        """Left to the worker, which has not looked at it yet."""
        return self.outcome == "new"


def orders() -> list[Scripted]:
    """A day of some twenty orders, then those that are still on their way, all with the trader who went off shift."""
    dice = Random(20_261_122)
    past = [outcome for outcome, times in PAST.items() for _ in range(times)]
    dice.shuffle(past)
    made = [_past(dice, number, outcome, len(past)) for number, outcome in enumerate(past)]
    rest = (("failed", 300, "900000.00"), ("completed", 200, "84000.00"), ("completed", 120, "45500.00"),
            ("paid", 55, "62000.00"), ("confirmed", 9, "120500.00"), ("assigned", 5, "38900.00"),
            ("retrying", 1, "750000.00"), ("new", 1, "800000.00"))
    for outcome, minutes_ago, amount in rest:
        made.append(Scripted(len(made), "travel", minutes_ago, "card", "KZT", amount, outcome, dice.choice(CUSTOMERS)))
    out = (("paid_out", "bookshop", 640, "RUB", "4200.00"), ("paid_out", "games", 410, "RUB", "1850.00"),
           ("called_back", "bookshop", 250, "RUB", "9900.00"), ("sent", "travel", 35, "KZT", "52000.00"))
    for outcome, store, minutes_ago, currency, amount in out:
        made.append(Scripted(len(made), store, minutes_ago, "card", currency, amount, outcome, dice.choice(CUSTOMERS),
                             payout=True))
    for outcome, minutes_ago, amount in (("completed", 95, "1850000.00"), ("paid", 12, "640000.00")):
        made.append(Scripted(len(made), "travel", minutes_ago, "card", "UZS", amount, outcome, dice.choice(CUSTOMERS)))
    return made


def _past(dice: Random, number: int, outcome: str, count: int) -> Scripted:
    store = dice.choice(("bookshop", "bookshop", "bookshop", "games", "games", "travel"))
    method = dice.choice(("card", "card", "card", "sbp"))
    rubles = dice.choice((450, 790, 1_290, 1_500, 2_350, 4_900, 7_700, 12_400, 18_900)) + dice.randrange(0, 90)
    minutes_ago = 24 * 60 - number * (22 * 60 // count) - dice.randrange(0, 20)
    return Scripted(number, store, minutes_ago, method, "RUB", f"{rubles}.00", outcome, dice.choice(CUSTOMERS),
                    bank="alfa" if method == "card" and dice.random() < 0.2 else None)
