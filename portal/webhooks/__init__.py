"""What stores are told: endpoints, events, deliveries, signature, sender.

Others use `announce` inside a step's transaction, `service` and `queries` behind a door, `configure` once.
"""
from portal.webhooks.addresses import configure
from portal.webhooks.announce import Announcement, announce
from portal.webhooks.kept import kept, links_by, told

__all__ = ["Announcement", "announce", "configure", "kept", "links_by", "told"]
