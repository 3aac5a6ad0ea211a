"""The same desk with other settings."""
import contextvars
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from portal import create_app
from portal.core import site
from portal.core.db import db


@pytest.fixture
def another(app: Flask) -> Iterator[Callable[..., Flask]]:
    made: list[Flask] = []

    def make(**settings: Any) -> Flask:
        made.append(create_app(app.extensions["settings"].model_copy(update=settings)))
        return made[-1]

    yield make
    site.use(app.extensions["settings"].public_url)  # the last that was made has said another
    for desk in made:
        contextvars.Context().run(_let_go, desk)


def _let_go(desk: Flask) -> None:
    with desk.app_context():
        db.engine.dispose()
