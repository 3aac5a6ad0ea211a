"""A hundred thousand settlements of every sort of currency: the parts come to the whole, and every line is positive."""
import random
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest

from portal.core.ids import new_id
from portal.core.money import EXPONENTS, Money, convert
from portal.ledger import HoldFacts, PayoutFacts, SettleFacts, entries
from portal.ledger.entries import Draft

BY_DIGITS = {0: "JPY", 2: "RUB", 3: "KWD", 6: "USDT", 8: "BTC"}
TIMES = 20_000  # of each currency that is settled in, half of them payins and half payouts


@pytest.mark.parametrize("settled_in", BY_DIGITS.values())
def test_parts_come_to_the_whole(settled_in: str) -> None:
    """From the hold to the settlement, of the amount ordered, less or (a payin) more: nothing stays held."""
    assert {EXPONENTS[code]: code for code in BY_DIGITS.values()} == BY_DIGITS
    dice, trader, store, order = random.Random(settled_in), new_id(), new_id(), new_id()
    paid_in, done, seen = list(BY_DIGITS.values()), 0, Counter[str]()
    while done < TIMES:
        asked = Money(int(10 ** dice.uniform(0, 12)), dice.choice(paid_in))
        moved = replace(asked, minor=max(1, int(asked.minor * dice.choice((1, dice.random(), 1 + dice.random())))))
        rate = Decimal(int(10 ** dice.uniform(0, 12))).scaleb(-dice.randint(0, 12))
        ordered, amount = convert(asked, rate, settled_in), convert(moved, rate, settled_in)
        payin = done % 2 == 0
        if not (0 < ordered.minor < 10**17 and 0 < amount.minor < 10**17) or (not payin and amount > ordered):
            continue
        done += 1
        bps, fixed = dice.randint(0, 10_000), dice.choice((0, dice.randint(0, 10**6)))
        fee = amount.share(bps, fixed_minor=fixed)
        reward = amount.share(dice.randint(0, 10_000), fixed_minor=dice.choice((0, dice.randint(0, 10**6))))
        facts = SettleFacts(order_id=order, assignment_id=order, trader_id=trader, store_id=store, amount=amount,
                            fee=fee, reward=reward, live=True)
        sign = 1 if payin else -1
        if payin:
            hold = HoldFacts(assignment_id=order, trader_id=trader, amount=ordered, live=True)
            more = amount - ordered
            drafts = [entries.payin_hold(hold)]
            if more.minor > 0:
                drafts.append(entries.payin_topup(replace(hold, amount=more), order))
            drafts.append(entries.payin_settle(replace(facts, hold=max(ordered, amount))))
        else:
            kept = ordered.share(bps, fixed_minor=fixed)
            spared = ordered + kept - amount - fee
            drafts = [entries.payout_hold(PayoutFacts(order_id=order, store_id=store, amount=ordered, fee=kept,
                                                      live=True)),
                      entries.payout_settle(replace(facts, spared=spared))]
        seen[f"{payin} {(amount > ordered) - (amount < ordered)}"] += 1
        got = _moved(drafts)
        assert got == {"store": sign * amount.minor - fee.minor, "trader": reward.minor - sign * amount.minor,
                       "platform": fee.minor - reward.minor, "held": 0}
    assert set(seen) == {"True -1", "True 0", "True 1", "False -1", "False 0"}
    assert min(seen.values()) > TIMES // 20, seen


def _moved(drafts: list[Draft]) -> dict[str, int]:
    """By kind of owner, and what is still held of anybody's; each line moves something."""
    got = dict.fromkeys(("store", "trader", "platform", "held"), 0)
    for draft in drafts:
        for line in draft.lines:
            assert line.amount.minor > 0
            for account, minor in ((line.credit, line.amount.minor), (line.debit, -line.amount.minor)):
                got[account.owner_kind] += minor
                if account.purpose == "held":
                    got["held"] += minor
    return got
