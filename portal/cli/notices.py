"""`flask notices push-key`: a key by which push services know the desk."""
import click
from flask.cli import AppGroup

from portal.core import web_push

group = AppGroup("notices", help="By which channels people are told.")


@group.command("push-key")
def push_key() -> None:
    """A new PUSH_KEY. Browsers that were named with another are told no more, until they are named again."""
    click.echo(web_push.new_key())
