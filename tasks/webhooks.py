"""Webhooks: a kind that calls outside. It claims, sends and finishes by rules of its own."""
from flask import Flask, current_app

from portal.core.jobs import register_outside
from portal.webhooks import sender
from portal.webhooks.announce import KIND


def deliver_webhooks() -> int:
    """Send what is due; returns how many attempts ended."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return sender.drain(app.app_context)


register_outside(KIND, deliver_webhooks)
