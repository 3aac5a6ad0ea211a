"""Secrets that change while a process runs: read anew on SIGHUP, used from the next call on.

Who asks for a change that wants a restart is told so by name in the log; what cannot be read changes nothing.
"""
import signal
import threading
from base64 import b64decode
from collections.abc import Callable

import structlog
from flask import Flask

from portal.safes import SafeClosed
from portal.setting_checks import each
from portal.settings import BadSettings, Settings, load

LIVE = frozenset({
    "secret_key", "master_keys", "fingerprint_key", "payment_link_key", "huey_key", "smtp_password", "metrics_token",
    "telegram_bot_token", "push_key", "operator_webhook_secret", "files_s3_access_key", "files_s3_secret_key",
    "vault_token", "vault_role_id", "vault_secret_id"})
"""The others open connections that stand: the database's, Redis's, Sentry's."""
RENEW_AFTER_FAILURE_S = 30.0
log = structlog.get_logger("settings")
_listeners: list[Callable[[Settings], None]] = []
_turn = threading.Lock()
Use = Callable[[Flask, Settings], None]


def when_changed(use: Callable[[Settings], None]) -> None:
    """Also called with each change, after the rooms have theirs: for what stands above the application."""
    _listeners.append(use)


def use(app: Flask, settings: Settings) -> None:
    """Give every room the secrets of these settings: at start, and again when they were read anew."""
    from portal import files, mail
    from portal.core import crypto
    from portal.orders.intake import store_terms

    crypto.use(master=crypto.Keyring.parse(settings.master_keys.get_secret_value()),
               fingerprint_keys=[b64decode(text) for text in each(settings.fingerprint_key)],
               link_keys=[b64decode(text) for text in each(settings.payment_link_key)])
    store_terms.forget()  # a remembered seal may be of a key that was dropped now
    keys = signing_keys(settings)
    app.config.update(SETTINGS=settings, SECRET_KEY=keys[-1], WTF_CSRF_SECRET_KEY=keys)
    app.extensions["settings"] = settings
    if (cookies := getattr(app.session_interface, "sign_with", None)) is not None:
        cookies(keys)
    files.configure(files.chosen(settings))
    files.use_scanner(settings.clamd_address)
    mail.configure(mail.Server(
        settings.smtp_host, settings.smtp_port, settings.smtp_security, settings.mail_from, settings.smtp_user,
        settings.smtp_password.get_secret_value() if settings.smtp_password else None) if settings.smtp_host else None,
        kept_to_be_seen=not settings.production)
    _tell_people(settings)


def signing_keys(settings: Settings) -> list[str]:
    """As itsdangerous wants them: the last one signs, all are accepted."""
    return each(settings.secret_key)[::-1]


def reread(app: Flask, *, use: Use = use) -> bool:
    """Once, whoever asks; False where it could not be read and everything stays as it was."""
    with _turn:
        now: Settings = app.extensions["settings"]
        try:
            fresh = load()
        except BadSettings as error:
            log.error("settings_not_read_anew", wrong=error.wrong)
            return False
        changed = {name for name in Settings.model_fields if getattr(now, name) != getattr(fresh, name)}
        live = {name: getattr(fresh, name) for name in changed & LIVE}
        if waiting := sorted(changed - LIVE):
            log.warning("settings_want_a_restart", settings=[name.upper() for name in waiting])
        made = now.model_copy(update=live)
        made._safe, made._origins = fresh.safe, fresh._origins
        use(app, made)
        for listener in _listeners:
            listener(made)
        log.info("settings_read_anew", changed=sorted(name.upper() for name in live))
        return True


def use_bare(app: Flask, settings: Settings) -> None:
    """Likewise, where there are no rooms."""
    app.extensions["settings"] = settings


def begin(app: Callable[[], Flask], *, use: Use = use) -> None:
    """SIGHUP reads anew from now on, in a thread: a safe may be slow. And what opens the safe is kept alive."""
    signal.signal(signal.SIGHUP, lambda *_: threading.Thread(
        target=lambda: reread(app(), use=use), name="settings", daemon=True).start())
    threading.Thread(target=lambda: _keep_open(app), name="safe", daemon=True).start()


def _keep_open(app: Callable[[], Flask], stop: threading.Event | None = None) -> None:
    """Renew at half of each lease, for as long as the process lives."""
    stop = stop or threading.Event()
    again: float | None = 0.0
    while again is not None and not stop.wait(again):
        safe = app().extensions["settings"].safe
        try:
            again = safe.renew() if safe is not None else None
        except SafeClosed as error:
            log.error("safe_not_renewed", said=str(error))
            again = RENEW_AFTER_FAILURE_S


def _tell_people(settings: Settings) -> None:
    """By which channels this desk can, beside the portal and mail."""
    from portal import notices
    from portal.core import web_push
    from portal.notices import push, telegram
    from portal.webhooks import operator

    token, secret, key = settings.telegram_bot_token, settings.operator_webhook_secret, settings.push_key
    notices.configure(public_url=settings.public_url, telegram=token is not None, push=key is not None,
                      operator=secret is not None)
    push.configure(web_push.Sender(web_push.read_key(key.get_secret_value()),
                                   settings.security_contact or settings.public_url) if key else None)
    telegram.configure(telegram.Bot(token.get_secret_value(), settings.telegram_bot_name or "",
                                    settings.telegram_api_url) if token else None)
    operator.configure(operator.Address(settings.operator_webhook_url or "", tuple(each(secret))) if secret else None)
