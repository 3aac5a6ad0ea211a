"""structlog JSON on stderr, one line an event, scrubbed: no secrets, no tokens, no full numbers."""
import logging
import re
import sys
from collections.abc import Iterable
from typing import Any, TextIO, cast

import structlog
from pydantic_core import to_json
from structlog.typing import EventDict

from portal.core import clock, secret_words

SECRET_NAMES = re.compile(rf"{secret_words.NAMED}|\bcode\b", re.I)
TOKENS = re.compile(r"(qk_(?:live|test)_[0-9A-Za-z]{4})[0-9A-Za-z_]+"
                    rf"|(?=(whsec_|qsign_|eyJ))(?:{secret_words.SPELLED})"
                    r"|(/(?:pay|recovery|email|join/invitation|join/application)/)[0-9A-Za-z_.-]{8,}")
DIGITS = re.compile(r"(?<!\d)\d(?:[ -]?\d){11,18}(?!\d)")
HIDDEN = "[hidden]"
_EXCEPTION = "_exception"


def configure(level: str = "INFO") -> None:
    """Once per process. Libraries' own log records go through the same processors."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars, structlog.stdlib.add_log_level, structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True), _keep_exception, structlog.processors.format_exc_info,
        scrub]
    structlog.configure(
        processors=[*shared, _hand_over],
        wrapper_class=structlog.stdlib.BoundLogger, logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.JSONRenderer()]))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("alembic", "werkzeug", "sqlalchemy.engine", "huey"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _keep_exception(_logger: object, _method: str, event: EventDict) -> EventDict:
    """The line has its text; an alarm wants the thing itself, with its stack, to know it again."""
    match event.get("exc_info"):
        case BaseException() as error:
            event[_EXCEPTION] = (type(error), error, error.__traceback__)
        case tuple() as found:
            event[_EXCEPTION] = found
        case found if found:
            event[_EXCEPTION] = sys.exc_info()
    return event


def _hand_over(logger: Any, name: str, event: EventDict) -> tuple[tuple[EventDict], dict[str, Any]]:
    """To the library's logging, whose handlers print it and send alarms (observe)."""
    exception = event.pop(_EXCEPTION, None)
    handed, named = structlog.stdlib.ProcessorFormatter.wrap_for_formatter(logger, name, event)
    return handed, {**named, "exc_info": exception}


def info_line(name: str, event: str, **facts: object) -> str:
    """For `write_lines`, past the processors above, of facts that are no secrets: a tenth of their time."""
    return to_json({**facts, "event": event, "level": "info", "logger": name, "timestamp": clock.now()}).decode() + "\n"


def write_lines(lines: Iterable[str]) -> None:
    """Together: each write lets other threads in."""
    root = logging.getLogger()
    if root.level <= logging.INFO and root.handlers:
        cast("logging.StreamHandler[TextIO]", root.handlers[0]).stream.write("".join(lines))


def scrub(_logger: object, _method: str, event: EventDict) -> EventDict:
    """A structlog processor (and Sentry's `before_send` by way of `scrubbed`)."""
    return {key: HIDDEN if SECRET_NAMES.search(key) and value is not None else scrubbed(value)
            for key, value in event.items()}


def scrubbed(value: Any) -> Any:
    """The same value without tokens and card numbers, all the way down."""
    match value:
        case str():
            cleaned = TOKENS.sub(lambda found: (found[1] or found[2] or found[3]) + "…", value)
            return DIGITS.sub(_mask_card, cleaned)
        case dict():
            return {key: HIDDEN if isinstance(key, str) and SECRET_NAMES.search(key) else scrubbed(item)
                    for key, item in value.items()}
        case list() | tuple():
            return type(value)(scrubbed(item) for item in value) if type(value) in (list, tuple) else value
        case _:
            return value


def _mask_card(found: re.Match[str]) -> str:
    digits = re.sub(r"[ -]", "", found[0])
    return f"{digits[:6]}******{digits[-4:]}" if luhn(digits) else found[0]


def luhn(digits: str) -> bool:
    """The check of bank card numbers."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
