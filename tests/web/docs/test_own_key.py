"""A signed-in developer's samples carry the beginning of a key of theirs; nobody else's do."""
from portal.core.access import SYSTEM
from portal.parties import keys
from portal.parties.commands import CreateKey
from tests import factories
from tests.web.inspect import faults
from tests.web.stage import Stage

PATH = "/docs/reference/payins"


def test_samples_carry_the_beginning_of_their_own_key(stage: Stage) -> None:
    with stage.app.app_context(), factories.act() as session:
        _, token = keys.create(session, SYSTEM, CreateKey(
            store_id=stage.orders["test"].store_id, live=False, name="docs", scopes=("orders:read",)))
    beginning, _, secret = token.rpartition("_")
    html = stage.seat("merchant_owner").get(PATH).get_data(as_text=True)
    assert f"Bearer {beginning}_…" in html
    assert secret not in html
    assert not faults(html, signed_in=False, language="en")
    for other in ("nobody", "trader", "super_admin"):
        assert beginning not in stage.seat(other).get(PATH).get_data(as_text=True)
