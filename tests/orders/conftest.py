"""A store, and a trader with one card, on a rail of their own."""
import pytest

from tests.factories import Cast, new_cast


@pytest.fixture
def cast(app) -> Cast:
    """Nobody to take its orders yet."""
    return new_cast()


@pytest.fixture
def ready(cast) -> Cast:
    """With a trader who has one card."""
    cast.requisite()
    return cast


@pytest.fixture
def stranger(app) -> Cast:
    """Another merchant, another trader: nothing of `cast` is theirs."""
    other = new_cast()
    other.requisite()
    return other


@pytest.fixture
def alone(fresh_app) -> Cast:
    """`ready` on books of its own, which can be proved whole."""
    cast = new_cast()
    cast.requisite()
    return cast
