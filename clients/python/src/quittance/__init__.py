"""Client of a Quittance desk: payins, payouts, balances and signed webhooks, blocking or asynchronous."""
from quittance.aio.client import AsyncQuittance
from quittance.blocking.client import Quittance
from quittance.core import VERSION, Call, Retries
from quittance.errors import (
    BadSignature,
    Conflict,
    ExternalIdTaken,
    Forbidden,
    IdempotencyKeyReused,
    InsufficientFunds,
    Invalid,
    InvalidTransition,
    NoAnswer,
    NotFound,
    QuittanceError,
    Refused,
    TooManyRequests,
    Unauthorized,
    Unavailable,
)
from quittance.webhooks import Webhook

__version__ = VERSION
__all__ = [
    "AsyncQuittance", "BadSignature", "Call", "Conflict", "ExternalIdTaken", "Forbidden", "IdempotencyKeyReused",
    "InsufficientFunds", "Invalid", "InvalidTransition", "NoAnswer", "NotFound", "Quittance", "QuittanceError",
    "Refused", "Retries", "TooManyRequests", "Unauthorized", "Unavailable", "Webhook"]
