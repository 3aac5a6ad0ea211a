"""G10 and fault 30: every page there is, on a desk with a million orders behind it, by the time it takes in the server.

Pages are found in the application's own routes; what stands in their addresses, and which filters are tried, is data
below: a new page with a new argument needs a line in `_samples`, a new filter one in `NARROWED`. In this process and
one after the other, so that a page's time is its own.
"""
import contextvars
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from benchmarks.desk import application
from benchmarks.ground import Ground, at
from benchmarks.matching import filled
from benchmarks.result import Result
from launcher.home import ROOT

REQUISITES, ORDERS, ORDERS_QUICK = 10_000, 1_000_000, 10_000
TIMES, TIMES_QUICK = 20, 5  # each page is opened; its first is a warm-up
SEATS = {"admin": "super_admin", "merchant": "merchant_owner", "trader": "trader"}
AREAS = {"admin": ("admin",), "merchant": ("merchant",), "trader": ("trader",), "profile": ("admin",)}
QUEUE = "/trader/orders"
# who, path: what people narrow lists by, the rare and the empty above all
NARROWED = (
    ("admin", "/admin/orders?status=retrying"), ("admin", "/admin/orders?status=failed"),
    ("admin", "/admin/orders?status=confirmed"), ("admin", "/admin/orders?q=h-77"),
    ("admin", "/admin/orders?q=nobody-asked-for-this"), ("admin", "/admin/orders?q=c-77"),
    ("admin", "/admin/orders?mode=test"), ("admin", "/admin/orders?status=failed&day_to={long_ago}"),
    ("admin", "/admin/search?q=h-77"), ("admin", "/admin/search?q=customer"), ("admin", "/admin/search?q=1234.56"),
    ("admin", "/admin/search?q=Trader"), ("admin", "/admin/search?q=2200000000000011"),
    ("admin", "/admin/audit?action=key.revoked"), ("admin", "/admin/audit?actor=nobody"),
    ("merchant", "/merchant/orders?status=failed"), ("merchant", "/merchant/orders?status=retrying"),
    ("merchant", "/merchant/orders?q=h-77"), ("merchant", "/merchant/orders?q=nobody-asked-for-this"),
    ("merchant", "/merchant/orders?day_to={long_ago}"), ("trader", "/trader/orders?tab=ended"),
    ("admin", "/admin/what-if?of=requisite&id={requisite_id}&min_amount=1000&max_amount=2000&day_count_max=5"),
    ("admin", "/admin/what-if?of=fee&id={store_id}&direction=payin&fee_percent=2"),
    ("admin", "/admin/what-if?of=reward&id={trader_id}&direction=payin&reward_percent=2"),
)
COVERAGE = "/admin/coverage"
EXPORT = "/admin/orders/export.csv"
EXPORT_MB_MAX, LIST_MS_MAX = 100, 500


@dataclass
class Opened:
    """One page: who, where, what it answered, milliseconds of each time."""

    who: str
    path: str
    status: int
    took_ms: list[float] = field(default_factory=list)

    @property
    def p95(self) -> float:
        return at(sorted(self.took_ms), 95)


def measure(ground: Ground) -> list[Result]:
    os.environ["RATELIMIT_ENABLED"] = "false"  # pages are opened faster than people do
    try:
        with ground.database(filled(ground, REQUISITES, orders=ORDERS_QUICK if ground.quick else ORDERS)) as database, \
                application(ground, database, process="web") as app:
            if ground.quick:
                _verified(ground, database)
            samples = _samples()
            _counted()
            browsers = {who: _seat(app, template, samples) for who, template in SEATS.items()}
            times = TIMES_QUICK if ground.quick else TIMES
            opened = [_open(browsers[who], who, path, times) for who, path in _pages(app, samples)]
            fragment = _open(browsers["trader"], "trader", QUEUE, times, {"HX-Request": "true"})
            exported = None if ground.quick else _export(_seat(app, SEATS["admin"], samples, proved_for=EXPORT))
    finally:
        del os.environ["RATELIMIT_ENABLED"]
    return _judged(opened, fragment, exported)


def _verified(ground: Ground, database: str) -> None:
    """The books behind the pages are books: the filled rows come to the sums that the services would have."""
    done = subprocess.run([sys.executable, "-m", "flask", "ledger", "verify"], cwd=ROOT, env=ground.of(database),
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the filled books do not balance: {done.stdout}{done.stderr}")


def _counted() -> None:
    """What was asked for by the hour, as the worker's job has it: the page of coverage has it beside what there is."""
    from portal.core.db import transaction
    from portal.orders.coverage import demand

    with transaction() as session:
        demand.count(session)


def _pages(app: Flask, samples: dict[str, str]) -> Iterator[tuple[str, str]]:
    adapter = app.url_map.bind("localhost")
    for rule in sorted(app.url_map.iter_rules(), key=str):
        area = rule.rule.split("/")[1]
        if "GET" in (rule.methods or ()) and area in AREAS and rule.arguments <= samples.keys() \
                and not rule.endpoint.endswith((".export", ".statement_file")):
            for who in AREAS[area]:
                own = samples | ({"order_id": samples["traders_order_id"]} if who == "trader" else {})
                yield who, adapter.build(rule.endpoint, {name: own[name] for name in rule.arguments})
    for who, path in NARROWED:
        yield who, path.format_map(samples)


def _samples() -> dict[str, str]:
    """What stands in addresses: a busy trader and a large store, so that their pages have the most to show."""
    from portal.core import ids
    from portal.core.db import reader

    one = reader().execute(text("""
        WITH trader AS (SELECT trader_id AS id FROM open_places GROUP BY 1 ORDER BY count(*) DESC LIMIT 1),
             store AS (SELECT store_id AS id FROM (SELECT store_id FROM orders LIMIT 5000) o GROUP BY 1
                        ORDER BY count(*) DESC LIMIT 1)
        SELECT trader.id AS trader_id, store.id AS store_id,
               (SELECT merchant_id FROM stores WHERE id = store.id) AS merchant_id,
               (SELECT id FROM orders WHERE store_id = store.id ORDER BY created_at DESC LIMIT 1) AS order_id,
               (SELECT order_id FROM open_places WHERE trader_id = trader.id LIMIT 1) AS traders_order_id,
               (SELECT id FROM requisites WHERE trader_id = trader.id LIMIT 1) AS requisite_id,
               (SELECT id FROM accounts WHERE owner_id = store.id LIMIT 1) AS account_id,
               (SELECT max(id) FROM journal_entries) AS entry_id,
               (SELECT min(created_at)::date + 1 FROM orders)::text AS long_ago
          FROM trader, store""")).mappings().one()
    reader().rollback()
    prefixes = {"trader_id": "trd", "store_id": "str", "merchant_id": "mrc", "order_id": "pin",
                "traders_order_id": "pin", "requisite_id": "rqs"}
    return {**{name: ids.public(prefix, one[name]) for name, prefix in prefixes.items()},
            "account_id": str(one["account_id"]), "entry_id": str(one["entry_id"]), "long_ago": one["long_ago"],
            "pair": "USDT-RUB"}


class _Browser(FlaskClient):
    """Each request in a context of its own, as tests/people.py has it: else all would share one `g`."""

    def open(self, *args: Any, **more: Any) -> Any:
        return contextvars.Context().run(super().open, *args, **more)


def _seat(app: Flask, template: str, samples: dict[str, str], *, proved_for: str | None = None) -> _Browser:
    """Somebody of this kind, signed in, without the cost of a password. `proved_for`: a page that wants step-up."""
    from portal.core import clock, ids
    from portal.core.access import TEMPLATES
    from portal.core.db import transaction
    from portal.parties import sessions, users
    from portal.parties.models import User, UserPermission
    from portal.web import step_up
    from portal.web.sessions import first_values

    proved = {step_up.KEPT: {f"GET {proved_for}": clock.now().isoformat()}} if proved_for else {}
    role = users.ROLES.get(template, "merchant")
    with transaction() as session:
        who = f"{template}-proved" if proved else template
        user = User(email=f"{who}@bench.example", name=f"A {who}", password_hash="-", role=role,
                    merchant_id=ids.parse("mrc", samples["merchant_id"]) if role == "merchant" else None,
                    trader_id=ids.parse("trd", samples["trader_id"]) if role == "trader" else None,
                    permissions=[UserPermission(permission=name) for name in TEMPLATES[template]])
        session.add(user)
        session.flush()
        token = sessions.begin(session, user.id, address="127.0.0.1", user_agent="benchmarks",
                               values={**first_values(), "_user_id": str(user.id), **proved})
    browser = _Browser(app, use_cookies=True)
    browser.set_cookie("sid", token)
    return browser


def _open(browser: _Browser, who: str, path: str, times: int, headers: dict[str, str] | None = None) -> Opened:
    opened = Opened(who, path, browser.get(path, headers=headers).status_code)
    for _ in range(times):
        started = time.perf_counter()
        answer = browser.get(path, headers=headers)
        answer.get_data()
        if answer.status_code >= 500:
            raise SystemExit(f"{path}: {answer.status_code}")
        opened.took_ms.append((time.perf_counter() - started) * 1000)
    return opened


def _export(browser: _Browser) -> dict[str, float]:
    """A million rows streamed: how much memory grows, lines, seconds."""
    before, most, read, started = _resident_mb(), 0.0, 0, time.perf_counter()
    answer = browser.get(EXPORT, buffered=False)
    for place, piece in enumerate(answer.response):
        read += len(piece)
        if place % 50 == 0:
            most = max(most, _resident_mb() - before)
    return {"status": answer.status_code, "grew_mb": most, "read_mb": read / 1e6,
            "took_s": time.perf_counter() - started}


def _resident_mb() -> float:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def _judged(opened: list[Opened], fragment: Opened, exported: dict[str, float] | None) -> list[Result]:
    good = [page for page in opened if page.status == 200]
    slowest = sorted(good, key=lambda page: page.p95, reverse=True)
    lists = max((page.p95 for page in good if page.path.partition("?")[0].endswith(("orders", "search"))), default=0.0)
    coverage = next(page for page in good if page.path == COVERAGE)
    shown = "; ".join(f"{page.p95:.0f} ms {page.path}" for page in slowest[:8])
    missed = ", ".join(f"{page.status} {page.path}" for page in opened if page.status != 200)
    results = [
        Result("G10a", f"{len(good)} pages, many orders behind: the slowest page's p95 in the server", slowest[0].p95,
               "<=", 200, 50, "ms", note=f"slowest: {shown}" + (f"; not judged: {missed}" if missed else ""),
               rounds={f"{page.who} {page.path}": [page.status, round(page.p95, 2)] for page in opened}),
        Result("G10b", "the queue's fragment, p95", fragment.p95, "<=", 20, 5, "ms"),
        Result("G10c", f"the page of coverage, {REQUISITES:,} requisites, p95", coverage.p95, "<=", 200, 50, "ms"),
        Result("F30a", "fault 30: lists, filters and search, p95", lists, "<=", LIST_MS_MAX, LIST_MS_MAX / 5, "ms")]
    if exported is None:
        return results
    if exported["status"] != 200:
        return [*results, Result.missing("F30b", f"fault 30: the export answered {exported['status']:.0f}")]
    return [*results, Result("F30b", "fault 30: an export streams, memory grows by", exported["grew_mb"], "<=",
                             EXPORT_MB_MAX, EXPORT_MB_MAX / 4, "MB", rounds=exported,
                             note=f"{exported['read_mb']:.0f} MB read in {exported['took_s']:.0f} s")]
