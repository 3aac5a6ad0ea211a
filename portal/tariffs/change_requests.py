"""Other fees and rewards by four eyes: one person asks, a second agrees, a new version counts from then on."""
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import approvals, reference
from portal.approvals import Approval, StaleApproval
from portal.core import typed_amounts
from portal.core.access import Actor, Permission
from portal.core.db import locked_one
from portal.core.errors import Denied, FieldError, Invalid, NotFound
from portal.core.money import Money
from portal.parties import queries
from portal.parties.models import Store, Trader
from portal.tariffs import service
from portal.tariffs.commands import AskFee, AskReward, SetFee, SetReward
from portal.tariffs.models import Reward, Tariff

FEE, REWARD = "fee", "reward"


def ask_fee(session: Session, actor: Actor, command: AskFee) -> Approval:
    """Put a store's other fee before a second person; nothing changes yet.

    Raises Denied, NotFound, Invalid (percent, amounts, method, currency, a band without a currency).
    """
    store = _locked(session, actor, queries.stores_visible_to(actor).where(Store.id == command.store_id))
    _check_method(session, command.method)
    band = {"from_minor": _band(session, command, "from_amount"), "to_minor": _band(session, command, "to_amount")}
    if None not in band.values() and band["from_minor"] > band["to_minor"]:  # type: ignore[operator]
        raise Invalid(fields=[FieldError("/to_amount", "range", "The largest is below the smallest.")])
    after: dict[str, Any] = {
        "direction": command.direction, "method": command.method, "currency": command.currency, **band,
        "fee_bps": typed_amounts.percent("fee_percent", command.fee_percent),
        **_fixed("fee_fixed", command.fee_fixed, store.settlement_currency)}
    return approvals.ask(session, actor, kind=FEE, target_kind="store", target_id=store.id,
                         before=_fee_now(session, store, after), after=after, reason=command.reason)


def ask_reward(session: Session, actor: Actor, command: AskReward) -> Approval:
    """Put a trader's other reward before a second person; nothing changes yet. Raises Denied, NotFound, Invalid."""
    trader = _locked(session, actor,
                     queries.traders_visible_to(actor).where(Trader.id == command.trader_id, ~Trader.robot))
    _check_method(session, command.method)
    after = {"direction": command.direction, "method": command.method,
             "reward_bps": typed_amounts.percent("reward_percent", command.reward_percent),
             **_fixed("reward_fixed", command.reward_fixed, trader.settlement_currency)}
    return approvals.ask(session, actor, kind=REWARD, target_kind="trader", target_id=trader.id,
                         before=_reward_now(session, trader, after), after=after, reason=command.reason)


def fee_approved(session: Session, actor: Actor, approval: Approval) -> None:
    """A second person agrees: the store pays by it from its next order on. Raises StaleApproval."""
    store = locked_one(session, select(Store).where(Store.id == UUID(approval.target_id)))
    if store is None:
        raise NotFound()
    if _fee_now(session, store, approval.after) != approval.before:
        raise StaleApproval()
    asked = approval.after
    service.set_fee(session, actor, SetFee(
        store_id=store.id, direction=asked["direction"], method=asked["method"], currency=asked["currency"],
        from_minor=asked["from_minor"], to_minor=asked["to_minor"], fee_bps=asked["fee_bps"],
        fee_fixed_minor=Money.parse(asked["fee_fixed"], asked["settlement_currency"]).minor))


def reward_approved(session: Session, actor: Actor, approval: Approval) -> None:
    """A second person agrees: the trader earns by it from the next assignment on. Raises StaleApproval."""
    trader = locked_one(session, select(Trader).where(Trader.id == UUID(approval.target_id)))
    if trader is None:
        raise NotFound()
    if _reward_now(session, trader, approval.after) != approval.before:
        raise StaleApproval()
    asked = approval.after
    service.set_reward(session, actor, SetReward(
        trader_id=trader.id, direction=asked["direction"], method=asked["method"], reward_bps=asked["reward_bps"],
        reward_fixed_minor=Money.parse(asked["reward_fixed"], asked["settlement_currency"]).minor))


def _fee_now(session: Session, store: Store, like: dict[str, Any]) -> dict[str, Any]:
    """The version that a new one would retire; empty where there is none."""
    now = session.scalars(select(Tariff).where(
        Tariff.store_id == store.id, Tariff.direction == like["direction"], Tariff.retired_at.is_(None),
        *(column.is_not_distinct_from(like[name]) for name, column in (
            ("method", Tariff.method), ("currency", Tariff.currency), ("from_minor", Tariff.from_minor),
            ("to_minor", Tariff.to_minor)))).order_by(Tariff.id.desc()).limit(1)).first()
    if now is None:
        return {}
    return {"fee_bps": now.fee_bps, "fee_fixed": Money(now.fee_fixed_minor, store.settlement_currency).text}


def _reward_now(session: Session, trader: Trader, like: dict[str, Any]) -> dict[str, Any]:
    now = session.scalars(select(Reward).where(
        Reward.trader_id == trader.id, Reward.direction == like["direction"], Reward.retired_at.is_(None),
        Reward.method.is_not_distinct_from(like["method"])).order_by(Reward.id.desc()).limit(1)).first()
    if now is None:
        return {}
    fixed = Money(now.reward_fixed_minor, trader.settlement_currency)
    return {"reward_bps": now.reward_bps, "reward_fixed": fixed.text}


def _locked(session: Session, actor: Actor, rows: Any) -> Any:
    if not (actor.is_system or actor.may(Permission.PARTY_MANAGE)):
        raise Denied()
    found = locked_one(session, rows)
    if found is None:
        raise NotFound()
    return found


def _check_method(session: Session, method: str | None) -> None:
    if method is not None:
        reference.snapshot(session).method(method)


def _band(session: Session, command: AskFee, name: str) -> int | None:
    text = getattr(command, name)
    if command.currency is not None:
        reference.snapshot(session).currency(command.currency)
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
