"""The stage that page and browser tests look at: set up once for a module's tests."""
import os
import secrets
from collections.abc import Iterator

import pytest
from flask import Flask

from tests import factories as f
from tests.conftest import _application, _clone, _in_context
from tests.web import stage as stages


@pytest.fixture(scope="module")
def stage_database(owner_url: str, template: str) -> Iterator[str]:
    with _clone(owner_url, template, f"clone_{os.getpid()}_{secrets.token_hex(4)}") as name:
        yield name


@pytest.fixture(scope="module")
def stage(stage_database: str, redis_url: str) -> Iterator[stages.Stage]:
    """Do not ask for `app` or `client` in a module that uses it."""
    with _application(stage_database, redis_url) as made:
        with _in_context(made):
            f.forget()
            ready = stages.set_up(made)
        yield ready
    f.forget()


@pytest.fixture
def cast(app: Flask) -> f.Cast:
    """A store, and a trader who takes its orders."""
    made = f.new_cast()
    made.requisite(made.trader())
    return made
