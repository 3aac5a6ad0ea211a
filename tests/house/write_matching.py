"""Writes migrations/sql/matching.sql from the rules: `python -m tests.house.write_matching`.

Once it is released the file stays as it is: name another one here, and run that in a migration of its own.
"""
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from portal.requisites.match_rules import HINDRANCES, RULES, STAGES, passes

SQL = Path(__file__).parents[2] / "migrations" / "sql"
FILE, TEMPLATE = SQL / "matching.sql", "matching.sql.in"
MADE = "Made from matching.sql.in and portal/requisites/match_rules.py by `python -m tests.house.write_matching`."
OPEN = "FROM open_places p WHERE p.amount_minor = o.amount_to_pay_minor"
KEPT = "FROM kept_amounts k WHERE k.until > at AND k.amount_minor = o.amount_to_pay_minor"
FREE = "b.credits_minor - b.debits_minor"
COLLATERAL = """FROM accounts c JOIN balances b ON b.account_id = c.id
     WHERE c.owner_kind = 'trader' AND c.purpose = 'available'
       AND c.currency = o.settlement_currency AND c.live = o.live"""
# the rule that names the method before one for any, then the currency, the narrower band, the newer (tariffs/bands.py)
REWARD = """v.id, least(o.settlement_minor, v.reward_fixed_minor
       + half_even(o.settlement_minor::numeric * v.reward_bps / 10000)) AS reward_minor
  FROM rewards v
 WHERE v.direction = o.direction AND v.valid_from <= at AND (v.retired_at IS NULL OR v.retired_at > at)
   AND (v.method IS NULL OR v.method = o.method)
   AND (v.currency IS NULL OR v.currency = o.currency)
   AND (v.from_minor IS NULL OR v.from_minor <= o.amount_to_pay_minor)
   AND (v.to_minor IS NULL OR v.to_minor >= o.amount_to_pay_minor)"""
REWARD_ORDER = ("v.method IS NULL, v.currency IS NULL,"
                " coalesce(v.to_minor, 9223372036854775807) - coalesce(v.from_minor, 0), v.created_at DESC, v.id DESC")
# what is in dispute with a trader, looked at only where that is capped
DISPUTED = """(SELECT coalesce(sum(q.settlement_minor), 0) FROM disputes d JOIN orders q ON q.id = d.order_id
  WHERE d.trader_id = t.id AND d.ended_at IS NULL AND d.live)"""
OWN, ELSEWHERE = ([rule for rule in RULES if not rule.by_lane and rule.elsewhere is elsewhere]
                  for elsewhere in (False, True))


def _looked_up(requisite: str = "r", *, reserved: str = "", fence: str = "") -> dict[str, str]:
    """Row by row. `reserved`: what a batch has spoken for already; `fence` keeps a look-up from becoming a join."""
    taken = (f"(\n    EXISTS (SELECT 1 {OPEN}\n            AND p.requisite_id = {requisite}.id{fence})\n"
             f"    OR EXISTS (SELECT 1 {KEPT}\n               AND k.requisite_id = {requisite}.id{fence}))")
    covered = (f"EXISTS (\n    SELECT 1 {COLLATERAL}\n       AND c.owner_id = {requisite}.trader_id\n"
               f"       AND {FREE}{reserved} >= o.settlement_minor)")
    room = f"(bank_rooms ->> ({requisite}.bank || ' ' || {requisite}.currency))::bigint"
    return {"reward_id": "w.id", "reward_minor": "w.reward_minor", "taken": taken, "covered": covered,
            "disputed": DISPUTED, "bank_room": room}


def _of_batch(requisite: str, fence: str = "") -> dict[str, str]:
    reserved = f"\n           - coalesce((used ->> {requisite}.trader_id::text)::bigint, 0)"
    return _looked_up(requisite, reserved=reserved, fence=fence)


def _under_lock() -> dict[str, str]:
    """Of the row that was picked and locked; a bank's room is counted anew under the lock of its cap."""
    return _of_batch("found_one") | {"bank_room": "bank_room_locked(found_one.bank, found_one.currency)"}


ONCE = {"reward_id": "t.reward_id", "reward_minor": "t.reward_minor", "covered": "t.covered",
        "disputed": "t.disputed_minor", "bank_room": "(bank_rooms ->> (r.bank || ' ' || r.currency))::bigint",
        "taken": "(r.id IN (SELECT s.requisite_id FROM taken s))"}  # found once for all


def document() -> str:
    template = Environment(loader=FileSystemLoader(SQL), undefined=StrictUndefined, keep_trailing_newline=True,
                           autoescape=False).get_template(TEMPLATE)
    walked, locked = _of_batch("r", fence=" OFFSET 0"), _under_lock()
    last_first = ELSEWHERE[::-1]  # the cheaper look first
    return template.render(
        made=MADE, stages=STAGES, open=OPEN, kept=KEPT, free=FREE, collateral=COLLATERAL, reward=REWARD,
        reward_order=REWARD_ORDER, disputed=DISPUTED, pick_own=passes(OWN, **walked),
        pick_elsewhere=passes(last_first, **walked),
        again=[(rule, passes([rule], **locked).replace("r.robot", "found_one.robot")) for rule in last_first],
        funnel=[passes([rule for rule in RULES if rule.stage == stage], **ONCE) for stage in STAGES[1:]],
        coverage=passes(HINDRANCES, **_looked_up() | {"covered": "coalesce(f.minor >= o.settlement_minor, false)"}),
        hindrances=[(rule, passes([rule], **_looked_up())) for rule in HINDRANCES])


if __name__ == "__main__":
    FILE.write_text(document(), "utf-8")
