"""Every rule of matching, once: who may take an order, in the order in which candidates are counted.

The functions of migrations/sql/matching.sql are composed of these (`python -m tests.house.write_matching`): the pick,
the funnel of a try, and what keeps a requisite from its smallest order. A test holds the database to it.
"""
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from portal.requisites.test_outcomes import DIGITS, DIGITS_OF, Outcome


@dataclass(frozen=True)
class Rule:
    """`sql` speaks of o (the order, with its store's and its direction's rules), r, t and h (requisite, trader and
    holder), `declined`, `replaced`, `paused_banks`, `at`, `days` and `months`; the words in braces are each function's
    own way to look it up."""

    name: str
    stage: str  # of the funnel
    sql: str
    spares_robots: bool = False
    by_lane: bool = False  # a pick walks along lanes of such requisites only
    elsewhere: bool = False  # lies on other rows than those that a pick locks: looked at again under their lock
    of_order: bool = False  # depends on who asks, so it is no hindrance of the requisite


def _windows(row: str) -> tuple[str, str, str]:
    """Sum and number of the day, sum of the month. A counter of neither this day (month) nor the next reads as zero."""
    day, month = f"CASE WHEN {row}.day_on = ANY (days)", f"CASE WHEN {row}.month_on = ANY (months)"
    return (f"""({row}.day_max_minor IS NULL OR o.amount_to_pay_minor
     + {day} THEN {row}.day_used_minor ELSE 0 END <= {row}.day_max_minor)""",
            f"""({row}.day_count_max IS NULL
     OR 1 + {day} THEN {row}.day_count ELSE 0 END <= {row}.day_count_max)""",
            f"""({row}.month_max_minor IS NULL OR o.amount_to_pay_minor
     + {month} THEN {row}.month_used_minor ELSE 0 END
     <= {row}.month_max_minor)""")


_day, _day_count, _month = _windows("r")
_of_holder = "\nAND ".join(_windows("h")).replace("\n", "\n    ")
RULES = (
    Rule("currency", "currency", "r.currency = o.currency", by_lane=True, of_order=True),
    Rule("settlement", "currency", "t.settlement_currency = o.settlement_currency", by_lane=True, of_order=True),
    Rule("method", "method", "r.method = o.method", by_lane=True, of_order=True),
    Rule("bank", "bank", "(o.bank IS NULL OR r.bank = o.bank OR r.robot)", of_order=True),
    Rule("status", "approved", "r.status = 'active'"),
    Rule("trader_inactive", "approved", "t.status = 'active'"),
    Rule("unsecured", "approved", "t.unsecured = 0"),
    Rule("direction_off", "approved",
         "(CASE o.direction WHEN 'payin' THEN r.payin AND t.payin ELSE r.payout AND t.payout END)"),
    # a test order whose amount says so finds nobody
    Rule("test_nobody", "approved", f"(o.live OR o.amount_to_pay_minor % {DIGITS} <> {DIGITS_OF[Outcome.NOBODY]})",
         of_order=True),
    Rule("bank_paused", "approved", "NOT coalesce(r.bank = ANY (paused_banks), false)", spares_robots=True),
    Rule("off_shift", "on_shift", "t.on_shift"),
    Rule("off_hours", "on_shift", "NOT r.off_hours", spares_robots=True),
    Rule("declined", "on_shift", "NOT t.id = ANY (declined)", of_order=True),
    Rule("replaced", "on_shift", "NOT r.id = ANY (replaced)", of_order=True),  # its payer wants another than these
    Rule("amount", "amount", "o.amount_to_pay_minor BETWEEN r.min_minor AND r.max_minor", of_order=True),
    Rule("no_reward", "amount", "{reward_id} IS NOT NULL"),
    Rule("reward", "amount", "(o.reward_may_exceed_fee OR {reward_minor} <= o.fee_minor)", of_order=True),
    Rule("day", "windows", _day, spares_robots=True),
    Rule("day_count", "windows", _day_count, spares_robots=True),
    Rule("month", "windows", _month, spares_robots=True),
    # the limits of a person hold over all requisites with the name, in one currency
    Rule("holder", "windows", f"(h.currency IS DISTINCT FROM r.currency OR (\n    {_of_holder}))", spares_robots=True),
    Rule("trader_slots", "slots", "t.open_orders < t.open_orders_max", spares_robots=True),
    Rule("slots", "slots", "r.open_orders < r.open_orders_max", spares_robots=True),
    # too many attempts in a row came to nothing: one small order at a time, until one of them is paid
    Rule("quarantine", "slots", """(r.quarantined_at IS NULL OR (r.open_orders = 0
     AND o.amount_to_pay_minor <= greatest(r.min_minor, r.max_minor / 10)))""", spares_robots=True),
    Rule("cooldown", "slots", "(r.cool_until IS NULL OR r.cool_until <= at)", spares_robots=True),
    # caps of what may be open and in dispute (`caps.py`); rooms are NULL where there is no cap
    Rule("trader_open", "exposure", "(t.open_max_minor IS NULL\n"
         "     OR t.open_minor + coalesce(o.settlement_minor, 0) <= t.open_max_minor)", spares_robots=True),
    Rule("trader_disputed", "exposure", "(t.disputed_max_minor IS NULL OR {disputed} < t.disputed_max_minor)",
         spares_robots=True),
    Rule("store_cap", "exposure", "(o.store_room IS NULL OR o.settlement_minor <= o.store_room)", spares_robots=True,
         of_order=True),
    Rule("bank_cap", "exposure", "coalesce(o.amount_to_pay_minor <= {bank_room}, true)", spares_robots=True,
         elsewhere=True),
    Rule("collateral", "collateral", "(NOT o.needs_collateral OR {covered})", spares_robots=True, elsewhere=True),
    # no open order has it, and none that ended without money and may still be paid late
    Rule("same_amount", "same_amount", "(NOT o.one_amount OR NOT {taken})", spares_robots=True, elsewhere=True),
)
STAGES = ("all", *dict.fromkeys(rule.stage for rule in RULES))
"""Those of the funnel: how many are left after each."""
HINDRANCES = tuple(rule for rule in RULES if not rule.of_order)


def passes(rules: Iterable[Rule], **looked_up: str) -> str:
    """That a requisite passes all of them, as a condition."""
    parts = []
    for spared, group in groupby(rules, key=lambda rule: rule.spares_robots):
        conditions = [rule.sql.format(**looked_up) for rule in group]
        if not spared:
            parts += conditions
        elif len(conditions) == 1:
            parts.append(f"(r.robot OR {conditions[0]})")
        else:
            parts.append("(r.robot OR (\n    " + "\nAND ".join(conditions).replace("\n", "\n    ") + "))")
    return "\nAND ".join(parts)
