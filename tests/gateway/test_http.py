"""Over the real server: a crowd with one key."""
import http.client
import json

from tests.gateway.crowd import at_the_same_time
from tests.running import running_desk


def test_a_crowd_with_one_key_over_http(database, redis_url, shop, payin, tmp_path):
    body = json.dumps(payin()).encode()
    headers = {"Authorization": f"Bearer {shop.token}", "Idempotency-Key": "crowd", "Content-Type": "application/json"}

    with running_desk(database, tmp_path / "web.log", "web") as desk:
        def post(_):
            connection = http.client.HTTPConnection("127.0.0.1", desk.port, timeout=30)
            try:
                connection.request("POST", "/gateway/v1/payins", body, headers)
                answer = connection.getresponse()
                return answer.status, answer.getheader("Idempotent-Replayed"), answer.read()
            finally:
                connection.close()

        answers = at_the_same_time(100, post)
    assert {status for status, _, _ in answers} == {201}
    assert sum(replayed is None for _, replayed, _ in answers) == 1
    assert len({sent for _, _, sent in answers}) == 1
    assert shop.count() == 1
