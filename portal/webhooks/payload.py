"""What of an order's JSON may lie in the database: all but its payment link and the names of people.

The link opens the page to whoever has it; it is an HMAC over the order's id (orders.payment_links). A name lies sealed
with the record that keeps it, and in its place the JSON says which that is, as in `{"kept_by": "hld_…"}`: the row never
changes, and what is forgotten there cannot be told from here. Both are put back where the JSON is told to its store: by
`whole` where it is sent, by `shown` where it is read.
"""
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import structlog
from sqlalchemy.orm import Session

from portal.core.crypto import CannotOpen

log = structlog.get_logger("webhooks")
LINK, HOLDER, KEPT_BY = "payment_url", "holder", "kept_by"
WITH_A_NAME = ("requisite", "destination")
Names = Mapping[str, Callable[[], str | None]]
"""By who keeps it: opens the name as it is told; None where it was forgotten. Raises CannotOpen."""
_url_of: Callable[[str], str] = lambda order_id: order_id  # noqa: E731
_names_of: Callable[[Session, Collection[str]], Names] = lambda _session, _kept_by: {}  # noqa: E731


def links_by(url_of: Callable[[str], str]) -> None:
    """Orders say how a link is made from a public id."""
    global _url_of
    _url_of = url_of


def names_by(names_of: Callable[[Session, Collection[str]], Names]) -> None:
    """Orders say how all of these names are found, by the public ids of who keeps them: in one query."""
    global _names_of
    _names_of = names_of


def kept_by(public_id: str) -> dict[str, str]:
    """In place of a name, in a row."""
    return {KEPT_BY: public_id}


def names(session: Session, payloads: Iterable[dict[str, Any]]) -> Names:
    """What `whole` and `shown` need to tell these: one query, and none where nobody is named."""
    wanted = {keeper for payload in payloads for keeper in _keepers(payload).values()}
    return _names_of(session, wanted) if wanted else {}


def whole(payload: dict[str, Any], names: Names, *, event: str, with_link: bool) -> dict[str, Any]:
    """A row's JSON as it is sent. `event`: whose it is, by public id, for the log. Raises CannotOpen."""
    return _told(payload, lambda keeper: _opened(names, keeper, event), with_link)


def shown(payload: dict[str, Any], names: Names, *, event: str, with_link: bool) -> dict[str, Any]:
    """The same for who reads it, among others: a name that does not open is null there."""
    def opened(keeper: str) -> str | None:
        try:
            return _opened(names, keeper, event)
        except CannotOpen:
            return None

    return _told(payload, opened, with_link)


def _told(payload: dict[str, Any], opened: Callable[[str], str | None], with_link: bool) -> dict[str, Any]:
    for part, keeper in _keepers(payload).items():
        payload = payload | {part: payload[part] | {HOLDER: opened(keeper)}}
    return payload | {LINK: _url_of(payload["id"])} if with_link and LINK in payload else payload


def _opened(names: Names, keeper: str, event: str) -> str | None:
    try:
        return names[keeper]()
    except CannotOpen:
        log.error("name_not_opened", event_id=event, keeper=keeper)
        raise


def _keepers(payload: dict[str, Any]) -> dict[str, str]:
    """Of the parts that name somebody: who keeps the name."""
    held = {part: payload[part].get(HOLDER) for part in WITH_A_NAME if isinstance(payload.get(part), dict)}
    return {part: holder[KEPT_BY] for part, holder in held.items() if isinstance(holder, dict)}
