"""Routes whose URLs are spelt by code that is written when somebody first asks for one.

werkzeug writes two functions for each route as it is added, and Flask's pages use one of them: 1 MB for our 480 routes,
and a tenth of a second of each start.
"""
from collections.abc import Callable
from typing import Any

from werkzeug import routing

Build = Callable[..., tuple[str, str]]


class Rule(routing.Rule):
    """As werkzeug's."""

    def _compile_builder(self, append_unknown: bool = True) -> Build:
        return _with_the_rest if append_unknown else _plain

    def written(self, name: str, *, append_unknown: bool) -> Build:
        """Two threads that ask at once write it twice, which does no harm."""
        build: Build = super()._compile_builder(append_unknown).__get__(self, None)
        setattr(self, name, build)
        return build


def _plain(rule: Rule, /, **values: Any) -> tuple[str, str]:
    return rule.written("_build", append_unknown=False)(**values)


def _with_the_rest(rule: Rule, /, **values: Any) -> tuple[str, str]:
    """What the route has no place for stands behind a question mark."""
    return rule.written("_build_unknown", append_unknown=True)(**values)
