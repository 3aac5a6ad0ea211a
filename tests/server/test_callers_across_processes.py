"""A key revoked here is refused there, with its tokens; a signature is over what arrived on the wire."""
import hashlib
import hmac
import http.client
import json
import time
from pathlib import Path
from urllib.parse import urlencode

from portal.core.access import SYSTEM
from portal.core.db import transaction
from portal.core.ids import new_id
from portal.parties import key_signing
from portal.parties.commands import MakeSigningSecret
from tests.gateway.conftest import method, open_shop, payin, shop  # noqa: F401 (fixtures)
from tests.running import running_desk, wait_for


def test_a_revoked_keys_token_dies_within_a_second_in_another_process(database, tmp_path: Path, shop, payin):  # noqa: F811
    with transaction() as session:
        _, secret = key_signing.make_secret(session, SYSTEM, MakeSigningSecret(key_id=shop.key_id, seen=0))
    with running_desk(database, tmp_path / "web.log", "web") as desk:
        def ask(verb: str, path: str, body: str | None = None, **headers: str) -> tuple[int, dict]:
            line = http.client.HTTPConnection("127.0.0.1", desk.port, timeout=10)
            line.request(verb, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = line.getresponse()
            try:
                return answer.status, json.loads(answer.read())
            finally:
                line.close()

        def create(bearer: str) -> int:
            key, sent = new_id().hex, json.dumps(payin())
            at = f"{time.time():.3f}"
            text = f"v1\n{at}\nPOST\n/gateway/v1/payins\n{key}\n{hashlib.sha256(sent.encode()).hexdigest()}"
            signature = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
            return ask("POST", "/gateway/v1/payins", sent, Authorization=f"Bearer {bearer}", Idempotency_Key=key,
                       Content_Type="application/json", Quittance_Timestamp=at,
                       Quittance_Signature=f"v1={signature}")[0]

        form = urlencode({"grant_type": "client_credentials", "client_id": shop.token.split("_")[2],
                          "client_secret": shop.token})
        status, answer = ask("POST", "/gateway/v1/token", form, Content_Type="application/x-www-form-urlencoded")
        assert status == 200, answer
        bearer = answer["access_token"]
        path = "/gateway/v1/payins?external_id=%D0%9F%20x"
        for _ in range(4):  # on whichever road, remembered or not
            assert create(bearer) == 201
            assert ask("GET", path, Authorization=f"Bearer {bearer}")[0] == 200
        shop.revoke()
        wait_for(lambda: ask("GET", path, Authorization=f"Bearer {bearer}")[0] == 401, "refused there", within_s=1)
        assert create(bearer) == 401
        assert ask("POST", "/gateway/v1/token", form,
                   Content_Type="application/x-www-form-urlencoded")[1]["error"] == "invalid_client"
