"""`flask demo load`: a desk to look at; `flask demo live`: one that lives. Refused in production."""
import os
import secrets
import time

import click
from flask import current_app
from flask.cli import AppGroup

from portal.core import clock
from portal.core.db import reader, transaction
from portal.core.errors import Rejected

group = AppGroup("demo", help="Demo data, in development and tests only.")
PASSWORD = "quittance-demo-password"


@group.command("load")
@click.option("--if-empty", is_flag=True, help="Do nothing where there are people already.")
@click.option("--demo-public", is_flag=True, help="A random password instead of the known one; it is printed.")
def load(if_empty: bool, demo_public: bool) -> None:
    """Two merchants, five traders, their staff and a day of orders."""
    from portal.demo import day
    from portal.demo import load as cast

    if current_app.extensions["settings"].production:
        raise click.ClickException("Demo data is refused in production.")
    if if_empty and not cast.is_empty(reader()):
        click.echo("there are people already; nothing was loaded")
        return
    reader().rollback()
    password = secrets.token_urlsafe(18) if demo_public else os.environ.get("DEMO_PASSWORD") or PASSWORD
    try:
        with clock.moved(day.BEGINS), transaction() as session:
            desk = cast.load(session, password)
    except Rejected as refused:
        raise click.ClickException(refused.message) from None
    day.play(desk)
    click.echo("demo data is loaded" + (f"; the password is {password}" if demo_public else ""))


@group.command("live")
def live() -> None:
    """Let simulated customers and traders work, until stopped."""
    from random import SystemRandom

    from portal.demo import simulator

    if current_app.extensions["settings"].production:
        raise click.ClickException("The simulator is refused in production.")
    while True:
        simulator.tick(SystemRandom())
        time.sleep(simulator.EVERY_S)
