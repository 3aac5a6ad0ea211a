"""What an act changed, as the audit tells it to people: fields by the names that approvals use, amounts as money.

An amount in minor units is said as money of the currency that stands beside it, or as so many smallest units: never as
a bare figure. What nobody worded yet is shown as it was written.
"""
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from flask_babel import gettext

from portal.core.audit import AuditRow
from portal.core.codes import named
from portal.core.money import EXPONENTS, Money
from portal.notices.choices import wall
from portal.web.approval_labels import CHANGES, change_name, changed, right
from portal.web.badges import LOOKS, N_
from portal.web.dispute_labels import REASONS
from portal.web.filters import bps, day, duration, moment, money, number
from portal.web.locale import LANGUAGES
from portal.web.order_looks import CALLED_FOR, DECLINED_FOR
from portal.web.risk_labels import BY, VERDICTS
from portal.web.risk_labels import KINDS as RISKS

NAMES = {
    "address_shown": N_("Address"), "assignment": N_("Attempt"), "audience": N_("For whom"), "bps": N_("Share"),
    "break_glass": N_("Account behind glass"), "broader": N_("Of broader terms"), "browser": N_("Browser"),
    "by": N_("By"), "check": N_("Check"), "count": N_("How many"), "currencies": N_("Currencies"),
    "customer": N_("Customer"), "days": N_("Days"), "differences": N_("Differences"),
    "digest_at": N_("Daily letter at"), "dispute": N_("Dispute"), "ends_at": N_("Ends"),
    "entries": N_("Entries"), "error": N_("Last error"), "failed": N_("Failed"), "fee_fixed_minor": N_("Fixed part"),
    "fees": N_("Until then"), "file": N_("File"), "fixed_minor": N_("Fixed part"), "from": N_("From"),
    "given_until": N_("Given until"), "holder_id": N_("Person named on it"), "hours": N_("Hours"),
    "low_amount": N_("Told when the balance is below"), "made": N_("Made"), "merchant": N_("Merchant"),
    "message": N_("Message"), "moves": N_("Postings"), "networks": N_("Networks"), "new": N_("New key"),
    "orders": N_("Orders"), "part": N_("Part"), "payers": N_("Payers in a row"),
    "payment_links": N_("With links to payment"), "permissions": N_("Permissions"),
    "quiet_from": N_("Quiet from"), "quiet_until": N_("Quiet until"), "rate": N_("Rate"),
    "receipts": N_("Receipts"), "replaces": N_("Instead of the key"), "reward_fixed_minor": N_("Fixed part"),
    "rewards": N_("Until then"), "robot": N_("Robot"), "role": N_("Role"), "scopes": N_("Rights"),
    "score": N_("Points"), "session": N_("Session"), "sessions": N_("Sessions"), "side": N_("Side"),
    "signed_payouts": N_("Payouts have to be signed"), "since": N_("Since"), "source": N_("Source"),
    "staff_only": N_("For staff alone"), "state": N_("State"), "store": N_("Store"), "stuck_minor": N_("Stuck there"),
    "subject": N_("About"), "target": N_("Record"), "telegram": N_("Telegram"), "terms": N_("Terms"),
    "thread": N_("Thread of help"), "tier": N_("Tier"), "to": N_("To"), "token": N_("Stands for the customer now"),
    "total": N_("Sum"), "trader_id": N_("Trader"), "undelivered_only": N_("Only what did not arrive"),
    "verdict": N_("Verdict"), "version": N_("Version"), "waits": N_("Waits for a second person"), "why": N_("Why"),
    "window_s": N_("Within"), "wrong": N_("Rows with mistakes"),
}
"""Beyond what approvals name."""
OF_PEOPLE = ("user",)
_MOMENTS = ("until", "ends_at", "given_until", "since", "expires_at", "valid_from")
DAY_LENGTH = len("2026-11-28")
_OF_THE_DAY = ("quiet_from", "quiet_until", "digest_at")
_FIXED = ("fee_fixed_minor", "reward_fixed_minor", "fixed_minor")
"""Of the settlement currency, whatever the orders are in."""
_LOOKED = {"import": "payout_import", "webhook_endpoint": "endpoint", "withdrawal_address": "address"}
CODES: dict[str, Mapping[str, str]] = {"reason": REASONS, "why": CALLED_FOR | DECLINED_FOR, "verdict": VERDICTS,
                                       "by": BY, "kind": RISKS, "locale": LANGUAGES}
"""Values that are codes here and are not what two people decide about."""
NAMED = ("side", "state", "role", "template", "audience", "source", "purpose")
"""Codes that read as words once they are written as such."""


NOTHING: tuple[Any, ...] = (None, [], {})


class Fact(NamedTuple):
    """`before`: None where there was nothing, or the same."""

    label: str
    before: str | None
    after: str


def audit_facts(row: AuditRow) -> list[Fact]:
    """In the reader's language, in the order in which they were written; without what was nothing and is nothing."""
    before, after = row.before or {}, row.after or {}
    said = _Sayer(row)
    found = []
    for name in dict.fromkeys((*before, *after)):
        was, now = before.get(name), after.get(name)
        if was in NOTHING and now in NOTHING:
            continue
        if after and name not in after:  # whose it is, what stood beside it: nobody took it away
            was, now = None, was
        found.append(Fact(said.label(name),
                          None if was is None or was == now else said.value(was, name, {**after, **before}),
                          said.value(now, name, {**before, **after})))
    return found


class _Sayer:
    def __init__(self, row: AuditRow) -> None:
        self._kind, self._target = row.target_kind, row.target_id

    def label(self, name: str) -> str:
        if name == "active" and self._kind not in OF_PEOPLE:
            return str(gettext("Switched on"))
        return str(gettext(NAMES.get(name) or change_name(name)))

    def value(self, value: Any, name: str, record: Mapping[str, Any]) -> str:
        if isinstance(value, dict):
            return "; ".join(f"{self.label(key)}: {self.value(one, key, {**record, **value})}"
                             for key, one in value.items()) or "—"
        if isinstance(value, list) and any(isinstance(one, dict) for one in value):
            return " / ".join(self.value(one, name, record) for one in value)
        try:
            return self._worded(value, name, record)
        except (KeyError, ValueError, TypeError, AttributeError, ArithmeticError):  # of another release
            return str(value)

    def _worded(self, value: Any, name: str, record: Mapping[str, Any]) -> str:
        if isinstance(value, int) and not isinstance(value, bool):
            if name.endswith("_minor"):
                return self._amount(value, name, record)
            if name == "bps":
                return bps(value)
            if name in _OF_THE_DAY:
                return wall(value)
            return duration(value) if name.endswith("_s") and name not in CHANGES else changed(value, name, record)
        if isinstance(value, str):
            if name == "status":
                return self._status(value)
            if name in _MOMENTS:
                return day(date.fromisoformat(value)) if len(value) == DAY_LENGTH else moment(
                    datetime.fromisoformat(value))
            if value in CODES.get(name, ()):
                return str(gettext(CODES[name][value]))
            if name in NAMED:
                return str(gettext(named(value)))
        if name == "live":
            mode = LOOKS["mode"]["live" if value else "test"]
            return str(gettext(mode.label))
        if isinstance(value, list) and name == "permissions":
            return ", ".join(map(right, value)) or "—"
        return changed(value, name, self._with_currency(record))

    def _amount(self, minor: int, name: str, record: Mapping[str, Any]) -> str:
        known = self._with_currency(record)
        currency = known.get("settlement_currency") if name in _FIXED else (
            known.get("currency") or known.get("settlement_currency"))
        if isinstance(currency, str) and currency in EXPONENTS:
            return money(Money(minor, currency))
        return str(gettext("%(number)s in the smallest unit", number=number(minor)))

    def _with_currency(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        """Where the record is a currency itself, its amounts are of it."""
        return {"currency": self._target, **record} if self._kind == "currency" else record

    def _status(self, code: str) -> str:
        kinds = (_LOOKED.get(self._kind, self._kind), "party", "order", "requisite")
        return next((str(gettext(LOOKS[kind][code].label)) for kind in kinds if code in LOOKS.get(kind, ())), code)
