"""Whatever one has in hand finds its record, and nobody finds what they may not see."""
import re
from collections.abc import Callable

import pytest
from sqlalchemy import text as sql

from portal.core import ids
from portal.core.access import SYSTEM
from portal.core.db import reader, transaction
from portal.parties import keys
from portal.parties.commands import CreateKey
from portal.parties.models import ApiKey
from portal.requisites.models import Requisite
from portal.search import staff_search
from tests import people
from tests.factories import Cast, as_trader, assigned_payin, assignment_of, create_payin, staff
from tests.statements import statements
from tests.treasury import acts


def kinds(text: str, template: str = "super_admin") -> list[tuple[str, object]]:
    return [(hit.kind, hit.id) for hit in staff_search.look(reader(), staff(template), text)]


@pytest.fixture
def order(cast: Cast):
    return assigned_payin(cast, "7431.09", external_id=f"cart-{ids.new_id().hex}",
                          customer={"id": f"buyer-{ids.new_id().hex[:12]}", "name": "Zinaida O'Connor-Li"})


def test_every_id_of_an_order_opens_it(cast: Cast, order, admin: people.Seat) -> None:
    asked = (order.public_id, order.external_id, assignment_of(order).public_id)
    for text in asked:
        answer = admin.get("/admin/search", query_string={"q": f"  {text} "})
        assert (answer.status_code, answer.headers.get("Location")) == (303, f"/admin/orders/{order.public_id}"), text


def test_what_may_fit_many_is_a_list(cast: Cast, order, admin: people.Seat) -> None:
    last_four = reader().get(Requisite, assignment_of(order).requisite_id).number_last4
    for text in ("7431.09", "7 431,09", "zinaida o", order.customer_id, last_four):
        assert ("order", order.id) in kinds(text), text
        answer = admin.get("/admin/search", query_string={"q": text})
        assert answer.status_code == 200
        assert order.public_id in answer.get_data(as_text=True), text
    assert ("requisite", assignment_of(order).requisite_id) in kinds(last_four)
    assert kinds("7431.08") == []


def test_money_in_and_out_by_id_and_reference(cast: Cast, admin: people.Seat) -> None:
    owner, reference = as_trader(cast.trader()), ids.new_id().hex
    told, at = acts.tell(owner, cast, reference=reference), acts.usable(owner, cast)
    asked = acts.ask(owner, cast, "3", at)
    for record, path in ((told, "deposits"), (asked, "withdrawals"), (at, "addresses")):
        answer = admin.get("/admin/search", query_string={"q": record.public_id})
        assert answer.headers.get("Location") == f"/admin/treasury/{path}/{record.public_id}"
        assert kinds(record.public_id, "support_orders") == []
    assert kinds(f" {reference.upper()}") == [("deposit", told.id)]


def test_people_and_companies_by_name_address_and_id(cast: Cast, admin: people.Seat) -> None:
    trader = people.trader()
    who = people.person("trader", trader_id=trader)
    name = next(hit.title for hit in staff_search.look(reader(), staff("super_admin"), ids.public("trd", trader)))
    assert kinds(ids.public("trd", trader)) == [("trader", trader)]
    assert ("trader", trader) in kinds(name)
    assert kinds(name.partition(" ")[2]) == [("trader", trader)], "a word in the middle of a name"
    assert kinds(who.email.upper()) == [("user", who.id)]
    assert kinds(who.email[:-9]) == [("user", who.id)]
    assert kinds(cast.store.slug) == [("store", cast.store.id)]
    assert kinds(ids.public("mrc", cast.merchant.id)) == [("merchant", cast.merchant.id)]


def test_the_beginning_of_a_key_opens_its_store(cast: Cast) -> None:
    with transaction() as session:
        key, token = keys.create(session, SYSTEM, CreateKey(store_id=cast.store.id, live=True, name="k",
                                                            scopes=("orders:read",)))
    assert isinstance(key, ApiKey)
    for text in (token, f"qk_live_{key.public_id}"):
        assert kinds(text) == [("store", cast.store.id)]
        assert kinds(text, "support_readonly") == [], "who may not read keys learns nothing from one"


@pytest.mark.parametrize(("kind_of_staff", "seen"), [("super_admin", {"order", "trader", "user"}),
                                                ("support_readonly", {"order", "trader"})])
def test_each_kind_obeys_its_permission(cast: Cast, order, kind_of_staff: str, seen: set[str]) -> None:
    trader = people.trader()
    who = people.person("trader", trader_id=trader)
    texts = (order.public_id, ids.public("trd", trader), who.email)
    found = {kind for text in texts for kind, _ in kinds(text, kind_of_staff)}
    assert found == seen


def test_only_staff_get_in(cast: Cast, seat_of: Callable[[str], people.Seat]) -> None:
    for template in ("trader", "merchant_owner"):
        assert seat_of(template).get("/admin/search?q=x").status_code == 403
    assert seat_of("support_readonly").get("/admin/search?q=x").status_code == 200


@pytest.mark.parametrize("text", [
    "", " ", "'", "\\", "%", "_", "a:*", "'; DROP TABLE orders; --", "<script>alert(1)</script>", "pin_" + "Z" * 26,
    "pin_x", "9" * 40, "1e9", "٣٤٥٦", "\N{PILE OF POO}" * 200, "a" * 5000, "!!! & | ( )", "o'brien",
    "0.00000001", "\x00"])
def test_odd_texts_find_nothing_and_break_nothing(admin: people.Seat, text: str) -> None:
    answer = admin.get("/admin/search", query_string={"q": text})
    assert answer.status_code == 200
    assert "<script>alert" not in answer.get_data(as_text=True)


def test_a_search_is_one_statement_however_much_it_finds(cast: Cast) -> None:
    for _ in range(3):
        create_payin(cast, "6143.77")
    with statements() as sent:
        assert len([kind for kind, _ in kinds("6143.77") if kind == "order"]) == 3
    assert len(sent) == 1


def test_the_newest_stand_first(cast: Cast) -> None:
    made = [create_payin(cast, "6143.78", customer={"id": "one-and-the-same"}).order.id for _ in range(3)]
    for text in ("6143.78", "one-and-the-same"):
        assert [id for kind, id in kinds(text) if kind == "order"] == made[::-1], text


def test_every_look_up_is_served_by_an_index(cast: Cast) -> None:
    """With sequential scans forbidden the planner keeps one only where nothing else is left."""
    session = reader()
    session.execute(sql("SET LOCAL enable_seqscan = off"))
    for wanted in ("zinaida", "6143.77", "4242", "someone@example.test", "cart-1", ids.public("asg", ids.new_id()),
                   ids.public("dlv", ids.new_id()), "qk_live_abcdefabcdef"):
        statement = staff_search.statement_for(staff("super_admin"), wanted).compile(
            dialect=session.connection().dialect, compile_kwargs={"literal_binds": True})
        plan = "\n".join(session.connection().exec_driver_sql(f"EXPLAIN {statement}").scalars())
        scanned = re.findall(r"Seq Scan on (?:orders|users|assignments|requisites)\b.*", plan)
        assert not scanned, (wanted, plan)
