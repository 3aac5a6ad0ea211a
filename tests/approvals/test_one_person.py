"""One person, two accounts: who let somebody in decides nothing for them, nor they for him."""
import pytest
from flask import Flask

from portal import approvals
from portal.approvals import Approval, DecideApproval, OneHand
from portal.core.access import Actor
from portal.core.db import reader, transaction
from portal.parties import invitations, name_and_email, permissions, users
from portal.parties.commands import DisableUser, InviteUser, MoveUser, SetPermissions, SetPerson
from portal.parties.models import User
from tests import people


def staff() -> people.Person:
    return people.person("super_admin")


def wish(who: people.Person) -> Approval:
    """Something that waits for a second person: more rights for somebody who has nothing to do with it."""
    user = people.person("support_readonly")
    wanted = (*(str(p) for p in user.actor.permissions), "order:cancel_any")
    with transaction() as session:
        found = permissions.set_permissions(session, who.actor, SetPermissions(
            user_id=user.id, permissions=wanted, reason="Grew"))
    assert found is not None
    return found


def decide(who: Actor, wanted: Approval) -> Approval:
    with transaction() as session:
        return approvals.decide(session, who, DecideApproval(approval_id=wanted.public_id, decision="approve"))


def hand_out(asker: people.Person, decider: people.Person, to: people.Person) -> str:
    """A password for one of the staff; whoever decides is shown it."""
    with transaction() as session:
        _, password = invitations.give_password(session, asker.actor, MoveUser(user_id=to.id, reason="Lost it"))
    assert password is None
    (waiting,) = approvals.waiting_for(reader(), "user", to.id, kind="user_password")
    reader().rollback()
    shown = decide(decider.actor, waiting).shown_once
    assert shown is not None
    return shown


def test_a_password_for_staff_waits_and_only_who_decides_sees_it(app: Flask) -> None:
    first, second, owner = staff(), staff(), staff()
    shown = hand_out(first, second, owner)
    assert invitations.as_pasted(f" {shown}\n") == shown


def test_who_handed_the_password_out_is_no_second_person(app: Flask) -> None:
    """A super administrator signed in as the second one and approved his own request."""
    asker, giver, owner = staff(), staff(), staff()
    before, reverse = wish(giver), wish(owner)
    hand_out(asker, giver, owner)
    for wanted, who in ((before, owner), (wish(giver), owner), (reverse, giver), (wish(owner), giver)):
        with pytest.raises(OneHand):
            decide(who.actor, wanted)
    assert decide(asker.actor, wish(owner)).state == "approved"
    assert decide(owner.actor, wish(asker)).state == "approved"


def test_another_one_lets_them_in_again(app: Flask) -> None:
    giver, other, owner = staff(), staff(), staff()
    hand_out(other, giver, owner)
    wanted = wish(giver)
    with pytest.raises(OneHand):
        decide(owner.actor, wanted)
    hand_out(giver, other, owner)
    assert decide(owner.actor, wanted).state == "approved"


def test_at_second_hand_too(app: Flask) -> None:
    """Who holds an account lets a third one in by it."""
    first, held, third, clerk = staff(), staff(), staff(), staff()
    hand_out(clerk, first, held)
    hand_out(clerk, held, third)
    with pytest.raises(OneHand):
        decide(third.actor, wish(first))
    assert decide(clerk.actor, wish(third)).state == "approved"


def test_a_disabled_account_opens_by_two(app: Flask) -> None:
    asker, decider, gone = staff(), staff(), staff()
    command = DisableUser(user_id=gone.id, reason="Left")
    with transaction() as session:
        users.disable(session, asker.actor, command)
    with transaction() as session:
        waits = users.enable(session, asker.actor, command)
    assert waits is not None
    with transaction() as session:
        assert not session.get_one(User, gone.id).active
    decide(decider.actor, waits)
    with transaction() as session:
        assert session.get_one(User, gone.id).active
    with pytest.raises(OneHand):
        decide(gone.actor, wish(asker))


def test_more_rights_are_from_who_asked_for_them(app: Flask) -> None:
    asker, decider, user = staff(), staff(), people.person("admin")
    with transaction() as session:
        waits = permissions.set_permissions(session, asker.actor, SetPermissions(
            user_id=user.id, permissions=(*(str(p) for p in user.actor.permissions), "user:manage"), reason="Grew"))
    assert waits is not None
    decide(decider.actor, waits)
    with pytest.raises(OneHand):
        decide(user.actor, wish(asker))


def test_an_administrator_is_not_shown_the_password_of_somebody_above(app: Flask) -> None:
    asker, owner = staff(), staff()
    with transaction() as session:
        invitations.give_password(session, asker.actor, MoveUser(user_id=owner.id, reason="Lost it"))
    (waiting,) = approvals.waiting_for(reader(), "user", owner.id)
    reader().rollback()
    with pytest.raises(permissions.Outranked):
        decide(people.person("admin").actor, waiting)


def test_the_owner_is_told(app: Flask) -> None:
    """By page, since the desk sends no mail: at the next sign-in, and for good in the account."""
    asker, giver, owner = staff(), staff(), staff()
    shown = hand_out(asker, giver, owner)
    browser = people.stranger(app)
    assert browser.send("/login", {"email": owner.email, "password": shown}).status_code == 303
    page = browser.get("/profile").get_data(as_text=True)
    assert page.count(f"A password for your account was given out: {giver.email}") == 2
    assert browser.get("/profile").get_data(as_text=True).count("was given out") == 1


def asks(who: people.Person) -> Approval:
    """Something for two people that a trader's person could have put before them, too."""
    user = people.person("support_readonly")
    with transaction() as session:
        return approvals.ask(
            session, who.actor, kind=permissions.KIND, target_kind="user", target_id=user.id,
            before={"permissions": sorted(str(p) for p in user.actor.permissions)},
            after={"email": user.email, "given": ["order:cancel_any"], "taken": []}, reason="Grew")


def give(giver: people.Person, to: people.Person) -> None:
    """A password for a trader's person, at once."""
    with transaction() as session:
        assert invitations.give_password(session, giver.actor, MoveUser(user_id=to.id, reason="Telephoned"))[1]


def test_a_new_password_does_not_open_what_was_asked_for_with_the_old_one(app: Flask) -> None:
    """The thief asked as the trader, waited until the owner had a password again, and approved it himself."""
    thief, helper, owner = staff(), staff(), people.person("trader")
    give(thief, owner)
    wanted = asks(owner)
    give(helper, owner)
    with pytest.raises(OneHand):
        decide(thief.actor, wanted)
    assert decide(staff().actor, wanted).state == "approved"
    assert decide(thief.actor, asks(owner)).state == "approved"


def test_who_invited_somebody_decides_nothing_for_them(app: Flask) -> None:
    """A company's people, too: whoever invites is shown the first password."""
    inviter, trader_id = staff(), people.trader()
    with transaction() as session:
        user, _ = invitations.invite(session, inviter.actor, InviteUser(
            email=f"{trader_id}@example.test", name="Nina", template="trader", trader_id=trader_id, reason="New"))
        invited = people.Person(user.id, user.email, users.actor_of(user), trader_id=trader_id)
    with pytest.raises(OneHand):
        decide(inviter.actor, asks(invited))
    assert decide(staff().actor, asks(invited)).state == "approved"


def test_who_set_the_address_is_not_freed_by_a_password_of_their_own_asking(app: Flask) -> None:
    thief, helper, owner = staff(), staff(), staff()
    with transaction() as session:
        waits = name_and_email.set_person(session, thief.actor, SetPerson(
            user_id=owner.id, name="Mine", email=f"mine-{owner.email}", reason="Moved"))
    assert waits is not None
    decide(helper.actor, waits)
    hand_out(thief, helper, owner)
    with pytest.raises(OneHand):
        decide(thief.actor, wish(owner))
    hand_out(staff(), helper, owner)
    assert decide(thief.actor, wish(owner)).state == "approved"
