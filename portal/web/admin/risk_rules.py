"""Rules of risk: what is in force, what it has done lately, what it would do; written, tried and switched here."""
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_babel import gettext

from portal import approvals, reference
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader
from portal.core.errors import NotFound
from portal.core.ids import public
from portal.core.money import Money
from portal.parties import queries as parties
from portal.risk import journal, rules
from portal.risk.commands import AddRule, AskReplay, ChangeRule, SwitchRule
from portal.risk.kinds import KINDS
from portal.risk.models import RiskRule
from portal.web import risk_labels as words
from portal.web.admin.acts import act
from portal.web.filters import digits
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.render import show

bp = Blueprint("admin_risk", __name__, url_prefix="/admin/risk")
INDEX, NEW, ONE = "admin/risk/index.html", "admin/risk/new.html", "admin/risk/rule.html"
CLEAN: dict[str, Any] = {"error": None, "wrong": {}, "values": {}}


@bp.get("")
@requires(Permission.RISK_READ)
def index() -> Response:
    found = rules.all_rules(reader())
    return show(INDEX, tabs=tabs("rules"), rules=found, lately=journal.lately(reader(), [rule.id for rule in found]),
                kinds=words.pairs(words.KINDS, tuple(KINDS)), stores=store_names())


@bp.get("/rules/new")
@requires(Permission.RISK_MANAGE)
def new() -> Response:
    return show(NEW, **CLEAN, **form(request.args.get("kind", next(iter(KINDS)))))


@bp.post("/rules")
@requires(Permission.RISK_MANAGE)
@once
def add() -> Response:
    with act(NEW, lambda: form(request.form.get("kind", ""))) as session:
        rule_id = rules.add(session, signed_in(), bind(AddRule, request.form)).public_id
    flash(gettext("The rule stands, switched off. Let it run in the shadow or replay it first."))
    return _back(rule_id)


@bp.get("/rules/<rule_id>")
@requires(Permission.RISK_READ)
def one(rule_id: str) -> Response:
    return show(ONE, **CLEAN, **_rule(rule_id))


@bp.post("/rules/<rule_id>")
@requires(Permission.RISK_MANAGE)
def change(rule_id: str) -> Response:
    with act(ONE, _rule, rule_id) as session:
        rules.change(session, signed_in(), bind(ChangeRule, request.form, rule_id=rule_id))
    return _back(rule_id)


@bp.post("/rules/<rule_id>/mode")
@requires(Permission.RISK_MANAGE)
@once
def switch(rule_id: str) -> Response:
    with act(ONE, _rule, rule_id) as session:
        command = bind(SwitchRule, request.form, rule_id=rule_id)
        holds = rules.switch(session, signed_in(), command)
    if not holds:
        flash(gettext("A second person decides. Until then the rule stays on."))
    return redirect(url_for(".index"), 303) if command.mode == "archived" and holds else _back(rule_id)  # type: ignore[return-value]


@bp.post("/rules/<rule_id>/replays")
@requires(Permission.RISK_MANAGE)
@once
def replay(rule_id: str) -> Response:
    with act(ONE, _rule, rule_id) as session:
        rules.ask_replay(session, signed_in(), bind(AskReplay, request.form, rule_id=rule_id))
    return _back(rule_id)


def tabs(current: str) -> list[tuple[str, str, bool, int | None]]:
    """What the pages of risk share: orders in review, rules, lists."""
    return [(gettext("In review"), url_for("admin_risk_reviews.index"), current == "reviews", None),
            (gettext("Rules"), url_for("admin_risk.index"), current == "rules", None),
            (gettext("Lists"), url_for("admin_risk_lists.index"), current == "lists", None)]


def store_names() -> list[tuple[str, str]]:
    """To choose from, by public id."""
    return [(public("str", id), name) for id, name in parties.store_names(reader(), signed_in())]


def _back(rule_id: str) -> Response:
    return redirect(url_for(".one", rule_id=rule_id), 303)  # type: ignore[return-value]


def form(kind: str) -> dict[str, Any]:
    """What the fields of a rule need. Raises NotFound for a kind that is none."""
    if kind not in KINDS:
        raise NotFound()
    known = KINDS[kind]
    return {"kind": kind, "terms": known.terms, "by": words.pairs(words.BY, tuple(map(str, known.by))),
            "windows": words.windows(), "verdicts": words.pairs(words.VERDICTS), "stores": store_names(),
            "currencies": [(one.code, one.code) for one in reference.snapshot(reader()).currencies.values()
                           if one.active and one.kind == "fiat"]}


def _rule(rule_id: str) -> dict[str, Any]:
    session = reader()
    rule = rules.one(session, rule_id)
    return form(rule.kind) | {
        "rule": rule, "lately": journal.lately(session, [rule.id])[rule.id],
        "hits": journal.last_of(session, rule.id, limit=20), "replays": rules.replays(session, rule),
        "can_replay": KINDS[rule.kind].can_replay(rule.terms), "typed": typed(rule), "public": public, "Money": Money,
        "waiting": approvals.waiting_for(session, "risk_rule", rule.id),
        "history": parties.history(session, signed_in(), "risk_rule", rule.id)}


def typed(rule: RiskRule) -> Mapping[str, Any]:
    """As its form shows it."""
    terms = dict(rule.terms)
    if "amount_minor" in terms:
        terms["amount"] = digits(Money(terms.pop("amount_minor"), terms["currency"]))
    return {"name": rule.name, "verdict": rule.verdict, "score": rule.score, "direction": rule.direction or "",
            "store_id": public("str", rule.store_id) if rule.store_id else ""} | terms
