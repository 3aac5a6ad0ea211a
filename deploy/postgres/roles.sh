#!/bin/sh
# Roles and the database on a PostgreSQL of your own, once, as its superuser; passwords from files or from the environment.
#   OWNER_PASSWORD=… APP_PASSWORD=… PGHOST=… PGUSER=postgres deploy/postgres/roles.sh
# In the postgres image it runs by itself at the first start. The owner migrates; the application's role owns nothing.
set -eu
read_or() { if [ -r "/run/secrets/$1" ]; then cat "/run/secrets/$1"; else printf %s "$2"; fi; }
owner=$(read_or owner_password "${OWNER_PASSWORD:-}")
app=$(read_or app_password "${APP_PASSWORD:-}")
[ -n "$owner" ] && [ -n "$app" ] || { echo "OWNER_PASSWORD and APP_PASSWORD are missing" >&2; exit 1; }
export PGUSER="${PGUSER:-${POSTGRES_USER:-postgres}}"
psql -X -q -v ON_ERROR_STOP=1 -v owner="$owner" -v app="$app" -d postgres <<'SQL'
SELECT 'CREATE ROLE quittance_owner' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'quittance_owner') \gexec
SELECT 'CREATE ROLE quittance_app' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'quittance_app') \gexec
ALTER ROLE quittance_owner LOGIN NOCREATEDB PASSWORD :'owner';
ALTER ROLE quittance_owner SET lock_timeout = '5s';
ALTER ROLE quittance_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'app';
ALTER ROLE quittance_app SET statement_timeout = '5s';
ALTER ROLE quittance_app SET lock_timeout = '2s';
ALTER ROLE quittance_app SET idle_in_transaction_session_timeout = '10s';
SELECT 'CREATE DATABASE quittance OWNER quittance_owner'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'quittance') \gexec
SQL
