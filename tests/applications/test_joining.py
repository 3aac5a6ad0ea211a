"""From a stranger's form to somebody who signs in: read by staff, decided by two, let in by a link that works once."""
import re
from datetime import timedelta
from io import BytesIO

import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from portal import approvals
from portal.applications import Application, checks, decisions, invitation, service
from portal.applications.commands import ChooseFirstPassword
from portal.core import clock, ids
from portal.core.errors import NotFound
from portal.files import File
from portal.files import service as files_service
from portal.parties import invitations
from portal.parties.commands import MoveUser
from portal.parties.models import Merchant, Trader, User
from portal.parties.users import EmailTaken
from tests import factories as f
from tests import people
from tests.applications import joining
from tests.web import forms

PASSWORD = "a sentence that nobody else would think of"


def send(client, page, path, **fields):
    """As a person without a script fills in the form of that page."""
    shown = client.get(page)
    assert shown.status_code == 200, page
    sent = {name: values[0] for name, values in forms.to(shown.text, path).sent.items() if name not in fields}
    boundary, body = encode_multipart(sent | fields)
    return client.post(path, data=body, content_type=f"multipart/form-data; boundary={boundary}")


def document(name="passport.png"):
    return FileStorage(BytesIO(f.picture()), name)


def apply(client, kind="merchant", **other):
    path = f"/join/{kind}"
    return send(client, path, path, **joining.fields(kind, **other), files=document())


def application_of(answer) -> Application:
    return joining.one(service.id_of(answer.location.rpartition("/")[2].partition("?")[0]))


@pytest.fixture
def client(app):
    return people.stranger(app)


@pytest.fixture
def admin(app):
    return people.seat(app, people.person("admin"))


@pytest.mark.parametrize("kind", ["merchant", "trader"])
def test_from_the_form_to_the_first_sign_in(app, client, admin, kind):
    answer = apply(client, kind)
    made = application_of(answer)
    assert (answer.status_code, made.state, made.kind) == (303, "received", kind)
    assert "people are reading it" in client.get(answer.location).text
    page = f"/admin/applications/{made.public_id}"
    shown = admin.get(page).text
    assert all(word in shown for word in (made.name, made.email, made.phone, "passport.png"))
    assert admin.send(f"{page}/proposal", {"decision": "accept", "reason": "Looks well"}).status_code == 303
    with f.look() as session:
        assert session.scalar(sa.select(User).where(User.email == made.email)) is None
        asked, = approvals.waiting_for(session, "application", made.id)
    own = admin.send(f"/admin/approvals/{asked.public_id}/decision", {"decision": "approve"})
    assert own.status_code == 403
    second = people.seat(app, people.person("admin"))
    assert second.send(f"/admin/approvals/{asked.public_id}/decision", {"decision": "approve"}).status_code == 303
    made = joining.one(made.id)
    with f.look() as session:
        party = session.get_one(Merchant if kind == "merchant" else Trader, made.party_id)
        assert (party.name, party.status) == (made.name, "active")
    assert "You are accepted" in client.get(answer.location).text
    link = re.search(r"/join/invitation/[\w-]+", admin.send(f"{page}/invitation").text)[0]
    assert send(client, link, link, password="short").status_code == 422
    assert send(client, link, link, password=PASSWORD).status_code == 303
    assert client.get(link).status_code == 404
    entered = send(client, "/login", "/login", email=made.email, password=PASSWORD)
    assert (entered.status_code, entered.location) == (303, "/merchant/" if kind == "merchant" else "/trader/orders")


def test_a_link_dies_once_its_person_came_in_another_way(app, admin):
    """Whoever finds the message with it later takes nobody's account over."""
    opened = []
    for came_in in ("given", "signed_in", "factor"):
        made = joining.applied("trader")
        joining.decide(joining.propose(f.staff("admin"), made, "accept"))
        page = f"/admin/applications/{made.public_id}"
        link = re.search(r"/join/invitation/[\w-]+", admin.send(f"{page}/invitation").text)[0]
        opened.append(people.stranger(app).get(link).status_code)
        with f.act() as session:
            user = session.get_one(User, joining.one(made.id).user_id)
            if came_in == "given":
                invitations.give_password(session, f.staff("super_admin"), MoveUser(user_id=user.id, reason="called"))
            elif came_in == "signed_in":
                user.last_login_at = clock.now()
            else:
                user.factor_since = clock.now()
        with pytest.raises(NotFound), f.act() as session:
            invitation.choose(session, service.applicant(service.token_of(made.id)), ChooseFirstPassword(
                link=link.rpartition("/")[2], password=SecretStr(PASSWORD)))
        assert people.stranger(app).get(link).status_code == 404
    assert opened == [200, 200, 200]


def test_strangers_drafts_have_a_bound_together(app, client, monkeypatch):
    """Every look at the form is another key: a bound for each of them is none."""
    monkeypatch.setattr(files_service, "STRANGERS_MAX", 2)

    def upload():
        key = re.search(r'name="draft_key" value="([^"]+)"', client.get("/join/trader").text)[1]
        return client.send("/join/files", {"draft_key": key, "file": document()}, content_type="multipart/form-data")

    with f.act() as session:
        session.execute(sa.delete(File).where(File.attached_at.is_(None), File.uploader.startswith("applicant:")))
    answers = [upload() for _ in range(4)]
    assert [answer.status_code for answer in answers] == [201, 201, 409, 409]
    assert "without them" in answers[3].text
    refused = apply(client)
    assert refused.status_code == 409, "and what comes with the form"
    assert joining.fields("merchant").keys() <= set(re.findall(r'name="(\w+)"', refused.text)), "it is shown again"


def test_a_known_address_gets_the_same_answer_and_staff_see_it(app, client, admin):
    person = people.person("trader")
    first, known = apply(client), apply(client, email=person.email)
    assert known.status_code == first.status_code == 303
    pages = [re.sub(r'<time.*?</time>|data-\w+="[^"]*"|[\w.-]{40,}', "", client.get(one.location).text)
             for one in (first, known)]
    assert pages[0] == pages[1]
    assert "Somebody signs in with this e-mail address already" in admin.get(
        f"/admin/applications/{application_of(known).public_id}").text


def test_what_is_known_already_is_shown(app):
    cast = f.new_cast()
    first = joining.applied("trader")
    again = joining.applied("trader", email=first.email, phone=first.phone, wants="Only casino traffic")
    name = f"Vera {again.contact.split()[1]}"
    trader = cast.trader(name=name)
    f.change(again, name=name)
    with f.look() as session:
        found = checks.of(session, joining.one(again.id), deny_words=["CASINO", "arms"])
    assert ([one.id for one in found.same_email], [one.id for one in found.same_phone]) == ([first.id], [first.id])
    assert [one.id for one in found.same_name] == [trader.id]
    assert found.words == ["CASINO"]
    with f.look() as session:
        assert checks.of(session, joining.applied("merchant"), deny_words=["casino"]).clean


def test_a_refused_one_reads_why(client, app):
    made = application_of(apply(client))
    asked = joining.propose(f.staff("admin"), made, "refuse", told="We serve no casinos.")
    joining.decide(asked)
    page = client.get(f"/join/application/{service.token_of(made.id)}").text
    assert "We cannot take you on." in page
    assert "We serve no casinos." in page
    made = joining.one(made.id)
    assert (made.state, made.user_id, made.party_id) == ("refused", None, None)


def test_a_refusal_has_to_say_why(admin):
    made = joining.applied()
    answer = admin.send(f"/admin/applications/{made.public_id}/proposal", {"decision": "refuse", "reason": "No"})
    assert (answer.status_code, "Tell the applicant why." in answer.text) == (422, True)
    assert joining.one(made.id).state == "received"


def test_a_proposal_that_comes_to_nothing_leaves_it_where_it_was(app):
    made, staff = joining.applied(), f.staff("admin")
    joining.decide(joining.propose(staff, made), "reject")
    assert joining.one(made.id).state == "received"
    asked = joining.propose(staff, made)
    with f.act() as session:
        approvals.take_back(session, staff, asked.public_id)
    assert joining.one(made.id).state == "received"
    asked = joining.propose(staff, made)
    with pytest.raises(decisions.NotOpen):
        joining.propose(f.staff("admin"), made)
    f.change(made, email="other@join.example")
    with pytest.raises(approvals.StaleApproval):
        joining.decide(asked)


def test_an_address_that_was_taken_meanwhile_makes_nothing(app):
    person = people.person("trader")
    made = joining.applied(email=person.email)
    with pytest.raises(EmailTaken):
        joining.decide(joining.propose(f.staff("admin"), made))
    with f.look() as session:
        assert session.scalar(sa.select(Merchant).where(Merchant.name == made.name)) is None
    assert joining.one(made.id).state == "proposed"


def test_sent_twice_it_is_one_application(client):
    shown = client.get("/join/merchant").text
    sent = {name: values[0] for name, values in forms.to(shown, "/join/merchant").sent.items()}
    sent |= joining.fields()
    answers = [client.post("/join/merchant", data=sent) for _ in range(2)]
    assert answers[0].location == answers[1].location
    with f.look() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Application).where(
            Application.email == sent["email"])) == 1


def test_a_refused_form_keeps_what_was_typed_and_its_files(client):
    shown = client.get("/join/trader").text
    form = forms.to(shown, "/join/trader").sent
    key = {"csrf_token": form["csrf_token"][0], "draft_key": form["draft_key"][0]}
    boundary, body = encode_multipart(key | {"file": document("id card.png")})
    draft = client.post("/join/files", data=body, content_type=f"multipart/form-data; boundary={boundary}")
    assert draft.status_code == 201
    sent = key | joining.fields("trader", phone="call me") | {"draft": draft.text}
    answer = client.post("/join/trader", data=sent)
    assert answer.status_code == 422
    again = forms.to(answer.text, "/join/trader").sent
    assert (again["name"], again["draft"], again["draft_key"]) == ([sent["name"]], [draft.text], form["draft_key"])
    assert "id card.png" in answer.text
    other = client.get("/join/trader").text
    foreign = key | {"draft_key": forms.to(other, "/join/trader").sent["draft_key"][0], "draft": draft.text}
    assert client.post("/join/trader", data=foreign | joining.fields("trader")).status_code == 422
    assert client.post("/join/trader", data=sent | {"phone": "+995 500 00 00 00"}).status_code == 303


def test_a_draft_is_taken_back(client):
    form = forms.to(client.get("/join/trader").text, "/join/trader").sent
    key = {"csrf_token": form["csrf_token"][0], "draft_key": form["draft_key"][0]}
    draft = client.post("/join/files", data=key | {"file": document("id card.png")}, content_type="multipart/form-data")
    assert draft.status_code == 201
    assert client.post(f"/join/files/{draft.text}/removal", data=key).status_code < 300
    sent = key | joining.fields("trader") | {"draft": draft.text}
    assert client.post("/join/trader", data=sent).status_code == 422, "it is gone"


def test_only_staff_who_may_see_applications_and_their_documents(app, client, admin):
    made = application_of(apply(client))
    page, file = f"/admin/applications/{made.public_id}", None
    file = re.search(r"/files/fil_\w+", admin.get(page).text)[0]
    assert admin.get(file).status_code == 200
    for kind in ("support_orders", "support_readonly", "trader", "merchant_owner"):
        seat = people.seat(app, people.person(kind))
        assert seat.get(page).status_code == 403
        assert seat.get(file).status_code == 404
    assert client.get(file).status_code == 303


@pytest.mark.parametrize("token", ["x", "0" * 58, "é"])
def test_a_key_that_we_did_not_make_opens_nothing(client, token):
    assert client.get(f"/join/application/{token}").status_code == 404
    unsent = service.token_of(ids.new_id())
    assert client.get(f"/join/application/{unsent}").status_code == 404
    shown = forms.to(client.get("/join/merchant").text, "/join/merchant").sent
    bad = {"csrf_token": shown["csrf_token"][0], "draft_key": token} | joining.fields()
    assert client.post("/join/merchant", data=bad).status_code == 404


def test_a_link_runs_out_is_replaced_and_is_not_made_for_who_is_in(app):
    made, staff = joining.applied(), f.staff("admin")
    with pytest.raises(invitation.NothingToOpen), f.act() as session:
        invitation.make_link(session, staff, made.public_id)
    joining.decide(joining.propose(staff, made))
    links = []
    for _ in range(2):
        with f.act() as session:
            links.append(invitation.make_link(session, staff, made.public_id))
    with f.look() as session, pytest.raises(NotFound):
        invitation.of_link(session, links[0])
    with clock.moved(timedelta(hours=73)), f.look() as session, pytest.raises(NotFound):
        invitation.of_link(session, links[1])
    with f.look() as session:
        assert invitation.of_link(session, links[1]).id == made.id
        user = session.get_one(User, joining.one(made.id).user_id)
    f.change(user, last_login_at=clock.now())
    with pytest.raises(invitation.NothingToOpen), f.act() as session:
        invitation.make_link(session, staff, made.public_id)


def test_there_is_a_day_when_it_is_enough(app, monkeypatch):
    monkeypatch.setattr(service, "A_DAY_MAX", 0)
    with pytest.raises(service.TooManyApplications):
        joining.applied()


def test_it_is_a_case_with_notes(app, admin):
    made = joining.applied()
    page = f"/admin/applications/{made.public_id}"
    assert admin.send(f"/admin/cases/{made.public_id}").status_code == 303
    assert admin.send(f"{page}/notes", {"text": "Called them: <b>fine</b>"}).status_code == 303
    shown = admin.get(page).text
    assert "Called them: &lt;b&gt;fine&lt;/b&gt;" in shown
    assert made.name in admin.get("/admin/applications").text
    assert made.public_id in admin.get("/admin/cases").text
