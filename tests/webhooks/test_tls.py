"""https: the name in SNI and Host, the certificate checked, the connection to the address that was judged."""
import ssl
import threading
from collections.abc import Iterator
from http.server import HTTPServer
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography import x509

from portal.core.outbound import transport
from portal.core.outbound.addresses import Guard
from tests.certificates import self_signed
from tests.webhooks.receiver import Receiver, _Handler, _Server

GUARD = Guard(http=True, allowed=(ip_network("127.0.0.0/8"),), resolve=lambda host: ["127.0.0.1"])


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Of shop.example, signed by itself."""
    file = tmp_path / "shop.pem"
    file.write_bytes(b"".join(self_signed("shop.example", x509.DNSName("shop.example"))))
    return file


@pytest.fixture
def shop(certificate: Path) -> Iterator[tuple[Receiver, list[str | None]]]:
    server = _Server(("127.0.0.1", 0), _Handler)
    server.receiver = Receiver("", lambda one: (200, {}, b"ok"))
    context, asked = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), []
    context.load_cert_chain(certificate)
    context.sni_callback = lambda connection, name, ours: asked.append(name)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=HTTPServer.serve_forever, args=(server, 0.02))
    thread.start()
    server.receiver.url = f"https://shop.example:{server.server_port}/hook"
    yield server.receiver, asked
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def _fresh_trust() -> Iterator[None]:
    transport._tls.cache_clear()
    yield
    transport._tls.cache_clear()


def test_the_name_is_asked_for_and_its_certificate_checked(
        shop: tuple[Receiver, list[str | None]], certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    receiver, asked = shop
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    answer = transport.post(GUARD, receiver.url, b"{}", {})
    assert (answer.status, answer.error) == (200, None)
    assert asked == ["shop.example"]
    assert receiver.received[0].headers["host"].startswith("shop.example:")


def test_another_name_has_no_certificate_there(
        shop: tuple[Receiver, list[str | None]], certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    receiver, _ = shop
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    answer = transport.post(GUARD, receiver.url.replace("shop.example", "other.example"), b"{}", {})
    assert answer.error == "tls_failed"
    assert receiver.received == []


def test_a_certificate_that_nobody_vouches_for_is_refused(shop: tuple[Receiver, list[str | None]]) -> None:
    receiver, _ = shop
    assert transport.post(GUARD, receiver.url, b"{}", {}).error == "tls_failed"
    assert receiver.received == []
