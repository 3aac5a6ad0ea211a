"""`flask keys create|revoke`: API keys of a store."""
import click
from flask.cli import AppGroup
from sqlalchemy import select

from portal.cli.users import sentence
from portal.core.access import SCOPES, SYSTEM
from portal.core.commands import bind
from portal.core.db import transaction
from portal.core.errors import NotFound, PortalError
from portal.parties import keys, queries
from portal.parties.commands import CreateKey, RevokeKey
from portal.parties.models import ApiKey

group = AppGroup("keys", help="API keys of stores.")


@group.command("create")
@click.option("--store", "slug", required=True, help="The store's short name.")
@click.option("--mode", required=True, type=click.Choice(["live", "test"]))
@click.option("--scopes", default=",".join(SCOPES), show_default=True, help="Separated by commas.")
@click.option("--networks", default="", help="From where it may be used, as 203.0.113.0/24,…; default: anywhere.")
@click.option("--name", default="command line")
@click.option("--days", type=click.IntRange(1, 3650), help="How long it opens anything; default: until it is revoked.")
def create(slug: str, mode: str, scopes: str, networks: str, name: str, days: int | None) -> None:
    """Print the token alone on the last line. It is kept nowhere."""
    try:
        with transaction() as session:
            store = queries.store_by_slug(session, SYSTEM, slug)
            key, token = keys.create(session, SYSTEM, bind(CreateKey, {
                "name": name, "live": mode == "live", "scopes": _listed(scopes), "networks": _listed(networks),
                "lives_days": days},
                store_id=store.id))
    except NotFound:
        raise click.ClickException(f"there is no store {slug}") from None
    except PortalError as error:
        raise click.ClickException(sentence(error)) from None
    click.echo(f"key {key.public_id} of {slug} ({mode}): {' '.join(key.scopes)}", err=True)
    click.echo(token)


@group.command("revoke")
@click.argument("public_id")
@click.option("--reason", default="revoked at the command line")
def revoke(public_id: str, reason: str) -> None:
    """By the id in the middle of the token, qk_live_<id>_…"""
    with transaction() as session:
        found = session.scalar(select(ApiKey.id).where(ApiKey.public_id == public_id))
        if found is None:
            raise click.ClickException(f"there is no key {public_id}")
        keys.revoke(session, SYSTEM, RevokeKey(key_id=found, reason=reason))
    click.echo(f"key {public_id} is revoked")


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
