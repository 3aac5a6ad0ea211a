"""`/live`: streams that tell open pages what has changed, by name only. Served by `asgi.py`; without it pages poll.

`endpoint` lets in and writes the stream, `hub` hears Redis and passes on, `audience` knows who may listen to what.
"""
from portal.server.live.endpoint import Live

__all__ = ["Live"]
