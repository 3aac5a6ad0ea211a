"""Who decides sees whose it is, the person named on it, and the balance before and after; never a record's columns."""
from flask import Flask

from portal import approvals, ledger, treasury
from portal.approvals import Approval
from portal.parties.models import Trader
from portal.treasury import postings_preview
from portal.treasury.decision_facts import facts_of
from tests import factories
from tests.people import person, seat
from tests.statements import statements


def test_a_deposit_tells_the_balance_before_and_after(app: Flask) -> None:
    trader = factories.new_cast().trader(name="Vera Kim", deposit="250.500000")
    with factories.act() as session:
        asked = treasury.ask(session, factories.staff("admin"), treasury.AskDeposit(
            owner_kind="trader", owner_id=trader.id, amount="100", currency="USDT", reason="wire 77"))
    with factories.look() as session:
        facts = dict(facts_of(session, factories.staff("admin"), [asked])[asked.id])
    assert facts == {"Trader": "Vera Kim", "Available now": factories.usdt("250.500000"),
                     "Available afterwards": factories.usdt("350.500000")}


def test_a_page_of_deposits_asks_as_often_as_one(app: Flask) -> None:
    cast = factories.new_cast()

    def ask(trader: Trader, reference: str) -> Approval:
        with factories.act() as session:
            return treasury.ask(session, factories.staff("admin"), treasury.AskDeposit(
                owner_kind="trader", owner_id=trader.id, amount="100", currency="USDT", reason="wire",
                reference=reference))

    traders = [cast.trader(deposit=f"{number}.000000") for number in (1, 2, 3)]
    asked = [ask(trader, f"told-{number % 2}") for number, trader in enumerate(traders)]  # the first and the last alike
    with factories.look() as session:
        with statements() as once:
            facts_of(session, factories.staff("admin"), asked[:1])
        with statements() as seen:
            facts = facts_of(session, factories.staff("admin"), asked)
    assert len(seen) == len(once)
    for number, approval in enumerate(asked, 1):
        told = facts[approval.id]
        assert ("Available now", factories.usdt(f"{number}.000000")) in told
        assert ("Available afterwards", factories.usdt(f"{100 + number}.000000")) in told
        assert any(fact.warns for fact in told) is (number != 2)


def test_a_deposit_shows_what_it_would_post_and_posts_that(app: Flask) -> None:
    trader = factories.new_cast().trader(name="Vera Kim", deposit="250.500000")
    with factories.act() as session:
        asked = treasury.ask(session, factories.staff("admin"), treasury.AskDeposit(
            owner_kind="trader", owner_id=trader.id, amount="100", currency="USDT", reason="wire 78"))
    with factories.look() as session:
        shown = postings_preview.of_approval(session, factories.staff("admin"), asked)
        assert shown is not None
        (source, target, amount), = shown.lines
        assert (source.account.purpose, target.name, amount) == ("external", "Vera Kim", factories.usdt("100.000000"))
        owner, before, after, short = shown.moved[-1]
        assert (owner.name, before, after, short) == (
            "Vera Kim", factories.usdt("250.500000"), factories.usdt("350.500000"), False)
    page = seat(app, person("super_admin")).get(f"/admin/approvals/{asked.public_id}").get_data(as_text=True)
    assert "What would be posted" in page
    with factories.act() as session:
        approvals.decide(session, factories.staff("super_admin"), approvals.DecideApproval(
            approval_id=asked.public_id, decision="approve"))
    with factories.look() as session:
        assert ledger.balance(session, owner.account) == after


def test_a_requisite_tells_person_and_trader_in_words(app: Flask) -> None:
    cast = factories.new_cast()
    trader = cast.trader(name="Oleg Ivanov")
    requisite = factories.new_requisite(trader, cast.method)
    with factories.look() as session:
        asked = [one for one in approvals.page(session, factories.staff("admin"), state="approved", kind="requisite",
                                               cursor=None).rows if one.target_id == str(requisite.id)]
    if not asked:  # the factory approves without asking: ask for other limits of it
        with factories.act() as session:
            asked = [approvals.ask(session, factories.staff("admin"), kind="requisite_limits", target_kind="requisite",
                                   target_id=requisite.id, before={"cooldown_s": 0}, after={"cooldown_s": 60},
                                   reason="slower")]
    with factories.look() as session:
        facts = dict(facts_of(session, factories.staff("admin"), asked)[asked[0].id])
    assert facts["Trader"] == "Oleg Ivanov"
    assert facts["Person named on it"]
    assert str(facts["Number"]).endswith(requisite.number_last4)
    page = seat(app, person("super_admin")).get(f"/admin/approvals/{asked[0].public_id}").get_data(as_text=True)
    assert "Rest between orders, seconds" in page
    assert "Cooldown" not in page
