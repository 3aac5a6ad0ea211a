"""`flask users create|password|reset-factor|disable|break-glass`: the first administrator, and whom no page can help.

Whoever has the shell has the database: what is done here asks for no second person. It is audited as the system's, and
the one it is done for is told.
"""
from uuid import UUID

import click
from flask.cli import AppGroup
from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.access import SYSTEM, TEMPLATES
from portal.core.commands import bind
from portal.core.db import transaction
from portal.core.errors import Invalid, PortalError
from portal.core.names import email_sought
from portal.parties import break_glass as glass
from portal.parties import invitations, queries, second_factor, users
from portal.parties.commands import CreateUser, DisableUser, MoveUser
from portal.parties.models import Merchant, Trader, User

group = AppGroup("users", help="People who sign in.")


@group.command("create")
@click.option("--email", required=True)
@click.option("--name", default="")
@click.option("--template", "template", required=True, type=click.Choice(sorted(TEMPLATES)))
@click.option("--merchant", "merchant_name", help="Name of the merchant of a merchant's user.")
@click.option("--trader", "trader_name", help="Name of the trader of a trader's user.")
@click.option("--locale", default="en", type=click.Choice(["en", "ru"]))
@click.option("--time-zone", default="UTC")
@click.password_option("--password", envvar="NEW_PASSWORD", help="Asked for when not given in NEW_PASSWORD.")
def create(email: str, name: str, template: str, merchant_name: str | None, trader_name: str | None, locale: str,
           time_zone: str, password: str) -> None:
    """Make an account; the template says what it may do."""
    sent = {"email": email, "name": name or email.partition("@")[0], "template": template, "locale": locale,
            "time_zone": time_zone, "password": SecretStr(password)}
    try:
        with transaction() as session:
            merchant = select(Merchant.id).where(Merchant.name == merchant_name)
            trader = select(Trader.id).where(Trader.name == trader_name)
            belongs = {"merchant_id": session.scalars(merchant).one_or_none() if merchant_name else None,
                       "trader_id": session.scalars(trader).one_or_none() if trader_name else None}
            user = users.create(session, SYSTEM, bind(CreateUser, sent, **belongs))
    except PortalError as error:
        raise click.ClickException(sentence(error)) from None
    click.echo(f"{user.email} may sign in as {template}")


@group.command("password")
@click.argument("email")
@click.option("--reason", required=True)
def give_password(email: str, reason: str) -> None:
    """A password for one sign-in, shown this once, for who cannot get one from another administrator.

    All their sessions end; the audit says that it came from the shell, and they are told so as they sign in.
    """
    try:
        with transaction() as session:
            command = MoveUser(user_id=_user_id(session, email), reason=reason)
            _, password = invitations.give_password(session, SYSTEM, command)
    except PortalError as error:
        raise click.ClickException(sentence(error)) from None
    click.echo(f"For one sign-in within a day, then {email} chooses their own:")
    click.echo(password)


@group.command("reset-factor")
@click.argument("email")
@click.option("--reason", required=True)
def reset_factor(email: str, reason: str) -> None:
    """Take a second factor away, for who has lost it and whom no two administrators can help.

    All their sessions end; the audit says that it came from the shell, and they are told so as they sign in.
    """
    try:
        with transaction() as session:
            second_factor.ask_reset(session, SYSTEM, MoveUser(user_id=_user_id(session, email), reason=reason))
    except PortalError as error:
        raise click.ClickException(sentence(error)) from None
    click.echo(f"{email} signs in by the password alone now, and sets up another")


@group.command("disable")
@click.argument("email")
@click.option("--reason", required=True)
def disable(email: str, reason: str) -> None:
    """End their sessions at once; they cannot sign in any more."""
    try:
        with transaction() as session:
            users.disable(session, SYSTEM, DisableUser(user_id=_user_id(session, email), reason=reason))
    except PortalError as error:
        raise click.ClickException(sentence(error)) from None
    click.echo(f"{email} is disabled")


@group.command("break-glass")
@click.argument("email")
@click.option("--off", is_flag=True, help="An account like any other again.")
@click.option("--reason", required=True)
def break_glass(email: str, off: bool, reason: str) -> None:
    """Mark an administrator's account as the one for the day nobody gets in: let in from any network, an hour at a
    time, and every use sounds an alarm."""
    try:
        with transaction() as session:
            glass.mark(session, SYSTEM, _user_id(session, email), on=not off, reason=reason)
    except PortalError as error:
        raise click.ClickException(sentence(error)) from None
    click.echo(f"{email} is {'an account like any other' if off else 'behind glass'} now")


def _user_id(session: Session, email: str) -> UUID:
    user = session.scalar(queries.users_visible_to(SYSTEM).where(User.email == email_sought(email)))
    if user is None:
        raise click.ClickException(f"nobody has the e-mail address {email}")
    return user.id


def sentence(error: PortalError) -> str:
    """What is wrong, field by field."""
    fields = error.fields if isinstance(error, Invalid) else []
    return "; ".join([error.message, *(f"{field.field.strip('/')}: {field.message}" for field in fields)])
