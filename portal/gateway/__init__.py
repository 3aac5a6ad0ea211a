"""The JSON gateway for stores: keys, scopes, limits, idempotency, problems. `register` mounts it on the app."""
from flask import Flask

__all__ = ["register"]


def register(app: Flask) -> None:
    """The calls under /gateway/v1, and JSON answers for everything else under /gateway/."""
