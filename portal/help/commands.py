"""What can be asked of help: shapes and ranges."""
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from portal.core.commands import Command
from portal.orders.commands import OrderCommand

TEXT_MAX = 2_000
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=TEXT_MAX)]


class AskHelp(OrderCommand):
    """`locale`: the language of the page that it was asked on."""

    text: Words
    locale: Literal["en", "ru"] = "en"


class AnswerHelp(Command):
    """Staff's word. `close`: with it the matter is settled."""

    thread_id: Annotated[str, Field(max_length=60)]
    text: Words
    close: bool = False


class CloseHelp(Command):
    thread_id: Annotated[str, Field(max_length=60)]


class SetReply(Command):
    """A template, new where `reply_id` is absent."""

    reply_id: Annotated[str, Field(max_length=60)] | None = None
    use: Literal["help", "dispute"]
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
    text_en: Words
    text_ru: Words
    active: bool = False
