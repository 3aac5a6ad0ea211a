"""Quittance, a desk for peer-to-peer payments. `create_app` puts the rooms together."""
from typing import TYPE_CHECKING

from flask import Flask

from portal.settings import Settings, load

if TYPE_CHECKING:
    from portal.gateway import Desk

BODY_MAX = 1024 * 1024
FORM_MEMORY_MAX = 64 * 1024
FORM_PARTS_MAX = 50
WATCH_CONNECTIONS = 3  # of a worker, beside its threads' own: tasks/watch.py


def create_app(settings: Settings | None = None, *, process: str = "web") -> Flask:
    """The application: for the web, a worker and the command line alike. `process`: web or worker."""
    from portal import imports, live_settings, privacy, reference, tables, treasury, webhooks
    from portal.core import breached, clock, money, retention, site
    from portal.gateway.dispatch import Desk
    from portal.parties import key_invalidation

    settings = settings or load()
    app = Desk("portal", root_path=None, template_folder="../templates", static_folder="../static",
                static_url_path="/static")
    assert tables
    assert imports  # imported for what they register: what an approved file and an approved deposit do
    assert treasury
    assert privacy
    app.config.update(
        MAX_CONTENT_LENGTH=BODY_MAX,
        MAX_FORM_MEMORY_SIZE=FORM_MEMORY_MAX, MAX_FORM_PARTS=FORM_PARTS_MAX, TRUSTED_HOSTS=settings.hosts,
        TESTING=settings.app_env == "test",
        PREFERRED_URL_SCHEME="https" if settings.https else "http", SQLALCHEMY_TRACK_MODIFICATIONS=False)
    _begin(app, settings, process, more=WATCH_CONNECTIONS if process == "worker" else 0)
    live_settings.use(app, settings)
    key_invalidation.configure(settings.sqlalchemy_url, settings.direct_url)
    clock.use_zone(settings.time_zone)
    retention.configure(settings.retained_days)
    breached.use(settings.breached_passwords_file)
    site.use(settings.public_url)
    money.ask_for_exponents(reference.exponent)
    reference.configure(rate_max_age_s=settings.rate_max_age_s)
    webhooks.configure(http=settings.http_webhooks, allowed_networks=settings.webhook_allowed_networks)

    if process == "web":
        _open_the_doors(app, settings)
    return app


def create_lookout(settings: Settings) -> Flask:
    """The application of a process that only looks whether there is work: the database, and no room of the desk."""
    app = Flask("portal", root_path=None, static_folder=None)
    app.config.update(SQLALCHEMY_TRACK_MODIFICATIONS=False)
    _begin(app, settings, "worker")
    return app


def _begin(app: Flask, settings: Settings, process: str, *, more: int = 0) -> None:
    """What any process has: its log, where its errors go, its settings, `more` connections than others."""
    from portal.core import db, logging, metrics, request_log

    logging.configure(settings.log_level)
    request_log.start_sentry(settings.sentry_dsn.get_secret_value() if settings.sentry_dsn else None, settings.app_env)
    app.extensions["settings"] = settings
    db.connect(app, url=settings.sqlalchemy_url, process=process, pool_size=settings.database_pool_size + more,
               prepared=settings.database_prepared)
    with app.app_context():
        metrics.watch_pool()


def _open_the_doors(app: "Desk", settings: Settings) -> None:
    """Pages, calls and commands. A worker needs none of them, nor the 11 MB they take."""
    from portal import cli, gateway, web
    from portal.web import forwarded, headers, health

    named = health.by_any_name(settings.hosts[0], app.wsgi_app)
    app.wsgi_app = forwarded.behind(settings.proxy_hops, named)  # type: ignore[method-assign, assignment]
    web.register(app, settings)
    gateway.register(app, headers=headers.of_the_gateway(https=settings.https))
    cli.register(app)
    web.guard(app)
