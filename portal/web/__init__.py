"""The portal's doors, cut by role: server-rendered pages over the shared services."""
from collections.abc import Iterator

from flask import Blueprint, Flask, g

from portal.settings import Settings
from portal.web.guard import guard

__all__ = ["guard", "register"]


def register(app: Flask, settings: Settings) -> None:
    """Everything a page needs, then the pages themselves."""
    from portal.core import request_log
    from portal.web import (
        behind,
        components,
        csrf,
        error_handlers,
        headers,
        identity,
        limits,
        locale,
        request,
        request_hooks,
    )

    @app.before_request
    def begin() -> None:
        g.request_id = request_log.begin()

    request.register(app)
    request_hooks.log_requests(app)
    headers.register(app, https=settings.https)
    identity.register(app, settings)
    limits.register(app, settings)
    behind.register(app, settings)
    csrf.register(app, settings)
    locale.init_babel(app)
    components.init_templates(app)
    error_handlers.register(app)
    for blueprint in (*_rooms(), *(_of_development() if not settings.production else ())):
        app.register_blueprint(blueprint)


def _rooms() -> Iterator[Blueprint]:
    from portal.web.admin import blueprints as admin
    from portal.web.announcements import bp as announcements
    from portal.web.auth import blueprints as auth
    from portal.web.checkout import blueprints as checkout
    from portal.web.docs import blueprints as docs
    from portal.web.files import bp as files
    from portal.web.health import bp as health
    from portal.web.join import bp as join
    from portal.web.merchant import blueprints as merchant
    from portal.web.notices import bp as notices
    from portal.web.paused import bp as paused
    from portal.web.status import bp as status
    from portal.web.trader import blueprints as trader
    from portal.web.well_known import bp as well_known

    yield from (health, status, well_known, files, paused, notices, announcements, join)
    yield from (*auth, *docs, *checkout, *trader, *merchant, *admin)


def _of_development() -> Iterator[Blueprint]:
    from portal.web.admin.demo import bp as simulator
    from portal.web.dev import bp as dev
    from portal.web.shop import blueprints as shop

    yield from (dev, simulator, *shop)
