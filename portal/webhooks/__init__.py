"""What stores are told: endpoints, events, deliveries, signature, sender.

Others use `announce` (or `ANNOUNCED`, in a statement of their own) inside a step's transaction, `service` and `queries`
behind a door, `configure` once.
"""
from portal.core.outbound.addresses import configure
from portal.webhooks.announce import ANNOUNCED, Announcement, announce, wake
from portal.webhooks.payload import Names, kept_by, links_by, names_by

__all__ = ["ANNOUNCED", "Announcement", "Names", "announce", "configure", "kept_by", "links_by", "names_by", "wake"]
