"""Faults of a desk at work: Debian's Prometheus, which scrapes it, fires the alert of each, and it clears.

The rules are those of `deploy/prometheus`, but for their patience: what they wait for is promtool's to try, which has a
clock of its own (`rules_test.yml`). What only happens after hours is planted in the database, as old as it would be.
"""
import http.client
import os
import re
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask

from portal.core import ids
from portal.core.access import SCOPES, SYSTEM
from portal.parties import keys
from portal.parties.commands import CreateKey
from tests import factories
from tests.deploy.test_scraped import RULES, Prometheus, alerts, desk, watching
from tests.running import Desk, wait_for
from tests.tasks.caller import Caller, caller_of
from tests.tasks.record import Record, cast_of_four, confirm_all

__all__ = ["desk"]
WITHIN_S = 60
PAUSE_S = 0.2
FAULTS: dict[str, Callable[["Scene"], AbstractContextManager[None]]] = {}
ELSEWHERE = dict.fromkeys(("StandbyBehind", "StandbyHidden"), "tests/deploy/test_standby_alert.py, on two servers")
#: takes its time with every reader while it is locked, and no figure is read from it
ASIDE, ASIDE_PATH = "webhook_endpoints", "/gateway/v1/webhook-endpoints"
RUSH = 40  # callers at once: more than five seconds' work of the web's threads
MERCHANTS, WAITS_EACH, KEYS_EACH = 4, 58, 3
pytestmark = [pytest.mark.slow,
              pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is not installed")]


@dataclass
class Scene:
    desk: Desk
    record: Record
    caller: Caller
    numbers: Iterator[int]

    def payin(self) -> str:
        answer = self.caller.payin(next(self.numbers))
        assert answer.status == 201, answer.body
        return str(answer.json["id"])

    def new_order(self) -> None:
        self.caller.payin(next(self.numbers))

    def look_aside(self) -> int:
        return self.caller.call("GET", ASIDE_PATH).status

    @contextmanager
    def calling(self, ask: Callable[[], object] | None = None, *, pause_s: float = PAUSE_S) -> Iterator[None]:
        """Three programs of a store that go on with new orders, or with this, whatever they are answered."""
        with going_on(*[ask or self.new_order] * 3, pause_s=pause_s):
            yield

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        group = self.desk.processes[name][-1].pid
        os.killpg(group, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(group, signal.SIGCONT)


@contextmanager
def going_on(*acts: Callable[[], object], pause_s: float) -> Iterator[None]:
    """Each again and again, in a thread of its own."""
    over = threading.Event()

    def go_on(act: Callable[[], object]) -> None:
        while not over.wait(pause_s):
            act()

    with ThreadPoolExecutor(len(acts)) as threads:
        done = [threads.submit(go_on, act) for act in acts]
        try:
            yield
        finally:
            over.set()
        for one in done:
            one.result()


def fault(*fired: str) -> Callable[[Callable[[Scene], Iterator[None]]], None]:
    """It is there up to the `yield`, and mended after it."""
    def keep(act: Callable[[Scene], Iterator[None]]) -> None:
        FAULTS.update(dict.fromkeys(fired, contextmanager(act)))
    return keep


@fault("ServerErrors")
def the_database_takes_no_order(scene: Scene) -> Iterator[None]:
    scene.record.change("REVOKE INSERT ON orders FROM quittance_app")
    with scene.calling():
        yield
    scene.record.change("GRANT INSERT ON orders TO quittance_app")


@fault("GatewaySlow")
def a_table_is_locked(scene: Scene) -> Iterator[None]:
    with scene.calling(), scene.record.held(("orders", "EXCLUSIVE")):
        yield


@fault("WebhooksFail")
def a_store_does_not_listen(scene: Scene) -> Iterator[None]:
    made = scene.caller.call("POST", "/gateway/v1/webhook-endpoints",
                             {"url": "http://127.0.0.1:9/hook", "events": ["*"]}, key=f"endpoint-{next(scene.numbers)}")
    assert made.status == 201, made.body
    with scene.calling():
        yield
    scene.caller.call("DELETE", f"/gateway/v1/webhook-endpoints/{made.json['id']}")


@fault("DeskAway")
def no_web(scene: Scene) -> Iterator[None]:
    scene.desk.kill("web")
    yield
    scene.desk.start("web")


@fault("DatabaseAway")
def the_database_refuses(scene: Scene) -> Iterator[None]:
    scene.record.change("REVOKE SELECT ON orders FROM quittance_app")
    yield
    scene.record.change("GRANT SELECT ON orders TO quittance_app")


@fault("NobodyWorks")
def no_worker(scene: Scene) -> Iterator[None]:
    scene.desk.kill("worker")
    scene.record.change("UPDATE jobs_done SET done_at = done_at - interval '200 seconds'")
    yield
    scene.desk.start("worker")
    scene.payin()


@fault("MatchingWaits")
def an_order_waits(scene: Scene) -> Iterator[None]:
    with scene.frozen("worker"):
        scene.payin()
        scene.record.change("UPDATE jobs SET run_at = run_at - interval '20 seconds' WHERE kind = 'match_order'")
        yield


@fault("WorkWaits")
def work_waits(scene: Scene) -> Iterator[None]:
    with scene.frozen("worker"):
        scene.record.change("INSERT INTO jobs (kind, unique_key, run_at, created_at)"
                            " VALUES ('sweep_sessions', 'planted', now() - interval '6 minutes', now())")
        yield


@fault("JobsDead")
def a_job_of_no_kind(scene: Scene) -> Iterator[None]:
    scene.record.change("INSERT INTO jobs (kind, unique_key, run_at, created_at)"
                        " VALUES ('no_such_kind', 'planted', now() - interval '1 day', now())")
    yield
    dead = scene.record.one("SELECT id FROM jobs WHERE dead_at IS NOT NULL")
    scene.desk.flask("jobs", "drop", str(dead), "--reason", "planted")


@fault("BooksDiffer")
def a_balance_is_changed(scene: Scene) -> Iterator[None]:
    change = "UPDATE balances SET credits_minor = credits_minor {} 5 WHERE account_id = 1"
    scene.record.change("ALTER TABLE balances DISABLE TRIGGER USER")
    scene.record.change(change.format("+"))
    with pytest.raises(AssertionError, match="account 1"):
        scene.desk.flask("ledger", "verify")
    yield
    scene.record.change(change.format("-"))
    scene.record.change("ALTER TABLE balances ENABLE TRIGGER USER")
    scene.desk.flask("ledger", "verify")


@fault("ProofLate")
def nothing_was_proved_for_long(scene: Scene) -> Iterator[None]:
    scene.record.change("UPDATE ledger_proofs SET began_at = began_at - interval '27 hours'")
    yield
    scene.desk.flask("ledger", "verify")
    scene.desk.flask("audit", "verify")


@fault("AuditUnsealed")
def a_row_waits_for_its_seal(scene: Scene) -> Iterator[None]:
    with scene.frozen("worker"):
        scene.record.change("INSERT INTO audit_rows"
                            " (created_at, actor_kind, actor_name, action, target_kind, target_id) VALUES ("
                            "now() - interval '3 minutes', 'system', 'planted', 'planted', 'desk', 'planted')")
        yield


@fault("RateStale")
def a_feed_has_ended(scene: Scene) -> Iterator[None]:
    scene.record.change("UPDATE rates SET source = 'feed', at = at - interval '2 hours' WHERE quote = 'RUB'")
    yield
    base, rate = scene.record.one("SELECT base || ' ' || rate FROM rates WHERE source = 'feed'").split()
    scene.desk.flask("rates", "set", base, "RUB", rate, "--reason", "planted")


@fault("PayinsFail")
def customers_turn_away(scene: Scene) -> Iterator[None]:
    for _ in range(20):
        public = scene.payin()
        said = scene.caller.call("POST", f"/gateway/v1/payins/{public}/cancel", {}, key=f"cancel-{public}")
        assert said.status == 200, said.body
    yield
    scene.record.change("UPDATE orders SET created_at = created_at - interval '20 minutes' WHERE status = 'cancelled'")


@fault("OrdersWaitForStaff")
def nobody_confirms(scene: Scene) -> Iterator[None]:
    public = scene.payin()
    id = ids.parse("pin", public)
    wait_for(lambda: scene.record.one("SELECT status FROM orders WHERE id = %s", id) == "assigned", "it is matched")
    assert scene.caller.call("POST", f"/gateway/v1/payins/{public}/mark-paid", {}, key=f"paid-{public}").status == 200
    scene.record.change("UPDATE jobs SET run_at = now() WHERE kind = 'flag_unconfirmed' AND reference = %s", id)
    yield
    confirm_all([id])


@fault("CallsLost")
def calls_cannot_be_kept(scene: Scene) -> Iterator[None]:
    scene.record.change("REVOKE INSERT ON logged_calls FROM quittance_app")
    with scene.calling():
        yield
    scene.record.change("GRANT INSERT ON logged_calls TO quittance_app")


@fault("ConnectionsUsedUp")
def all_connections_wait_for_a_lock(scene: Scene) -> Iterator[None]:
    """Three of four: the scrape takes the fourth. Where it finds none it waits as others do, and is late."""
    with scene.record.held((ASIDE, "ACCESS EXCLUSIVE")), scene.calling(scene.look_aside, pause_s=0):
        yield


@fault("RequestsRefused")
def more_comes_than_it_can_do(scene: Scene) -> Iterator[None]:
    """In rushes: while all threads wait whoever scrapes waits, too, and hears of it in the pause."""
    def rush() -> None:
        with ThreadPoolExecutor(RUSH) as callers, scene.record.held((ASIDE, "ACCESS EXCLUSIVE")):
            answers = [callers.submit(scene.caller.call, "GET", ASIDE_PATH) for _ in range(RUSH)]
            wait_for(lambda: [one for one in answers if one.done() and b"overloaded" in one.result().body], "refused")

    with going_on(rush, pause_s=3):
        yield


@fault("CallsWaitLong")
def programs_wait(scene: Scene) -> Iterator[None]:
    """232 at once, each for the longest that there is; nobody answers the orders that they wait for."""
    with ExitStack() as waiting:
        for _ in range(MERCHANTS):
            cast = factories.new_cast()
            cast.requisite()
            callers = [Caller(scene.desk.port, token_of(cast), cast.method) for _ in range(KEYS_EACH)]
            public = callers[0].payin(next(scene.numbers)).json["id"]
            wait_for(lambda: scene.record.one("SELECT status FROM orders WHERE id = %s",
                                              ids.parse("pin", public)) == "assigned", "it is matched")  # noqa: B023
            for number in range(WAITS_EACH):
                one = waiting.enter_context(closing(http.client.HTTPConnection("127.0.0.1", scene.desk.port)))
                one.request("GET", f"/gateway/v1/payins/{public}?wait=30",
                            headers={"Authorization": f"Bearer {callers[number % KEYS_EACH].token}"})
        yield


def token_of(cast: factories.Cast) -> str:
    """Of a live key, one more."""
    with factories.act() as session:
        return keys.create(session, SYSTEM, CreateKey(store_id=cast.store.id, live=True, name="key",
                                                      scopes=tuple(SCOPES)))[1]


def impatient(folder: Path) -> Path:
    """The rules, which wait for nothing and look back ten seconds."""
    made = folder / "impatient.yml"
    made.write_text(re.sub(r"\[\d+m\]", "[10s]", re.sub(r"\bfor: \d+m", "for: 0s", RULES.read_text())))
    return made


@pytest.fixture
def prometheus(desk: tuple[Desk, int], tmp_path: Path) -> Iterator[Prometheus]:
    """It looks each second."""
    with watching(desk, tmp_path, impatient(tmp_path)) as made:
        yield made


@pytest.mark.timeout(1200)
def test_each_alert_fires_by_its_fault_and_clears(prometheus: Prometheus, desk: tuple[Desk, int], record: Record,
                                                  fresh_app: Flask) -> None:
    assert not FAULTS.keys() & ELSEWHERE.keys()
    assert FAULTS.keys() | ELSEWHERE.keys() == {rule["alert"] for rule in alerts()}
    running, _ = desk
    scene = Scene(running, record, caller_of(running, cast_of_four()), iter(range(10_000)))
    wait_for(lambda: set(prometheus.targets().values()) == {"up"}, "web, worker and dispatcher are scraped")
    for name, act in FAULTS.items():
        wait_for(lambda: prometheus.state(name) == "inactive", f"{name} is quiet before", WITHIN_S)  # noqa: B023
        with act(scene):
            wait_for(lambda: prometheus.state(name) == "firing", f"{name} fires", WITHIN_S)  # noqa: B023
        wait_for(lambda: prometheus.state(name) == "inactive", f"{name} clears", WITHIN_S)  # noqa: B023
