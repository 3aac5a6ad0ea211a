"""Which addresses the desk may call: one parser, one look-up, one judgement, and a connection to what was judged.

A URL is text of a stranger's. Two programs that read the same URL differently are how guards are passed, so ours
is read once, by a grammar narrower than any library's; a name is looked up once, and whoever connects gets the
addresses that were judged, never the name again (a name can change its answer in between).
"""
import re
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str], Sequence[str]]

URL_MAX = 2048
HTTPS_PORT = 443
RESOLVE_FOR_S = 5.0
LOOK_UPS_MAX = 32  # names at once, those that hang included
LOOK_UPS_OF_ONE_MAX = 8  # of one merchant, in whichever store: dead names of theirs leave the others their places
_URL = re.compile(
    r"(?P<scheme>(?i:https?))://(?:\[(?P<six>[0-9a-fA-F:.]{2,45})\]|(?P<host>[A-Za-z0-9.-]{1,253}))"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<path>(?:/[!$-;=?-Z_a-z~%\[\]]*|\?[!$-;=?-Z_a-z~%\[\]]*)?)", re.ASCII)
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)", re.ASCII)

# Not for the public, though Python's `is_global` lets several of them pass: transition mechanisms hide an IPv4
# address inside an IPv6 one (NAT64, 6to4, Teredo, ISATAP's relatives), others are retired or someone's inside.
DENIED: tuple[Network, ...] = tuple(ip_network(text) for text in (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    "::/3", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48",
    "3fff::/20", "4000::/2", "8000::/1"))  # all of IPv6 but 2000::/3, and what is special inside it


# of what is called in production, plain enough for a schema in any dialect
PATTERN = (r"^https://([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}(:443)?"
           r"(/[A-Za-z0-9._~/-]*(\?[A-Za-z0-9._~=&-]*)?)?$")


class Refused(Exception):
    """The desk does not call this. `code` is stable, the message is for the merchant."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class NoPlace(Exception):
    """Too many names are being looked up to look for one more: no fault of its receiver."""


class Unresolved(Exception):
    """The name has no address just now."""


@dataclass(frozen=True)
class Target:
    """A URL as we read it."""

    scheme: str
    host: str  # lower case; an address without brackets
    port: int
    path: str  # with its query, "/" at least
    literal: Address | None

    @property
    def host_header(self) -> str:
        shown = f"[{self.host}]" if isinstance(self.literal, IPv6Address) else self.host
        return shown if self.port == (HTTPS_PORT if self.scheme == "https" else 80) else f"{shown}:{self.port}"


def _system_resolve(host: str) -> Sequence[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(place[4][0]) for place in found))


@dataclass(frozen=True)
class Guard:
    """What may be called. `http`: development, where plain http, any port and loopback are fine too."""

    http: bool = False
    allowed: tuple[Network, ...] = ()
    resolve: Resolve = field(default=_system_resolve)

    def parse(self, url: str) -> Target:
        """Raises Refused."""
        found = _URL.fullmatch(url) if len(url) <= URL_MAX else None
        if found is None:
            raise Refused("invalid_url", "Write a plain address such as https://shop.example/hooks: ASCII letters, no "
                          "user name, no fragment; an international name in its xn-- spelling.")
        scheme = found["scheme"].lower()
        if scheme != "https" and not self.http:
            raise Refused("https_required", "Only https addresses are called.")
        port = int(found["port"]) if found["port"] else HTTPS_PORT if scheme == "https" else 80
        if not 0 < port < 65536 or (not self.http and port != HTTPS_PORT):
            raise Refused("port_not_allowed", "Only port 443 is called.")
        literal, host = _host(found["six"], found["host"])
        path = found["path"] if found["path"].startswith("/") else "/" + found["path"]
        return Target(scheme, host, port, path, literal)

    def judge(self, target: Target, *, within_s: float = RESOLVE_FOR_S, of: object = None) -> list[Address]:
        """The addresses to connect to: every one the name has, for one that is not public spoils all.

        `of`: the merchant whose endpoint it is. Raises Refused, Unresolved, NoPlace.
        """
        addresses = [target.literal] if target.literal else self._look_up(target.host, within_s, of)
        for address in addresses:
            if not self._may_reach(address):
                raise Refused("address_not_public", "This name leads to an address that is not on the public internet.")
        return addresses

    def check(self, url: str) -> None:
        """As judged when an endpoint is saved: by grammar, and an address that stands in it. A name is looked up by the
        sender alone: somebody else's name server must hold up nobody who waits for a page.

        Raises Refused.
        """
        target = self.parse(url)
        if target.literal is not None:
            self.judge(target)

    def _look_up(self, host: str, within_s: float, of: object) -> list[Address]:
        try:
            found = [ip_address(text) for text in _asked(self.resolve, host, of).result(timeout=within_s)]
        except TimeoutError:
            raise Unresolved("no answer in time") from None
        except (OSError, UnicodeError) as error:
            raise Unresolved(str(error)) from None
        except ValueError:  # a zone id and the like
            raise Refused("address_not_public", "This name leads to an address that cannot be called.") from None
        if not found:
            raise Unresolved("no address")
        return found

    def _may_reach(self, address: Address) -> bool:
        if any(address in network for network in self.allowed):
            return True
        if isinstance(address, IPv6Address) and address.scope_id is not None:
            return False
        if self.http and address.is_loopback:
            return True
        return address.is_global and not any(address in network for network in DENIED)


def _host(six: str | None, host: str | None) -> tuple[Address | None, str]:
    """Raises Refused: for anything that some resolver would read as an address and we would not."""
    try:
        if six is not None:
            address = IPv6Address(six)
            return address, str(address)
        name = (host or "").lower()
        if re.fullmatch(r"[0-9.]+", name):
            return IPv4Address(name), name  # four plain decimals: no octal, no short forms
    except ValueError:
        raise Refused("invalid_host", "Write an IP address in its usual spelling.") from None
    labels = name.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise Refused("invalid_host", "This is not the name of a host.")
    if labels[-1][0].isdigit():  # 0x7f.1, 127.0.0.0x1: resolvers of C take these for addresses
        raise Refused("invalid_host", "Write an IP address in its usual spelling.")
    return None, name


def _asked(resolve: Resolve, host: str, of: object) -> "Future[Sequence[str]]":
    """What a name leads to, looked up in a thread of its own: the C library's look-up knows no deadline, and a thread
    that hangs in it is left behind and keeps no process from stopping. Whoever asks for a name that is being looked
    up waits for the same answer: a name that hangs takes one place of LOOK_UPS_MAX, however often it is wanted, and
    one of the LOOK_UPS_OF_ONE_MAX of who wanted it first.
    """
    with _places:
        if (under_way := _looking_up.get((resolve, host))) is not None:
            return under_way[0]
        answer: Future[Sequence[str]] = Future()
        theirs = sum(1 for _, owner in _looking_up.values() if owner == of) if of is not None else 0
        if len(_looking_up) >= LOOK_UPS_MAX or theirs >= LOOK_UPS_OF_ONE_MAX:
            answer.set_exception(NoPlace())
            return answer
        _looking_up[resolve, host] = answer, of

    def work() -> None:
        found: Sequence[str] = ()
        failed: BaseException | None = None
        try:
            found = resolve(host)
        except BaseException as error:
            failed = error
        with _places:
            del _looking_up[resolve, host]
        if failed is None:
            answer.set_result(found)
        else:
            answer.set_exception(failed)

    threading.Thread(target=work, name="resolve", daemon=True).start()
    return answer


_places = threading.Lock()
_looking_up: "dict[tuple[Resolve, str], tuple[Future[Sequence[str]], object]]" = {}  # with who wanted it
_guard = Guard()


def configure(*, http: bool, allowed_networks: Sequence[str]) -> None:
    """Called once by `create_app` with the operator's settings."""
    global _guard
    _guard = Guard(http=http, allowed=tuple(ip_network(network) for network in allowed_networks))


def guard() -> Guard:
    """The operator's."""
    return _guard


@contextmanager
def guarded_by(other: Guard) -> Iterator[None]:
    """Tests only: the world's resolver, or production's rules, inside the block."""
    global _guard
    before, _guard = _guard, other
    try:
        yield
    finally:
        _guard = before
