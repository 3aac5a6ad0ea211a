"""The command line: one module per group of commands. Answers go to stdout, logs to stderr."""
import os

from click import Command, Context
from flask import Flask
from flask.cli import AppGroup


class Groups(AppGroup):
    """Of the desk; imported when somebody asks for a command, which a server never does."""

    def list_commands(self, ctx: Context) -> list[str]:
        self._have()
        return super().list_commands(ctx)

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        self._have()
        return super().get_command(ctx, cmd_name)

    def _have(self) -> None:
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

        for module in (audit, config, crypto, demo, doctor, history, jobs, keys, ledger, notices, orders, privacy,
                       rates, tokens, users, webhooks):
            self.add_command(module.group)


def register(app: Flask) -> None:
    app.cli = Groups(app.name)

    if os.environ.get("FLASK_RUN_FROM_CLI"):  # `flask db`; a server needs no Alembic, which is 10 MB of it
        from flask_migrate import Migrate

        from portal.core.db import db

        Migrate(app, db)
