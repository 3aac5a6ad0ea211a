"""By which channels this desk can tell people, and what holds for one person: their choice, else the catalogue's."""
from collections.abc import Mapping

from portal import mail
from portal.notices.catalogue import MAIL, NOW, OFF, OPERATOR, PORTAL, PUSH, TELEGRAM, Event

SENDS = {MAIL: "send_notices", TELEGRAM: "send_telegram", PUSH: "send_push", OPERATOR: "call_operator"}
"""The kind of work that sends what waits."""


class _Desk:
    url = ""
    on: frozenset[str] = frozenset({PORTAL})


_desk = _Desk()


def configure(*, public_url: str, telegram: bool = False, push: bool = False, operator: bool = False) -> None:
    """Called once by `create_app`."""
    _desk.url = public_url.rstrip("/")
    can = {PORTAL: True, TELEGRAM: telegram, PUSH: push, OPERATOR: operator}
    _desk.on = frozenset(channel for channel, is_there in can.items() if is_there)


def is_on(channel: str) -> bool:
    return mail.is_on() if channel == MAIL else channel in _desk.on


def link(path: str) -> str:
    return f"{_desk.url}{path}"


def how(event: Event, channel: str, choices: Mapping[str, str]) -> str:
    """`off`, `now` or `digest`. A letter that is sent by who says it is none of ours."""
    if channel == MAIL and event.own_letter:
        return OFF
    if channel in event.always:
        return NOW
    return choices.get(channel, event.usually.get(channel, OFF))
