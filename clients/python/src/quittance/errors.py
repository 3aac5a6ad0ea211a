"""What can go wrong: no answer, a refusal with its stable code, or a message that the desk did not sign."""
from collections.abc import Mapping
from typing import Any


class QuittanceError(Exception):
    """Anything of this package."""


class NoAnswer(QuittanceError):
    """Nobody knows whether the call arrived. Send it again under `idempotency_key`: it is done once at most."""

    def __init__(self, why: Exception, idempotency_key: str | None) -> None:
        super().__init__(f"no answer: {why!r}")
        self.idempotency_key = idempotency_key


class BadSignature(QuittanceError):
    """A webhook that the desk did not sign with this secret, or that is too old: answer 400 and do nothing."""


class Refused(QuittanceError):
    """The desk said no: `code` is stable, `detail` is for people, `request_id` is what to tell its operator."""

    def __init__(self, status: int, problem: Mapping[str, Any], retry_after_s: float | None = None,
                 idempotency_key: str | None = None) -> None:
        self.status, self.problem = status, problem
        self.code = str(problem.get("code") or "no_problem_document")
        self.detail = str(problem.get("detail") or problem.get("title") or f"status {status}")
        self.request_id = str(problem.get("request_id") or "")
        self.retryable = bool(problem.get("retryable"))
        self.retry_after_s, self.idempotency_key = retry_after_s, idempotency_key
        super().__init__(f"{status} {self.code}: {self.detail} ({self.request_id or 'no request id'})")

    @property
    def fields(self) -> dict[str, str]:
        """What is wrong with which field of the request, by JSON pointer."""
        return {one["field"]: one["message"] for one in self.problem.get("errors") or ()}


class Unauthorized(Refused):
    """401: no key, an unknown one, or one that has ended."""


class Forbidden(Refused):
    """403: a scope, a network or a suspended store."""


class NotFound(Refused):
    """404: nothing of yours has this id."""


class Conflict(Refused):
    """409: the order does not stand as the call needs it."""


class ExternalIdTaken(Conflict):
    """There is an order with this `external_id`: its id."""

    @property
    def order_id(self) -> str:
        return str(self.problem["order_id"])


class InsufficientFunds(Conflict):
    """The store's balance does not cover amount and fee."""


class InvalidTransition(Conflict):
    """The order has moved on: get it and look."""


class Invalid(Refused):
    """422: see `fields`."""


class IdempotencyKeyReused(Invalid):
    """This key was used with another body: a mistake of the caller's, never to be tried again as it is."""


class TooManyRequests(Refused):
    """429, after all tries: see `retry_after_s`."""


class Unavailable(Refused):
    """5xx, after all tries: send it again later under the same `idempotency_key`."""


BY_STATUS: dict[int, type[Refused]] = {
    401: Unauthorized, 403: Forbidden, 404: NotFound, 409: Conflict, 422: Invalid, 429: TooManyRequests}
BY_CODE: dict[str, type[Refused]] = {
    "external_id_taken": ExternalIdTaken, "insufficient_funds": InsufficientFunds,
    "invalid_transition": InvalidTransition, "idempotency_key_reused": IdempotencyKeyReused}


def refused(status: int, problem: Mapping[str, Any], retry_after_s: float | None, key: str | None) -> Refused:
    """The most exact of the classes above."""
    kind = BY_CODE.get(str(problem.get("code"))) or BY_STATUS.get(status) or (Unavailable if status >= 500 else Refused)
    return kind(status, problem, retry_after_s, key)
