"""What a process counts of itself: requests, work, deliveries, its connections and streams. `/metrics` shows it.

A worker and a dispatcher have no web; with METRICS_PORT each shows its figures at a port of its own.
"""
import structlog
from prometheus_client import Counter, Gauge, Histogram, start_http_server

from portal.core.db import db

REQUESTS = Histogram(
    "quittance_request_seconds", "Requests, by route and the first digit of the answer's status",
    ["method", "route", "status"], buckets=(.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5))
BATCHES = Histogram("quittance_job_batch_seconds", "Batches of work that were finished", ["kind"],
                    buckets=(.01, .05, .1, .5, 1, 5, 30, 300))
DONE = Counter("quittance_jobs_done", "Jobs that were finished", ["kind"])
FAILED = Counter("quittance_jobs_failed", "Tries of jobs that ended in an error", ["kind"])
ATTEMPTS = Counter("quittance_webhook_attempts", "Deliveries tried: the first digit of the answer, or what was amiss",
                   ["outcome"])
TURNS = Counter("quittance_dispatcher_turns", "Looks of the dispatcher at the queue", ["outcome"])
SHED = Counter("quittance_shed_requests", "Requests refused because too many waited: for a thread, for new orders",
               ["waited_for"])
for _waited_for in ("a thread", "new orders"):  # there from the start: a panel shows 0, an alert sees the first
    SHED.labels(_waited_for)
STREAMS = Gauge("quittance_live_streams", "Pages that listen for changes")
CONNECTIONS = Gauge("quittance_database_connections", "Connections of this process to the database", ["state"])
log = structlog.get_logger("metrics")


def request(method: str, route: str, status: int, seconds: float) -> None:
    REQUESTS.labels(method, route, f"{status // 100}xx").observe(seconds)


def attempt(status: int | None, error: str | None) -> None:
    ATTEMPTS.labels(f"{status // 100}xx" if status else error or "no answer").inc()


def watch_pool() -> None:
    """From now on the gauge asks this application's pool. Inside its context."""
    pool = db.engine.pool
    CONNECTIONS.labels("in_use").set_function(pool.checkedout)  # type: ignore[attr-defined]
    CONNECTIONS.labels("most").set_function(pool.size)  # type: ignore[attr-defined]


def serve(host: str, port: int | None) -> None:
    """For a process without a web. A port that somebody has taken is told, and no reason not to work."""
    if port is None:
        return
    try:
        start_http_server(port, addr=host)
    except OSError as error:
        log.warning("metrics_port_taken", port=port, error=error.strerror)
