"""The code that the page shows for checking a signature does check it."""
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal.core import clock
from portal.webhooks import signature


@pytest.fixture
def is_ours(client: FlaskClient) -> Callable[..., bool]:
    html = client.get("/docs/webhooks").get_data(as_text=True)
    code = next(unescape(text) for text in re.findall(r"<code>(.*?)</code>", html, re.S) if "def is_ours" in text)
    scope: dict[str, Any] = {}
    exec(compile(code, "the page", "exec"), scope)
    found: Callable[..., bool] = scope["is_ours"]
    return found


def test_it_takes_ours_and_nothing_else(is_ours: Callable[..., bool]) -> None:
    old, new, body = signature.new_secret(), signature.new_secret(), b'{"type":"payin.completed"}'
    sent = signature.headers("evt_1", clock.now(), body, [new, old])
    assert is_ours(new, sent, body)
    assert is_ours(old, sent, body)
    assert not is_ours(signature.new_secret(), sent, body)
    assert not is_ours(new, sent, body + b" ")
    assert not is_ours(new, sent | {"webhook-id": "evt_2"}, body)
    assert not is_ours(new, sent | {"webhook-timestamp": "1"}, body)
