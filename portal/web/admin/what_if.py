"""What if: limits, a fee, a reward or a rule of risk that is not set, over yesterday's orders. Nothing is written.

All of it is asked for by its address, so that what was found can be shown to somebody else.
"""
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext
from werkzeug.datastructures import MultiDict

from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader
from portal.core.errors import NotFound, PortalError, TooMany
from portal.core.ids import public
from portal.core.money import Money
from portal.core.names import in_order
from portal.orders.judging import replay
from portal.orders.reading import limits_effect, tariff_effect
from portal.parties import queries as parties
from portal.parties.models import Holder, Store, Trader
from portal.requisites import holders, queries
from portal.requisites.commands import Limits, SetHolderLimits
from portal.requisites.models import Requisite
from portal.risk import rule_book, rules
from portal.risk.commands import SetRule
from portal.risk.models import RiskRule
from portal.tariffs import change_requests
from portal.tariffs.commands import AskFee, AskReward
from portal.web import holder_names, reference_choices
from portal.web.admin.risk_rules import form as rule_form
from portal.web.admin.risk_rules import store_names
from portal.web.admin.risk_rules import typed as typed_rule
from portal.web.badges import N_
from portal.web.identity import signed_in
from portal.web.refused_forms import sentences
from portal.web.render import show

bp = Blueprint("admin_what_if", __name__, url_prefix="/admin/what-if")
CHOICES_MAX = 500
TRIED = "tried"  # the reason of a command that nobody carries out
Typed = Mapping[str, Any]
_looking: set[UUID | None] = set()
_lock = threading.Lock()


class SimulationRunning(TooMany):
    """Your other simulation is not finished yet. Wait for it, then try again."""

    code = "simulation_running"
    retry_after_s = 10


class Change(NamedTuple):
    """What may be changed for a trial. `present`: what its form begins with; `form`: what else its form needs."""

    label: str
    permission: Permission
    find: Callable[[str], Any]
    tried: Callable[[Any, Typed], Any]
    present: Callable[[Any], Typed] = lambda found: {}
    form: Callable[[Any], dict[str, Any]] = lambda found: {}
    choices: Callable[[], list[tuple[str, str]]] = list  # to choose one from; none: its id is typed
    called: Callable[[Any], str] = attrgetter("name")


@bp.get("")
@requires(Permission.ADMIN_PORTAL)
def index() -> Response:
    may = [name for name, change in CHANGES.items() if signed_in().may(change.permission)]
    name, id = request.args.get("of") or next(iter(may), ""), request.args.get("id", "").strip()
    if name not in may:
        raise NotFound()
    tabs = [(gettext(CHANGES[each].label), url_for(".index", of=each), each == name, None) for each in may]
    typed = MultiDict((key, value) for key, value in request.args.items(multi=True) if key not in ("of", "id", "lang"))
    if not (id and typed):
        return _shown(name, id, typed, tabs)
    with one_of_each(signed_in().id):
        return _shown(name, id, typed, tabs)


@contextmanager
def one_of_each(person: UUID | None) -> Iterator[None]:
    """One at a time of each person, in a process: it reads a day of orders. Raises SimulationRunning."""
    with _lock:
        if person in _looking:
            raise SimulationRunning()
        _looking.add(person)
    try:
        yield
    finally:
        _looking.discard(person)


def _shown(name: str, id: str, typed: MultiDict[str, str], tabs: list[Any]) -> Response:
    change, status = CHANGES[name], 200
    context: dict[str, Any] = {"of": name, "id": id, "tabs": tabs, "choices": change.choices(), "about": None,
                               "effect": None, "error": None, "wrong": {}, "values": typed}
    try:
        if id:
            about = change.find(id)
            context |= {"about": about, "called": change.called(about), **change.form(about),
                        "values": typed.to_dict() or change.present(about)}
            if typed:
                context["effect"] = change.tried(about, typed)
    except PortalError as error:
        context |= {"error": error, "wrong": sentences(error)}
        status = 422
    return show("admin/what_if/index.html", status=status, Money=Money, **context)


def _limits_of(requisite: Requisite) -> Typed:
    return _digits(requisite, requisite.currency, min_amount="min_minor", max_amount="max_minor") | {
        "open_orders_max": requisite.open_orders_max, "cooldown_s": requisite.cooldown_s}


def _digits(limited: Requisite | Holder, currency: str | None, **more: str) -> dict[str, Any]:
    """Present limits as a form shows them."""
    columns = {"day_max": "day_max_minor", "month_max": "month_max_minor"} | more
    minor = {name: getattr(limited, column) for name, column in columns.items()}
    return {name: None if value is None or currency is None else Money(value, currency).text
            for name, value in minor.items()} | {"day_count_max": limited.day_count_max}


def _trader(id: str) -> Trader:
    trader = parties.trader(reader(), signed_in(), id)
    if trader.robot:
        raise NotFound()
    return trader


def _fee(store: Store, typed: Typed) -> tariff_effect.Effects:
    asked = change_requests.fee_asked(reader(), store, bind(AskFee, typed, store_id=store.id, reason=TRIED))
    return tariff_effect.effects(reader(), change_requests.FEE, store.id, asked)


def _reward(trader: Trader, typed: Typed) -> tariff_effect.Effects:
    asked = change_requests.reward_asked(reader(), trader, bind(AskReward, typed, trader_id=trader.id, reason=TRIED))
    return tariff_effect.effects(reader(), change_requests.REWARD, trader.id, asked)


def _rule(rule: RiskRule, typed: Typed) -> replay.Trial:
    asked = rules.tried(reader(), signed_in(), rule, bind(SetRule, typed, reason=TRIED))
    return replay.yesterday(reader(), rule_book.as_rule(rule, shadow=False), asked)


def _versions(owner: Store | Trader) -> dict[str, Any]:
    return {"methods": reference_choices.methods(), "currency_choices": reference_choices.fiat()}


def _traders() -> list[tuple[str, str]]:
    rows = parties.traders_visible_to(signed_in()).where(~Trader.robot).with_only_columns(Trader.id, Trader.name)
    return [(public("trd", id), name) for id, name in reader().execute(
        rows.order_by(in_order(Trader.name), Trader.id).limit(CHOICES_MAX))]


CHANGES: dict[str, Change] = {
    "requisite": Change(
        N_("Limits of a requisite"), Permission.REQUISITE_READ,
        lambda id: queries.find(reader(), signed_in(), id),
        lambda requisite, typed: limits_effect.effect(
            reader(), requisite, bind(Limits, typed).columns(requisite.currency)), _limits_of,
        called=lambda requisite: requisite.mask),
    "person": Change(
        N_("Limits of a person"), Permission.REQUISITE_READ,
        lambda id: holders.find(reader(), signed_in(), id),
        lambda holder, typed: limits_effect.effect_of_person(
            reader(), holder, bind(SetHolderLimits, typed, holder_id="", reason=TRIED).columns()),
        lambda holder: _digits(holder, holder.currency) | {"currency": holder.currency},
        lambda holder: {"currency_choices": reference_choices.fiat()},
        called=holder_names.shown),
    "fee": Change(N_("Fee of a store"), Permission.PARTY_READ, lambda id: parties.store(reader(), signed_in(), id),
                  _fee, form=_versions, choices=store_names),
    "reward": Change(N_("Reward of a trader"), Permission.PARTY_READ, _trader, _reward, form=_versions,
                     choices=_traders),
    "rule": Change(N_("Rule of risk"), Permission.RISK_READ, lambda id: rules.one(reader(), id), _rule,
                   typed_rule, lambda rule: rule_form(rule.kind),
                   lambda: [(rule.public_id, rule.name) for rule in rules.all_rules(reader())]),
}
