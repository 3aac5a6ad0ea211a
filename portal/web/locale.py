"""Which language and time zone a page is written in, and how its reader changes the language."""
from pathlib import Path

from flask import Flask, Response, has_request_context, request
from flask_babel import Babel

from portal.core import typed_amounts
from portal.web.identity import current_actor

LANGUAGES = {"en": "English", "ru": "Русский"}
THEMES = ("light", "dark", "system")
YEAR_S = 365 * 24 * 3600
TRANSLATIONS = Path(__file__).resolve().parents[2] / "translations"


def language() -> str:
    """What was chosen here (`?lang=ru`, remembered in a cookie), else the user's own, else what the browser asks for.

    The choice made in this browser stands first: else the switch on every page would do nothing for a signed-in user.
    """
    if not has_request_context():
        return "en"
    for chosen in (request.args.get("lang"), request.cookies.get("lang")):
        if chosen is not None and chosen in LANGUAGES:
            return chosen
    actor = current_actor()
    if actor is not None and actor.locale in LANGUAGES:
        return actor.locale
    return request.accept_languages.best_match(list(LANGUAGES)) or "en"


def decimal_mark() -> str:
    """What stands before the fraction of an amount for who is reading."""
    return "," if language() == "ru" else "."


def time_zone() -> str:
    actor = current_actor() if has_request_context() else None
    return actor.time_zone if actor is not None else "UTC"


def theme() -> str:
    """`light`, `dark`, or `system`: the visitor's device decides."""
    for chosen in (request.args.get("theme"), request.cookies.get("theme")):
        if chosen is not None and chosen in THEMES:
            return chosen
    return "system"


def init_babel(app: Flask) -> None:
    """Pages speak English and Russian; `?lang=` and `?theme=` on any page are remembered for a year."""
    app.config.setdefault("BABEL_TRANSLATION_DIRECTORIES", str(TRANSLATIONS))
    typed_amounts.use_mark(decimal_mark)
    Babel(app, default_locale="en", locale_selector=language, timezone_selector=time_zone)

    @app.after_request
    def remember(response: Response) -> Response:
        for name, allowed in (("lang", LANGUAGES), ("theme", THEMES)):
            chosen = request.args.get(name)
            if chosen is not None and chosen in allowed and request.method == "GET":
                response.set_cookie(name, chosen, max_age=YEAR_S, samesite="Lax", secure=request.is_secure)
        return response
