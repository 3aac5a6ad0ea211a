"""What of an order's JSON may lie in the database: all but its payment link, which opens the page to whoever has it.

The link is an HMAC over the order's id (orders.links), so it is put back where the JSON is told to its store.
"""
from collections.abc import Callable
from typing import Any

LINK = "payment_url"
_url_of: Callable[[str], str] = lambda order_id: order_id  # noqa: E731


def links_by(url_of: Callable[[str], str]) -> None:
    """Orders say how a link is made from a public id."""
    global _url_of
    _url_of = url_of


def without_payment_link(payload: dict[str, Any]) -> dict[str, Any]:
    """For a row."""
    return payload | {LINK: None} if payload.get(LINK) else payload


def with_payment_link(payload: dict[str, Any]) -> dict[str, Any]:
    """For the store: a row's JSON, whole again."""
    return payload | {LINK: _url_of(payload["id"])} if LINK in payload else payload
