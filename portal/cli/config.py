"""`flask config show`: what the desk runs with, secrets masked."""
import click
from flask import current_app
from flask.cli import AppGroup
from pydantic import SecretStr

group = AppGroup("config", help="What the desk runs with.")


@group.command("show")
def show() -> None:
    """Every setting and who gave it, one a line; secrets masked."""
    settings = current_app.extensions["settings"]
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        said = "********" if isinstance(value, SecretStr) else "" if value is None else value
        click.echo(f"{name.upper()}={said}  # {settings.origin(name)}")
