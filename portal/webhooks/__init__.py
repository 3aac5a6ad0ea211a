"""What stores are told: endpoints, events, deliveries, signature, sender.

Others use `announce` (or `ANNOUNCED`, in a statement of their own) inside a step's transaction, `service` and `queries`
behind a door, `configure` once.
"""
from portal.webhooks.addresses import configure
from portal.webhooks.announce import ANNOUNCED, Announcement, announce, wake
from portal.webhooks.kept import kept, links_by, told

__all__ = ["ANNOUNCED", "Announcement", "announce", "configure", "kept", "links_by", "told", "wake"]
