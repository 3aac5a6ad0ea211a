"""Writes deploy/grafana/dashboard.json: python deploy/grafana/make_dashboard.py."""
import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("dashboard.json")
SOURCE = {"type": "prometheus", "uid": "${source}"}
WIDTH, HEIGHT, ACROSS = 8, 7, 24

#: rows of panels: title, unit, and what each asks for with its legend
ROWS: dict[str, list[tuple[str, str, list[tuple[str, str]]]]] = {
    "Is it well?": [
        ("Web processes that answer", "short", [('sum(up{job="quittance"})', "answer")]),
        ("Silent for", "s", [("max by (process) (quittance_process_silent_seconds)", "{{process}}")]),
        ("Database", "short", [("min(quittance_database_up)", "answers"),
                               ("max by (standby) (quittance_standby_lag_seconds)", "{{standby}} behind, s")]),
        ("Books and audit", "s", [("max by (scope) (quittance_proof_age_seconds < 1e8)", "{{scope}} proved ago"),
                                  ("max(quittance_audit_unsealed_seconds)", "waiting for a seal")]),
        ("Findings", "short", [("max(quittance_ledger_findings)", "a difference stands"),
                               ("min by (scope) (quittance_proof_holds)", "{{scope}} holds")]),
        ("Rates' age", "s", [("max by (pair, source) (quittance_rate_age_seconds)", "{{pair}} {{source}}"),
                             ("max by (pair) (quittance_rate_stale)", "{{pair}} stale")]),
    ],
    "Orders": [
        ("Payins of the last 15 minutes", "short", [("max by (step) (quittance_payins_lately)", "{{step}}")]),
        ("How long steps take", "s", [("max by (step, quantile) (quittance_payin_step_seconds)",
                                       "{{step}} {{quantile}}")]),
        ("Open", "short", [("max by (status) (quittance_open_orders)", "{{status}}"),
                           ("max(quittance_orders_waiting_for_staff)", "waiting for staff")]),
        ("How they end, and why", "short", [
            ("max by (direction, status, reason) (quittance_orders_lately)", "{{direction}} {{status}} {{reason}}")]),
        ("What the books hold, in minor units", "short", [
            ('max by (owner, purpose, currency) (quittance_money_minor{owner!="world"})',
             "{{owner}} {{purpose}} {{currency}}")]),
        ("Creates", "reqps", [("sum by (road, reason) (rate(quittance_gateway_creates_total[5m]))",
                               "{{road}} {{reason}}")]),
    ],
    "Work": [
        ("Due", "short", [("max by (kind) (quittance_jobs_due)", "{{kind}}"), ("max(quittance_jobs_dead)", "dead")]),
        ("The oldest due", "s", [("max by (kind) (quittance_jobs_oldest_due_seconds)", "{{kind}}")]),
        ("Done", "ops", [("sum by (kind) (rate(quittance_jobs_done_total[5m]))", "{{kind}}"),
                         ("sum by (kind) (rate(quittance_jobs_failed_total[5m]))", "{{kind}} failed")]),
        ("A batch takes, 95 of 100", "s", [
            ("histogram_quantile(0.95, sum by (kind, le) (rate(quittance_job_batch_seconds_bucket[5m])))",
             "{{kind}}")]),
        ("Webhooks", "ops", [("sum by (outcome) (rate(quittance_webhook_attempts_total[5m]))", "{{outcome}}")]),
        ("Dispatcher", "ops", [("sum by (outcome) (rate(quittance_dispatcher_turns_total[5m]))", "{{outcome}}")]),
    ],
    "Requests": [
        ("By status", "reqps", [("sum by (status) (rate(quittance_request_seconds_count[5m]))", "{{status}}")]),
        ("Gateway: 50, 95, 99 of 100", "s", [
            (f'histogram_quantile({share}, sum by (le) (rate(quittance_request_seconds_bucket{{route=~"/gateway/.*"}}'
             "[5m])))", share) for share in ("0.5", "0.95", "0.99")]),
        ("The slowest routes, 95 of 100", "s", [
            ("topk(8, histogram_quantile(0.95, sum by (route, le) (rate(quittance_request_seconds_bucket[5m]))))",
             "{{route}}")]),
        ("Connections to the database", "short", [
            ("quittance_database_connections", "{{instance}} {{state}}")]),
        ("Streams", "short", [("sum by (instance) (quittance_live_streams)", "{{instance}}")]),
        ("Refused, and missing in the log of calls", "reqps", [
            ("sum by (waited_for) (rate(quittance_shed_requests_total[5m]))", "waited for {{waited_for}}"),
            ('sum by (outcome) (rate(quittance_logged_calls_total{outcome=~"dropped|failed"}[5m]))',
             "log {{outcome}}")]),
        ("Calls that wait for their order", "short", [("quittance_waiting_calls", "{{instance}}")]),
        ("Memory", "bytes", [('process_resident_memory_bytes{job=~"quittance.*"}', "{{job}} {{instance}}")]),
    ],
}


def dashboard() -> dict[str, Any]:
    panels: list[dict[str, Any]] = []
    top = 0
    for row, of_row in ROWS.items():
        panels.append({"id": len(panels) + 1, "type": "row", "title": row, "collapsed": False, "panels": [],
                       "gridPos": {"h": 1, "w": ACROSS, "x": 0, "y": top}})
        top += 1
        for number, (title, unit, queries) in enumerate(of_row):
            across = number * WIDTH
            panels.append(_panel(len(panels) + 1, title, unit, queries, across % ACROSS,
                                 top + across // ACROSS * HEIGHT))
        top += -(-len(of_row) * WIDTH // ACROSS) * HEIGHT
    return {"title": "Quittance", "uid": "quittance", "schemaVersion": 39, "editable": True, "refresh": "30s",
            "tags": ["quittance"], "timezone": "browser", "time": {"from": "now-6h", "to": "now"}, "panels": panels,
            "templating": {"list": [
                {"name": "source", "type": "datasource", "query": "prometheus", "label": "Source"}]}}


def _panel(id: int, title: str, unit: str, queries: list[tuple[str, str]], left: int, top: int) -> dict[str, Any]:
    return {"id": id, "type": "timeseries", "title": title, "datasource": SOURCE,
            "gridPos": {"h": HEIGHT, "w": WIDTH, "x": left, "y": top},
            "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
            "targets": [{"refId": chr(ord("A") + number), "datasource": SOURCE, "expr": query, "legendFormat": legend}
                        for number, (query, legend) in enumerate(queries)]}


def written() -> str:
    return json.dumps(dashboard(), indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(written(), "utf-8")
