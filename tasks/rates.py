"""Rates from feeds: whose turn it is every few seconds, and the asking, which calls outside."""
from flask import Flask, current_app

from portal.core.jobs import Kind, register, register_outside
from portal.reference import fetching

PLAN_EVERY_S = 10  # the shortest interval


def fetch_rates() -> int:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return fetching.drain(app.app_context)


register(Kind(fetching.PLAN, fetching.plan, every_s=PLAN_EVERY_S, batch_max=1))
register_outside(fetching.KIND, fetch_rates)
