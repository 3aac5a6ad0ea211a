"""The second factor: set up and proved before it counts, each code once, and no way around it."""
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pyotp
import pytest
from argon2.low_level import Type, hash_secret_raw
from flask import Flask
from sqlalchemy import select

from portal import approvals
from portal.approvals import DecideApproval
from portal.core import clock, ids
from portal.core.audit import AuditRow
from portal.core.db import open_session, reader, transaction
from portal.core.errors import Invalid
from portal.parties import invitations, passwords, second_factor, sessions
from portal.parties.commands import MoveUser
from portal.parties.factor_models import RecoveryCode
from portal.parties.models import User, UserSession
from portal.server.live.audience import Listeners
from tests import people
from tests.web.auth.test_login import log_in
from tests.web.inspect import faults

PAGE = "/profile/second-factor/app"


def code_of(seed: str, *, steps: int = 0) -> str:
    return pyotp.TOTP(seed).at(clock.now() + timedelta(seconds=30 * steps))


def at_the_second_door(app: Flask, person: people.Person) -> people.Seat:
    browser, answer = log_in(app, person.email)
    assert (answer.status_code, answer.location) == (303, "/second-factor")  # type: ignore[attr-defined]
    browser.token = people.csrf_of(browser.get("/second-factor"))
    return browser


def set_up(app: Flask, browser: people.Seat) -> tuple[str, list[str]]:
    """As a person does it: the page, its key, the code, and the codes that are shown once."""
    asked = browser.get(PAGE)
    if asked.status_code == 428:
        assert browser.send("/step-up", {"reading": PAGE}).location == PAGE
        asked = browser.get(PAGE)
    html = asked.get_data(as_text=True)
    assert not faults(html, signed_in=True, language="en")
    seed = re.search(r'class="id breakable">([A-Z2-7 ]+)<', html)[1].replace(" ", "")  # type: ignore[index]
    answer = browser.send(PAGE, {"code": code_of(seed)})
    shown = answer.get_data(as_text=True)
    assert not faults(shown, signed_in=True, language="en")
    return seed, re.findall(r"^(?:.*<code>)?([a-z2-9]{5}-[a-z2-9]{5})", shown, re.M)


@pytest.fixture
def enrolled(app: Flask) -> tuple[people.Person, str]:
    me = people.person("trader")
    return me, people.with_factor(me)


def test_it_is_proved_before_it_counts_and_comes_with_ten_codes(app: Flask) -> None:
    me = people.person("trader")
    here, elsewhere = people.seat(app, me), people.seat(app, me)
    assert here.get(PAGE).status_code == 428, "a stolen session alone sets nothing up"
    here.send("/step-up", {"reading": PAGE})
    here.get(PAGE)
    wrong = here.send(PAGE, {"code": "000000"})
    assert wrong.status_code == 422
    assert "This code is wrong" in wrong.get_data(as_text=True)
    with transaction() as session:
        assert session.get(User, me.id).factor_since is None  # type: ignore[union-attr]
    assert elsewhere.get("/trader/orders").status_code == 200
    copied = people.Browser(app)
    copied.set_cookie("sid", here.sid)
    assert copied.get("/trader/orders").status_code == 200
    _, codes = set_up(app, here)
    assert len(set(codes)) == 10
    assert here.get("/trader/orders").status_code == 200, "who set it up goes on"
    assert copied.get("/trader/orders").location.startswith("/login"), "a copy of its cookie does not"
    assert elsewhere.get("/trader/orders").location.startswith("/login"), "every other session ended"
    assert not any(code in here.get("/profile").get_data(as_text=True) for code in codes)


def test_the_seed_lies_sealed_and_each_session_sees_its_own(app: Flask, enrolled: tuple[people.Person, str]) -> None:
    me, seed = enrolled
    with transaction() as session:
        sealed = session.get(User, me.id).totp_sealed  # type: ignore[union-attr]
    assert sealed is not None
    assert seed.encode() not in bytes(sealed)
    other = people.person("trader")
    seats = [people.seat(app, other) for _ in range(2)]
    seeds = set()
    for seat in seats:
        seat.send("/step-up", {"reading": PAGE})
        seeds.add(re.search(r'class="id breakable">([A-Z2-7 ]+)<', seat.get(PAGE).text)[1])  # type: ignore[index]
    assert len(seeds) == 2


def test_its_address_leads_to_where_it_is_looked_after(app: Flask) -> None:
    here = people.seat(app, people.person("trader"))
    assert here.get("/profile/second-factor").location == "/profile#second-factor"
    assert 'id="second-factor"' in here.get("/profile").get_data(as_text=True)


def test_the_password_alone_opens_nothing(app: Flask, enrolled: tuple[people.Person, str]) -> None:
    me, seed = enrolled
    browser = at_the_second_door(app, me)
    page = browser.get("/second-factor").get_data(as_text=True)
    assert not faults(page, signed_in=True, language="en")
    for path in ("/trader/orders", "/profile", PAGE, "/trader/requisites"):
        assert browser.get(path).location.startswith("/second-factor?next="), path
    assert browser.send("/profile/password", {"current": people.PASSWORD, "password": "x"}).status_code == 403
    sid = browser.get_cookie("sid").value  # type: ignore[union-attr]
    assert Listeners(app).find(sid) is None, "no news either"
    kept = reader().scalars(select(UserSession).where(UserSession.user_id == me.id, UserSession.factor_at.is_(None),
                                                      UserSession.ended_at.is_(None))).one()
    assert kept.ends_at - kept.created_at == sessions.HALF_FOR
    answer = browser.send("/second-factor", {"code": code_of(seed, steps=1), "next": "/trader/balance"})
    assert answer.status_code == 422, "of the next half minute"
    with clock.moved(timedelta(seconds=30)):
        answer = browser.send("/second-factor", {"code": code_of(seed), "next": "/trader/balance"})
        assert (answer.status_code, answer.location) == (303, "/trader/balance")
        assert browser.get("/trader/orders").status_code == 200
    assert browser.get_cookie("sid").value != sid, "a new token with more rights"  # type: ignore[union-attr]
    acts = reader().scalars(select(AuditRow.action).where(AuditRow.target_id == str(me.id))).all()
    assert {"user.password_shown", "user.signed_in"} <= set(acts)


def test_a_code_counts_once_across_sessions_and_not_late(app: Flask, enrolled: tuple[people.Person, str]) -> None:
    me, seed = enrolled
    first, second = at_the_second_door(app, me), at_the_second_door(app, me)
    assert first.send("/second-factor", {"code": code_of(seed)}).status_code == 422, "used when it was set up"
    with clock.moved(timedelta(seconds=60)):
        code = code_of(seed)
        assert first.send("/second-factor", {"code": code}).status_code == 303
        assert second.send("/second-factor", {"code": code}).status_code == 422
        late = code_of(seed, steps=-2)
        assert second.send("/second-factor", {"code": late}).status_code == 422


@pytest.mark.parametrize("kind", ["app", "recovery"])
def test_one_code_sixteen_times_at_once_opens_once(app: Flask, enrolled: tuple[people.Person, str], kind: str) -> None:
    me, seed = enrolled
    with transaction() as session:
        codes = second_factor.new_recovery_codes(session, me.actor, second_factor.new_codes())
    with clock.moved(timedelta(seconds=60)):
        code = code_of(seed) if kind == "app" else codes[0]

        def accept(_: int) -> bool:
            with app.app_context():
                try:
                    digest = second_factor.digest_of(code, second_factor.salt_for(reader(), me.actor, code))
                    with transaction() as session:
                        second_factor.accept(session, me.actor, code, digest)
                except Invalid:
                    return False
                return True

        with ThreadPoolExecutor(8) as pool:
            assert sorted(pool.map(accept, range(16))) == [False] * 15 + [True]


def test_recovery_codes_lie_as_passwords_do(app: Flask) -> None:
    """Argon2id with a salt of their own; whoever has a dump and every key of the desk has none of them."""
    rows = {}
    for me in (people.person("trader"), people.person("trader")):
        people.with_factor(me)
        with transaction() as session:
            codes = second_factor.new_recovery_codes(session, me.actor, second_factor.new_codes())
            session.flush()
            rows[me] = session.scalars(select(RecoveryCode).where(RecoveryCode.user_id == me.id)).all()
        salt = {bytes(row.salt) for row in rows[me]}
        assert len(salt) == 1
        [one] = salt
        assert len(one) == 16
        cost = {"time_cost": 2, "memory_cost": 19456, "parallelism": 1, "hash_len": 32, "type": Type.ID}
        assert {bytes(row.digest) for row in rows[me]} == {
            hash_secret_raw(code.replace("-", "").encode(), one, **cost) for code in codes}
    assert len({bytes(row.salt) for made in rows.values() for row in made}) == 2


def test_a_recovery_code_opens_once(app: Flask) -> None:
    me = people.person("merchant_owner")
    _, codes = set_up(app, people.seat(app, me))
    assert at_the_second_door(app, me).send("/second-factor", {"code": codes[0].upper().replace("-", " ")}
                                            ).status_code == 303
    again = at_the_second_door(app, me)
    assert again.send("/second-factor", {"code": codes[0]}).status_code == 422
    assert again.send("/second-factor", {"code": codes[1]}).status_code == 303
    stranger = people.person("trader")
    people.with_factor(stranger)
    assert at_the_second_door(app, stranger).send("/second-factor", {"code": codes[2]}).status_code == 422
    again.token = people.csrf_of(again.get("/profile"))
    other = again.send("/profile/second-factor/codes", {"proof_code": codes[3]})
    assert other.status_code == 200
    assert again.send("/profile/second-factor/codes", {"proof_code": codes[4]}).status_code == 422, "replaced"


def test_five_wrong_codes_pause_it_for_a_quarter_of_an_hour(app: Flask, enrolled: tuple[people.Person, str]) -> None:
    me, seed = enrolled
    browser = at_the_second_door(app, me)
    assert [browser.send("/second-factor", {"code": "000000"}).status_code for _ in range(5)] == [422] * 5
    other = at_the_second_door(app, me)
    with clock.moved(timedelta(minutes=5)):
        refused = other.send("/second-factor", {"code": code_of(seed)})
        assert refused.status_code == 429
        assert 590 < int(refused.headers["Retry-After"]) <= 601
    with clock.moved(timedelta(minutes=11)):
        assert other.get("/second-factor").location.startswith("/login"), "half a session lasts ten minutes"
    with clock.moved(timedelta(minutes=15, seconds=1)):
        fresh = at_the_second_door(app, me)
        assert fresh.send("/second-factor", {"code": code_of(seed)}).status_code == 303


def test_recovery_codes_are_hashed_while_no_transaction_waits(
        app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hash takes its time, and may wait ten seconds for its place: no connection stands idle, no row is locked."""
    me = people.person("merchant_owner")
    digest, held = passwords.digest, list[bool]()

    def watched(secret: str, salt: bytes) -> bytes:
        session = open_session()
        held.append(session is not None and session.in_transaction())
        return digest(secret, salt)

    monkeypatch.setattr(passwords, "digest", watched)
    browser = people.seat(app, me)
    _, codes = set_up(app, browser)
    browser = at_the_second_door(app, me)
    assert browser.send("/second-factor", {"code": codes[0]}).status_code == 303
    browser.token = people.csrf_of(browser.get("/profile"))
    assert browser.send("/profile/second-factor/codes", {"proof_code": codes[1]}).status_code == 200
    assert held == [False] * (10 + 1 + 1 + 10)


def test_a_code_that_could_not_be_looked_at_is_no_wrong_one(
        app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight tries while everybody signs in: the next one counts as the first, of any kind."""
    me = people.person("merchant_owner")
    _, codes = set_up(app, people.seat(app, me))
    browser = at_the_second_door(app, me)
    with monkeypatch.context() as crowded:
        crowded.setattr(passwords, "_places", threading.BoundedSemaphore(1))
        crowded.setattr(passwords, "WAIT_S", 0)
        with passwords._Place():
            assert [browser.send("/second-factor", {"code": codes[0]}).status_code for _ in range(8)] == [503] * 8
    assert browser.send("/second-factor", {"code": codes[0]}).status_code == 303


def test_a_new_password_and_a_staff_password_keep_it(app: Flask, enrolled: tuple[people.Person, str]) -> None:
    (me, _), staff = enrolled, people.person("super_admin")
    with transaction() as session:
        _, given = invitations.give_password(session, staff.actor, MoveUser(user_id=me.id, reason="Lost it"))
    browser, answer = log_in(app, me.email, given)
    assert answer.location == "/second-factor"  # type: ignore[attr-defined]
    assert browser.get("/profile").location.startswith("/second-factor"), "before a password of one's own is chosen"


def test_who_needs_one_sets_it_up_first(app: Flask, another: Callable[..., Flask]) -> None:
    strict = another(require_second_factor=True)
    for kind, needs in (("trader", True), ("super_admin", True), ("merchant_owner", True), ("merchant_viewer", False)):
        me = people.person(kind)
        browser, answer = log_in(strict, me.email)
        start = answer.location  # type: ignore[attr-defined]
        if not needs:
            assert browser.get(start).status_code == 200
            continue
        assert browser.get(start).location == PAGE, kind
        browser.token = people.csrf_of(browser.get(PAGE))
        assert browser.send("/profile/preferences", {"locale": "ru"}).status_code == 403
        _, codes = set_up(strict, browser)
        assert browser.get(start).status_code == 200
        assert browser.send("/profile/second-factor/app/removal", {"proof_code": codes[0]}).status_code == 409, "needed"


def test_whoever_needs_none_takes_it_away(app: Flask) -> None:
    me = people.person("merchant_viewer")
    browser = people.seat(app, me)
    _, codes = set_up(app, browser)
    assert browser.send("/profile/second-factor/app/removal").status_code == 428, "the password alone does not"
    assert browser.send("/profile/second-factor/app/removal", {"proof_code": codes[0]}).status_code == 303
    _, answer = log_in(app, me.email)
    assert answer.location == "/merchant/"  # type: ignore[attr-defined]


def test_two_others_take_a_lost_one_away(app: Flask, enrolled: tuple[people.Person, str]) -> None:
    me, _ = enrolled
    one, two = people.person("super_admin"), people.person("super_admin")
    path = f"/admin/users/{ids.public('usr', me.id)}"
    asked = people.seat(app, one).send(f"{path}/second-factor-reset", {"reason": "Phone lost"})
    assert asked.status_code == 303
    waiting = approvals.waiting_for(reader(), "user", me.id)[0]
    assert reader().get(User, me.id).factor_since is not None  # type: ignore[union-attr]
    own = people.seat(app, one).send(f"/admin/approvals/{waiting.public_id}/decision", {"decision": "approve"})
    assert own.status_code in (403, 409), "nobody alone"
    with transaction() as session:
        approvals.decide(session, two.actor, DecideApproval(approval_id=waiting.public_id, decision="approve"))
    browser, answer = log_in(app, me.email)
    assert answer.location == "/trader/orders"  # type: ignore[attr-defined]
    assert "Your second factor was taken away" in browser.get("/trader/orders").get_data(as_text=True)
