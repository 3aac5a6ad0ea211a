"""The desk for a WSGI server and for `flask`."""
import atexit

from portal import create_app
from portal.core import jobs, page_events
from portal.gateway import call_log
from tasks import registry
from tasks.app import settings
from tasks.wakeups import poke

assert registry.ALL  # what the work registers, such as checks and kinds of approval
app = create_app(settings)
jobs.poke_with(poke)
page_events.connect(settings.redis_url.get_secret_value())
atexit.register(call_log.start(app).close)
