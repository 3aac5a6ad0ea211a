"""A hundred thousand settlements of every sort of currency: the parts come to the whole, and every line is positive."""
import random
from decimal import Decimal

import pytest

from portal.core.ids import new_id
from portal.core.money import EXPONENTS, Money, convert
from portal.ledger import SettleFacts, entries

BY_DIGITS = {0: "JPY", 2: "RUB", 3: "KWD", 6: "USDT", 8: "BTC"}
TIMES = 20_000  # of each currency that is settled in


@pytest.mark.parametrize("settled_in", BY_DIGITS.values())
def test_parts_come_to_the_whole(settled_in: str) -> None:
    assert {EXPONENTS[code]: code for code in BY_DIGITS.values()} == BY_DIGITS
    dice, trader, store, order = random.Random(settled_in), new_id(), new_id(), new_id()
    paid_in, done = list(BY_DIGITS.values()), 0
    while done < TIMES:
        asked = Money(int(10 ** dice.uniform(0, 12)), dice.choice(paid_in))
        rate = Decimal(int(10 ** dice.uniform(0, 12))).scaleb(-dice.randint(0, 12))
        amount = convert(asked, rate, settled_in)
        if not 0 < amount.minor < 10**17:
            continue
        done += 1
        fee = amount.share(dice.randint(0, 10_000), fixed_minor=dice.choice((0, dice.randint(0, 10**6))))
        reward = amount.share(dice.randint(0, 10_000), fixed_minor=dice.choice((0, dice.randint(0, 10**6))))
        lines = entries.payin_settle(SettleFacts(order_id=order, assignment_id=order, trader_id=trader, store_id=store,
                                                 amount=amount, fee=fee, reward=reward, live=True)).lines
        got = dict.fromkeys(("store", "trader", "platform"), 0)
        for line in lines:
            assert line.amount.minor > 0
            got[line.credit.owner_kind] += line.amount.minor
            got[line.debit.owner_kind] -= line.amount.minor
        assert got == {"store": amount.minor - fee.minor, "trader": reward.minor - amount.minor,
                       "platform": fee.minor - reward.minor}
        assert sum(got.values()) == 0
