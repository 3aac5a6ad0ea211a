"""Other fees and rewards by four eyes: one person asks, a second agrees, a new version counts from then on."""
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import approvals, reference
from portal.approvals import Approval, StaleApproval
from portal.core import clock, ids, typed_amounts
from portal.core.access import Actor, Permission
from portal.core.db import locked_one
from portal.core.errors import Denied, FieldError, Invalid, NotFound
from portal.core.money import Money
from portal.parties import queries
from portal.parties.models import Store, Trader
from portal.tariffs import service
from portal.tariffs.commands import AskFee, AskReward, AskVersion, SetFee, SetReward
from portal.tariffs.models import Reward, Tariff
from portal.tariffs.rules import COLUMNS, NEWEST_FIRST, Rule

FEE, REWARD = "fee", "reward"
AHEAD_MAX = timedelta(days=366)
RULES_MAX = 500


def ask_fee(session: Session, actor: Actor, command: AskFee) -> Approval:
    """Put a store's other fee before a second person; nothing changes yet.

    Raises Denied, NotFound, Invalid (percent, amounts, method, currency, a band without a currency, a day gone by).
    """
    store = _locked(session, actor, queries.stores_visible_to(actor).where(Store.id == command.store_id))
    after = fee_asked(session, store, command)
    return approvals.ask(session, actor, kind=FEE, target_kind="store", target_id=store.id,
                         before=_then(session, FEE, store.id, after), after=after, reason=command.reason)


def ask_reward(session: Session, actor: Actor, command: AskReward) -> Approval:
    """Put a trader's other reward before a second person; nothing changes yet. Raises as `ask_fee`."""
    trader = _locked(session, actor,
                     queries.traders_visible_to(actor).where(Trader.id == command.trader_id, ~Trader.robot))
    after = reward_asked(session, trader, command)
    return approvals.ask(session, actor, kind=REWARD, target_kind="trader", target_id=trader.id,
                         before=_then(session, REWARD, trader.id, after), after=after, reason=command.reason)


def fee_asked(session: Session, store: Store, command: AskFee) -> dict[str, Any]:
    """As an approval keeps it. Raises Invalid."""
    return _asked(session, command) | {
        "fee_bps": typed_amounts.percent("fee_percent", command.fee_percent),
        **_fixed("fee_fixed", command.fee_fixed, store.settlement_currency)}


def reward_asked(session: Session, trader: Trader, command: AskReward) -> dict[str, Any]:
    """Likewise. Raises Invalid."""
    return _asked(session, command) | {
        "reward_bps": typed_amounts.percent("reward_percent", command.reward_percent),
        **_fixed("reward_fixed", command.reward_fixed, trader.settlement_currency)}


def fee_approved(session: Session, actor: Actor, approval: Approval) -> None:
    """A second person agrees: the store pays by it from its day, or from its next order on. Raises StaleApproval."""
    store = locked_one(session, select(Store).where(Store.id == UUID(approval.target_id)))
    if store is None:
        raise NotFound()
    asked = approval.after
    if _ended(_then(session, FEE, store.id, asked)) != _ended(approval.before):
        raise StaleApproval()
    service.set_fee(session, actor, SetFee(
        store_id=store.id, **_version(asked), fee_bps=asked["fee_bps"],
        fee_fixed_minor=Money.parse(asked["fee_fixed"], asked["settlement_currency"]).minor))


def reward_approved(session: Session, actor: Actor, approval: Approval) -> None:
    """A second person agrees: the trader earns by it from its day, or from the next assignment on.

    Raises StaleApproval.
    """
    trader = locked_one(session, select(Trader).where(Trader.id == UUID(approval.target_id)))
    if trader is None:
        raise NotFound()
    asked = approval.after
    if _ended(_then(session, REWARD, trader.id, asked)) != _ended(approval.before):
        raise StaleApproval()
    service.set_reward(session, actor, SetReward(
        trader_id=trader.id, **_version(asked), reward_bps=asked["reward_bps"],
        reward_fixed_minor=Money.parse(asked["reward_fixed"], asked["settlement_currency"]).minor))


def asked_and_standing(session: Session, kind: str, owner_id: UUID, asked: Mapping[str, Any]
                       ) -> tuple[Rule, list[Rule]]:
    """What an approval asks for, as a version, and the versions that count when it begins, the newest first."""
    at = _begins(asked) or clock.now()
    table: Any = Tariff if kind == FEE else Reward
    owner = Tariff.store_id == owner_id if kind == FEE else Reward.trader_id == owner_id
    rows = session.execute(select(*COLUMNS[table]).where(owner, *service.counting_at(table, at)).order_by(
        *NEWEST_FIRST[table]).limit(RULES_MAX))
    orders: dict[str, Any] = {name: asked.get(name) for name in service.KEYS}
    version = Rule(
        id=ids.new_id(), **orders, bps=asked[f"{kind}_bps"],
        fixed_minor=Money.parse(asked[f"{kind}_fixed"], asked["settlement_currency"]).minor, valid_from=at,
        retired_at=None)
    return version, [Rule(*row) for row in rows]


def _asked(session: Session, command: AskVersion) -> dict[str, Any]:
    """What it counts for, and from which day. Raises Invalid."""
    if command.method is not None:
        reference.snapshot(session).method(command.method)
    if command.currency is not None:
        reference.snapshot(session).currency(command.currency)
    least, most = _band(command, "from_amount"), _band(command, "to_amount")
    if least is not None and most is not None and least > most:
        raise Invalid(fields=[FieldError("/to_amount", "range", "The largest is below the smallest.")])
    if command.valid_from is not None and not clock.today() <= command.valid_from < clock.today() + AHEAD_MAX:
        raise Invalid(fields=[FieldError("/valid_from", "range", "From today on, and within a year.")])
    return {"direction": command.direction, "method": command.method, "currency": command.currency,
            "from_minor": least, "to_minor": most,
            "valid_from": command.valid_from.isoformat() if command.valid_from else None}


def _version(asked: dict[str, Any]) -> dict[str, Any]:
    """As a version is set."""
    return {name: asked[name] for name in service.KEYS} | {"valid_from": _begins(asked)}


def _begins(asked: Mapping[str, Any]) -> datetime | None:
    """The operator's midnight; none: at once, also where that midnight has gone by."""
    day = asked.get("valid_from")
    begins = clock.midnight_before(date.fromisoformat(day)) if day else None
    return begins if begins is not None and begins > clock.now() else None


def _then(session: Session, kind: str, owner_id: UUID, asked: dict[str, Any]) -> dict[str, Any]:
    """What counts for all of these orders when it begins: the version that it would end, or, where it is the first of
    so few, the narrowest broader one, which goes on for the others. Empty where there is neither."""
    version, standing = asked_and_standing(session, kind, owner_id, asked)
    found = min((rule for rule in standing if rule.includes(version)), default=None,
                key=lambda rule: (not _same_orders(rule, version), rule.breadth))
    if found is None:
        return {}
    return {f"{kind}_bps": found.bps, f"{kind}_fixed": Money(found.fixed_minor, asked["settlement_currency"]).text,
            **({} if _same_orders(found, version) else {"broader": True})}


def _same_orders(one: Rule, other: Rule) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in service.KEYS)


def _ended(then: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of what was shown, what approving it ends: a broader one may change meanwhile, as it may afterwards."""
    return {} if then.get("broader") else then


def _locked(session: Session, actor: Actor, rows: Any) -> Any:
    if not (actor.is_system or actor.may(Permission.PARTY_MANAGE)):
        raise Denied()
    found = locked_one(session, rows)
    if found is None:
        raise NotFound()
    return found


def _band(command: AskVersion, name: str) -> int | None:
    text = getattr(command, name)
    if text is None:
        return None
    if command.currency is None:
        raise Invalid(fields=[FieldError("/currency", "band_without_currency", "A band needs its currency.")])
    return typed_amounts.amount(name, text, command.currency).minor


def _fixed(name: str, text: str | None, currency: str) -> dict[str, str]:
    found = Money(0, currency) if text is None else typed_amounts.amount(name, text, currency)
    return {name: found.text, "settlement_currency": currency}


approvals.register(FEE, apply=fee_approved, title="Fee of a store")
approvals.register(REWARD, apply=reward_approved, title="Reward of a trader")
