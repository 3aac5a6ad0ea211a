"""A desk with people and orders in every state on it, as its pages are looked at by tests."""
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from itertools import product

from flask import Flask
from sqlalchemy import select

from portal import ledger
from portal.applications import invitation
from portal.applications import service as joined
from portal.core import clock, ids
from portal.core.access import SYSTEM, Actor
from portal.imports import service as imports
from portal.orders import payment_links
from portal.orders.models import Order
from portal.parties import sessions
from portal.parties.models import Trader
from portal.payouts import service as payout_files
from portal.reference.feed_models import RateFeed, RateSource
from portal.risk import rules
from portal.risk.commands import AskReplay
from portal.risk.kinds import KINDS
from portal.web.docs.pages import PAGES as GUIDES
from tests import factories, people
from tests.applications import joining
from tests.disputes import acts as disputes
from tests.risk import rulebook
from tests.treasury import acts
from tests.web import stage_help
from tests.web.developers import sample

PAYLOAD = "\"'><img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}"
"""What a stranger may write into an order (fault 26)."""
HOSTILE = {"description": PAYLOAD, "metadata": {"note": PAYLOAD}, "external_id": PAYLOAD[:60],
           "customer": {"id": PAYLOAD[:60], "name": PAYLOAD}}
SEATS = {"trader": "trader", "merchant": "merchant_owner", "admin": "super_admin"}
"""Who opens the pages of an area."""
STAFFS = {"account_id": ["1"], "currency": ["USDT"], "entry_id": ["1"], "pair": ["USDT-RUB"], "method": ["card"],
          "bank": ["alfa"]}
"""What stands in the addresses of the pages of ledger, rates and reference data: the first of each is made with any
order, or with the desk."""
NO_PAGES = ("notices.worker", "admin_aliases", "admin_imports.template", "merchant_payouts.import_template",
            "merchant_payouts.bad_rows", "admin_ledger.statement", "merchant_payout_quote", "files", "admin_cases.one",
            "gateway", "static", "health", "live", "metrics", "paused", "notices.bell", "checkout.qr", "shop.one",
            "shop_acts", "recovery.choose", "recovery.agree", "second_door", "second_factor", "passkeys", "well_known")


@dataclass
class Stage:
    app: Flask
    people: dict[str, people.Person]
    orders: dict[str, Order] = field(default_factory=dict)
    samples: dict[str, list[str]] = field(default_factory=dict)  # of what else stands in addresses, by argument

    def seat(self, kind: str) -> people.Seat:
        if kind not in self.people:
            return people.stranger(self.app)
        with self.app.app_context():
            return people.seat(self.app, self.people[kind])

    def pages(self) -> list[tuple[str, str]]:
        """(who, path) of every page there is, from the application's own routes."""
        with self.app.test_request_context():
            return sorted(set(self._pages()))

    def _pages(self) -> Iterator[tuple[str, str]]:
        adapter = self.app.url_map.bind("localhost")
        for rule in self.app.url_map.iter_rules():
            if "GET" not in (rule.methods or ()) or rule.endpoint.startswith(NO_PAGES) or (
                    rule.endpoint.endswith(".export")):
                continue
            area = rule.endpoint.partition("_")[0]
            who = [SEATS[area]] if area in SEATS else ["nobody"] if rule.endpoint.startswith(
                ("auth", "checkout", "dev", "docs", "join", "recovery", "shop", "status")) else [*SEATS.values()]
            for seat, values in product(who, self._values(rule.endpoint, sorted(rule.arguments))):
                yield seat, adapter.build(rule.endpoint, values)

    def _values(self, endpoint: str, names: list[str]) -> list[dict[str, str]]:
        """What stands in the addresses of these pages. A page with a new argument needs a sample here."""
        if not names:
            return [{}]
        if names == ["order_id"]:
            seen = [order for name, order in self.orders.items()
                    if not (endpoint.startswith("trader") and name in ("new", "cancelled", "test", "review"))
                    and not (name.startswith("payout") and endpoint.startswith(("trader", "merchant")))]
            return [{"order_id": order.public_id} for order in seen]
        if names == ["payout_id"]:
            return [{"payout_id": order.public_id} for name, order in self.orders.items() if name.startswith("payout")]
        if len(names) == 1 and names[0] in self.samples:
            return [{names[0]: value} for value in self.samples[names[0]]]
        at_home = f"{endpoint.partition('_')[0]}.{names[0]}"
        if len(names) == 1 and at_home in self.samples:
            return [{names[0]: value} for value in self.samples[at_home]]
        if names == ["scope", "target"]:  # of caps
            return [{"scope": "bank", "target": "alfa:RUB"}] + [
                {"scope": scope, "target": self.samples[f"{scope}_id"][0]} for scope in ("trader", "store")]
        if names == ["currency", "day"]:  # a day of the books
            return [{"day": str(clock.today()), "currency": "USDT"}]
        if names == ["token"]:
            return [{"token": payment_links.token_of(order.id)} for name, order in self.orders.items()
                    if not name.startswith("payout")]
        raise AssertionError(f"give the pages of {endpoint} samples of {names}")


def rate_feed() -> str:
    """One of a pair that no order of the tests is priced by, with a source, and a rate that jumped."""
    with factories.act() as session:
        found = session.scalar(select(RateFeed).where(RateFeed.base == "BTC", RateFeed.quote == "TRY"))
        if found is None:
            found = RateFeed(base="BTC", quote="TRY", interval_s=60, spread_bps=150, outlier_bps=500, jump_bps=1000,
                             sources_min=1, active=False, error="jumped", held_rate=Decimal("4200000"),
                             sources=[RateSource(url="https://rates.example/" + "v1/" * 20, pointer="/data/0/price",
                                                 error="no_number")])
            session.add(found)
            session.flush()
        return found.public_id


def set_up(app: Flask) -> Stage:
    """A cast of its own with an order in every state, and somebody of each kind to look."""
    from portal import treasury

    cast = factories.new_cast()
    trader = cast.trader(name="Trader One")
    for _ in range(2):
        cast.requisite(trader, payout=True)
    seats = {"trader": people.person("trader", trader_id=trader.id),
             "merchant_owner": people.person("merchant_owner", merchant_id=cast.merchant.id),
             "super_admin": people.person("super_admin"), "support_readonly": people.person("support_readonly")}
    samples = {**sample.integrate(cast, PAYLOAD), "name": list(GUIDES), "tag": ["payins", "payouts", "webhooks"]}
    orders = {
        "completed": factories.completed_payin(cast, "1500.00", description="Three books"),
        "confirmed": factories.confirmed_payin(cast, "1501.00"),
        "paid": factories.paid_payin(cast, "1502.00", **HOSTILE),
        "assigned": factories.assigned_payin(cast, "9876.00", return_url="https://shop.example/thanks"),
        "expired": factories.expire(factories.assigned_payin(cast, "1503.00")),
        "test": factories.create_payin(cast, "1504.00", actor=cast.test_key).order,
    }
    with clock.moved(timedelta(minutes=-1)):
        orders["cancelled"] = factories.create_payin(cast, "1505.00").order
    factories.cancel(cast.key, orders["cancelled"])
    orders |= {
        "payout_offered": factories.assigned_payout(cast, "2500.00", description=PAYLOAD, metadata={"note": PAYLOAD}),
        "payout_accepted": factories.accepted_payout(cast, "2501.00"),
        "payout_paid": factories.paid_payout(cast, "2502.00"),
        "payout_confirmed": factories.agree(cast.key, factories.paid_payout(cast, "2503.00"))}
    orders["new"] = factories.create_payin(cast, "1506.00").order
    held = risk_rules(cast)
    orders["review"] = factories.create_payin(cast, "45000.00", **HOSTILE | {"external_id": "held"}).order
    factories.work_off()
    with factories.act() as session:
        asked = treasury.ask(session, SYSTEM, treasury.AskDeposit(
            owner_kind="trader", owner_id=trader.id, amount="10.000000", currency="USDT", reason="By bank transfer"))
        sessions.begin(session, seats["trader"].id, address="127.0.0.1", user_agent=PAYLOAD, values={})
    orders |= {"disputed": factories.paid_payin(cast, "1507.00", **HOSTILE | {"external_id": "disputed"}),
               "payout_disputed": factories.paid_payout(cast, "2504.00")}
    samples["dispute_id"] = _disputes(cast, orders)
    requisite = factories.new_requisite(trader, cast.method, day_max="90000.00")
    samples |= treasury_records(cast, trader)
    samples |= stage_help.records(cast, trader, orders, seats["super_admin"].actor, PAYLOAD)
    samples |= applications(seats["super_admin"].actor)
    with factories.act() as session:
        imported = imports.take_in(session, SYSTEM, sheet="merchants", content=b"name\nNorthwind\n",
                                    file_name=PAYLOAD)
    samples |= _payouts(cast, seats["merchant_owner"].actor) | {
        "feed_id": [rate_feed()], "rule_id": held,
        "merchant_id": [cast.merchant.public_id], "store_id": [cast.store.public_id], "trader_id": [trader.public_id],
        "approval_id": [asked.public_id], "user_id": [ids.public("usr", seat.id) for seat in seats.values()],
        "requisite_id": [requisite.public_id, *samples["frozen"]], "subject_id": [asked.public_id],
        "import_id": [imported.public_id], "holder_id": [ids.public("hld", requisite.holder_id)]}
    factories.work_off("tell_people")
    return Stage(app, seats, orders, samples | sample.told(cast) | STAFFS)


def risk_rules(cast: factories.Cast) -> list[str]:
    """One of each kind, of this store alone; large orders are reviewed, all others pass. Both lists have an entry."""
    made = [rulebook.rule(cast, verdict="review", amount="40000")]
    terms = {"by": "customer", "window_s": 3600, "most": 100, "currency": "RUB", "amount": "900000", "orders_min": 50,
             "share_percent": 100, "completed_min": 1}
    made += [rulebook.rule(cast, kind, mode="shadow", **{name: terms[name] for name in KINDS[kind].terms})
             for kind in KINDS if kind != "amount"]
    rulebook.entry(cast, "holder", PAYLOAD.replace("<", "").replace(">", ""))
    rulebook.entry(cast, "network", "198.18.0.0/24", verdict="allow", days=3)
    with factories.act() as session:
        rules.ask_replay(session, SYSTEM, AskReplay(rule_id=made[0].public_id))
    factories.work_off(rules.REPLAY)
    return [one.public_id for one in made]


def applications(staff: Actor) -> dict[str, list[str]]:
    """Somebody who wants to join, one before a second person, and one accepted who has his link."""
    new, waiting, accepted = (joining.applied(kind, wants=PAYLOAD, name=name) for kind, name in (
        ("merchant", "Acme & Sons"), ("trader", "Ann Q"), ("merchant", "Best Books")))
    joining.propose(staff, waiting)
    joining.decide(joining.propose(staff, accepted))
    with factories.act() as session:
        link = invitation.make_link(session, staff, accepted.public_id)
    made = [new, waiting, accepted]
    return {"join.form.kind": ["merchant", "trader"], "application_id": [one.public_id for one in made],
            "application_token": [joined.token_of(one.id) for one in made], "invitation_token": [link]}


def _disputes(cast: factories.Cast, orders: dict[str, Order]) -> list[str]:
    """One of a payin with words of all sides, one of a payout, one that is over."""
    running = disputes.open_by(cast.customer(orders["disputed"]), orders["disputed"], "not_confirmed", PAYLOAD)
    trader = factories.its_trader(orders["disputed"])
    disputes.say(trader, running, PAYLOAD, files=(factories.upload(trader, factories.picture()).public_id,))
    disputes.say(factories.staff(), running, PAYLOAD, staff_only=True)
    of_payout = disputes.open_by(cast.owner, orders["payout_disputed"], "not_arrived", PAYLOAD)
    gone = factories.paid_payin(cast, "1508.00")
    over = disputes.open_by(cast.key, gone, "not_confirmed", PAYLOAD)
    disputes.decided(gone, "cancel")
    return [running.public_id, of_payout.public_id, over.public_id]


def treasury_records(cast: factories.Cast, trader: Trader) -> dict[str, list[str]]:
    """Deposits, addresses and withdrawals of the trader and the store, waiting and over."""
    samples: dict[str, list[str]] = {}
    factories.deposit_to(ledger.store_available(cast.store.id, "USDT", True), "500.000000")
    for area, actor in (("trader", factories.as_trader(trader)), ("merchant", cast.owner)):
        told = [acts.tell(actor, cast, reference=f"{PAYLOAD}{area}") for _ in range(2)]
        at, resting = acts.usable(actor, cast), acts.add(actor, cast)
        acts.decide(resting.id, "withdrawal_address")
        asked = [acts.ask(actor, cast, str(5 + n), at) for n in range(3)]
        for one in asked[1:]:
            acts.decide(one.id, "withdrawal")
        sender = factories.staff("admin")
        acts.take(sender, asked[2])
        acts.send(sender, asked[2])
        samples |= {f"{area}.deposit_id": [told[0].public_id], f"{area}.address_id": [at.public_id],
                    f"{area}.withdrawal_id": [one.public_id for one in asked]}
    return samples | {f"admin.{name}": samples[f"trader.{name}"] for name in ("deposit_id", "withdrawal_id",
                                                                                "address_id")}


def _payouts(cast: factories.Cast, owner: Actor) -> dict[str, list[str]]:
    """Files of payouts in every state, with names that strangers typed, and a saved recipient."""
    made = [factories.payout_import(cast, owner, {"holder": PAYLOAD}, {"amount": PAYLOAD, "number": "12345678"})
            for _ in range(3)]
    with factories.act() as session:
        payout_files.send(session, owner, made[0].public_id)
    factories.work_off("make_payouts")
    factories.change(cast.store, payout_alone_max_minor=1_000_000)
    with factories.act() as session:
        payout_files.send(session, owner, made[1].public_id)
    return {"payout_import_id": [taken.public_id for taken in made],
            "recipient_id": [factories.saved_recipient(cast, owner, "Anna <b>").public_id]}
