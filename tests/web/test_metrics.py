"""`/metrics` tells all that alerts and panels ask for, of a desk that works and of one whose database is away."""
import re

import pytest
from pydantic import SecretStr
from sqlalchemy.exc import OperationalError

from portal.core.db import reader
from portal.server import fast_create, waits, wsgi_bridge
from portal.web import measurements
from tests import factories as f
from tests.house.test_deploy import metrics_asked_for
from tests.ledger.test_cli import deposit
from tests.ledger.world import Cast

assert fast_create  # they count in the web process that they are a part of: creates, calls that wait, calls refused
assert waits
assert wsgi_bridge
TOKEN = "a token of the test's own"


def scrape(app, **headers) -> tuple[int, str]:
    answer = app.test_client().get("/metrics", headers=headers)
    return answer.status_code, answer.text


def figure(text: str, line: str) -> float:
    return float(re.search(rf"^{re.escape(line)} (\S+)$", text, re.M)[1])


@pytest.fixture
def watched(fresh_app):
    fresh_app.extensions["settings"] = fresh_app.extensions["settings"].model_copy(
        update={"metrics_token": SecretStr(TOKEN)})
    return fresh_app


def test_all_that_is_asked_for_is_told(watched, monkeypatch):
    deposit(Cast())
    f.assigned_payin(f.new_cast())
    assert scrape(watched)[0] == 404, "a stranger is told nothing"
    assert scrape(watched, Host="10.0.0.7:8000")[0] == 404, "and Prometheus asks by a bare address"
    status, text = scrape(watched, Authorization=f"Bearer {TOKEN}")
    assert status == 200
    reader().rollback()
    told = set(re.findall(r"^# TYPE (\S+) ", text, re.M))
    asked = {re.sub(r"_(bucket|sum|count)$", "", name) for name in metrics_asked_for()}
    assert asked <= told | {"up"}, "an alert or a panel asks for what nobody tells"
    assert figure(text, 'quittance_open_orders{status="assigned"}') == 1
    assert figure(text, 'quittance_payins_lately{step="matched"}') == 1
    assert figure(text, "quittance_database_up") == 1
    assert figure(text, 'quittance_proof_age_seconds{scope="books whole"}') > 1e8, "never proved is late"
    assert 'quittance_payin_step_seconds{quantile="0.95",step="to_requisite"}' in text
    assert 'quittance_request_seconds_count{method="GET",route="/metrics",status="4xx"}' in text

    def away(session):
        raise OperationalError("SELECT", {}, Exception("gone"))

    monkeypatch.setattr(measurements, "_orders", away)
    status, text = scrape(watched, Authorization=f"Bearer {TOKEN}")
    assert status == 200
    assert figure(text, "quittance_database_up") == 0
    assert "quittance_open_orders{" not in text, "what is not known is not told as it was"
