"""One's own account: language and time zone kept, all other browsers ended at once."""
import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.core import audit
from portal.parties.models import User
from tests import people
from tests.factories import look
from tests.web.auth.test_sessions import is_in


def kept(me: people.Person) -> tuple[str, str]:
    with look() as session:
        return tuple(session.execute(select(User.locale, User.time_zone).where(User.id == me.id)).one())


def audited(action: str, me: people.Person) -> int:
    with look() as session:
        return session.scalar(select(func.count()).select_from(audit.AuditRow).where(
            audit.AuditRow.action == action, audit.AuditRow.target_id == str(me.id))) or 0


@pytest.mark.parametrize("kind", ["trader", "merchant_viewer", "support_readonly"])
def test_language_and_zone_are_kept_and_audited_once(app: Flask, kind: str) -> None:
    me = people.person(kind)
    here = people.seat(app, me)
    for _ in range(2):
        answer = here.send("/profile/preferences", {"locale": "ru", "time_zone": "Asia/Almaty"})
        assert (answer.status_code, answer.location) == (303, "/profile")
    assert kept(me) == ("ru", "Asia/Almaty")
    assert audited("user.preferences_set", me) == 1
    page = here.get("/profile").get_data(as_text=True)
    assert '<html lang="ru"' in page
    assert '<option value="Asia/Almaty" selected>' in page


@pytest.mark.parametrize(("locale", "zone"), [("de", "UTC"), ("en", "Mars/Olympus"), ("en", "../etc/passwd")])
def test_what_there_is_not_is_refused_beside_its_field(app: Flask, locale: str, zone: str) -> None:
    me = people.person("trader")
    before = kept(me)
    answer = people.seat(app, me).send("/profile/preferences", {"locale": locale, "time_zone": zone})
    assert answer.status_code == 422
    assert "field-error" in answer.get_data(as_text=True)
    assert kept(me) == before


def test_all_others_end_and_this_one_goes_on(app: Flask) -> None:
    me, other = people.person("trader"), people.person("trader")
    here, there, third, foreign = (people.seat(app, one) for one in (me, me, me, other))
    for _ in range(2):
        assert here.send("/profile/sessions/ending").status_code == 303
    assert [is_in(seat) for seat in (here, there, third, foreign)] == [True, False, False, True]
    assert audited("session.others_ended", me) == 1
    assert "End all others" not in here.get("/profile").get_data(as_text=True)
