"""The command line: one module per group of commands. Answers go to stdout, logs to stderr."""
import os

from flask import Flask


def register(app: Flask) -> None:
    from portal.cli import (
        audit,
        config,
        crypto,
        demo,
        doctor,
        history,
        jobs,
        keys,
        ledger,
        notices,
        orders,
        privacy,
        rates,
        tokens,
        users,
        webhooks,
    )

    if os.environ.get("FLASK_RUN_FROM_CLI"):  # `flask db`; a server needs no Alembic, which is 10 MB of it
        from flask_migrate import Migrate

        from portal.core.db import db

        Migrate(app, db)
    for module in (audit, config, crypto, demo, doctor, history, jobs, keys, ledger, notices, orders, privacy, rates,
                   tokens, users, webhooks):
        app.cli.add_command(module.group)
