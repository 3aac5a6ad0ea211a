"""Work that cannot be done, and work nobody knows (faults 6): dead with an alert, and nobody else is held up."""
import json
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask

from tests.running import Desk, running_desk, wait_for
from tests.tasks.record import (
    Record,
    all_matched,
    all_settled,
    books_hold,
    cast_of_four,
    confirm_all,
    effects_once,
    orders_of,
)

ORDERS = 20


@pytest.mark.slow
def test_a_poison_job_and_an_unknown_kind_die_alone(fresh_app: Flask, fresh_database: str, record: Record,
                                                    tmp_path: Path) -> None:
    orders = orders_of(cast_of_four(), ORDERS)
    poison = orders[7]
    with running_desk(fresh_database, tmp_path / "desk.log", "worker", "dispatcher") as desk:
        all_matched(record, ORDERS)
        with record.held(("jobs_done", "SHARE")):
            confirm_all(orders)
            record.change("UPDATE assignments SET state = 'open' WHERE order_id = %s", poison)
            record.change("UPDATE jobs SET attempts = 19 WHERE kind = 'settle_order' AND reference = %s", poison)
            record.change("INSERT INTO jobs (kind, unique_key, run_at, created_at) VALUES ('of_tomorrow', 'x',"
                          " now() - interval '1 hour', now())")
            record.change("UPDATE jobs SET lease = NULL, leased_until = NULL WHERE kind = 'settle_order'")
        all_settled(record, ORDERS - 1)
        wait_for(lambda: record.one("SELECT count(*) FROM jobs WHERE dead_at IS NOT NULL") == 2, "both are dead")
        assert sorted(line["kind"] for line in alerts(desk)) == ["of_tomorrow", "settle_order"]
        assert record.one("SELECT last_error FROM jobs WHERE kind = 'of_tomorrow'") == "unknown kind"
        _mended_and_retried(desk, record, poison)
        all_settled(record, ORDERS)
    effects_once(record, orders)
    books_hold()


def _mended_and_retried(desk: Desk, record: Record, poison: UUID) -> None:
    record.change("UPDATE assignments SET state = 'chosen' WHERE order_id = %s", poison)
    dead = record.one("SELECT id FROM jobs WHERE kind = 'settle_order' AND dead_at IS NOT NULL")
    desk.flask("jobs", "retry", str(dead))


def alerts(desk: Desk) -> list[dict[str, str]]:
    """What the log says of dead jobs."""
    lines = [line for line in desk.log.read_text().splitlines() if line.startswith("{")]
    return [found for line in lines if (found := json.loads(line))["event"] == "job_dead"]
