"""Roles and the database inside the cluster: an owner that migrates, an application role that owns nothing."""
from launcher.postgres import Postgres

OWNER, APPLICATION, DATABASE = "quittance_owner", "quittance_app", "quittance"

ROLES = """
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{owner}') THEN CREATE ROLE {owner}; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{app}') THEN CREATE ROLE {app}; END IF;
END $$;
ALTER ROLE {owner} LOGIN {createdb} PASSWORD '{owner_password}';
ALTER ROLE {app} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '{app_password}';
ALTER ROLE {owner} SET lock_timeout = '5s';
ALTER ROLE {app} SET statement_timeout = '5s';
ALTER ROLE {app} SET lock_timeout = '2s';
ALTER ROLE {app} SET idle_in_transaction_session_timeout = '10s';
{also}
SELECT 1 FROM pg_database WHERE datname = '{database}';
"""


def prepare(server: Postgres, keys: dict[str, str], *, createdb: bool) -> None:
    """Make roles and database, or put their passwords and limits right. `createdb`: tests clone databases."""
    password = keys["postgres_password"]
    there = server.sql(ROLES.format(
        owner=OWNER, app=APPLICATION, database=DATABASE, createdb="CREATEDB" if createdb else "NOCREATEDB",
        # to drop a clone that the application is still connected to, its owner must be able to hang up
        also=f"GRANT {APPLICATION} TO {OWNER};" if createdb else "",
        owner_password=keys["owner_password"], app_password=keys["app_password"]), password=password)
    if there != "1":
        server.sql(f"CREATE DATABASE {DATABASE} OWNER {OWNER};", password=password)
