"""Clients of Redis by what REDIS_URL says: one server, or several Sentinels that know which one is the primary.

`redis+sentinel://:PASSWORD@HOST:PORT,HOST:PORT/NAME/DB` names the Sentinels; user, password and database are the
servers' own, `?sentinel_password=` the Sentinels'. Each connection asks them anew, so a failover is followed by itself.
"""
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from redis import ConnectionPool, Redis
from redis.asyncio import Redis as LoopRedis
from redis.asyncio.sentinel import Sentinel as LoopSentinel
from redis.sentinel import Sentinel

SCHEME = "redis+sentinel"
PORT = 26379
ASKED_WITHIN_S = 0.3  # each Sentinel: one whose machine is gone holds up a new connection so long
PLAIN = ("redis", "rediss", "unix")


@dataclass(frozen=True)
class Sentinels:
    """What such a URL names. Raises ValueError."""

    url: str

    @cached_property
    def hosts(self) -> list[tuple[str, int]]:
        named = [part.rpartition(":") if ":" in part else (part, "", str(PORT))
                 for part in urlsplit(self.url).netloc.rpartition("@")[2].split(",")]
        if not all(host and port.isdigit() for host, _, port in named):
            raise ValueError("must be redis+sentinel://:PASSWORD@HOST:PORT,HOST:PORT/NAME/DB")
        return [(host, int(port)) for host, _, port in named]

    @cached_property
    def name_and_db(self) -> tuple[str, int]:
        name, _, db = urlsplit(self.url).path.strip("/").partition("/")
        if not name or not (db or "0").isdigit():
            raise ValueError("must say which primary: redis+sentinel://…/NAME/DB")
        return name, int(db or 0)

    @cached_property
    def access(self) -> dict[str, str]:
        user, _, password = urlsplit(self.url).netloc.rpartition("@")[0].partition(":")
        given = {"username": unquote(user), "password": unquote(password)}
        return {name: value for name, value in given.items() if value}

    @cached_property
    def own_access(self) -> dict[str, Any]:
        """Of the Sentinels themselves, with how long they are waited for."""
        password = parse_qs(urlsplit(self.url).query).get("sentinel_password")
        return {"socket_timeout": ASKED_WITHIN_S, "socket_connect_timeout": ASKED_WITHIN_S,
                **({"password": password[0]} if password else {})}


def judged(url: str) -> str:
    """The same URL. Raises ValueError with what is wrong with it."""
    scheme = urlsplit(url).scheme
    if scheme == SCHEME:
        named = Sentinels(url)
        assert named.hosts
        assert named.name_and_db
    elif scheme not in PLAIN:
        raise ValueError("must be a redis://, rediss://, unix:// or redis+sentinel:// URL")
    return url


def database_of(url: str) -> int:
    """The number of the database: channels know none, and carry it in their name."""
    if urlsplit(url).scheme == SCHEME:
        return Sentinels(url).name_and_db[1]
    return int(ConnectionPool.from_url(url).connection_kwargs.get("db") or 0)


def pool(url: str, **options: Any) -> ConnectionPool:
    """For threads."""
    if urlsplit(url).scheme != SCHEME:
        return ConnectionPool.from_url(url, **options)
    named = Sentinels(url)
    name, db = named.name_and_db
    asked = Sentinel(named.hosts, sentinel_kwargs=_patience(named, options))  # type: ignore[no-untyped-call]
    primary = asked.master_for(name, db=db, **named.access, **options)  # type: ignore[no-untyped-call]
    found: ConnectionPool = primary.connection_pool
    return found


def client(url: str, **options: Any) -> Redis:
    """For threads."""
    return Redis(connection_pool=pool(url, **options))


def loop_client(url: str, **options: Any) -> LoopRedis:
    """For an event loop."""
    if urlsplit(url).scheme != SCHEME:
        return LoopRedis.from_url(url, **options)
    named = Sentinels(url)
    name, db = named.name_and_db
    asked = LoopSentinel(named.hosts, sentinel_kwargs=_patience(named, options))  # type: ignore[no-untyped-call]
    more: dict[str, Any] = {"db": db, **named.access, **options}
    found: _LoopPrimary = asked.master_for(name, redis_class=_LoopPrimary, **more)
    found.asked = asked
    return found


class _LoopPrimary(LoopRedis):
    """Lets go of the Sentinels, too: the library would leave their connections to chance."""

    asked: LoopSentinel

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        await super().aclose(close_connection_pool)
        for sentinel in self.asked.sentinels:
            await sentinel.aclose()


def _patience(named: Sentinels, options: dict[str, Any]) -> dict[str, Any]:
    """Who does not wait for Redis does not wait for a Sentinel either."""
    waits = options.get("socket_connect_timeout") or ASKED_WITHIN_S
    return {**named.own_access, "socket_timeout": min(waits, ASKED_WITHIN_S),
            "socket_connect_timeout": min(waits, ASKED_WITHIN_S)}
