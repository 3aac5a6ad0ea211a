"""`flask webhooks listen`: test events on a developer's own machine, without an address on the internet."""
import os
import time
from datetime import timedelta
from pathlib import Path

import click
from flask.cli import AppGroup

from portal.core import clock
from portal.core.access import SYSTEM
from portal.core.db import reader
from portal.core.errors import NotFound
from portal.parties import queries as parties
from portal.webhooks import event_feed, signature
from portal.webhooks.event_feed import Local, Refusal, Remote
from portal.webhooks.listening import Listener, Place

group = AppGroup("webhooks", help="Webhooks on a developer's machine.")
EVERY_S = 1.0


@group.command("listen")
@click.option("--forward", required=True, help="Where to send them, as http://127.0.0.1:5000/quittance.")
@click.option("--desk", default="http://127.0.0.1:8000", show_default=True, help="The desk's address.")
@click.option("--key-from-env", default="QUITTANCE_KEY", show_default=True,
              help="The variable that holds a test key with the scope webhooks:manage.")
@click.option("--store", "slug", help="In place of a key: a store of this very desk, by its database.")
@click.option("--secret-from-env", help="The variable that holds the whsec_… to sign with; else a new one is printed.")
@click.option("--state", type=click.Path(dir_okay=False, path_type=Path), default=Path(".quittance-listen.json"),
              show_default=True, help="Where the next start learns how far this one came.")
@click.option("--since-minutes", type=click.IntRange(0, 43_000), default=0, help="At the first start: look back.")
@click.option("--once", is_flag=True, help="One look, then end; 1 where something was not taken.")
def listen(forward: str, desk: str, key_from_env: str, slug: str | None, secret_from_env: str | None, state: Path,
           since_minutes: int, once: bool) -> None:
    """Forward test events, signed as the real ones, until stopped; the next start goes on where this one ended."""
    try:
        feed, name = _feed(desk, key_from_env, slug)
        begin = (feed.open_inbox() or clock.now()) - event_feed.START_EARLIER - timedelta(minutes=since_minutes)
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from None
    place = Place.kept(state, name, begin)
    listener = Listener(feed.since, forward, _secret(secret_from_env), place, click.echo)
    while True:
        pause = EVERY_S
        try:
            listener.once()
            place.keep(state, name)
        except Refusal as refusal:
            if refusal.wait_s is None or once:
                raise click.ClickException(str(refusal)) from None
            click.echo(str(refusal), err=True)
            pause = refusal.wait_s
        if once:
            raise SystemExit(bool(listener.unsent))
        time.sleep(pause)


def _feed(desk: str, key_from_env: str, slug: str | None) -> tuple[Remote | Local, str]:
    if slug is not None:
        try:
            return Local(parties.store_by_slug(reader(), SYSTEM, slug).id), f"store {slug}"
        except NotFound:
            raise click.ClickException(f"there is no store {slug}") from None
    key = os.environ.get(key_from_env, "")
    if not key:
        raise click.ClickException(f"{key_from_env} holds no key; name a variable that does, or --store.")
    return Remote(desk, key), f"{desk} {key[:24]}"


def _secret(variable: str | None) -> str:
    if variable is None:
        secret = signature.new_secret()
        click.echo(f"the secret to verify with: {secret}", err=True)
        return secret
    secret = os.environ.get(variable, "")
    if not secret.startswith(signature.PREFIX):
        raise click.ClickException(f"{variable} holds no whsec_… secret")
    return secret
