"""What two people decide about is said in words: no kind of approval shows a field's name or a code, in no language."""
import re
from typing import Any

import pytest
from flask import Flask
from flask_babel import force_locale, gettext

from portal.approvals import kinds
from portal.core.access import Permission
from portal.orders import corrections
from portal.web.approval_labels import change_name, changed
from portal.web.right_labels import NOUNS, VERBS
from tests import factories as f
from tests import people

FREE = ("Ivan", "a@quittance.example", "7.000000", "2026-12-01", "•••• 1111")
"""What people wrote themselves, amounts, days and masks: the same in every language."""
NAME, MAIL, AMOUNT, DAY, MASK = FREE
LIMITS = {"min_minor": 100, "max_minor": 200, "day_max_minor": 300, "day_count_max": 4, "month_max_minor": 500,
          "open_orders_max": 6, "cooldown_s": 7, "weight": 8}
TERMS = {"method": "{method}", "direction": "payin", "currency": "RUB", "from_minor": 1, "to_minor": None,
         "valid_from": DAY, "settlement_currency": "USDT"}
OF_ORDER = {"external_id": NAME, "trader": NAME, "currency": "RUB", "amount": "1500.00", "ordered": "1500.00",
            "received": "1400.00"}
ADDRESS = {"label": NAME, "network": "trc20", "address": MASK, "currency": "USDT"}
ASKED: dict[str, dict[str, Any]] = {
    "user_enabling": {"email": MAIL, "active": True}, "user_factor": {"email": MAIL},
    "trader_limit": {"name": NAME, "open_orders_max": 5}, "user_email": {"email": MAIL},
    "merchant_onboarding": {"name": NAME, "status": "active"},
    "trader_onboarding": {"name": NAME, "status": "active"},
    "user_password": {"email": MAIL},
    "permissions": {"email": MAIL, "given": [str(one) for one in Permission], "taken": ["order:read"], "for_days": 3},
    "settle_correction": OF_ORDER,
    "order_cancellation": OF_ORDER | {"status": "cancelled", "collateral": AMOUNT},
    "risk_rule": {"name": NAME, "mode": "off"},
    "risk_entry": {"list": "deny", "about": "holder", "name": NAME, "until": "2026-12-01T10:00:00.000Z"},
    "dispute_decision": OF_ORDER | {"requisite": MASK, "outcome": "complete"},
    "approval_limit": {"decision_of": "deposit", "currency": "USDT", "alone_max_minor": 1, "two_from_minor": 2},
    "asset": {"asset": "ABC", "name": NAME, "digits": 6},
    "import": {"sheet": "balances", "name": NAME, "rows": 2, "amount": AMOUNT, "currency": "USDT"},
    "payout_terms": {"payout_accept_for_s": 1, "payout_pay_for_s": 2, "payout_confirm": "window",
                     "payout_window_s": 3, "payout_tries_max": 4, "payout_alone_max_minor": None, "name": NAME,
                     "currency": "USDT"},
    "reserve_terms": {"reserve_bps": 5, "reserve_days": 6, "delay_days": 7},
    "reward_above_fee": {"name": NAME, "reward_may_exceed_fee": True},
    "store_terms": {"currency": "RUB", "min_minor": 1, "max_minor": 2, "methods": ["{method}"], "payin": True,
                    "payout": False},
    "fee": TERMS | {"fee_bps": 250, "fee_fixed": AMOUNT}, "reward": TERMS | {"reward_bps": 100, "reward_fixed": AMOUNT},
    "requisite_limits": {"currency": "RUB"} | LIMITS,
    "requisite": {"number": MASK, "method": "{method}", "bank": "alfa", "currency": "RUB", "payin": True,
                  "payout": False} | LIMITS,
    "holder_limits": LIMITS, "exposure_caps": {"currency": "USDT", "open_max_minor": 1, "disputed_max_minor": 2},
    "adjustment": {"direction": "credit", "amount": AMOUNT, "currency": "USDT", "code": "goodwill",
                   "day": DAY},
    "withdrawal": {"amount": AMOUNT} | ADDRESS,
    "deposit": {"amount": AMOUNT, "currency": "USDT", "network": "bank", "reference": NAME},
    "reversal": {"entry": "deposit", "amount": AMOUNT, "currency": "USDT"},
    "withdrawal_address": ADDRESS, "withdrawal_release": {"amount": AMOUNT, "currency": "USDT"},
    "customer_erasure": {"customer": NAME, "orders": 3},
    "application": {"kind": "merchant", "name": NAME, "contact": NAME, "email": MAIL, "phone": MASK, "country": "DE",
                    "decision": "accept", "told": NAME, "settlement_currency": "USDT"},
}
"""What each kind asks for, every field that its service writes."""
CODE = re.compile(r"[a-z][a-z0-9]*([_:][a-z0-9]+)+|[a-z]{3,}")
CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)
SAME = re.compile(r"[A-Z]{2,10}|[—\d\s.,%•-]*|.*\d.*")  # codes of currencies and countries, numbers


def test_every_kind_is_here(app: Flask) -> None:
    assert sorted(ASKED) == sorted(kind for kind, _ in kinds.titles())


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("kind", ASKED)
def test_no_kind_shows_a_code_or_the_name_of_a_field(app: Flask, kind: str, language: str) -> None:
    method = f.new_cast().method
    with app.test_request_context(), force_locale(language):
        shown = [gettext(kinds.title_of(kind))]
        for name, value in ASKED[kind].items():
            value = [method] if value == ["{method}"] else method if value == "{method}" else value
            label, text = gettext(change_name(name)), changed(value, name, ASKED[kind])
            assert text != value or value in FREE or SAME.fullmatch(str(value)), f"{kind}.{name}: {text}"
            assert not any(CODE.fullmatch(part) for part in text.split(", ")) or value in FREE, f"{kind}.{name}: {text}"
            shown += [label, *([text] if isinstance(value, str | list) and value not in FREE
                               and not SAME.fullmatch(str(value)) and method not in (value, *value) else [])]
    for words in shown:
        assert not CODE.fullmatch(words), words
        assert language == "en" or CYRILLIC.search(words), f"{kind}: {words}"


def test_every_right_has_words() -> None:
    missing = [str(one) for one in Permission
               if one.partition(":")[0] not in NOUNS or one.partition(":")[2] not in VERBS]
    assert missing == []


def test_the_external_id_of_an_order_is_not_called_a_name(app: Flask) -> None:
    cast = f.new_cast()
    cast.requisite(cast.trader())
    order = f.completed_payin(cast, "1500.00")
    with f.act() as session:
        asked = corrections.ask(session, f.staff("admin"), corrections.AskCorrection(
            order_id=order.public_id, amount="1200.07", reason="bank statement seen"))
    page = people.seat(app, people.person("super_admin")).get(f"/admin/approvals/{asked.public_id}").text
    labels = [label.strip() for label in re.findall(r'<th scope="row">(.*?)</th>', page)]
    assert "External id" in labels
    assert "Name" not in labels
    assert re.search(rf'href="/admin/orders/{order.public_id}"[^>]*>{order.external_id}<', page), "what it is about"
