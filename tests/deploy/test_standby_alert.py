"""A standby that shows nothing new for half a minute: Debian's Prometheus fires the alert of it, and it clears. So does
the alert of one that the desk's role may not see, of which the other would say nothing."""
import shutil
from pathlib import Path

import pytest
from flask import Flask

from portal.core.db import reader
from tests.deploy.test_alerts import impatient
from tests.deploy.test_scraped import TOKEN, watching
from tests.running import free_port, running_desk, wait_for
from tests.tasks.test_failover import DATABASE, Cluster, app, cluster

__all__ = ["app", "cluster"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400),
              pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is not installed")]


HIDDEN = "look replication: standby: how far it is this role may not see"


def doctor(app: Flask) -> str:
    said = app.test_cli_runner().invoke(args=["doctor"]).output
    reader().rollback()  # what follows takes longer than a transaction may be idle
    return said


def test_the_alerts_of_a_standby_fire_and_clear(app: Flask, cluster: Cluster, tmp_path: Path) -> None:
    port = free_port()
    with running_desk(DATABASE, tmp_path / "desk.log", settings={
            "METRICS_TOKEN": TOKEN, "METRICS_PORT": str(port)}) as desk, watching(
            (desk, port), tmp_path, impatient(tmp_path)) as prometheus:
        wait_for(lambda: prometheus.state("StandbyHidden") == "firing", "that it cannot be seen fires")
        assert prometheus.ask("quittance_standby_lag_seconds") == [], "what is not known is no figure"
        assert HIDDEN in doctor(app)
        cluster.pair.show_to_the_desk()
        wait_for(lambda: prometheus.ask('quittance_standby_lag_seconds{standby="standby"}'), "the standby is seen")
        wait_for(lambda: prometheus.state("StandbyHidden") == "inactive", "that is over", within_s=60)
        assert "well replication: standby: streaming, sync, " in doctor(app)
        assert prometheus.state("StandbyBehind") == "inactive"
        cluster.pair.hold_back()
        wait_for(lambda: prometheus.state("StandbyBehind") == "firing", "it fires", within_s=120)
        cluster.pair.let_go()
        wait_for(lambda: prometheus.state("StandbyBehind") == "inactive", "it clears", within_s=60)
