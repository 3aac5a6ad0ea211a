"""The command line: one module per group of commands. Answers go to stdout, logs to stderr."""
from flask import Flask


def register(app: Flask) -> None:
    from portal.cli import audit, config, demo, jobs, keys, ledger, orders, users

    for module in (audit, config, demo, jobs, keys, ledger, orders, users):
        app.cli.add_command(module.group)
