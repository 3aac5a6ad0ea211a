"""The fingerprint key is changed without stopping: both are looked up, prints are made anew, then the old one goes."""
import hashlib
import hmac
import re
import secrets
from datetime import timedelta

import pytest
from sqlalchemy import delete, inspect, select, text

from portal import ledger
from portal.core import clock, crypto, reprinting
from portal.core import ids as ids_of
from portal.core.access import SYSTEM
from portal.core.crypto import PrintRing
from portal.core.db import db, reader, transaction
from portal.core.errors import NotFound
from portal.orders import destinations, payment_links
from portal.orders.models import Order
from portal.parties.form_keys import FormKey
from portal.parties.models import Holder
from portal.requisites import numbers
from portal.requisites import service as requisites
from portal.requisites.commands import AddRequisite
from portal.requisites.service import NumberTaken
from portal.risk import lists
from portal.risk.commands import AddEntry
from tests import factories as f
from tests import people
from tests.risk import rulebook as risk
from tests.treasury import acts

CARD, NAME = "2200700799887749", "Zinaida Kanareikina"


def said(app, *args):
    answer = app.test_cli_runner().invoke(args=["crypto", *args])
    reader().rollback()
    return answer


def tag(at: int) -> str:
    return crypto.print_tags()[at].hex()


@pytest.fixture
def use(fresh_app):
    """As processes that were started with these keys, the first making prints."""
    before = crypto._vault.prints

    def keys(*these: bytes) -> None:
        crypto._vault.prints = PrintRing.of(these)

    yield keys
    crypto._vault.prints = before


@pytest.fixture
def keys(use):
    old, new = secrets.token_bytes(32), secrets.token_bytes(32)
    use(old)
    return old, new


def offer(trader) -> AddRequisite:
    return AddRequisite(trader_id=trader.id, method="card", bank="sber", currency="RUB", holder=NAME, number=CARD,
                        min_amount="50.00", max_amount="90000.00")


def deny(kind: str, value: str, **more) -> None:
    with transaction() as session:
        lists.add(session, SYSTEM, AddEntry(verdict="deny", kind=kind, value=value, reason="Known to us", **more))


def standing(store, *, customer: str | None = None, number: str | None = None, names=()) -> set[str]:
    prints = tuple(numbers.fingerprints(number)) if number else ()
    bearer = lists.Bearer(store.id, store.id, customer, None, prints, names)
    found = {entry.kind for entries in lists.standing(reader(), [bearer]).values() for entry in entries}
    reader().rollback()
    return found


def test_what_was_printed_by_the_old_key_is_found_and_is_taken(fresh_app, use, keys):
    cast, trader = f.new_cast(), f.new_cast().trader()
    with transaction() as session:
        requisites.add(session, SYSTEM, offer(trader))
        holder = session.scalars(select(Holder)).all()
    deny("destination", CARD)
    deny("holder", NAME)
    deny("customer", "buyer-7", store_id=cast.store.public_id)
    old, new = keys
    for ring in ((old, new), (new, old)):
        use(*ring)
        with pytest.raises(NumberTaken), transaction() as session:
            requisites.add(session, SYSTEM, offer(trader))
        with transaction() as session:
            assert numbers.holder_of(session, NAME.upper()) in {one.id for one in holder}
        assert standing(cast.store, customer="buyer-7", number=CARD, names=(NAME,)) == {
            "destination", "holder", "customer"}
    use(new)
    assert standing(cast.store, customer="buyer-7", number=CARD, names=(NAME,)) == set(), "so the old one is needed"


def test_every_print_is_made_anew_while_work_goes_on_and_the_old_key_is_dropped(fresh_app, use, keys, monkeypatch):
    old, new = keys
    cast = f.new_cast()
    cast.requisite(payout=True)
    order = f.assigned_payout(cast)
    deny("destination", CARD)
    me = people.person("trader")
    with transaction() as session:
        session.add(FormKey(user_id=me.id, path="/x", key="k", content_print=crypto.fingerprint("form", "[]")))
    acts.usable(cast.owner, cast)
    for at in range(30):
        with transaction() as session:
            numbers.holder_of(session, f"Person {at}")
    use(new, old)
    refused = said(fresh_app, "may-drop-prints", tag(1))
    assert refused.exit_code == 1
    assert said(fresh_app, "may-drop-prints", tag(0)).exit_code == 1, "the current one never"

    whole, batches = reprinting.make_anew, []

    def killed(session, of, **more):
        batches.append(of.table)
        if batches.count("holders") > 2:
            raise KeyboardInterrupt
        return whole(session, of, **more)

    monkeypatch.setattr(reprinting, "make_anew", killed)
    said(fresh_app, "reprint", "--batch", "7")
    monkeypatch.undo()
    left = {(one.table, one.tag): one.prints for one in reprinting.made_by_each(reader())}
    assert left["holders", tag(0)] == 14
    assert left["holders", tag(1)] > 0
    assert f.assigned_payout(cast), "work goes on, with both"
    again = said(fresh_app, "reprint", "--batch", "7")
    assert again.exit_code == 0, again.output
    progress = re.findall(r"holders.name_fingerprint (\d+) of (\d+)", again.output)
    assert progress[-1][0] == progress[-1][1]
    still = said(fresh_app, "may-drop-prints", tag(1))
    assert still.exit_code == 1
    assert "form_keys.content_print: 1, gone a day after they were sent" in still.output
    with transaction() as session:
        session.execute(delete(FormKey))
    gone = tag(1)
    dropped = said(fresh_app, "may-drop-prints", gone)
    assert (dropped.exit_code, dropped.output) == (0, f"{gone} is looked up by nothing any more\n")
    for window_s in (3600, 7 * 86400):
        risk.rule(cast, "velocity_count", by="destination", window_s=window_s, most=5)
    risk.rule(cast, "velocity_count", mode="off", by="destination", window_s=30 * 86400, most=5)
    risk.rule(cast, "velocity_count", by="ip", window_s=30 * 86400, most=5)
    days = [f"{clock.now() - timedelta(days=days):%Y-%m-%d}" for days in (7, 9)]
    answers = [said(fresh_app, "may-drop-prints", gone, *since) for since in ([], ["--since", days[0]],
                                                                             ["--since", days[1]])]
    assert [answer.exit_code for answer in answers] == [1, 1, 0], "what a rule counted by it is found by it alone"
    assert "over 7 days" in answers[0].output

    use(new)
    with transaction() as session:
        row = session.get_one(Order, order.id)
        assert bytes(row.destination_fingerprint) == numbers.fingerprint(destinations.reveal(session, row))
        assert destinations.is_a_requisite(session, row) is False
    assert standing(cast.store, number=CARD) == {"destination"}
    assert "NOT IN" not in said(fresh_app, "prints").output


def test_a_rule_goes_on_counting_a_number_while_the_key_changes(fresh_app, use, keys):
    """By processes that make prints by the old key and by the new one, in turn; dropped, the old one takes its own."""
    old, new = keys
    cast = f.new_cast()
    cast.requisite(payout=True)
    f.deposit_to(ledger.store_available(cast.store.id, "USDT", True), "1000.000000")
    risk.rule(cast, "velocity_count", by="destination", window_s=3600, most=3)

    def judged() -> str:
        order = f.create_payout(cast, destination={"method": cast.method, "number": CARD}).order
        f.work_off()
        return f.fresh(order).status

    seen = []
    for ring in ((old,), (old, new), (new, old), (old, new), (new, old), (new,)):
        use(*ring)
        seen.append(judged())
    assert seen == ["assigned"] * 3 + ["failed"] * 2 + ["assigned"]


def test_every_column_of_prints_is_known(fresh_app):
    """A new one that is forgotten here would not be found any more once the key is another."""
    found = {(table, column["name"]) for table in inspect(db.engine).get_table_names()
             for column in inspect(db.engine).get_columns(table)
             if "fingerprint" in column["name"] or column["name"].split("_")[-1] == "print"}
    known = {(one.table, one.column) for one in (*reprinting.kinds(), *reprinting.PASSING)}
    assert found == known | reprinting.HINTS


def test_an_address_that_is_gone_gets_its_new_print_and_changes_in_nothing_else(fresh_app):
    cast = f.new_cast()
    address = acts.usable(cast.owner, cast)
    with transaction() as session:
        session.execute(text("UPDATE withdrawal_addresses SET fingerprint = sha256('x')"))
    with pytest.raises(Exception, match="an address never changes"), transaction() as session:
        session.execute(text("UPDATE withdrawal_addresses SET fingerprint = sha256('y'), label = 'mine'"))
    assert address


def test_one_key_twice_is_refused():
    key = secrets.token_bytes(32)
    with pytest.raises(ValueError, match="names one key twice"):
        PrintRing.of([key, key])


def test_a_link_of_before_opens_with_either_key(fresh_app, monkeypatch):
    order = ids_of.new_id()
    old, new = (hmac.new(secrets.token_bytes(32), digestmod=hashlib.sha256) for _ in range(2))
    monkeypatch.setattr(crypto._vault, "link_macs", (old,))
    link = payment_links.token_of(order)
    monkeypatch.setattr(crypto._vault, "link_macs", (new, old))
    assert payment_links.order_id_of(link) == order
    assert payment_links.token_of(order) != link, "the new one makes"
    monkeypatch.setattr(crypto._vault, "link_macs", (new,))
    with pytest.raises(NotFound):
        payment_links.order_id_of(link)
