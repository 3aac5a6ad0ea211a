"""The JSON gateway for stores: keys, scopes, limits, idempotency, problems. `register` mounts it on the app."""
from collections.abc import Mapping

from portal.gateway.dispatch import Desk

__all__ = ["Desk", "register"]


def register(app: Desk, *, headers: Mapping[str, str]) -> None:
    """The calls under /gateway/v1, and problem documents for everything else under /gateway/."""
    from portal.gateway import (
        balance,
        deliveries,
        disputes,
        document,
        endpoint,
        payins,
        payouts,
        problems,
        quote,
        rate_limits,
        reference,
        seen_signatures,
        tokens,
        webhooks,
    )

    # they put their calls on the blueprint
    assert all((balance, deliveries, disputes, document, payins, payouts, quote, reference, tokens, webhooks))
    app.register_blueprint(endpoint.bp)
    app.gateway_headers = headers
    app.extensions["openapi"] = lambda: document.whole(app)  # for the pages of /docs, which may not import us
    problems.register(app)
    rate_limits.register(app)
    seen_signatures.register(app)
