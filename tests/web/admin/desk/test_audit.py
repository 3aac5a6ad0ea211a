"""The audit page finds what was done by whom to what, and shows it to those who may."""
import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_babel import force_locale
from sqlalchemy import text

import portal
from portal.approvals import kinds
from portal.core import audit, clock, ids
from portal.core.access import SYSTEM, Actor, ActorKind
from portal.core.db import reader, transaction
from portal.web.audit_facts import audit_facts
from portal.web.audit_labels import ACTS
from tests import people
from tests.factories import staff
from tests.web.admin.desk.test_words_of_approvals import ASKED, CODE, CYRILLIC

RECORDED = re.compile(r"audit\.record\(\s*\w+,\s*[\w().]+,\s*\"([a-z_.]+)\"")


@pytest.fixture
def done(app: Flask) -> tuple[Actor, str]:
    """Two acts of somebody on a record: (who, the record's public id)."""
    who = Actor(kind=ActorKind.USER, name=f"someone-{ids.new_id().hex[:8]}@example.test", address="203.0.113.7")
    record = ids.new_id()
    with transaction() as session:
        audit.record(session, who, "trader.moved", "trader", record, before={"status": "pending"},
                     after={"status": "active"}, reason="Papers <b>seen</b>")
    with clock.moved(timedelta(days=-3)), transaction() as session:
        audit.record(session, who, "reward.set", "trader", record, after={"bps": 100})
    return who, ids.public("trd", record)


def acts(**wanted: object) -> list[str]:
    return [row.action for row in audit.page(reader(), SYSTEM, audit.AuditFilter(**wanted)).rows]


def test_each_filter_narrows(done: tuple[Actor, str]) -> None:
    who, record = done
    assert acts(actor=who.name) == acts(target=record) == ["trader.moved", "reward.set"]
    assert acts(target=str(ids.parse("trd", record)), kind="trader") == ["trader.moved", "reward.set"]
    assert acts(actor=who.name, action="reward.set") == ["reward.set"]
    assert acts(target=record, since=clock.now() - timedelta(days=1)) == ["trader.moved"]
    assert acts(target=record, until=clock.now() - timedelta(days=1)) == ["reward.set"]
    assert acts(target=record, kind="store") == acts(actor="nobody at all") == []


def test_the_page_shows_before_after_and_reason_escaped(done: tuple[Actor, str], admin: people.Seat) -> None:
    page = admin.get("/admin/audit", query_string={"target": done[1]}).get_data(as_text=True)
    for shown in ("Status: <del>Waiting for approval</del> → Active", "203.0.113.7", done[0].name,
                  "Papers &lt;b&gt;seen&lt;/b&gt;", "only ever added"):
        assert shown in page, shown


def rows_of(*changes: dict[str, Any], kind: str = "store") -> str:
    """The public id of a record to which this was done."""
    record = ids.new_id()
    with transaction() as session:
        for change in changes:
            audit.record(session, SYSTEM, "store.set_up", kind, record, **change)
    return ids.public("str", record)


def seen(page: str) -> str:
    """What stands in the column of what changed, as text."""
    cells = re.findall(r'data-label="(?:Before and after|Было и стало)">(.*?)</td>', page, re.DOTALL)
    assert cells
    return re.sub(r"<[^>]+>", "", unescape(" ".join(cells))).replace("\xa0", " ")


def test_what_changed_is_told_in_words_and_amounts_as_money(admin: people.Seat) -> None:
    """It read `fee_fixed_minor: 500000` and `day_max_minor: 10000000` beside a currency: a hundred times too much."""
    record = rows_of(
        {"before": {"fees": [{"bps": 250, "fixed_minor": 0}]}, "after": {
            "fee_bps": 175, "fee_fixed_minor": 500_000, "currency": "RUB", "from_minor": 150_000,
            "settlement_currency": "USDT", "direction": "payin", "to_minor": None,
            "valid_from": "2026-12-01T00:00:00Z"}},
        {"before": {"name": "Bookshop", "delay_days": 3}, "after": {"delay_days": 1}},
        {"before": {"day_max_minor": 10_000_000, "currency": "RUB"},
         "after": {"day_max_minor": None, "currency": "RUB"}},
        {"after": {"currencies": [{"currency": "JPY", "max_minor": 4321, "payin": True}], "live": False}},
        {"after": {"alone_max_minor": 1234567}})
    text = seen(admin.get("/admin/audit", query_string={"target": record}).text)
    for said in ("Until then: Share: 2.5 %; Fixed part: 0.00 USDT", "Fee: 1.75 %", "Fixed part: 0.50 USDT",
                 "From amount: 1 500.00 ₽", "Mode: Test", "Sum a day: 100 000.00 ₽ → —", "Largest order: 4 321 ¥",
                 "Takes payins: Yes", "1 234 567 in the smallest unit", "Counts from: 1 Dec 2026", "days: 3 → 1",
                 "Name: Bookshop"):
        assert said in text, said
    for wrong in ("_minor", "To amount", "Bookshop →"):
        assert wrong not in text, wrong
    assert admin.send("/profile/preferences", {"locale": "ru", "time_zone": "UTC"}).status_code < 400
    text = seen(admin.get("/admin/audit", query_string={"target": record}).text)
    for said in ("Фикс. часть: 0,50 USDT", "1 500,00 ₽", "100 000,00 ₽"):
        assert said in text, said
    assert not re.search(r"[a-z]+_[a-z]+", text)


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("kind", ASKED)
def test_what_two_people_decide_about_is_told_as_they_read_it(app: Flask, kind: str, language: str) -> None:
    with app.test_request_context(), force_locale(language):
        row = audit.AuditRow(target_kind="desk", target_id="x", before={},
                             after=ASKED[kind] | {"permissions": ["order:read"]})
        for fact in audit_facts(row):
            assert not CODE.fullmatch(fact.label), fact
            assert language == "en" or CYRILLIC.search(fact.label) or fact.label in ("E-mail",), fact
            assert not re.search(r"(^|[^.@])\b[a-z]+_[a-z]+\b", fact.after.replace("{method}", "")), fact


def test_what_nobody_worded_is_shown_as_it_was_written(app: Flask) -> None:
    """Also what another release would have written otherwise."""
    odd = {"until": "soon", "status": "unheard_of", "sheet": "unknown", "max_minor": "100", "own_words": "as they are",
           "rates": [1, 2], "deep": {"list": ["deny"]}}
    with app.test_request_context():
        facts = audit_facts(audit.AuditRow(target_kind="desk", target_id="x", before=None, after=odd))
    assert [fact.after for fact in facts] == ["soon", "unheard_of", "unknown", "100", "as they are", "1, 2",
                                              "List: deny"]


def test_an_act_is_told_in_words_with_its_code_as_title(done: tuple[Actor, str], admin: people.Seat) -> None:
    page = admin.get("/admin/audit", query_string={"target": done[1]}).get_data(as_text=True)
    assert 'title="trader.moved">Changed where a trader stands</a>' in page
    assert '<option value="reward.set">Set a reward</option>' in page


def test_every_act_that_the_code_records_has_words() -> None:
    """And those that approvals make of their kinds. A new act needs a line in portal/web/audit_labels.py."""
    written = {found for path in Path(portal.__file__).parent.rglob("*.py")
               for found in RECORDED.findall(path.read_text())}
    assert len(written) > 40
    written |= {f"{kind}.{state}" for kind, _ in kinds.titles() for state in ("asked", "approved", "rejected")}
    assert not written - set(ACTS)


def test_only_who_may(seat_of: Callable[[str], people.Seat]) -> None:
    for kind in ("support_readonly", "support_orders", "trader", "merchant_owner"):
        assert seat_of(kind).get("/admin/audit").status_code == 403, kind
    assert seat_of("admin").get("/admin/audit").status_code == 200
    assert audit.page(reader(), staff("support_readonly"), audit.AuditFilter()).rows == []


@pytest.mark.parametrize(("asked", "status"), [
    ("actor='; DROP TABLE audit_rows", 200), ("target=trd_x", 200), ("target=%00", 200), ("kind=nothing&target=x", 200),
    ("day_from=x", 422), ("after=x", 422), ("action=" + "a" * 3000, 200)])
def test_odd_filters(admin: people.Seat, asked: str, status: int) -> None:
    assert admin.get(f"/admin/audit?{asked}").status_code == status


@pytest.mark.parametrize(("where", "index"), [("actor_name = 'x'", "actor"), ("action = 'x'", "action"),
                                              ("target_kind = 'trader' AND target_id = 'x'", "target")])
def test_each_filter_has_its_index(done: tuple[Actor, str], where: str, index: str) -> None:
    session = reader()
    session.execute(text("SET LOCAL enable_seqscan = off"))
    session.execute(text("SET LOCAL enable_sort = off"))
    plan = "\n".join(session.scalars(text(
        f"EXPLAIN SELECT * FROM audit_rows WHERE {where} ORDER BY created_at DESC, id DESC LIMIT 50")))
    names = {"actor": "actor", "action": "action", "target": "target_kind_target_id"}
    assert names[index] in plan, plan
    assert "Seq Scan" not in plan, plan
