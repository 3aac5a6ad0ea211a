"""Debian's Prometheus scrapes a desk at work, and every panel and every alert is asked of it."""
import json
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask import Flask

from tests.running import Desk, free_port, running_desk, wait_for
from tests.tasks.caller import caller_of
from tests.tasks.record import Record, all_matched, all_settled, cast_of_four, confirm_all
from tests.waiting import until

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = DEPLOY / "prometheus" / "rules.yml"
TOKEN = "a-token-of-the-figures-that-nobody-guesses"
ORDERS, SETTLED = 6, 5
SHOWN_WITHIN_S = 60.0
#: panels that may have nothing to show of a small desk that is well, and why
EMPTY = {
    "max by (kind) (quittance_jobs_due)": "no work waits just now",
    "max by (kind) (quittance_jobs_oldest_due_seconds)": "likewise",
    "max by (standby) (quittance_standby_lag_seconds)": "no standby follows",
    "sum by (kind) (rate(quittance_jobs_failed_total[5m]))": "no job has failed",
    "sum by (outcome) (rate(quittance_webhook_attempts_total[5m]))": "its store has no endpoint",
}
pytestmark = [pytest.mark.slow,
              pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is not installed")]


class Prometheus:
    """The configuration of `deploy/prometheus`, with this desk's addresses in place of the example's."""

    def __init__(self, folder: Path, targets: dict[str, list[str]], rules: Path = RULES) -> None:
        self._url = f"http://127.0.0.1:{free_port()}"
        (folder / "token").write_text(TOKEN)
        config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
        config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        config["rule_files"] = [str(rules)]
        for job in config["scrape_configs"]:
            job["static_configs"] = [{"targets": targets[job["job_name"]]}]
            if "authorization" in job:
                job["authorization"]["credentials_file"] = str(folder / "token")
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        self._log = (folder / "prometheus.log").open("wb")
        self._process = subprocess.Popen(
            ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/figures",
             f"--web.listen-address={self._url.removeprefix('http://')}"], stdout=self._log, stderr=self._log)

    def ask(self, query: str) -> list[dict[str, Any]]:
        return list(self._api("query", query=query)["result"])

    def targets(self) -> dict[str, str]:
        return {target["scrapeUrl"]: target["health"] for target in self._api("targets")["activeTargets"]}

    def rules(self) -> list[dict[str, Any]]:
        return [rule for group in self._api("rules")["groups"] for rule in group["rules"]]

    def state(self, alert: str) -> str:
        """inactive, pending or firing."""
        return next(str(rule["state"]) for rule in self.rules() if rule["name"] == alert)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(20)
        self._log.close()

    def answers(self) -> bool:
        try:
            return urllib.request.urlopen(f"{self._url}/-/ready", timeout=2).status == 200
        except OSError:
            return False

    def _api(self, what: str, **values: str) -> Any:
        url = f"{self._url}/api/v1/{what}?{urllib.parse.urlencode(values)}"
        with urllib.request.urlopen(url, timeout=5) as answer:
            return json.load(answer)["data"]


@pytest.fixture
def desk(fresh_app: Flask, fresh_database: str, record: Record, tmp_path: Path) -> Iterator[tuple[Desk, int]]:
    """It has taken, matched and settled orders; one is open."""
    port = free_port()
    with running_desk(fresh_database, tmp_path / "desk.log", settings={
            "METRICS_TOKEN": TOKEN, "METRICS_PORT": str(port)}) as running:
        caller = caller_of(running, cast_of_four())
        for number in range(ORDERS):
            assert caller.payin(number).status == 201
        all_matched(record, ORDERS)
        confirm_all(record.one("SELECT array_agg(id) FROM (SELECT id FROM orders ORDER BY id LIMIT %s) o", SETTLED))
        all_settled(record, SETTLED)
        running.flask("ledger", "verify")
        running.flask("audit", "verify")
        yield running, port


@pytest.fixture
def prometheus(desk: tuple[Desk, int], tmp_path: Path) -> Iterator[Prometheus]:
    with watching(desk, tmp_path) as made:
        yield made


@contextmanager
def watching(desk: tuple[Desk, int], folder: Path, rules: Path = RULES) -> Iterator[Prometheus]:
    running, port = desk
    made = Prometheus(folder, {"quittance": [f"127.0.0.1:{running.port}"],
                               "quittance-processes": [f"127.0.0.1:{port}", f"127.0.0.1:{port + 1}"]}, rules)
    try:
        wait_for(made.answers, "Prometheus answers")
        yield made
    finally:
        made.close()


def test_every_panel_shows_something_and_every_alert_is_evaluated(prometheus: Prometheus,
                                                                  desk: tuple[Desk, int]) -> None:
    wait_for(lambda: set(prometheus.targets().values()) == {"up"}, "web, worker and dispatcher are scraped")
    assert len(prometheus.targets()) == 3
    assert until(lambda: not empty(prometheus), SHOWN_WITHIN_S), f"nothing to show: {empty(prometheus)}"
    wait_for(lambda: all(rule["health"] == "ok" for rule in prometheus.rules()), "every alert was evaluated")
    assert {rule["name"] for rule in prometheus.rules()} == {rule["alert"] for rule in alerts()}
    assert [rule["name"] for rule in prometheus.rules() if rule["state"] != "inactive"] == [], "the desk is well"
    _somebody_would_be_told(prometheus, desk[0])


def _somebody_would_be_told(prometheus: Prometheus, running: Desk) -> None:
    running.kill("web")
    wait_for(lambda: prometheus.state("DeskAway") == "pending", "somebody would be told in a minute")
    running.start("web")
    wait_for(lambda: prometheus.state("DeskAway") == "inactive", "it is well again")


def empty(prometheus: Prometheus) -> set[str]:
    return {query for query in panels() if query not in EMPTY and not prometheus.ask(query)}


def panels() -> list[str]:
    found = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text())["panels"]
    return [target["expr"] for panel in found for target in panel.get("targets", [])]


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]
