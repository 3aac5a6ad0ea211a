"""Notices are told of what happened on the whole desk."""
import pytest
from flask import Flask


@pytest.fixture
def app(fresh_app: Flask) -> Flask:
    """A desk of its own: what other tests left to be told would be told here."""
    return fresh_app
