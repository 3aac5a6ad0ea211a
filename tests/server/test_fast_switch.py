"""One switch sends every create through Flask: the same answer, and the counter tells which road it took."""
import http.client
import json
from pathlib import Path

import pytest

from portal.core.ids import new_id
from tests.gateway.conftest import method, open_shop, payin, shop  # noqa: F401 (fixtures)
from tests.running import running_desk, wait_for

TOKEN, FAST = "t" * 40, 'quittance_gateway_creates_total{reason="",road="fast"}'




@pytest.mark.parametrize("switch", ["true", "false"])
def test_a_create_is_answered_alike(database, tmp_path: Path, shop, payin, switch):  # noqa: F811
    with running_desk(database, tmp_path / "web.log", "web",
                      settings={"FAST_CREATE": switch, "METRICS_TOKEN": TOKEN}) as desk:
        def ask(verb: str, path: str, body: object = None, **headers: str) -> tuple[int, str]:
            line = http.client.HTTPConnection("127.0.0.1", desk.port, timeout=10)
            line.request(verb, path, json.dumps(body) if body else None, headers)
            answer = line.getresponse()
            try:
                return answer.status, answer.read().decode()
            finally:
                line.close()

        def create() -> str:
            """One payin, and by which roads they went until now."""
            made = ask("POST", "/gateway/v1/payins", payin(), Authorization=f"Bearer {shop.token}",
                       **{"Idempotency-Key": new_id().hex, "Content-Type": "application/json"})
            assert made[0] == 201, made
            assert json.loads(made[1])["status"] == "new"
            return ask("GET", "/metrics", Authorization=f"Bearer {TOKEN}")[1]

        if switch == "true":  # as soon as somebody listens for revoked keys
            wait_for(lambda: FAST in create(), "a create goes by the fast road")
        else:
            assert FAST not in create() + create()
