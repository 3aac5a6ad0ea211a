"""The desk for a WSGI server and for `flask`."""
from portal import create_app
from portal.core import jobs
from tasks.app import settings
from tasks.waker import poke

app = create_app(settings)
jobs.poke_with(poke)
