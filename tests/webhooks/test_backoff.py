"""When a failed delivery is tried again."""
from datetime import UTC, datetime, timedelta

import pytest

from portal.webhooks.backoff import PAUSES_S, next_attempt

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def test_ten_attempts_over_three_days() -> None:
    assert PAUSES_S == (5, 300, 1800, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
    assert next_attempt(10, NOW) is None


@pytest.mark.parametrize("failures", range(1, 10))
def test_each_pause_is_spread_by_a_fifth(failures: int) -> None:
    pauses = [(next_attempt(failures, NOW) or NOW) - NOW for _ in range(200)]
    expected = timedelta(seconds=PAUSES_S[failures - 1])
    assert min(pauses) >= expected * 0.8
    assert max(pauses) <= expected * 1.2
    assert max(pauses) - min(pauses) > expected * 0.2


@pytest.mark.parametrize(("asked", "seconds"), [
    ("120", 120), ("Sun, 22 Nov 2026 12:10:00 GMT", 600), (" 90 ", 90), ("999999999999", 86400),
    ("Mon, 22 Nov 2027 12:00:00 GMT", 86400)])
def test_a_receiver_may_ask_for_later(asked: str, seconds: int) -> None:
    assert next_attempt(1, NOW, asked) == NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize("asked", ["0", "-5", "1", "soon", "", "1.5", "²", "Sun, 22 Nov 2020 12:00:00 GMT", "9" * 5000,
                                   "Sun, 99 Nov 2026 12:00:00 GMT", "\u0661"])
def test_but_never_for_earlier_and_nonsense_asks_for_nothing(asked: str) -> None:
    following = next_attempt(1, NOW, asked)
    assert following is not None
    assert timedelta(seconds=4) <= following - NOW <= timedelta(days=1)
