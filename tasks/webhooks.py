"""Webhooks: a kind that calls outside, which claims, sends and finishes by rules of its own; and replays."""
from flask import Flask, current_app

from portal.core.jobs import Kind, register, register_outside
from portal.webhooks import replays, sender
from portal.webhooks.announce import KIND


def deliver_webhooks() -> int:
    """Send what is due; returns how many attempts ended."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return sender.drain(app.app_context)


register(
    Kind(replays.REPLAYS, replays.work, batch_max=4, failed=replays.failed),
    Kind("forget_replays", replays.forget, every_s=3600, batch_max=1),
)
register_outside(KIND, deliver_webhooks)
