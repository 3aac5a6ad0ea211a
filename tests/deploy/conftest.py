"""The record of a test's own database."""
from tests.tasks.conftest import record

__all__ = ["record"]
