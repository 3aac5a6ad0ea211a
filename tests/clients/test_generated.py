"""clients/js and clients/php, written anew by their generators and tried against a desk that runs."""
import json
import os
import subprocess
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from portal.core import clock
from portal.webhooks import signature
from tests.running import ROOT

GUZZLE = Path("/usr/share/php/GuzzleHttp/autoload.php")  # Debian's php-guzzlehttp-guzzle
HERE = Path(__file__).parent

pytestmark = pytest.mark.slow  # generators come from the package registries


def ran(*command: object, **environment: str) -> str:
    done = subprocess.run([str(word) for word in command], cwd=ROOT, env=os.environ | environment, text=True,
                          capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def surroundings(signing_customer: Any, front: Any) -> dict[str, str]:
    """Every call has to be signed, and the first answer is lost on the way."""
    shop = signing_customer
    front.next.append(None)
    secret, body = signature.new_secret(), b'{"type":"payin.completed","data":{"version":5}}'
    sent = signature.headers("evt_1", clock.now(), body, [signature.new_secret(), secret])
    return {"KEY": shop.key, "SIGNING_SECRET": shop.signing_secret, "DESK": front.url,
            "ORDER": json.dumps(shop.order()), "WEBHOOK": json.dumps([secret, body.decode(), sent])}


def check(said: str) -> None:
    found = json.loads(said)
    assert found["listed"] == [found["id"]], "a lost answer makes no second order"
    assert (found["status"], found["cancelled"], found["version"], found["forged"]) == ("new", "cancelled", 5, True)
    assert found["taken"] == [409, "external_id_taken", "req_"]
    assert found["wrong"] == [422, "invalid", "req_"]


@pytest.mark.skipif(not which("npm"), reason="no Node on this machine")
def test_javascript(surroundings: dict[str, str]) -> None:
    stood = (ROOT / "clients/js/schema.d.ts").read_text()
    ran("bin/clients", "js")
    assert (ROOT / "clients/js/schema.d.ts").read_text() == stood
    ran("clients/js/node_modules/.bin/tsc", "--noEmit", "--strict", "--module", "nodenext", "--target", "es2023",
        "--lib", "es2023,dom,dom.iterable", HERE / "typed_shop.ts")
    check(ran("node", HERE / "shop.mjs", **surroundings))


@pytest.mark.skipif(not which("php") or not which("java") or not GUZZLE.exists(),
                    reason="apt-get install php-cli php-curl php-mbstring php-guzzlehttp-guzzle and a Java")
def test_php(surroundings: dict[str, str]) -> None:
    ran("bin/clients", "php")
    check(ran("php", HERE / "shop.php", GUZZLE=str(GUZZLE), **surroundings))
