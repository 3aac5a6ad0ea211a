"""A desk of its own for the staff's pages: a cast, orders in several states, staff of each kind."""
from collections.abc import Callable

import pytest
from flask import Flask

from tests import people
from tests.factories import Cast, new_cast


@pytest.fixture
def cast(app: Flask) -> Cast:
    made = new_cast()
    made.requisite(made.trader())
    return made


@pytest.fixture
def seat_of(app: Flask) -> Callable[[str], people.Seat]:
    return lambda template: people.seat(app, people.person(template))


@pytest.fixture
def admin(seat_of: Callable[[str], people.Seat]) -> people.Seat:
    return seat_of("super_admin")
