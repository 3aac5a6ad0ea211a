"""What the desk tells people of: each thing that happens reaches those it is about, once, and nobody else."""
from datetime import timedelta
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import select, text

from portal import approvals, ledger
from portal.core import clock, ids
from portal.core.access import SYSTEM
from portal.core.db import transaction
from portal.disputes import reminders
from portal.ledger import proofs
from portal.ledger.verify import Report, Result
from portal.notices import choices, dead_jobs
from portal.notices.choices import SetLow
from portal.notices.models import Happening, Notice
from portal.orders import other_amount
from portal.parties import ending_keys, keys, low_balances
from portal.parties.commands import CreateKey
from portal.reference import cache, pausing, stale_rates
from portal.reference.models import Rate
from portal.reference.pausing import PauseDesk, ResumePart, StoreToPause
from tests import factories as f
from tests import people
from tests.disputes import acts as disputes
from tests.orders import test_other_amount as other_amounts
from tests.treasury import acts


class Company:
    """A cast with a person on each side, and one of the staff of each kind."""

    def __init__(self) -> None:
        self.cast = f.new_cast()
        of = self.cast.trader()
        self.cast.requisite(of)
        f.work_off("tell_people")  # what was before them is not told to these
        self.trader = people.person("trader", trader_id=of.id)
        self.owner = people.person("merchant_owner", merchant_id=self.cast.merchant.id)
        self.developer = people.person("merchant_developer", merchant_id=self.cast.merchant.id)
        self.support = people.person("support_orders")
        self.admin = people.person("super_admin")


@pytest.fixture
def company(app: Flask) -> Company:
    return Company()


def told(person: people.Person) -> list[str]:
    """What they were told in the portal since the last look, in order."""
    f.work_off("tell_people")
    with transaction() as session:
        found = session.scalars(select(Happening.event).join(Notice, Notice.happening_id == Happening.id).where(
            Notice.user_id == person.id, Notice.channel == "portal", Notice.read_at.is_(None))
            .order_by(Notice.id)).all()
        session.execute(text("UPDATE notices SET read_at = now() WHERE user_id = :id"), {"id": person.id})
    return list(found)


def wish(person: people.Person, *events: str) -> None:
    with transaction() as session:
        choices.choose(session, person.actor, "orders", {f"{event}:portal": "now" for event in events})


def test_an_order_reaches_its_trader_if_he_wishes(company: Company) -> None:
    f.paid_payin(company.cast, "1500.00")
    assert told(company.trader) == []
    with f.look() as session:
        assert session.scalar(select(Happening.id).where(
            Happening.audience_id == company.trader.trader_id, Happening.event.startswith("order."))) is None, (
            "nothing is written where nobody wishes")
    wish(company.trader, "order.assigned", "order.paid")
    order = f.paid_payin(company.cast, "1501.00")
    assert told(company.trader) == ["order.assigned", "order.paid"]
    with clock.moved(timedelta(hours=1)):
        f.work_off("flag_unconfirmed")
        assert "order.attention" in told(company.trader)
        assert "order.attention" in told(company.support)
    assert told(company.owner) == []
    assert order.live


def test_less_than_ordered_is_told_to_who_may_answer_and_then_to_staff(company: Company) -> None:
    order = other_amounts.report(f.paid_payin(company.cast, "1503.00"), "1000.00")
    assert told(company.owner) == ["order.amount"]
    assert told(company.support) == [], "the store is asked first"
    with clock.moved(other_amount.ANSWER_FOR):
        f.work_off(other_amount.DEADLINE)
        assert told(company.support) == ["order.attention"]
    more = other_amounts.report(f.paid_payin(company.cast, "1504.00"), "1600.00")
    assert told(company.support) == ["order.attention"]
    refused = other_amounts.report(f.paid_payin(company.cast, "1505.00"), "1000.00")
    told(company.owner)
    other_amounts.answered(company.cast, refused, "no")
    assert told(company.support) == ["order.attention"]
    assert told(company.owner) == []
    assert order.live
    assert more.live


def test_a_dispute_from_its_opening_to_its_end(company: Company) -> None:
    order = f.paid_payin(company.cast, "1502.00")
    dispute = disputes.open_by(company.owner.actor, order, "not_confirmed")
    assert told(company.trader) == ["dispute.opened"]
    assert told(company.owner) == [], "who opened it knows"
    assert told(company.support) == ["dispute.opened"]
    assert told(company.developer) == [], "who has no word in disputes"
    reminded = []
    for minutes in (60, 100, 110):
        with clock.moved(timedelta(minutes=minutes)):
            with transaction() as session:
                reminders.remind(session)
            reminded.append(told(company.trader))
    assert reminded == [[], ["dispute.deadline"], []], "once, and not before it is time"
    assert told(company.owner) == []
    disputes.say(company.trader.actor, dispute)
    assert told(company.owner) == ["dispute.answered"]
    disputes.decided(order, "cancel")
    assert "dispute.decided" in told(company.trader)
    assert told(company.owner) == ["dispute.decided"]


def test_money_that_comes_and_goes(company: Company) -> None:
    trader, colleague = company.trader, people.person("trader", trader_id=company.trader.trader_id)
    acts.tell(trader.actor, company.cast)
    with transaction() as session:
        [asked] = approvals.waiting_for(session, "trader", trader.trader_id, kind="deposit")
    disputes.agree(asked)
    assert told(trader) == ["decision.made"]
    assert told(colleague) == ["deposit.booked"]
    withdrawal = acts.ask(trader.actor, company.cast, "5")
    acts.decide(withdrawal.id, "withdrawal")
    sender = f.staff("admin")
    acts.take(sender, withdrawal)
    told(trader)
    acts.send(sender, withdrawal)
    assert told(trader) == ["withdrawal.sent"]


def test_a_low_balance_is_told_once_until_it_has_recovered(app: Flask, company: Company) -> None:
    seat = people.seat(app, company.trader)
    for wrong in ("abc", "-3", "0"):
        assert seat.send("/profile/notices/low-balance", {"low_amount": wrong}).status_code == 422
    account = ledger.trader_available(company.trader.trader_id, "USDT", True)  # type: ignore[arg-type]
    with f.look() as session:
        present = ledger.balance(session, account)
    assert seat.send("/profile/notices/low-balance", {"low_amount": str(Decimal(present.text) + 1)}).status_code == 303

    def look() -> list[str]:
        with transaction() as session:
            low_balances.watch(session)
        return told(company.trader)

    assert look() == ["balance.low"]
    assert look() == []
    f.deposit_to(account, "2.000000")
    assert look() == []
    with transaction() as session:
        choices.set_low(session, company.trader.actor, SetLow(low_amount="999999999"))
    assert look() == ["balance.low"]


def test_what_time_brings(company: Company) -> None:
    cast = company.cast
    with transaction() as session:
        keys.create(session, company.owner.actor, CreateKey(
            store_id=cast.store.id, live=True, name="shop", scopes=("orders:read",),
            expires_at=clock.now() + timedelta(days=20)))
    of_keys = []
    for days in (1, 7, 8, 18):
        with clock.moved(timedelta(days=days)):
            with transaction() as session:
                ending_keys.watch(session)
            of_keys.append(told(company.developer))
    assert of_keys == [[], ["key.ends"], [], ["key.ends"]]
    with transaction() as session:
        session.execute(text("INSERT INTO jobs (kind, unique_key, run_at, created_at, dead_at, last_error)"
                             " VALUES ('match_order', :key, :now, :now, :now, 'x')"),
                        {"key": str(company.admin.id), "now": clock.now()})
        session.add(Rate(base="BTC", quote="TRY", rate=Decimal(4), source="feed", set_by=SYSTEM.id,
                         at=clock.now() - timedelta(hours=2)))
        session.flush()
        cache.changed(session)
    for _ in range(2):
        with transaction() as session:
            dead_jobs.watch(session)
            stale_rates.watch(session)
    found = told(company.admin)
    assert found.count("jobs.dead") == found.count("rates.stale") == 1
    assert told(company.support) == []
    with transaction() as session:
        session.execute(text("DELETE FROM jobs WHERE unique_key = :key"), {"key": str(company.admin.id)})


def test_a_store_that_stands_still(company: Company) -> None:
    store = company.cast.store
    with transaction() as session:
        made = pausing.pause(session, company.admin.actor, PauseDesk(
            what=f"store:{store.public_id}", for_minutes=30, reason="fraud?", message="We look at something"),
            lambda _: StoreToPause(store.id, store.name, store.merchant_id))
    assert told(company.owner) == ["pause.began"]
    assert told(company.admin) == []
    assert "pause.began" in told(company.support)
    with transaction() as session:
        pausing.resume_part(session, company.admin.actor, ResumePart(pause_id=ids.public("pau", made.id)))
    assert told(company.owner) == ["pause.ended"]
    with transaction() as session:
        pausing.pause(session, company.admin.actor, PauseDesk(
            what=f"store:{store.public_id}", begins_in_minutes=90, for_minutes=30, reason="moving"),
            lambda _: StoreToPause(store.id, store.name, store.merchant_id))
    assert told(company.owner) == ["pause.announced"]
    with f.look() as session:
        facts = session.scalars(select(Happening.facts).where(Happening.audience_id == store.id)).all()
    assert all("fraud" not in str(one) for one in facts), "what is for staff alone"


def test_books_that_differ(fresh_app: Flask) -> None:
    admin = people.person("super_admin")
    report = Report([Result("totals", 10, ["order x: differs by 1"])], "full")
    for _ in range(2):
        with transaction() as session:
            proofs.keep(session, report, began_at=clock.now(), ended_at=clock.now(), by="upkeep")
    assert told(admin) == ["books.differ"]


def test_a_trader_is_told_of_a_quarantine_once(company):
    for number in range(6):
        f.expire(f.assigned_payin(company.cast, f"{100 + number}.00"))
    assert told(company.trader).count("requisite.quarantined") == 1, "at the fifth payer, and not again at the sixth"
    for other in (company.owner, company.support, company.admin):
        assert "requisite.quarantined" not in told(other)


def test_who_lets_two_orders_pass_is_told_and_begins_again_by_the_switch(app, company):
    trader, page = people.seat(app, company.trader), "/trader/orders"
    for amount in ("1500.00", "1600.00"):
        f.paid_payin(company.cast, amount)
        assert "shift.ended" not in told(company.trader)
        with clock.moved(timedelta(hours=1)):
            f.work_off("flag_unconfirmed")
    assert told(company.trader).count("shift.ended") == 1
    assert "shift.ended" not in told(company.support)
    assert "Your shift was ended" in trader.get(page).text
    waiting = company.cast.order("1700.00")
    f.work_off("match_order")
    assert f.fresh(waiting).status == "retrying", "nobody is there"
    assert trader.send(f"{page}/shift", {"on": "yes"}).status_code == 303
    assert "Your shift was ended" not in trader.get(page).text
    again = f.fresh(company.cast.traders[0])
    assert (again.on_shift, again.missed) == (True, 0)
    assert f.assigned_payin(company.cast, "1800.00").status == "assigned"
    assert trader.send(f"{page}/shift", {"on": "no"}).status_code == 303
    assert "Your shift was ended" not in trader.get(page).text, "he ended it himself"
