"""The desk for a WSGI server and for `flask`."""
from portal import create_app
from portal.core import jobs, live
from tasks.app import settings
from tasks.waker import poke

app = create_app(settings)
jobs.poke_with(poke)
live.connect(settings.redis_url.get_secret_value())
