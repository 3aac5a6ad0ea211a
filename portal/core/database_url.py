"""Addresses of PostgreSQL: one spelling for people, several hosts in it too, and the one that driver and libpq share.

`postgresql://user:password@a:5432,b:5432/quittance` is what libpq documents and SQLAlchemy cannot read; it becomes
`postgresql+psycopg://user:password@/quittance?host=a,b&port=5432,5432`, which both understand.
"""
from urllib.parse import urlsplit

SCHEMES = ("postgresql", "postgresql+psycopg")
PORT = "5432"


def judged(url: str) -> str:
    """The same URL. Raises ValueError with what is wrong with it."""
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise ValueError("must be a postgresql:// URL; there is one dialect")
    hosts = parts.netloc.rpartition("@")[2].split(",")
    if len(hosts) > 1 and not all(host and (port or PORT).isdigit() for host, port in map(_host_and_port, hosts)):
        raise ValueError("names several hosts as @HOST:PORT,HOST:PORT/DATABASE")
    if parts.query.count("host=") > 1:
        raise ValueError("names several hosts as @HOST:PORT,HOST:PORT/DATABASE, not by host= twice")
    return url


def for_sqlalchemy(url: str) -> str:
    scheme, rest = url.split("://", 1)
    assert scheme in SCHEMES
    netloc, slash, path = rest.partition("/")
    who, at, hosts = netloc.rpartition("@")
    if "," not in hosts:
        return f"postgresql+psycopg://{rest}"
    named = [_host_and_port(host) for host in hosts.split(",")]
    several = f"host={','.join(host for host, _ in named)}&port={','.join(port or PORT for _, port in named)}"
    return f"postgresql+psycopg://{who}{at}{slash}{path}{'&' if '?' in path else '?'}{several}"


def for_libpq(url: str) -> str:
    return for_sqlalchemy(url).replace("postgresql+psycopg://", "postgresql://", 1)


def _host_and_port(text: str) -> tuple[str, str]:
    """Of `host`, `host:port` or `[address]:port`."""
    if text.endswith("]"):
        return text.strip("[]"), ""
    host, colon, port = text.rpartition(":")
    return (host.strip("[]"), port) if colon else (text, "")
