"""What Huey says lands in our log: as lines, and a Redis that is away as one of them."""
import io
import json
import logging
from collections.abc import Iterator

import pytest
from redis.exceptions import ConnectionError as RedisAway

from portal.core import logging as ours
from tasks import huey_log


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    root, huey, written = logging.getLogger(), logging.getLogger("huey"), io.StringIO()
    before = root.handlers[:], huey.handlers[:], huey.propagate, huey.level, root.level
    ours.configure()
    logging.StreamHandler.setStream(root.handlers[0], written)
    huey_log.take_over()
    yield written
    root.handlers[:], huey.handlers[:], huey.propagate = before[:3]
    huey.setLevel(before[3])
    root.setLevel(before[4])


def failed(error: Exception) -> None:
    try:
        raise error
    except Exception:
        logging.getLogger("huey.consumer.Worker").exception("Error reading from queue")


def test_a_redis_that_is_away_is_one_line_without_a_traceback(lines: io.StringIO) -> None:
    for _ in range(20):
        failed(RedisAway("Connection refused"))
    (line,) = lines.getvalue().splitlines()
    told = json.loads(line)
    assert (told["event"], told["level"]) == ("redis_unavailable", "warning")
    assert "exception" not in told


def test_a_bug_is_told_each_time_with_its_traceback(lines: io.StringIO) -> None:
    for _ in range(2):
        failed(ValueError("a bug"))
    told = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert [line["event"] for line in told] == ["Error reading from queue"] * 2
    assert "ValueError: a bug" in told[0]["exception"]
