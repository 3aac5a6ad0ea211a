"""A stranger who applies, is let in by a link that staff hand over, and chooses a password."""
import re

from tests.journeys.plain_browser import PlainBrowser
from tests.journeys.test_stranger import sign_in
from tests.running import Desk

CHOSEN = "canary of a first passphrase 7719"
FORM = {"name": "Kanareika Traders", "contact": "Pavel Kanareikin", "phone": "+995 555 20 30 40", "country": "Georgia",
        "volume": "to_100k", "wants": "Cards in roubles.", "email": "pavel.kanareikin@join.example"}


def is_let_in(desk: Desk) -> dict[str, str]:
    """What opened the door on the way, by its name."""
    stranger = PlainBrowser(desk.url)
    stranger.open("/join/trader")
    assert stranger.send("/join/trader", **FORM) == 200, stranger.text
    state = stranger.url.rpartition("/")[2].partition("?")[0]
    anna, boris = sign_in(desk, "admin"), sign_in(desk, "second")
    anna.open("/admin/applications")
    page = re.search(r'/admin/applications/apl_\w+', anna.html)[0]  # type: ignore[index]
    anna.open(page)
    assert anna.send("/proposal", decision="accept", reason="Looks well") == 200, anna.text
    boris.open("/admin/approvals")
    asked = re.search(r'/admin/approvals/apr_\w+(?=/decision)', boris.html)[0]  # type: ignore[index]
    boris.open(asked)
    assert boris.send("/decision", decision="approve") == 200, boris.text
    anna.open(page)
    assert anna.send("/invitation") in (200, 201), anna.text
    link = re.search(r"/join/invitation/([\w-]+)", anna.html)[1]  # type: ignore[index]
    assert stranger.open(f"/join/invitation/{link}") == 200
    assert stranger.send(link, password="short") == 422
    assert stranger.send(link, password=CHOSEN) == 200, stranger.text
    stranger.open("/login")
    assert stranger.send("/login", email=FORM["email"], password=CHOSEN) == 200, stranger.text
    return {"link of an application": state, "link of an invitation": link, "first password of their own": CHOSEN,
            "session of who was let in": stranger.cookie("sid")}
