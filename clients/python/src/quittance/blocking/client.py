"""Made of quittance/aio/client.py by bin/clients: change that one."""
import time
from typing import Any, Self

import httpx

from quittance import core
from quittance.blocking.orders import Payins, Payouts
from quittance.blocking.others import Balance, Events, ReferenceData, WebhookDeliveries, WebhookEndpoints
from quittance.core import Call, Retries
from quittance.errors import NoAnswer, Refused


class Quittance:
    """One store's key on one desk. Keep it for the life of your program: it holds connections.

    Every call that is not a GET carries an `Idempotency-Key`, yours or one of its own, and so can be sent again after
    a broken connection or a refusal that says `retryable`; `Retry-After` is waited for. With the key's
    `signing_secret` each call is signed besides, every attempt anew.
    """

    def __init__(self, api_key: str, base_url: str, *, timeout_s: float = 30.0, retries: Retries | None = None,
                 signing_secret: str | None = None, transport: httpx.BaseTransport | None = None) -> None:
        self._http = httpx.Client(transport=transport, **core.settings(
            api_key, base_url, timeout_s=timeout_s, signing_secret=signing_secret))
        self._retries = retries or Retries()
        self.payins, self.payouts, self.balance = Payins(self), Payouts(self), Balance(self)
        self.webhook_endpoints, self.webhook_deliveries = WebhookEndpoints(self), WebhookDeliveries(self)
        self.events, self.reference = Events(self), ReferenceData(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def send(self, call: Call) -> Any:
        """Make a call, one of a newer desk than this package too. Raises Refused, NoAnswer."""
        attempt = 0
        while True:
            attempt += 1
            try:
                return core.result(call, self._http.request(**call.sent()))
            except Refused as problem:
                pause_s = core.wait_s(self._retries, attempt, problem)
                if pause_s is None:
                    raise
            except httpx.TransportError as broken:
                pause_s = core.wait_s(self._retries, attempt, broken)
                if pause_s is None:
                    raise NoAnswer(broken, call.key) from broken
            time.sleep(pause_s)
