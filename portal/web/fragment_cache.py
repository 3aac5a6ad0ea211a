"""How Jinja renders here, where it is hot: components called by the shortest way, rows of a list drawn once."""
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from types import FunctionType
from typing import Any

from flask_babel import get_locale, get_timezone
from jinja2.runtime import Context, Macro
from markupsafe import Markup

DRAWN_MAX = 3_000  # pieces of HTML of about 1.2 KB each

_drawn: OrderedDict[tuple[Any, ...], Markup] = OrderedDict()
_drawing = Lock()


class ShortCalls(Context):
    """A list of seventy rows makes three thousand calls: macros and plain functions need none of Jinja's questions."""

    def call(__self, __obj: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        kind = type(__obj)
        if kind is Macro:
            kwargs.pop("_block_vars", None)
            kwargs.pop("_loop_vars", None)
            return __obj(__self.eval_ctx, *args, **kwargs)
        if kind is FunctionType and not hasattr(__obj, "jinja_pass_arg"):
            kwargs.pop("_block_vars", None)
            kwargs.pop("_loop_vars", None)
            return __obj(*args, **kwargs)
        return super().call(__obj, *args, **kwargs)


def drawing_once() -> Callable[..., Markup]:
    """For a list: `{% set once = drawing_once() %} … {% call once("row", id, version) %}` draws a piece only when its
    key is another.

    The key names everything the piece shows, whose it is by the id, and how new by the version; language and time zone
    are added here. Nothing in it may tell the time or belong to one browser (a CSRF token). What was shown last stays,
    in this process.
    """
    reader = str(get_locale()), str(get_timezone())

    def once(*key: Any, caller: Callable[[], Markup]) -> Markup:
        whole = (*key, *reader)
        with _drawing:
            known = _drawn.get(whole)
            if known is not None:
                _drawn.move_to_end(whole)
                return known
        drawn = caller()
        with _drawing:
            _drawn[whole] = drawn
            if len(_drawn) > DRAWN_MAX:
                _drawn.popitem(last=False)
        return drawn

    return once
