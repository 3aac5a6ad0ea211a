"""Notices: what people are told, by which channel and when. An act says `notify(session, event, *to, **facts)`, one
statement in its own transaction; a job after it finds the people, asks what each has chosen and tells them.

`catalogue` is everything that people can be told of. Others use `notify`, `notify_all` and the audiences.
"""
from portal.notices.channels import configure
from portal.notices.happening import STAFF, Audience, Said, merchant, notify, notify_all, store, trader, user

__all__ = ["STAFF", "Audience", "Said", "configure", "merchant", "notify", "notify_all", "store", "trader", "user"]
