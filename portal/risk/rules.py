"""How staff keep the rules: written while they are off or in the shadow, switched on by one, off again by two."""
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal import approvals
from portal.approvals import Approval
from portal.core import audit, clock, ids, jobs, typed_amounts
from portal.core.access import Actor, Permission
from portal.core.db import locked_one
from portal.core.errors import Conflict, Denied, FieldError, Invalid, NotFound
from portal.core.money import EXPONENTS
from portal.parties import queries as parties
from portal.risk import rule_book
from portal.risk.commands import AddRule, AskReplay, ChangeRule, SetRule, SwitchRule
from portal.risk.facts import By, Verdict
from portal.risk.judging import Rule
from portal.risk.kinds import KINDS
from portal.risk.models import RiskReplay, RiskRule

KIND = "risk_rule"
REPLAY = "replay_risk_rule"


class RuleInForce(Conflict):
    """This rule is on. Switch it to the shadow first, or write another one."""

    code = "rule_in_force"


class NoReplay(Conflict):
    """What this rule looks at is not kept of past orders: let it run in the shadow instead."""

    code = "no_replay"


def all_rules(session: Session) -> Sequence[RiskRule]:
    """Those that are on first, then in the shadow, then off; the put-away ones are not among them."""
    place = func.array_position(["on", "shadow", "off"], RiskRule.mode)
    return session.scalars(select(RiskRule).where(RiskRule.mode != "archived").order_by(place, RiskRule.name)
                           .limit(rule_book.RULES_MAX)).all()


def longest_window(session: Session, by: By) -> timedelta:
    """For how long a rule that is on, or in the shadow, counts by this; nothing where none does."""
    return timedelta(seconds=max((rule.terms["window_s"] for rule in all_rules(session) if rule.mode != "off"
                                  and "window_s" in rule.terms and rule.terms.get("by") == by), default=0))


def one(session: Session, rule_id: str) -> RiskRule:
    """Raises NotFound."""
    found = session.get(RiskRule, ids.parse("rsk", rule_id))
    if found is None:
        raise NotFound()
    return found


def add(session: Session, actor: Actor, command: AddRule) -> RiskRule:
    """It begins switched off. Raises Denied, Invalid, NotFound."""
    _check(actor)
    if len(all_rules(session)) >= rule_book.RULES_MAX:
        raise Invalid(fields=[FieldError("/name", "too_many", "The desk keeps %(most)s rules at most.",
                                         {"most": rule_book.RULES_MAX})])
    rule = RiskRule(kind=command.kind, mode="off", changed_name=actor.name,
                    **_columns(session, actor, command.kind, command))
    session.add(rule)
    session.flush()
    audit.record(session, actor, "risk_rule.added", "risk_rule", rule.id, after=told(rule), reason=command.reason)
    session.flush()
    rule_book.changed(session)
    return rule


def change(session: Session, actor: Actor, command: ChangeRule) -> RiskRule:
    """Its terms, while it decides nothing. Raises Denied, NotFound, Invalid, RuleInForce."""
    _check(actor)
    rule = _locked(session, command.rule_id)
    if rule.mode == "on":
        raise RuleInForce()
    before = told(rule)
    for name, value in _columns(session, actor, rule.kind, command).items():
        setattr(rule, name, value)
    rule.changed_name = actor.name
    audit.record(session, actor, "risk_rule.changed", "risk_rule", rule.id, before=before, after=told(rule),
                 reason=command.reason)
    session.flush()
    rule_book.changed(session)
    return rule


def switch(session: Session, actor: Actor, command: SwitchRule) -> bool:
    """Whether it holds at once: a rule that is on is switched off, or to the shadow, when a second person agrees.

    Raises Denied, NotFound, AlreadyAsked.
    """
    _check(actor)
    rule = _locked(session, command.rule_id)
    if rule.mode == command.mode:
        return True
    if rule.mode == "on":
        approvals.ask_once(session, actor, kind=KIND, target_kind="risk_rule", target_id=rule.id,
                           reason=command.reason, before={"name": rule.name, "mode": rule.mode},
                           after={"name": rule.name, "mode": command.mode})
        return False
    _set_mode(session, actor, rule, command.mode, command.reason)
    return True


def apply(session: Session, actor: Actor, approval: Approval) -> None:
    """A second person agrees. Raises StaleApproval."""
    rule = _locked(session, ids.public("rsk", UUID(approval.target_id)))
    if {"name": rule.name, "mode": rule.mode} != approval.before:
        raise approvals.StaleApproval()
    _set_mode(session, actor, rule, approval.after["mode"], approval.reason)


def tried(session: Session, actor: Actor, rule: RiskRule, command: SetRule) -> Rule:
    """The rule as it would be with these terms; nothing is written. Raises Denied, Invalid, NotFound, NoReplay."""
    if not actor.may(Permission.RISK_READ):
        raise Denied()
    wanted = _columns(session, actor, rule.kind, command)
    if not KINDS[rule.kind].can_replay(wanted["terms"]):
        raise NoReplay()
    return Rule(rule.id, kind=rule.kind, shadow=False, **wanted | {"verdict": Verdict(command.verdict)})


def ask_replay(session: Session, actor: Actor, command: AskReplay) -> RiskReplay:
    """Put the rule as it stands to past orders; a worker does it. Raises Denied, NotFound, NoReplay."""
    _check(actor)
    rule = one(session, command.rule_id)
    if not KINDS[rule.kind].can_replay(rule.terms):
        raise NoReplay()
    replay = RiskReplay(id=ids.new_id(), asked_name=actor.name, rule_id=rule.id, terms=dict(rule.terms),
                        days=command.days)
    session.add(replay)
    session.flush()
    jobs.enqueue(session, REPLAY, replay.id)
    audit.record(session, actor, "risk_rule.replayed", "risk_rule", rule.id, after={"days": command.days})
    return replay


def replays(session: Session, rule: RiskRule) -> Sequence[RiskReplay]:
    """The last ones, newest first."""
    return session.scalars(select(RiskReplay).where(RiskReplay.rule_id == rule.id)
                           .order_by(RiskReplay.created_at.desc()).limit(10)).all()


def told(rule: RiskRule) -> dict[str, Any]:
    """For the audit."""
    return {"name": rule.name, "kind": rule.kind, "verdict": rule.verdict, "score": rule.score,
            "direction": rule.direction, "store_id": rule.store_id and str(rule.store_id), **rule.terms}


def _set_mode(session: Session, actor: Actor, rule: RiskRule, mode: str, reason: str) -> None:
    before, rule.mode = rule.mode, mode
    rule.mode_since, rule.changed_name = clock.now(), actor.name
    audit.record(session, actor, "risk_rule.switched", "risk_rule", rule.id, before={"mode": before},
                 after={"mode": mode}, reason=reason)
    session.flush()
    rule_book.changed(session)


def _columns(session: Session, actor: Actor, kind: str, command: SetRule) -> dict[str, Any]:
    """Raises Invalid with all that is missing, NotFound for a store that is none."""
    known = KINDS[kind]
    wrong = [FieldError(f"/{name}", "missing", "Field required") for name in known.terms
             if getattr(command, name) is None]
    if command.by is not None and "by" in known.terms and By(command.by) not in known.by:
        wrong.append(FieldError("/by", "literal_error", "There is no such choice."))
    if command.currency is not None and command.currency not in EXPONENTS:
        wrong.append(FieldError("/currency", "unknown_currency", "The desk does not know this currency."))
    if command.by == "destination" and command.direction == "payin":
        wrong.append(FieldError("/by", "payouts_only", "Only payouts have a destination."))
    if wrong:
        raise Invalid(fields=wrong)
    terms: dict[str, Any] = {name: getattr(command, name) for name in known.terms if name != "amount"}
    if "amount" in known.terms:
        assert command.amount is not None
        assert command.currency is not None
        terms["amount_minor"] = typed_amounts.amount("amount", command.amount, command.currency).minor
    store = parties.store(session, actor, command.store_id) if command.store_id else None
    return {"name": command.name, "verdict": command.verdict, "score": command.score, "direction": command.direction,
            "store_id": store.id if store else None, "terms": terms}


def _locked(session: Session, rule_id: str) -> RiskRule:
    found = locked_one(session, select(RiskRule).where(RiskRule.id == ids.parse("rsk", rule_id),
                                                       RiskRule.mode != "archived"))
    if found is None:
        raise NotFound()
    return found


def _check(actor: Actor) -> None:
    if not (actor.is_system or (actor.is_staff and actor.may(Permission.RISK_MANAGE))):
        raise Denied()


approvals.register(KIND, apply=apply, title="Risk rule switched off")
