"""Addresses that are not public, in every spelling, when an endpoint is saved and when something is sent."""
import threading
import time
from ipaddress import ip_network

import pytest

from portal.core.commands import bind
from portal.core.errors import Invalid
from portal.core.outbound import addresses, transport
from portal.core.outbound.addresses import Guard, NoPlace, Refused, Unresolved
from portal.webhooks.commands import CreateEndpoint
from tests.webhooks.receiver import bare

PUBLIC = "93.184.215.14"


def world(**names: str) -> addresses.Resolve:
    """The world's DNS, as far as a test needs it."""
    return lambda host: names.get(host.split(".")[0], PUBLIC).split()


PRODUCTION = Guard(resolve=world(inside="10.0.0.5", half=f"{PUBLIC} 127.0.0.1", mapped="::ffff:127.0.0.1",
                                 six="2606:4700::1111", zone="fe80::1%lo", none=""))

SPELLINGS = [
    # loopback and inside, as addresses and as what resolvers of C take for addresses
    "https://127.0.0.1/", "https://127.1/", "https://127.0.1/", "https://2130706433/", "https://0x7f000001/",
    "https://0x7f.0.0.1/", "https://0x7f.1/", "https://0177.0.0.1/", "https://00000177.1/", "https://127.0.0.01/",
    "https://017700000001/", "https://127.0.0.0x1/", "https://0/", "https://0.0.0.0/", "https://127.0.0.1./",
    "https://10.0.0.1/", "https://172.16.0.1/", "https://192.168.1.1/", "https://169.254.169.254/latest/meta-data",
    "https://100.64.0.1/", "https://192.0.0.192/", "https://192.88.99.1/", "https://198.18.0.1/", "https://224.0.0.1/",
    "https://239.255.255.250/", "https://240.0.0.1/", "https://255.255.255.255/", "https://192.0.2.1/",
    "https://198.51.100.1/", "https://203.0.113.7/",
    # IPv6, and IPv4 inside it
    "https://[::1]/", "https://[::]/", "https://[0:0:0:0:0:0:0:1]/", "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/", "https://[::127.0.0.1]/", "https://[::ffff:0:127.0.0.1]/", "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b::127.0.0.1]/", "https://[64:ff9b:1::1]/", "https://[2002:7f00:1::]/", "https://[2001::1]/",
    "https://[fe80::1]/", "https://[fe80::1%25lo]/", "https://[fe80::1%lo]/", "https://[fec0::1]/", "https://[fc00::1]/",
    "https://[fd00:ec2::254]/", "https://[ff02::1]/", "https://[ff0e::1]/", "https://[2001:db8::1]/",
    "https://[3fff::1]/", "https://[5f00::1]/", "https://[100::1]/", "https://[::ffff:8.8.8.8]/",
]
NAMES = ["https://inside.example/", "https://half.example/", "https://mapped.example/", "https://zone.example/"]
UNREADABLE = [
    "https://user@shop.example/", "https://user:word@shop.example/", "https://shop.example@127.0.0.1/",
    "https://shop.example\\@127.0.0.1/", "https://127.0.0.1\\.shop.example/", "https://shop.example#@127.0.0.1/",
    "https://shop.example/#part", "https://shop.example /", " https://shop.example/", "https://shop.example/\n",
    "https://shop.example/\r\nHost: other", "https://shop.example\t/", "https://shop.example./", "https://shop..example/",
    "https://.shop.example/", "https://-shop.example/", "https://shop_.example/", "https://shop%2eexample/",
    "https://127%2e0%2e0%2e1/", "https://магазин.example/", "https://ⓢhop.example/", "https://１２７.0.0.1/",
    "https://127。0。0。1/", "https:///shop.example/", "https:shop.example", "//shop.example/", "shop.example", "https://",
    "ftp://shop.example/", "file:///etc/passwd", "javascript:alert(1)", "https://[::1", "https://::1/", "https://[]/",
    "https://[127.0.0.1]/", "https://shop.example:/", "https://shop.example:x/", "https://shop.example:0443x/",
    "https://shop.example/" + "a" * 2048, "", "https://shop.example/\x00", "https://" + "a" * 64 + ".example/",
]
FORBIDDEN = ["http://shop.example/", "https://shop.example:8443/", "https://shop.example:80/", "https://shop.example:0/",
             "https://shop.example:65979/", "https://shop.example:99999/"]


@pytest.mark.parametrize("url", SPELLINGS + UNREADABLE + FORBIDDEN)
def test_refused_when_it_is_saved(url: str) -> None:
    with addresses.guarded_by(PRODUCTION), pytest.raises(Invalid) as refusal:
        bind(CreateEndpoint, {"url": url, "events": ["*"]})
    assert [field.field for field in refusal.value.fields] == ["/url"]


@pytest.mark.parametrize("url", [*SPELLINGS, *NAMES, *UNREADABLE, *FORBIDDEN])
def test_refused_when_it_is_sent(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is even tried: a connection to anywhere would fail this test."""
    monkeypatch.setattr("socket.create_connection", lambda *args, **more: pytest.fail(f"called {args}"))
    answer = transport.post(PRODUCTION, url, b"{}", {})
    assert (answer.status, answer.succeeded) == (None, False)
    assert answer.error in ("invalid_url", "invalid_host", "https_required", "port_not_allowed", "address_not_public")


@pytest.mark.parametrize("url", [
    "https://shop.example", "https://shop.example/", "https://shop.example:443/hooks?a=1&b[]=2", "HTTPS://Shop.Example/x",
    "https://xn--80aesfpebagmfblc0a.example/", "https://93.184.215.14/", "https://[2606:4700::1111]/", "https://six.example/",
    "https://shop.example?x=1", "https://a-b.c1.shop.example/~x/%20;y=1"])
def test_public_addresses_may_be_called(url: str) -> None:
    with addresses.guarded_by(PRODUCTION):
        assert bind(CreateEndpoint, {"url": url, "events": ["payin.completed"]}).url == url
        assert PRODUCTION.judge(PRODUCTION.parse(url))


@pytest.mark.parametrize("url", [*NAMES, "https://none.example/", "https://hangs.example/"])
def test_saving_looks_no_name_up(url: str) -> None:
    """Where a name leads is the sender's to judge: saving would wait for a stranger's name server, and tell him."""
    with addresses.guarded_by(Guard(resolve=lambda host: pytest.fail(f"looked {host} up"))):
        assert bind(CreateEndpoint, {"url": url, "events": ["*"]}).url == url


def test_a_name_without_an_address_is_none() -> None:
    assert transport.post(PRODUCTION, "https://none.example/", b"{}", {}).error == "name_not_found"


def test_no_packet_arrives_by_any_spelling_of_loopback() -> None:
    """A listener on loopback counts; the guard has development's ports, so that only the address can stop it."""
    spellings = ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0", "0", "[::ffff:127.0.0.1]",
                 "[::127.0.0.1]", "[64:ff9b::7f00:1]", "localhost", "a.example", "127.0.0.1."]
    with bare() as listener:
        guard = _any_port(world(a="127.0.0.1", localhost="127.0.0.1"))
        for host in spellings:
            assert not transport.post(guard, f"http://{host}:{listener.port}/", b"{}", {}).succeeded
        assert listener.connections == 0


def test_a_name_that_changes_its_answer_gets_no_packet() -> None:
    """The first look-up is public, every later one is loopback: the address that was judged is the one called."""
    looked_up = []

    def rebinding(host: str) -> list[str]:
        looked_up.append(host)
        return [PUBLIC] if len(looked_up) == 1 else ["127.0.0.1"]

    with bare() as listener:
        guard = _any_port(rebinding)
        guard.judge(guard.parse(f"http://evil.example:{listener.port}/"))  # it was public once
        for _ in range(3):
            answer = transport.post(guard, f"http://evil.example:{listener.port}/", b"{}", {})
            assert answer.error == "address_not_public"
        assert listener.connections == 0
        assert len(looked_up) == 4, "one look-up a sending"


def test_the_address_that_was_judged_is_the_one_called(monkeypatch: pytest.MonkeyPatch) -> None:
    called = []

    def refuse(place: tuple[str, int], timeout: float) -> None:
        called.append(place)
        raise ConnectionRefusedError

    monkeypatch.setattr("socket.create_connection", refuse)
    answers = iter([[PUBLIC], ["127.0.0.1"]])
    guard = Guard(resolve=lambda host: next(answers))
    assert transport.post(guard, "https://evil.example/", b"{}", {}).error == "connect_failed"
    assert called == [(PUBLIC, 443)]


def test_the_operator_can_allow_a_network() -> None:
    guard = Guard(allowed=(ip_network("10.0.0.0/24"),), resolve=world(inside="10.0.0.5", other="10.0.1.5"))
    assert [str(a) for a in guard.judge(guard.parse("https://inside.example/"))] == ["10.0.0.5"]
    with pytest.raises(Refused, match="public"):
        guard.judge(guard.parse("https://other.example/"))
    with pytest.raises(Refused):
        guard.judge(guard.parse("https://[::ffff:10.0.0.5]/"))


def test_development_may_call_loopback_on_any_port_and_nothing_else_inside() -> None:
    guard = Guard(http=True, resolve=world(localhost="127.0.0.1 ::1"))
    for url in ("http://127.0.0.1:8099/x", "http://localhost:8099/", "http://[::1]:8099/", "https://localhost:8443/"):
        assert guard.judge(guard.parse(url))
    for url in ("http://10.0.0.1/", "http://192.168.0.1:8099/", "http://169.254.169.254/", "http://127.1:8099/"):
        with pytest.raises(Refused):
            guard.judge(guard.parse(url))


class _AnyPort(Guard):
    """Development's grammar with production's judgement of addresses."""

    def _may_reach(self, address: addresses.Address) -> bool:
        return Guard(allowed=self.allowed)._may_reach(address)


def _any_port(resolve: addresses.Resolve) -> Guard:
    return _AnyPort(http=True, resolve=resolve)


def test_a_name_that_hangs_takes_one_place_and_the_others_are_found() -> None:
    """A stranger's forty dead names, wanted again and again, must leave places for those that are alive."""
    over = threading.Event()
    asked: list[str] = []

    def resolve(host: str) -> list[str]:
        asked.append(host)
        if host.startswith("dead"):
            over.wait(20)
        return [PUBLIC]

    guard = Guard(resolve=resolve)
    try:
        for _ in range(3):
            for number in range(addresses.LOOK_UPS_MAX - 1):
                with pytest.raises(Unresolved):
                    guard.judge(guard.parse(f"https://dead{number}.example/"), within_s=0.01)
        assert len(asked) == addresses.LOOK_UPS_MAX - 1, "one look-up a name, however often it is wanted"
        assert guard.judge(guard.parse("https://alive.example/"), within_s=5)
        with pytest.raises(Unresolved):
            guard.judge(guard.parse("https://dead-too.example/"), within_s=0.01)
        began = time.monotonic()
        with pytest.raises(NoPlace):  # all places are taken by names that hang: said at once, tried again later
            guard.judge(guard.parse("https://one-more.example/"), within_s=5)
        assert time.monotonic() - began < 1
    finally:
        over.set()


def test_dead_names_of_one_merchant_leave_the_others_their_places() -> None:
    """Two stores with sixteen dead names each took every place: nobody else was told anything."""
    over = threading.Event()

    def resolve(host: str) -> list[str]:
        if host.startswith("dead"):
            over.wait(20)
        return [PUBLIC]

    for earlier in threading.enumerate():  # another test's, which are being let go
        if earlier.name == "resolve":
            earlier.join(20)
    guard = Guard(resolve=resolve)
    outcomes = []
    try:
        for number in range(addresses.LOOK_UPS_OF_ONE_MAX + 2):
            with pytest.raises((Unresolved, NoPlace)) as refused:
                guard.judge(guard.parse(f"https://dead-of-one-{number}.example/"), within_s=0.01, of="a merchant")
            outcomes.append(refused.type)
        with pytest.raises(NoPlace):
            guard.judge(guard.parse("https://alive-of-one.example/"), within_s=5, of="a merchant")
        assert guard.judge(guard.parse("https://alive-of-another.example/"), within_s=5, of="another")
    finally:
        over.set()
    assert outcomes == [Unresolved] * addresses.LOOK_UPS_OF_ONE_MAX + [NoPlace] * 2
