"""A store on books of its own, whose test orders two robots take."""
import pytest

from portal.requisites import robots
from tests import factories as f


@pytest.fixture
def shop(fresh_app) -> f.Cast:
    cast = f.new_cast()
    with f.act() as session:
        robots.ensure(session, "USDT", methods=[cast.method])
    return cast
