"""What the desk's own mails say, in the language of who reads them. Plain text: a subject, a few sentences, a link."""
import secrets
from uuid import UUID

from flask import current_app, request
from flask_babel import force_locale, gettext
from sqlalchemy.orm import Session

from portal import mail
from portal.approvals import Approval
from portal.parties import mail_links, recovery_asks, second_factor
from portal.parties.mail_links import Letter
from portal.parties.models import User
from portal.web import devices
from portal.web.badges import N_
from portal.web.identity import signed_in


def recovery() -> recovery_asks.Letter:
    """In the language of the page that asks: whose letter it is, nobody looks up there."""
    token = secrets.token_urlsafe(mail_links.TOKEN_BYTES)
    return recovery_asks.Letter(token, gettext("Choose a new password"), _text(gettext(
        "Somebody, we hope you, asked for a new password at %(desk)s.", desk=_desk()), gettext(
        "Choose it here within 30 minutes; the link works once:"), _link(f"/recovery/{token}"), gettext(
        "If it was not you, nothing happens: your password stays as it is.")))


def address_change(session: Session, letter: Letter, new_email: str) -> None:
    with force_locale(letter.locale):
        _post(session, letter.email, gettext("Confirm the change of your e-mail address"), gettext(
            "The account at %(desk)s is to be signed in to by %(email)s.", desk=_desk(), email=new_email), gettext(
            "Both addresses have to agree, within a day. Agree here:"), _link(f"/email/{letter.token}"), gettext(
            "If you did not ask for this, do not open the link, change your password and tell an administrator."))


def new_browser(session: Session, *, email: str) -> None:
    """In the language of the page they have just signed in on, which is theirs."""
    _post(session, email, gettext("Signed in at a new browser"), gettext(
        "Your account at %(desk)s was just signed in to at a browser that we have not seen before.", desk=_desk()),
        _from_where(), gettext(
        "If it was you, all is well. If not, choose a new password at once; that ends every session:"),
        _link("/recovery"))


def password_changed(session: Session, email: str, locale: str) -> None:
    with force_locale(locale):
        _post(session, email, gettext("Your password was changed"), gettext(
            "Your account at %(desk)s has a new password. Every other session has ended.", desk=_desk()), _if_not_you())


FACTOR = {
    "app_added": N_("An authenticator app was set up as your second factor."),
    "app_removed": N_("Your authenticator app was taken away."),
    "passkey_added": N_("A passkey was added to your account."),
    "passkey_removed": N_("A passkey was taken away from your account."),
    "passkey_copied": N_("A passkey of yours was refused: its counter went back, as that of a copy does."),
    "codes_made": N_("New recovery codes were made for your account. Those before open nothing any more."),
    "reset": N_("Your second factor was taken away by two of the desk's administrators."),
}


def factor(session: Session, what: str, email: str, locale: str) -> None:
    """What was done with somebody's second factor, by themselves or by others."""
    with force_locale(locale):
        _post(session, email, gettext("Your second factor at %(desk)s", desk=_desk()), gettext(FACTOR[what]),
              _if_not_you())


def own_factor(session: Session, what: str) -> None:
    actor = signed_in()
    factor(session, what, actor.name, actor.locale)


def break_glass_used(session: Session, email: str, locale: str, *, by: str) -> None:
    with force_locale(locale):
        _post(session, email, gettext("The account behind glass was used"), gettext(
            "Somebody has just signed in at %(desk)s as %(email)s, the account for the day nobody gets in.",
            desk=_desk(), email=by), _from_where(), gettext(
            "If none of you did this on purpose, disable the account at once and end its sessions."))


def decided(session: Session, approval: Approval) -> Approval:
    """Two of the staff did something with a person's account: the person is told."""
    if approval.kind == second_factor.KIND and approval.state == "approved":
        user = session.get_one(User, UUID(approval.target_id))
        factor(session, "reset", user.email, user.locale)
    return approval


def _from_where() -> str:
    return f"{request.remote_addr or '—'} · {devices.browser_name(request.user_agent.string)}"


def _if_not_you() -> str:
    return str(gettext("If it was not you, choose a new password at once, which ends every session, and tell an"
                   " administrator:")) + f"\n\n{_link('/recovery')}"


def _post(session: Session, to: str, subject: str, *paragraphs: str) -> None:
    mail.post(session, to=to, subject=subject, text=_text(*paragraphs))


def _text(*paragraphs: str) -> str:
    return "\n\n".join(paragraphs) + "\n"


def _link(path: str) -> str:
    return f"{_desk()}{path}"


def _desk() -> str:
    return str(current_app.extensions["settings"].public_url).rstrip("/")
