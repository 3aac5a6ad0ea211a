"""Bank cards: which network a number belongs to, and how long its numbers are."""
import re
from collections.abc import Collection
from dataclasses import dataclass

from portal.core.logging import luhn


@dataclass(frozen=True)
class Network:
    """`prefixes` as spans of the first digits, both ends inclusive."""

    prefixes: tuple[tuple[str, str], ...]
    lengths: tuple[int, ...]

    def issues(self, number: str) -> bool:
        return len(number) in self.lengths and any(
            first <= number[:len(first)] <= last for first, last in self.prefixes)


LONG = (16, 17, 18, 19)
# At least as wide as what the networks publish: the check digit finds mistakes, and too narrow a span refuses a real
# card. Banks hold cards of two networks (Elo and Visa, Uzcard and UnionPay), so spans overlap.
NETWORKS: dict[str, Network] = {
    "visa": Network((("4", "4"),), (13, 16, 19)),
    "mastercard": Network((("51", "55"), ("2221", "2720")), (16,)),
    "mir": Network((("2200", "2204"),), LONG),
    "maestro": Network((("50", "50"), ("56", "59"), ("63", "63"), ("67", "67")), LONG),
    "unionpay": Network((("62", "62"), ("81", "81")), LONG),
    "jcb": Network((("3528", "3589"),), LONG),
    "discover": Network((("6011", "6011"), ("644", "649"), ("65", "65")), LONG),
    "uzcard": Network((("8600", "8600"), ("5614", "5614")), (16,)),
    "humo": Network((("9860", "9860"),), (16,)),
    "rupay": Network((("508", "508"), ("60", "60"), ("652", "653"), ("81", "82")), (16,)),
    "elo": Network((("401178", "401179"), ("431274", "431274"), ("438935", "438935"), ("451416", "451416"),
                    ("457393", "457393"), ("457631", "457632"), ("504175", "504175"), ("506699", "506799"),
                    ("509", "509"), ("627780", "627780"), ("636297", "636297"), ("636368", "636368"), ("650", "651"),
                    ("655", "655")), (16,)),
    "verve": Network((("5060", "5061"), ("5078", "5079"), ("6500", "6500")), (16, 18, 19)),
    "troy": Network((("9792", "9792"),), (16,)),
}


def card(digits: str, offered: Collection[str]) -> str:
    """The number of a card of one of these networks; of any when none are named. Raises ValueError."""
    if not re.fullmatch(r"[0-9]{13}|[0-9]{16,19}", digits):
        raise ValueError("A card number has 13 or 16 to 19 digits.")
    if not luhn(digits) or digits == "0" * len(digits):
        raise ValueError("This card number has a typing mistake: its check digit does not fit.")
    if not any(NETWORKS[name].issues(digits) for name in offered or NETWORKS):
        raise ValueError("No card network on offer here has such numbers.")
    return digits
