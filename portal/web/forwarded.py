"""What proxies say of a visitor, read with care: an address with a port, a zone or brackets, or none at all.

`hops` proxies of ours stand in front, each of which adds to X-Forwarded-*; of what came to the first of them nothing
counts. An address that cannot be read is no address: nobody is let in by it, and everybody without one is counted as
one.
"""
from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.middleware.proxy_fix import ProxyFix

from portal.core import addresses

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
SCHEMES = ("http", "https")


def host(get: Callable[[str], str], hops: int) -> str:
    """The host that a visitor named: as the outermost of our proxies saw it, where they say so, else as it came.

    `get` reads a header by its name in lower case, and is empty where there is none.
    """
    told = get("x-forwarded-host").split(",") if hops else []
    return told[-hops].strip() if len(told) >= hops and hops and told[-hops].strip() else get("host")


def visitor(get: Callable[[str], str], hops: int, peer: str) -> str:
    """The visitor's address: what the outermost of our proxies wrote down, else the peer's; empty where unreadable."""
    told = get("x-forwarded-for").split(",") if hops else []
    if hops and len(told) >= hops and told[-hops].strip():
        return addresses.written(told[-hops]) or ""
    return peer


def behind(hops: int, app: Wsgi) -> Wsgi:
    """`app` as those proxies show the visitor to it."""
    return ProxyFix(_Readable(app), x_for=hops, x_proto=hops, x_host=hops) if hops else app


class _Readable:
    def __init__(self, app: Wsgi) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        address = addresses.written(environ.get("REMOTE_ADDR") or "")
        if address is None:
            environ.pop("REMOTE_ADDR", None)
        else:
            environ["REMOTE_ADDR"] = address
        if environ["wsgi.url_scheme"] not in SCHEMES:
            environ["wsgi.url_scheme"] = environ["werkzeug.proxy_fix.orig"]["wsgi.url_scheme"]
        return self._app(environ, start_response)
